import type { SaleState } from '@flux/contracts';
import type { ItemState } from '@flux/gate';
import type { LedgerCounters } from '../sales/sale';
import { gateStepFor } from './gate-step';

const untouched: LedgerCounters = {
  initial: 5,
  held: 0,
  sold: 0,
  parked: 0,
  epoch: 1,
  watermark: 0,
  suspendedReason: null,
};

function stepOf(situation: {
  readonly wanted: SaleState;
  readonly gate: ItemState | undefined;
  readonly opened?: boolean;
  readonly ledger?: Partial<LedgerCounters>;
  readonly available?: number | undefined;
}): string {
  const { wanted, gate, opened = true, ledger = {} } = situation;
  const available = 'available' in situation ? situation.available : 5;
  const answer = gateStepFor({
    wanted,
    item: { gateOpened: opened, ledger: { ...untouched, ...ledger } },
    gate: gate === undefined ? undefined : { state: gate, available },
  });
  return answer.step === 'stuck' ? answer.problem : answer.step;
}

describe('the step that brings a gate to what PostgreSQL says', () => {
  it.each([
    ['open', 'open', 'none'],
    ['open', 'paused', 'resume'],
    ['open', 'closed', 'diverged'],
    ['paused', 'open', 'pause'],
    ['paused', 'paused', 'none'],
    ['paused', 'closed', 'diverged'],
    ['closed', 'open', 'close'],
    ['closed', 'paused', 'close'],
    ['closed', 'closed', 'none'],
    ['open', 'suspended', 'suspended'],
    ['paused', 'suspended', 'suspended'],
    ['closed', 'suspended', 'suspended'],
    ['scheduled', 'open', 'none'],
    ['retired', 'closed', 'none'],
  ] as const)('wanted %s, the gate is %s: %s', (wanted, gate, step) => {
    expect(stepOf({ wanted, gate })).toBe(step);
  });

  it('opens a gate that never was, and only for an open sale', () => {
    expect(stepOf({ wanted: 'open', gate: undefined, opened: false })).toBe('open');
    for (const wanted of ['scheduled', 'paused', 'closed', 'retired'] as const) {
      expect(stepOf({ wanted, gate: undefined, opened: false })).toBe('none');
    }
  });

  it('never writes a gate that was: marked as opened, or with a ledger that has been touched', () => {
    expect(stepOf({ wanted: 'open', gate: undefined, opened: true })).toBe('missing');
    for (const ledger of [{ held: 1 }, { sold: 1 }, { parked: 1 }, { watermark: 1 }]) {
      expect(stepOf({ wanted: 'open', gate: undefined, opened: false, ledger })).toBe('missing');
    }
  });

  it('suspends what the ledger suspended, in every state of the gate, and resumes nothing suspended', () => {
    for (const gate of ['open', 'paused', 'closed'] as const) {
      expect(stepOf({ wanted: 'open', gate, ledger: { suspendedReason: 'rewound' } })).toBe('suspend');
    }
    const suspended = { wanted: 'open', gate: 'suspended', ledger: { suspendedReason: 'rewound' } } as const;
    expect(stepOf(suspended)).toBe('suspended');
  });

  it('leaves an item alone whose stock key is missing', () => {
    expect(stepOf({ wanted: 'paused', gate: 'open', available: undefined })).toBe('missing');
  });
});
