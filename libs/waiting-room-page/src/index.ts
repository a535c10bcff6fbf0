export * from './page-config';
export * from './place-view';
export * from './render-place';
export * from './shop-address';
export * from './situation';
export * from './words';
