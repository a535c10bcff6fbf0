import { z } from 'zod';
import { admissionSchema } from './admission';
import { admissionConflicts } from './admission-rules';
import { productIdSchema, saleIdSchema } from './ids';

/** `retired` sales have left Redis; the archive is PostgreSQL. */
export const SALE_STATES = ['scheduled', 'open', 'paused', 'closed', 'retired'] as const;
export type SaleState = (typeof SALE_STATES)[number];

/** Ten units of the dearest product still cost a safe integer. */
export const priceMinorSchema = z.number().int().min(0).max(500_000_000_000_000);
export const amountMinorSchema = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const currencySchema = z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code');
const nameSchema = z.string().trim().min(1).max(200);

export const MAX_STOCK = 10_000_000;

const publicItemSchema = z.object({
  productId: productIdSchema,
  name: nameSchema,
  priceMinor: priceMinorSchema,
  currency: currencySchema,
  perShopperLimit: z.number().int(),
  /** Units at or below which an item reads as `low`. */
  lowBelow: z.number().int(),
});

/** A sale's public record: what the admin process writes to `sale:<saleId>` and gateways serve. No stock in it. */
export const publicSaleSchema = z.object({
  id: saleIdSchema,
  name: nameSchema,
  state: z.enum(SALE_STATES),
  opensAt: z.iso.datetime(),
  closesAt: z.iso.datetime(),
  items: z.array(publicItemSchema),
});
export type PublicSale = z.infer<typeof publicSaleSchema>;

export const AVAILABILITIES = ['available', 'low', 'soldOut'] as const;
export type Availability = (typeof AVAILABILITIES)[number];

/** `GET /v1/sales/:saleId`: the public record, with availability in place of the threshold. */
export const saleAnswerSchema = publicSaleSchema.extend({
  items: z.array(publicItemSchema.omit({ lowBelow: true }).extend({ availability: z.enum(AVAILABILITIES) })),
});
export type SaleAnswer = z.infer<typeof saleAnswerSchema>;
export const saleListAnswerSchema = z.object({ sales: z.array(saleAnswerSchema) });

/** Body of `POST /admin/v1/sales`. */
export const newSaleSchema = z
  .strictObject({
    id: saleIdSchema.optional(),
    name: nameSchema,
    opensAt: z.iso.datetime({ offset: true }),
    closesAt: z.iso.datetime({ offset: true }),
    holdMs: z
      .number()
      .int()
      .min(1_000)
      .max(7 * 24 * 3_600_000)
      .default(600_000),
    retentionMs: z
      .number()
      .int()
      .min(24 * 3_600_000)
      .max(10 * 366 * 24 * 3_600_000)
      .optional()
      .meta({
        description: "How long after its end the shoppers' identities are kept; for ever where left out",
      }),
    items: z
      .array(
        z.strictObject({
          productId: productIdSchema,
          name: nameSchema,
          priceMinor: priceMinorSchema,
          currency: currencySchema,
          stock: z.number().int().min(0).max(MAX_STOCK),
          perShopperLimit: z.number().int().min(1).max(1_000),
        }),
      )
      .min(1)
      .max(1_000)
      .refine(
        (items) => new Set(items.map((item) => item.productId)).size === items.length,
        'has a product twice',
      ),
    admission: admissionSchema
      .prefault({})
      .meta({ description: 'The waiting room in front of the sale; the defaults where left out' }),
  })
  .refine((sale) => Date.parse(sale.closesAt) > Date.parse(sale.opensAt), {
    path: ['closesAt'],
    message: 'must be after opensAt',
  })
  .superRefine((sale, context) => {
    for (const { field, message } of admissionConflicts(sale.admission, sale)) {
      context.addIssue({ code: 'custom', path: ['admission', field], message });
    }
  });
export type NewSale = z.infer<typeof newSaleSchema>;

/** Body of `POST /admin/v1/sales/:id/items/:productId/stock`. */
export const stockChangeSchema = z.strictObject({
  delta: z
    .number()
    .int()
    .min(-MAX_STOCK)
    .max(MAX_STOCK)
    .refine((delta) => delta !== 0, 'must not be 0'),
  reason: z.string().trim().min(1).max(500),
});
export type StockChange = z.infer<typeof stockChangeSchema>;
