export * from './answer-problem';
export * from './http-app';
export * from './open-api';
export * from './parse-input';
export * from './problem.filter';
export * from './to-problem';
