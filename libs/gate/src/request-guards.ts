import { SALE_ID_PATTERN, SHOPPER_ID_PATTERN, type ItemRef } from '@flux/contracts';
import { InvalidRequestError } from './gate-error';
import { itemKeys, type ItemKeys } from './gate-keys';
import type { SettleRequest } from './order-outcomes';

/** What keeps broken ids and numbers from the scripts. All throw InvalidRequestError. */

export function keysOf(item: ItemRef): ItemKeys {
  if (!SALE_ID_PATTERN.test(item.saleId)) throw new InvalidRequestError('saleId');
  if (!SALE_ID_PATTERN.test(item.productId)) throw new InvalidRequestError('productId');
  return itemKeys(item);
}

export function assertWhole(numbers: Readonly<Record<string, number>>): void {
  for (const [field, number] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(number) || number < 0) throw new InvalidRequestError(field);
  }
}

export function assertShopper(shopperId: string): void {
  if (!SHOPPER_ID_PATTERN.test(shopperId)) throw new InvalidRequestError('shopperId');
}

/** The timeline must say of every sequence up to the watermark when it was committed. */
export function assertRuns({ runs, watermark }: SettleRequest): void {
  let before = 0;
  for (const { upTo, atMs } of runs) {
    assertWhole({ upTo, atMs });
    if (upTo <= before) throw new InvalidRequestError('runs');
    before = upTo;
  }
  if (before !== watermark) throw new InvalidRequestError('runs');
}
