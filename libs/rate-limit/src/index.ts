export * from './limit-book';
export * from './limiter';
export * from './limiter-storage';
export * from './policy';
export * from './policy-setting';
export * from './settings';
export * from './source';
