import type { ItemRef } from '@flux/contracts';

/** The keys of one item. All share one hash tag, so one script may touch them all in Redis Cluster. */
export interface ItemKeys {
  /** string: id of the product's open sale */
  readonly current: string;
  /**
   * hash: epoch, state, opens, closes, limit, hold, sequence, watermark, version; while it is being rebuilt, `rebuilding`
   * in place of sequence and watermark; `closedBy`, which attempt of a rebuild has closed it;
   * `server`, the run of the Redis on which it was last compared with the ledger
   */
  readonly item: string;
  /** string: units available */
  readonly stock: string;
  /** hash: order id -> packed record */
  readonly orders: string;
  /** hash: shopper -> units */
  readonly shoppers: string;
  /** set: ids of the waiting room's passes that accepted orders redeemed; a rejected order's stays until a rebuild */
  readonly passes: string;
  /** stream: one entry per accepting call or cancel intent, until settled */
  readonly outbox: string;
  /** hash: ids of applied stock changes, releases and late payments of this epoch */
  readonly changes: string;
  /** sorted set: watermark -> when the ledger had committed it */
  readonly timeline: string;
  /** hash: which relay reads the outbox, until when, and how far it has come */
  readonly lease: string;
  /**
   * channel: `stock` when units came back or the item changed state; `orders <watermark> <orderId>...` when the watermark
   * rose or states were written
   */
  readonly channel: string;
}

/** The only place that spells a key. Ids hold neither braces nor colons (contracts/ids), so keys cannot collide. */
export function itemKeys({ saleId, productId }: ItemRef): ItemKeys {
  const product = `{product:${productId}}`;
  const item = `${product}:${saleId}`;
  return {
    current: `${product}:current`,
    item: `${item}:item`,
    stock: `${item}:stock`,
    orders: `${item}:orders`,
    shoppers: `${item}:shoppers`,
    passes: `${item}:passes`,
    outbox: `${item}:outbox`,
    changes: `${item}:changes`,
    timeline: `${item}:timeline`,
    lease: `${item}:lease`,
    channel: `${item}:events`,
  };
}

export function currentKey(productId: string): string {
  return `{product:${productId}}:current`;
}

export function saleKey(saleId: string): string {
  return `sale:${saleId}`;
}

/** hash: why purchases of a sale were refused -> how many. */
export function refusalsKey(saleId: string): string {
  return `refusals:${saleId}`;
}

/** hash: `lists`, the rules of access as JSON, and `version`, another one for other rules. */
export const ACCESS_KEY = 'access';

/** What the buyers of a sale are told apart by in its report on concentration. */
export const SHARE_KINDS = ['network', 'address', 'device'] as const;
export type ShareKind = (typeof SHARE_KINDS)[number];

/** hashes: source -> units that it bought; string `salt`: what sources are hashed with. */
export function shareKeys(saleId: string): Readonly<Record<ShareKind | 'salt', string>> {
  const shares = `{shares:${saleId}}`;
  return {
    salt: `${shares}:salt`,
    network: `${shares}:network`,
    address: `${shares}:address`,
    device: `${shares}:device`,
  };
}

/** set of `<saleId>.<productId>`: the unfinished outboxes. */
export const OUTBOXES_KEY = 'outboxes';

/** hash: product id -> the ids of its sales, newest first, separated by spaces. The field `.` says it is written. */
export const CATALOGUE_KEY = 'catalogue';
