import { Buyers, type ReserveOutcome } from '@flux/gate';
import { createLog } from '@flux/telemetry';
import { SoldOutShield } from './sold-out.shield';

const SOLD_OUT: ReserveOutcome = { outcome: 'soldOut', version: 1, available: 0 };
const item = { saleId: 's', productId: 'p' };

/** The gate and the push channel as the shield sees them, with a clock of the test's own. */
function world() {
  const state = {
    nowMs: 1_000,
    up: true,
    loads: 0,
    failing: false,
    subscriptions: new Map<string, () => void>(),
    onChange: undefined as ((up: boolean) => void) | undefined,
  };
  const shield = new SoldOutShield({
    gate: {
      loadBuyers: () => {
        state.loads += 1;
        return state.failing ? Promise.reject(new Error('down')) : Promise.resolve(Buyers.of(['ada']));
      },
    },
    push: {
      isUp: () => state.up,
      onChange: (listener) => {
        state.onChange = listener;
        return () => undefined;
      },
      subscribe: ({ productId }, { onStock }) => {
        state.subscriptions.set(productId, onStock);
        return Promise.resolve(() => void state.subscriptions.delete(productId));
      },
    },
    log: createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'probe'),
    now: () => state.nowMs,
  });
  /** The gate answers now, and the buyers come in. */
  const learn = async (outcome: ReserveOutcome, of = item) => {
    shield.learn(of, outcome, state.nowMs);
    await new Promise(setImmediate);
  };
  return { state, shield, learn };
}

describe('SoldOutShield', () => {
  it('refuses strangers after a sold-out answer of 0 available, and nobody after one with some', async () => {
    const { shield, learn, state } = world();
    await learn({ ...SOLD_OUT, available: 1 });
    expect(shield.refuses(item, 'bob')).toBe(false);
    await learn(SOLD_OUT);
    expect(shield.refuses(item, 'bob')).toBe(true);
    expect(shield.refuses(item, 'ada')).toBe(false);
    expect(shield.refuses({ ...item, saleId: 'other' }, 'bob')).toBe(false);
    state.nowMs += 1;
    await learn({ ...SOLD_OUT, available: 1 });
    expect(shield.refuses(item, 'bob')).toBe(false);
  });

  it.each<ReserveOutcome>([
    { outcome: 'accepted', order: { ...item, orderId: 'o', quantity: 1, sequence: 1, acceptedAtMs: 1 } },
    { outcome: 'notOpen', reason: 'paused', opensInMs: 0 },
    { outcome: 'closed' },
    { outcome: 'notReady' },
  ])('refuses nobody once the gate says otherwise: %j', async (outcome) => {
    const { shield, learn, state } = world();
    await learn(SOLD_OUT);
    state.nowMs += 1;
    await learn(outcome);
    expect(shield.refuses(item, 'bob')).toBe(false);
  });

  it.each<ReserveOutcome>([
    { outcome: 'unavailable', reason: 'down' },
    { outcome: 'unknown' },
    { outcome: 'moved', saleId: 't' },
    { outcome: 'shopperLimit', limit: 1 },
    { outcome: 'reused' },
  ])('takes nothing from an outcome that says nothing of the stock: %j', async (outcome) => {
    const { shield, learn, state } = world();
    await learn(outcome);
    expect(shield.size).toBe(0);
    await learn(SOLD_OUT);
    state.nowMs += 1;
    await learn(outcome);
    expect(shield.refuses(item, 'bob')).toBe(true);
  });

  it('refuses nobody after a push, while the channel is down, and until the next answer once it is back', async () => {
    const { shield, learn, state } = world();
    await learn(SOLD_OUT);
    state.subscriptions.get('p')?.();
    expect(shield.refuses(item, 'bob')).toBe(false);
    state.nowMs += 1;
    await learn(SOLD_OUT);
    expect(shield.refuses(item, 'bob')).toBe(true);
    state.up = false;
    expect(shield.refuses(item, 'bob')).toBe(false);
    state.up = true;
    state.onChange?.(true);
    expect(shield.refuses(item, 'bob')).toBe(false);
  });

  it('refuses nobody while the buyers cannot be read, and tries again with a later answer', async () => {
    const { shield, learn, state } = world();
    state.failing = true;
    await learn(SOLD_OUT);
    expect(shield.refuses(item, 'bob')).toBe(false);
    state.failing = false;
    state.nowMs += 10;
    await learn(SOLD_OUT);
    expect(state.loads).toBe(1);
    state.nowMs += 50;
    await learn(SOLD_OUT);
    expect(shield.refuses(item, 'bob')).toBe(true);
    await learn(SOLD_OUT);
    expect(state.loads).toBe(2);
  });

  it('forgets items a minute after their last answer, and never watches more than 1,000', async () => {
    const { shield, learn, state } = world();
    await learn(SOLD_OUT);
    state.nowMs += 60_000;
    await learn(SOLD_OUT, { ...item, productId: 'q' });
    expect([...state.subscriptions.keys()]).toEqual(['q']);
    for (let index = 0; index < 1_100; index += 1) {
      await learn(SOLD_OUT, { ...item, productId: `p${index}` });
    }
    expect(shield.size).toBe(1_000);
    expect(state.subscriptions.size).toBe(1_000);
  });
});
