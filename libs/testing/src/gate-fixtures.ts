import { fingerprintOf, orderIdOf, type ItemRef } from '@flux/contracts';
import {
  Catalogue,
  decodeRecord,
  GateClient,
  GateRebuild,
  itemKeys,
  Outboxes,
  RedisConnection,
  redisSettings,
  Refusals,
  releaseIdOf,
  type OpenRequest,
  type OrderRecord,
  type RedisConfig,
  type Release,
  type ReserveRequest,
  type Vouching,
} from '@flux/gate';
import { randomUUID } from 'node:crypto';

/** An item that no other test knows. */
export function randomItem(): ItemRef {
  return { saleId: `sale-${randomUUID().slice(0, 8)}`, productId: `product-${randomUUID().slice(0, 8)}` };
}

/** The gate's settings for a server of a test: patient, since test machines are busy; the rest as in production. */
export function gateConfig(
  url: string,
  overrides: Readonly<Partial<Record<keyof RedisConfig, string>>> = {},
): RedisConfig {
  return redisSettings.parse({ REDIS_URL: url, FLUX_REDIS_COMMAND_TIMEOUT_MS: '15000', ...overrides });
}

export interface PurchaseOptions {
  readonly shopperId?: string;
  readonly key?: string;
  readonly quantity?: number;
  readonly saleNamed?: boolean;
  /** Of the shopper's pass. */
  readonly passId?: string;
}

/** An id of a pass that no other test knows. */
export function randomPassId(): string {
  return randomUUID().replaceAll('-', '').slice(0, 16);
}

/** A valid purchase of one shopper, by default a new one with a new key. */
export function purchase(
  { saleId, productId }: ItemRef,
  {
    shopperId = `shopper-${randomUUID()}`,
    key = randomUUID(),
    quantity = 1,
    saleNamed = false,
    passId,
  }: PurchaseOptions = {},
): ReserveRequest {
  const orderId = orderIdOf({ saleId, productId, shopperId, idempotencyKey: key });
  const fingerprint = fingerprintOf({ saleId, productId, quantity });
  return { saleId, productId, orderId, shopperId, quantity, fingerprint, saleNamed, passId };
}

/**
 * Opens an item now, for an hour, with 10 units, a limit of 10 units a shopper and a hold of 10 minutes, unless told
 * otherwise.
 */
export function opening(item: ItemRef, options: Partial<OpenRequest> = {}): OpenRequest {
  return {
    ...item,
    epoch: 1,
    available: 10,
    perShopperLimit: 10,
    opensAtMs: Date.now() - 60_000,
    closesAtMs: Date.now() + 3_600_000,
    holdMs: 600_000,
    ...options,
  };
}

export const ENDED_AT_MS = 1_800_000_000_000;

/** The end of an order, by default its expiry, that gives back all its units. */
export function endOf(
  { orderId, shopperId, quantity }: Pick<ReserveRequest, 'orderId' | 'shopperId' | 'quantity'>,
  options: Partial<Release> = {},
): Release {
  return {
    changeId: releaseIdOf(orderId),
    orderId,
    status: 'expired',
    shopperId,
    units: quantity,
    counted: quantity,
    changedAtMs: ENDED_AT_MS,
    ...options,
  };
}

/** A gate's clients on one connection, ready for use. */
export interface GateClients {
  readonly connection: RedisConnection;
  readonly gate: GateClient;
  readonly catalogue: Catalogue;
  readonly outboxes: Outboxes;
  readonly refusals: Refusals;
}

export async function connectGate(config: RedisConfig): Promise<GateClients> {
  const connection = new RedisConnection(config);
  await connection.whenReady();
  return {
    connection,
    gate: new GateClient(connection),
    catalogue: new Catalogue(connection),
    outboxes: new Outboxes(connection),
    refusals: new Refusals(connection),
  };
}

/** Every order's record, as it stands. */
export async function recordsOf(
  { client }: Pick<RedisConnection, 'client'>,
  item: ItemRef,
): Promise<ReadonlyMap<string, OrderRecord>> {
  const records = await client.hgetall(itemKeys(item).orders);
  return new Map(Object.entries(records).map(([orderId, text]) => [orderId, decodeRecord(text)]));
}

/**
 * After a start of Redis or a failover: as the admin process does once it knows that no order that was relayed is
 * forgotten. @throws where Redis cannot be asked
 */
export async function prove(connection: RedisConnection, item: ItemRef): Promise<Vouching> {
  const rebuild = new GateRebuild(connection);
  const found = await rebuild.askVouched(item);
  return found.outcome === 'unproven' ? rebuild.vouch(item, found, 'server') : found;
}
