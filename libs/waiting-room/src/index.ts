export * from './draw';
export * from './room-codec';
export * from './room-config';
export * from './room-keys';
export * from './room.client';
export * from './tickets';
