import { z } from 'zod';
import { productIdSchema, saleIdSchema } from '../ids';
import {
  intentsSchema,
  ledgerImageSchema,
  orderRunSchema,
  renamedSchema,
  rowImagesSchema,
} from './ledger-rows.v1';

/** Kafka topic, before `FLUX_TOPIC_PREFIX`, kept without a limit of time. The message key is the product id. */
export const LEDGER_EVENTS_TOPIC = 'ledger-events.v1';
export const LEDGER_EVENTS_TYPE = 'ledger-events.v1';

/** Why a ledger row, or a row that belongs to it, changed beside the statuses of orders. */
export const LEDGER_CAUSES = [
  'created',
  'opened',
  'saleChanged',
  'stockChanged',
  'epochRaised',
  'suspended',
  'resumed',
  'parked',
  'parkingResolved',
  'paymentChanged',
  'refundChanged',
  'forgotten',
] as const;
export type LedgerCause = (typeof LEDGER_CAUSES)[number];

/**
 * What one transaction of PostgreSQL changed of one item, so that a lost database can be written anew. Delivered at
 * least once, in the order of `version` for each item; a message that comes again has the same `version` and
 * `ledger.changed_at`. What would be larger than Kafka takes comes in parts, one after the other.
 */
export const ledgerEventSchema = z.strictObject({
  type: z.literal(LEDGER_EVENTS_TYPE),
  saleId: saleIdSchema,
  productId: productIdSchema,
  version: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER).meta({
    description: "Counts the item's transactions from 1, which makes the item; none is left out",
  }),
  part: z.number().int().min(1),
  parts: z.number().int().min(1),
  causes: z.array(z.enum(LEDGER_CAUSES)).meta({
    description: 'What changed beside the statuses of orders, which `runs` has',
  }),
  ledger: ledgerImageSchema,
  runs: z.array(orderRunSchema),
  intents: intentsSchema.optional(),
  renamed: renamedSchema.optional(),
  removedStockChanges: z.array(z.string()).optional(),
  rows: rowImagesSchema.optional(),
});
export type LedgerEvent = z.infer<typeof ledgerEventSchema>;

export type DecodedLedgerEvent =
  | { readonly outcome: 'event'; readonly event: LedgerEvent }
  | { readonly outcome: 'unreadable'; readonly reason: string };

/** The event in a message's body; `unreadable` with a reason that repeats nothing of the body. */
export function decodeLedgerEvent(value: string): DecodedLedgerEvent {
  const candidate = parse(value);
  if (candidate === undefined) return { outcome: 'unreadable', reason: 'the body is not JSON' };
  const result = ledgerEventSchema.safeParse(candidate);
  if (result.success) return { outcome: 'event', event: result.data };
  const places = result.error.issues.map(({ path, code }) => `/${path.join('/')} ${code}`);
  return { outcome: 'unreadable', reason: `not an event of the ledger: ${places.slice(0, 5).join(', ')}` };
}

function parse(value: string): unknown {
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return undefined;
  }
}
