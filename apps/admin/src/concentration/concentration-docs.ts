import { z } from 'zod';

const share = z.number().min(0).max(1);

const spreadSchema = z.object({
  units: z
    .number()
    .int()
    .min(0)
    .meta({ description: 'Counted at acceptance; what came back is not taken off' }),
  sources: z.number().int().min(0),
  topPercentShare: share.meta({ description: 'Of the largest hundredth of the sources, rounded up' }),
  top: z.array(
    z.object({
      source: z.string().meta({
        description:
          'A hash that says nothing outside this sale; the address itself where that is configured',
      }),
      units: z.number().int().min(1),
      share,
    }),
  ),
  alarm: z
    .boolean()
    .meta({ description: 'The first has more than the configured share of 100 units or more' }),
});

export const concentrationSchema = z.object({
  saleId: z.string(),
  network: spreadSchema.meta({ description: 'IPv6 by /56; an IPv4 address is a network of its own' }),
  address: spreadSchema,
  device: spreadSchema.meta({ description: 'By the header x-device-hint, of purchases that had one' }),
});
export type ConcentrationAnswer = z.infer<typeof concentrationSchema>;

const SPREAD_EXAMPLE = {
  units: 500,
  sources: 402,
  topPercentShare: 0.132,
  top: [{ source: 'k3Zr1mXn2Ypu8rZ0', units: 60, share: 0.12 }],
  alarm: true,
};
export const CONCENTRATION_EXAMPLE: ConcentrationAnswer = {
  saleId: 'autumn-drop',
  network: SPREAD_EXAMPLE,
  address: { ...SPREAD_EXAMPLE, sources: 455 },
  device: { units: 0, sources: 0, topPercentShare: 0, top: [], alarm: false },
};
