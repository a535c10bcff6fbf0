import type { SaleReport } from './report-answer';

const UNITS = { initial: 500, sold: 497, held: 0, parked: 0, free: 3 };

/** A report as the docs show it. */
export const REPORT_EXAMPLE: SaleReport = {
  saleId: 'autumn-drop',
  name: 'Autumn drop',
  state: 'closed',
  opensAt: '2026-01-01T09:00:00.000Z',
  closesAt: '2026-01-01T10:00:00.000Z',
  closedAt: '2026-01-01T10:00:00.412Z',
  writtenAt: '2026-01-01T12:00:00.000Z',
  units: UNITS,
  items: [
    { productId: 'sneaker-42', name: 'Sneaker, size 42', priceMinor: 12_900, currency: 'EUR', units: UNITS },
  ],
  orders: [
    { status: 'accepted', orders: 0, units: 0 },
    { status: 'confirmed', orders: 0, units: 0 },
    { status: 'rejected', orders: 1, units: 1 },
    { status: 'cancelled', orders: 4, units: 4 },
    { status: 'expired', orders: 31, units: 33 },
    { status: 'paid', orders: 452, units: 497 },
  ],
  revenue: [{ currency: 'EUR', paidMinor: 6_411_300, refundsDueMinor: 12_900, refundsDoneMinor: 0 }],
  timeline: { startsAt: '2026-01-01T09:00:00.000Z', bucketSeconds: 1, units: [214, 190, 96, 20, 15] },
  refusals: { 'sold-out': 48_211, 'shopper-limit': 97 },
  rejections: [
    { reason: 'no-units', orders: 1, units: 1 },
    { reason: 'shopper-limit', orders: 0, units: 0 },
    { reason: 'old-epoch', orders: 0, units: 0 },
  ],
  audit: {
    verdict: 'proved',
    auditedAt: '2026-01-01T11:59:59.900Z',
    fingerprint: '5d41402abc4b2a76b9719d911017c592ae2f9a3d1b1c7e0f4b6f2f6d3c9a1e77',
    lines: [
      {
        name: 'conservation',
        statement: 'initial = available + unsettled + held + sold + parked, by the rows',
        holds: true,
      },
    ],
  },
};
