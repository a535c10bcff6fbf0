import type { GateLook } from '@flux/gate';
import type { GateSubject } from '@flux/ledger';
import { rebuildNeed } from './rebuild-need';

const LEDGER: GateSubject = {
  ...{ saleId: 'sale', productId: 'product', saleState: 'open' },
  ...{ opensAtMs: 0, closesAtMs: 1, holdMs: 1, perShopperLimit: 1 },
  ...{
    epoch: 3,
    watermark: 10,
    lastSequence: 10,
    suspendedReason: null,
    isRebuilding: false,
    isCurrent: true,
  },
};

function whole(epoch: number, watermark: number) {
  return { outcome: 'whole', epoch, state: 'open', watermark, isOutboxReadable: true } satisfies GateLook;
}

function broken(epoch: number): GateLook {
  return { outcome: 'broken', epoch, what: 'stock is missing', isOutboxReadable: true };
}

describe('the need of a rebuild', () => {
  it.each([
    ['as far as the ledger', whole(3, 10)],
    ['settled later than the ledger committed', whole(3, 0)],
  ])('is none of a gate that is %s', (_, gate) => {
    expect(rebuildNeed(gate, LEDGER)).toEqual({ need: 'none' });
  });

  it('is there of a gate that lacks something, whatever epoch it had begun', () => {
    for (const epoch of [0, 2, 3, 4]) {
      expect(rebuildNeed(broken(epoch), LEDGER)).toEqual({
        need: 'rebuild',
        kind: 'lost',
        reason: 'stock is missing',
      });
    }
  });

  it('is there of a gate from before an earlier rebuild, however far it had come', () => {
    expect(rebuildNeed(whole(2, 500), LEDGER)).toMatchObject({ need: 'rebuild', kind: 'old-epoch' });
  });

  it('is there of an item that the ledger has suspended', () => {
    const suspended = { ...LEDGER, suspendedReason: 'the gate is behind the ledger' };
    for (const gate of [whole(3, 10), whole(2, 0), broken(3)]) {
      expect(rebuildNeed(gate, suspended)).toEqual({
        need: 'rebuild',
        kind: 'suspended',
        reason: 'the gate is behind the ledger',
      });
    }
  });

  it('is there of a gate that was suspended, and the ledger has not heard why', () => {
    expect(rebuildNeed({ ...whole(3, 10), state: 'suspended' }, LEDGER)).toEqual({
      need: 'rebuild',
      kind: 'suspended',
      reason: 'the gate is suspended',
    });
  });

  it('is one of a replay where the gate is ahead, suspended or not: PostgreSQL went back', () => {
    for (const gate of [whole(4, 0), whole(3, 11)]) {
      for (const suspendedReason of [null, 'asked for']) {
        expect(rebuildNeed(gate, { ...LEDGER, suspendedReason })).toMatchObject({ need: 'replay' });
      }
    }
  });
});
