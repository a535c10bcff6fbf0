import { hash } from 'node:crypto';
import { z } from 'zod';

/** Sale and product ids. Without `{`, `}`, `:` or `.`, so that no id can steer a Redis hash slot or split a key. */
export const SALE_ID_PATTERN = /^[A-Za-z0-9_-]{1,40}$/;
export const SHOPPER_ID_PATTERN = /^[A-Za-z0-9._@-]{1,64}$/;
export const PASS_ID_PATTERN = /^[A-Za-z0-9_-]{16}$/;
export const IDEMPOTENCY_KEY_PATTERN = /^[A-Za-z0-9_-]{16,64}$/;
/** The name of a shopper who was forgotten; nobody can tell whose it was. */
export const FORGOTTEN_SHOPPER_PATTERN = /^forgotten-[A-Za-z0-9_-]{22}$/;
const ORDER_ID_PATTERN = /^([A-Za-z0-9_-]{1,40})\.([A-Za-z0-9_-]{1,40})\.([A-Za-z0-9_-]{22})$/;

export const saleIdSchema = z.string().regex(SALE_ID_PATTERN, 'must match [A-Za-z0-9_-]{1,40}');
export const productIdSchema = z.string().regex(SALE_ID_PATTERN, 'must match [A-Za-z0-9_-]{1,40}');
export const shopperIdSchema = z.string().regex(SHOPPER_ID_PATTERN, 'must match [A-Za-z0-9._@-]{1,64}');
export const orderIdSchema = z.string().regex(ORDER_ID_PATTERN, 'is not an order id');

/** One item: a product in a sale. The unit of every atomic decision. */
export interface ItemRef {
  readonly saleId: string;
  readonly productId: string;
}

export interface OrderIdentity extends ItemRef {
  readonly shopperId: string;
  readonly idempotencyKey: string;
}

/** `<saleId>.<productId>`: a name for the item, with which its order ids begin. */
export function itemName({ saleId, productId }: ItemRef): string {
  return `${saleId}.${productId}`;
}

/**
 * Between which texts, both left out, the order ids of a sale lie in byte order: they begin with `<saleId>.`, and `/`
 * follows `.`.
 */
export function orderIdRange(saleId: string): readonly [begin: string, end: string] {
  return [`${saleId}.`, `${saleId}/`];
}

/** SHA-256 over length-prefixed fields: no two lists of fields share an encoding. */
export function digestOfFields(fields: readonly string[]): string {
  let encoded = '';
  for (const field of fields) encoded += `${Buffer.byteLength(field)}:${field}`;
  return hash('sha256', encoded, 'base64url');
}

/**
 * The order's name, which is also its idempotency key's: the same four fields give the same order on every
 * gateway, for ever. Not keyed by a secret, so that a rotated secret never renames an order.
 */
export function orderIdOf({ saleId, productId, shopperId, idempotencyKey }: OrderIdentity): string {
  const digest = digestOfFields([saleId, productId, shopperId, idempotencyKey]);
  return `${saleId}.${productId}.${digest.slice(0, 22)}`;
}

/** The item that an order id leads to, or undefined where the text is not an order id. */
export function itemOfOrderId(orderId: string): ItemRef | undefined {
  const [, saleId, productId] = ORDER_ID_PATTERN.exec(orderId) ?? [];
  return saleId !== undefined && productId !== undefined ? { saleId, productId } : undefined;
}

/**
 * 11 characters (64 bits) that stand for the validated payload of a purchase. A key that comes back with another
 * fingerprint is a reused key (422). Only validated fields enter: hostile JSON never reaches the hash.
 */
export function fingerprintOf({
  saleId,
  productId,
  quantity,
}: ItemRef & { readonly quantity: number }): string {
  const name = `${saleId.length}.${saleId}.${productId}.${quantity}`;
  const known = fingerprints.get(name);
  if (known !== undefined) return known;
  if (fingerprints.size >= MAX_FINGERPRINTS) fingerprints.clear();
  const fingerprint = digestOfFields([saleId, productId, String(quantity)]).slice(0, 11);
  fingerprints.set(name, fingerprint);
  return fingerprint;
}

/** A crowd wants the same few items in ten quantities at most, and a digest costs 1.5 us. */
const fingerprints = new Map<string, string>();
const MAX_FINGERPRINTS = 1_000;
