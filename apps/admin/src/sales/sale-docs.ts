import { admissionSchema, type SaleState } from '@flux/contracts';
import { ApiProblems } from '@flux/http';
import { applyDecorators } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse } from '@nestjs/swagger';
import { type GateCounters, type OperatorSale, operatorSaleSchema } from './sale-answer';

const ITEM = {
  productId: 'sneaker-42',
  name: 'Sneaker, size 42',
  priceMinor: 12_900,
  currency: 'EUR',
  perShopperLimit: 2,
};
const SALE = {
  id: 'autumn-drop',
  name: 'Autumn drop',
  opensAt: '2026-01-01T09:00:00.000Z',
  closesAt: '2036-01-01T09:00:00.000Z',
  holdMs: 600_000,
};

const ADMISSION = admissionSchema.parse({ ratePerSecond: 500 });
const ROOM = { state: 'off', waiting: 0, called: 0, inside: 0 } as const;

/** A body that works as it stands. */
export const NEW_SALE_EXAMPLE = {
  ...SALE,
  items: [{ ...ITEM, stock: 500 }],
  admission: { ratePerSecond: 500 },
};

/** The same sale as operators read it. */
export function operatorSaleExample(state: SaleState): OperatorSale {
  const opened: GateCounters = {
    status: 'ready',
    state: 'open',
    available: 380,
    epoch: 1,
    sequence: 118,
    watermark: 116,
    outboxLength: 1,
  };
  const counters =
    state === 'open'
      ? { gate: opened, ledger: { ...LEDGER, held: 118, free: 382, watermark: 116 } }
      : { gate: { status: 'notOpened' as const }, ledger: LEDGER };
  const times = { retentionMs: null, createdAt: '2025-12-20T10:15:00.000Z' };
  const admission = { ...ADMISSION, room: ROOM, draw: null };
  return { ...SALE, state, ...times, admission, items: [{ ...ITEM, ...counters }] };
}

const LEDGER = {
  initial: 500,
  held: 0,
  sold: 0,
  parked: 0,
  free: 500,
  epoch: 1,
  watermark: 0,
  suspendedReason: null,
};

export function ApiSaleId(): MethodDecorator {
  return ApiParam({ name: 'id', description: 'Id of the sale', example: SALE.id });
}

const REPEATS =
  'A transition that was made before answers `invalid-transition`, unless Redis had not followed yet: so a repeat ' +
  'after a 503 completes it.';

/** Documents a transition of a sale: what it answers, and what every transition refuses. */
export function ApiTransition(text: {
  readonly summary: string;
  readonly description: string;
}): MethodDecorator {
  return applyDecorators(
    ApiOperation({ summary: text.summary, description: `${text.description} ${REPEATS}` }),
    ApiSaleId(),
    ApiResponse({
      status: 200,
      description: 'The sale in its new state',
      standardSchema: operatorSaleSchema,
      example: operatorSaleExample('open'),
    }),
    ApiProblems('invalid-request', 'unknown-sale', 'temporarily-unavailable'),
  );
}
