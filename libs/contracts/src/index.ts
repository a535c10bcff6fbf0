export * from './errors';
export * from './events/orders-accepted.v1';
export * from './ids';
export * from './order-status';
export * from './purchase';
export * from './sale';
