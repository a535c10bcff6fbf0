export * from './audit-impossible';
export * from './audit-report';
export * from './audit-sale';
export * from './format-report';
export * from './history-lines';
export type { HistoryAnswer, HistoryEnd } from './client-history';
