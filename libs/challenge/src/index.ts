export * from './captcha-answer';
export * from './captcha-providers';
export * from './difficulty';
export * from './proof-of-work';
export * from './puzzle';
export * from './redemptions';
export * from './settings';
export * from './siteverify';
