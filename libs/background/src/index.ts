export * from './backoff';
export * from './rounds';
