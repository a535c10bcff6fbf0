import { z } from 'zod';
import { admissionSchema } from '../admission';
import { orderIdSchema, productIdSchema, saleIdSchema } from '../ids';
import { ORDER_STATES } from '../order-life-cycle';

/** Rows of PostgreSQL as `row_to_json` writes them: the columns' names, times as ISO 8601 to the microsecond. */

const time = z.iso.datetime({ offset: true });
const whole = z.number().int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER);
const count = whole.min(0);
const text = z.string();

export const ledgerImageSchema = z.strictObject({
  sale_id: saleIdSchema,
  product_id: productIdSchema,
  initial: count,
  held: count,
  sold: count,
  parked: count,
  epoch: whole.min(1),
  epoch_offset: whole.nullable(),
  watermark: count,
  watermark_order_id: z.union([z.literal(''), orderIdSchema]),
  ahead: z.array(z.strictObject({ from: count, to: count, lastOrderId: orderIdSchema })),
  suspended_reason: text.nullable(),
  version: whole.min(1),
  changed_at: time.meta({ description: 'When the transaction began; with `version` the name of the change' }),
  previous_at: time.nullable().meta({ description: '`changed_at` of the version before' }),
});
export type LedgerImage = z.infer<typeof ledgerImageSchema>;

/** Of the sale's waiting room; a sale of the release before has none of them. */
const roomFields = {
  admission: admissionSchema.optional(),
  room_version: whole.min(1).optional(),
  room_salt: text.optional().meta({ description: 'Secret: ticket ids are made with it' }),
  room_begun_at: time.nullable().optional(),
  draw_seed: text.nullable().optional().meta({ description: 'Secret until the draw' }),
  beacon_value: text.nullable().optional(),
  draw: z
    .strictObject({ listHash: text, tickets: count, drawnAt: time })
    .nullable()
    .optional()
    .meta({ description: 'What was drawn, without the list of tickets' }),
};

const saleImageSchema = z.strictObject({
  id: saleIdSchema,
  name: text,
  state: text,
  opens_at: time,
  closes_at: time,
  hold_ms: count,
  created_at: time,
  closed_at: time.nullable(),
  retired_at: time.nullable(),
  retention_ms: count.nullable(),
  forgotten_at: time.nullable(),
  refusals: z.record(z.string(), count).nullable(),
  version: whole.min(1),
  ...roomFields,
});

const itemImageSchema = z.strictObject({
  sale_id: saleIdSchema,
  product_id: productIdSchema,
  position: count,
  name: text,
  price_minor: count,
  currency: text,
  per_shopper_limit: whole.min(1),
  gate_opened_at: time.nullable(),
  live: z.boolean(),
});

const paymentImageSchema = z.strictObject({
  payment_id: text,
  order_id: orderIdSchema,
  amount_minor: count,
  currency: text,
  provider: text.nullable(),
  state: text,
  epoch: whole.nullable(),
  give_back_units: count.nullable(),
  created_at: time,
  decided_at: time.nullable(),
});

const refundImageSchema = z.strictObject({
  payment_id: text,
  order_id: text,
  amount_minor: count,
  currency: text,
  provider: text.nullable(),
  reason: text,
  state: text,
  created_at: time,
  done_at: time.nullable(),
});

const stockChangeImageSchema = z.strictObject({
  id: text,
  sale_id: saleIdSchema,
  product_id: productIdSchema,
  delta: whole,
  reason: text,
  actor: text,
  epoch: whole.nullable(),
  state: text,
  created_at: time,
  decided_at: time.nullable(),
});

const parkedMessageImageSchema = z.strictObject({
  id: whole.min(1),
  topic: text,
  partition: count,
  message_offset: count,
  headers: z.strictObject({}),
  reason: text,
  sale_id: saleIdSchema.nullable(),
  product_id: productIdSchema.nullable(),
  epoch: whole.nullable(),
  first_sequence: whole.nullable(),
  order_count: count,
  booked: count,
  state: text,
  parked_at: time,
  resolved_at: time.nullable(),
});

/** Rows after the transaction, by table; a table without any may be left out. */
export const rowImagesSchema = z
  .strictObject({
    sales: z.array(saleImageSchema),
    items: z.array(itemImageSchema),
    payments: z.array(paymentImageSchema),
    refunds: z.array(refundImageSchema),
    stock_changes: z.array(stockChangeImageSchema),
    parked_messages: z
      .array(parkedMessageImageSchema)
      .meta({ description: 'Without key, body and headers, which `orders-accepted.v1` has' }),
  })
  .partial();
export type RowImages = z.infer<typeof rowImagesSchema>;

const KEY = '[A-Za-z0-9_-]{22}';
const SHOPPER = '[A-Za-z0-9._@-]{1,64}';
const NEW_LINE = new RegExp(
  `^${KEY} ${SHOPPER} \\d{1,4}( [A-Za-z0-9_-]{11} \\d{1,16}( \\d{1,4})?)?( \\+[A-Za-z0-9_-]{16})?$`,
);
const CHANGED_LINE = new RegExp(`^${KEY} ${SHOPPER} \\d{1,4} \\d{1,4}( \\d{1,10} \\d{1,16})?$`);
const INTENT_LINE = new RegExp(`^${KEY} \\d{1,10} \\d{1,16}$`);
const RENAMED_LINE = new RegExp(`^${KEY} ${SHOPPER}$`);

function linesOf(pattern: RegExp, description: string) {
  const areLines = (lines: string): boolean => lines.split('\n').every((line) => pattern.test(line));
  return z.string().refine(areLines, 'a line is wrong').meta({ description });
}

const ORDERS_OF_NEW =
  'One line per order: key (the end of its id), shopper, quantity, fingerprint, ms at which the gate accepted it; the ' +
  'last two are left out where they are those of the line before. Of a parked order also the units booked. Last, after a ' +
  '`+`, the id of the pass that it redeemed';
const ORDERS_OF_CHANGED =
  'One line per order: key, shopper, quantity, units that the gate gets back; epoch and sequence of the wish to ' +
  'cancel that did it';

const runFields = {
  state: z.enum(ORDER_STATES),
  atMs: count.meta({ description: 'When it was decided' }),
  holdUntilMs: count.nullable(),
  reason: text.nullable(),
  paymentId: text.nullable(),
};

/** Orders that one transaction changed in the same way, in the order in which it did. */
export const orderRunSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.enum(['new', 'takenOver']),
    ...runFields,
    epoch: whole.min(1),
    firstSequence: whole.min(1).meta({ description: 'Of the first order; the others follow one by one' }),
    orders: linesOf(NEW_LINE, ORDERS_OF_NEW),
  }),
  z.strictObject({
    kind: z.literal('changed'),
    ...runFields,
    gateEpoch: whole.min(1).meta({ description: 'The epoch in which the gate hears of it' }),
    orders: linesOf(CHANGED_LINE, ORDERS_OF_CHANGED),
  }),
]);
export type OrderRun = z.infer<typeof orderRunSchema>;

export const intentsSchema = linesOf(
  INTENT_LINE,
  'Wishes to cancel that the rows note now, a line each: key, epoch, sequence',
);
export const renamedSchema = linesOf(
  RENAMED_LINE,
  'Shoppers that were forgotten, a line each: key, the name that stands for nobody',
);
