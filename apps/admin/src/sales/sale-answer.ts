import { SALE_STATES, productIdSchema, saleIdSchema } from '@flux/contracts';
import { z } from 'zod';
import { admissionAnswerSchema } from '../waiting-room/room-answer';

const countSchema = z.number().int().min(0);

/** The ledger's counters of an item: the truth. */
export const ledgerCountersSchema = z.object({
  initial: countSchema.meta({ description: 'Units the item has, with every stock change' }),
  held: countSchema.meta({ description: 'Units of confirmed orders' }),
  sold: countSchema.meta({ description: 'Units of paid orders' }),
  parked: countSchema.meta({ description: 'Units booked for messages put aside' }),
  free: countSchema.meta({ description: 'initial - held - sold - parked' }),
  epoch: z.number().int().min(1),
  watermark: countSchema.meta({ description: 'Sequence up to which no accepted order is missing' }),
  suspendedReason: z
    .string()
    .nullable()
    .meta({ description: 'Why the item sells nothing until it is rebuilt; null where it is well' }),
});

/** The gate's counters of the same item, or why there are none. */
export const gateCountersSchema = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('ready'),
    state: z.enum(['open', 'paused', 'closed', 'suspended']),
    available: countSchema.nullable().meta({ description: 'null where the stock key is missing' }),
    epoch: z.number().int().min(1),
    sequence: countSchema.meta({ description: 'Sequence of the last accepted order' }),
    watermark: countSchema,
    outboxLength: countSchema.meta({ description: 'Entries not yet settled' }),
  }),
  z.object({
    status: z.enum(['notOpened', 'ended', 'missing', 'unreachable']).meta({
      description:
        'notOpened: the gate was never opened; ended: the sale is retired and its keys are gone; missing: Redis lost the item, it answers 503 until it is rebuilt; unreachable: Redis does not answer',
    }),
  }),
]);
export type GateCounters = z.infer<typeof gateCountersSchema>;

export const saleItemAnswerSchema = z.object({
  productId: productIdSchema,
  name: z.string(),
  priceMinor: countSchema,
  currency: z.string(),
  perShopperLimit: z.number().int(),
  gate: gateCountersSchema,
  ledger: ledgerCountersSchema,
});
export type SaleItemAnswer = z.infer<typeof saleItemAnswerSchema>;

/** A sale as operators see it. */
export const operatorSaleSchema = z
  .object({
    id: saleIdSchema,
    name: z.string(),
    state: z.enum(SALE_STATES),
    opensAt: z.iso.datetime(),
    closesAt: z.iso.datetime(),
    holdMs: z.number().int(),
    retentionMs: z.number().int().nullable().meta({
      description: "How long after its end the shoppers' identities are kept; null: for ever",
    }),
    createdAt: z.iso.datetime(),
    admission: admissionAnswerSchema.meta({ description: 'The waiting room' }),
    items: z.array(saleItemAnswerSchema),
  })
  .meta({ id: 'OperatorSale' });
export type OperatorSale = z.infer<typeof operatorSaleSchema>;

export const operatorSaleListSchema = z.object({
  sales: z.array(operatorSaleSchema),
  next: z
    .string()
    .nullable()
    .meta({ description: 'Send it as `after` for the next page; null on the last one' }),
});
