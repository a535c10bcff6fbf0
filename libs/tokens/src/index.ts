export * from './settings';
export * from './token-keys';
export * from './tokens';
