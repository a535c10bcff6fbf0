import {
  ORDER_STATUSES,
  REJECTION_REASONS,
  SALE_STATES,
  currencySchema,
  productIdSchema,
  saleIdSchema,
} from '@flux/contracts';
import { z } from 'zod';

const countSchema = z.number().int().min(0);

const unitsSchema = z.object({
  initial: countSchema.meta({ description: 'Units put on sale, with every stock change' }),
  sold: countSchema.meta({ description: 'Units of paid orders' }),
  held: countSchema.meta({ description: 'Units of confirmed orders that still wait for their payment' }),
  parked: countSchema.meta({ description: 'Units booked for messages put aside' }),
  free: countSchema.meta({ description: 'Units that nobody has' }),
});

/** What a sale came to. The figures are of one moment, and of the evidence that the fingerprint stands for. */
export const saleReportSchema = z.object({
  saleId: saleIdSchema,
  name: z.string(),
  state: z.enum(SALE_STATES),
  opensAt: z.iso.datetime(),
  closesAt: z.iso.datetime(),
  closedAt: z.iso.datetime().nullable(),
  writtenAt: z.iso.datetime(),
  units: unitsSchema,
  items: z.array(
    z.object({
      productId: productIdSchema,
      name: z.string(),
      priceMinor: countSchema,
      currency: currencySchema,
      units: unitsSchema,
    }),
  ),
  orders: z
    .array(z.object({ status: z.enum(ORDER_STATUSES), orders: countSchema, units: countSchema }))
    .meta({ description: 'By status; `accepted` ones are parked' }),
  revenue: z.array(
    z.object({
      currency: currencySchema,
      paidMinor: countSchema.meta({ description: 'Price times units of the paid orders' }),
      refundsDueMinor: countSchema.meta({ description: 'Payments without an order, still to go back' }),
      refundsDoneMinor: countSchema.meta({ description: 'Payments without an order that went back' }),
    }),
  ),
  timeline: z.object({
    startsAt: z.iso
      .datetime()
      .nullable()
      .meta({ description: 'Begin of the first bucket; null without orders' }),
    bucketSeconds: z.number().int().min(1),
    units: z
      .array(countSchema)
      .meta({ description: 'Units accepted in each bucket, whatever became of them' }),
  }),
  refusals: z.record(z.string(), countSchema).meta({
    description:
      'Purchases refused by the gateways, by error code. What a gateway had not counted when it died is missing',
  }),
  rejections: z
    .array(z.object({ reason: z.enum(REJECTION_REASONS), orders: countSchema, units: countSchema }))
    .meta({ description: 'Accepted orders that the ledger refused' }),
  audit: z.object({
    verdict: z.enum(['proved', 'refuted', 'not-at-rest']),
    auditedAt: z.iso.datetime(),
    fingerprint: z
      .string()
      .meta({ description: 'Of the evidence; equal evidence gives an equal fingerprint' }),
    lines: z.array(
      z.object({
        name: z.string(),
        statement: z.string(),
        holds: z.union([z.boolean(), z.literal('unchecked')]),
      }),
    ),
  }),
});
export type SaleReport = z.infer<typeof saleReportSchema>;
export type Units = z.infer<typeof unitsSchema>;
