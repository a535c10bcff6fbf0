import { orderIdOf } from '@flux/contracts';

/** What stands in the documented examples until a real sale takes its place (`docs.ts`). */
const EXAMPLE_ITEM = { saleId: 'example-sale', productId: 'example-product' };

/** The shopper and the key of the examples: the order of the GET is the one that the POST makes. */
export const EXAMPLE = {
  ...EXAMPLE_ITEM,
  shopperId: 'swagger-shopper',
  idempotencyKey: 'swagger-example-0001',
  orderId: exampleOrderId(EXAMPLE_ITEM),
  ticket: 'example-ticket',
} as const;

export function exampleOrderId(item: { readonly saleId: string; readonly productId: string }): string {
  return orderIdOf({ ...item, shopperId: 'swagger-shopper', idempotencyKey: 'swagger-example-0001' });
}
