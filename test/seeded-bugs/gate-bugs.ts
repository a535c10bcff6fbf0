import { GateClient } from '@flux/gate';
import { LatePayments } from '@flux/ledger';
import { waitUntil } from '@flux/testing';
import { orderIdOf, type BugSale } from './bug-sale';
import { patches, patchMethod, patchScript } from './patches';
import type { SeededBug } from './seeded-bug';

/** Two gateways at once get the same key from a shopper who is impatient. */
async function twoGateways(sale: BugSale): Promise<void> {
  const other = await sale.servers.gateway();
  const attempt = { shopper: 'ann', key: 'the-same-key-twice' };
  await Promise.all([sale.buy(attempt), sale.buy({ ...attempt, gate: other.gate })]);
  other.connection.close();
  await sale.rest();
}

async function cancelledThenPaidLate(sale: BugSale): Promise<void> {
  const { gate } = sale.servers.clients;
  const orderId = orderIdOf(await sale.buy({ shopper: 'ann' }));
  await sale.rest(1);
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (letGo = resolve));
  const undo = patchMethod(GateClient.prototype, 'settle', (real) => {
    return async function (this: GateClient, request) {
      // Only the one that says `cancelled`: it is on its way for a long time.
      if (request.states.some(({ status }) => status === 'cancelled')) await held;
      return real.call(this, request);
    };
  });
  await gate.cancel({ orderId, shopperId: 'ann' });
  await sale.relay();
  const late = sale.consume();
  await untilCancelled(sale, orderId);
  await sale.pay(orderId);
  letGo();
  await late;
  await undo();
  await sale.rest(1);
}

async function untilCancelled({ processes: { reader } }: BugSale, orderId: string): Promise<void> {
  await waitUntil('the order is cancelled', async () => (await reader.order(orderId))?.state === 'cancelled');
}

const RECORD = 'local record = records[request] or placed[order_id]';
const SOLD_OUT_WORDS = "reply = string.format('soldOut %d %d', version, available - taken)";

export const GATE_BUGS: readonly SeededBug[] = [
  {
    bug: 'the idempotency record is read in one call and written in another',
    options: { stock: 10 },
    seed: () =>
      patches(
        patchScript('reserve', RECORD, 'local record = placed[order_id]'),
        patchMethod(GateClient.prototype, 'reserve', (real) => {
          return async function (this: GateClient, request) {
            const { saleId, productId, orderId, quantity } = request;
            const known = await this.readOrder(orderId);
            if (known.outcome !== 'order') return real.call(this, request);
            const { sequence, acceptedAtMs } = known.order;
            const order = { orderId, saleId, productId, quantity, sequence, acceptedAtMs };
            return { outcome: 'replayed', order };
          };
        }),
      ),
    scenario: twoGateways,
    lines: [
      'at-rest',
      'conservation',
      'gate-equals-ledger',
      'statuses',
      'shoppers',
      'sequences',
      'clients-equal-answers',
      'clients-rows',
    ],
  },
  {
    bug: 'the outbox entry is written by a second call, and the gateway dies between the two',
    options: { stock: 10 },
    seed: () =>
      patchScript('reserve', "redis.call('XADD', outbox_key,", "local _ = string.format('%s%s%s%s%s%s%s',"),
    scenario: async (sale) => {
      await sale.buy({ shopper: 'ann', key: 'key-of-ann-00000001', answerLost: true });
      await sale.buy({ shopper: 'ann', key: 'key-of-ann-00000001' });
      await sale.rest();
    },
    lines: [
      'at-rest',
      'conservation',
      'gate-equals-ledger',
      'accepted-recorded',
      'shoppers',
      'clients-nothing-lost',
    ],
  },
  {
    bug: 'sold out is answered before the record is looked up',
    options: { stock: 1 },
    seed: () =>
      patchScript(
        'reserve',
        '  if record then\n',
        `  if available and available - taken < quantity then\n    ${SOLD_OUT_WORDS}\n  elseif record then\n`,
      ),
    scenario: async (sale) => {
      await sale.buy({ shopper: 'ann', key: 'key-of-ann-00000001' });
      await sale.buy({ shopper: 'ann', key: 'key-of-ann-00000001' });
      await sale.rest();
    },
    lines: ['clients-equal-answers'],
  },
  {
    bug: 'units are taken without a floor',
    options: { stock: 3 },
    seed: () => patchScript('reserve', 'elseif available - taken < quantity then', 'elseif false then'),
    scenario: async (sale) => {
      await Promise.all(['ann', 'bob', 'cleo', 'dan', 'eve'].map((shopper) => sale.buy({ shopper })));
      await sale.rest();
    },
    lines: ['conservation', 'gate-equals-ledger'],
  },
  {
    bug: "a shopper's limit does not see the orders of the same call",
    options: { stock: 10, limit: 1 },
    seed: () =>
      patchScript('reserve', 'local count = counted[shopper] or tonumber', 'local count = tonumber'),
    scenario: async (sale) => {
      await Promise.all([sale.buy({ shopper: 'ann' }), sale.buy({ shopper: 'ann' })]);
      await sale.rest();
    },
    lines: ['conservation', 'gate-equals-ledger', 'shoppers'],
  },
  {
    bug: 'the outbox entry says one unit for every order',
    options: { stock: 10 },
    seed: () =>
      patchScript(
        'reserve',
        "shopper .. ' ' .. units .. ' ' .. fingerprint",
        "shopper .. ' 1 ' .. fingerprint",
      ),
    scenario: async (sale) => {
      await sale.buy({ shopper: 'ann', quantity: 2 });
      await sale.rest();
    },
    lines: ['conservation', 'gate-equals-ledger', 'statuses', 'shoppers', 'clients-rows'],
  },
  {
    bug: 'the outbox is trimmed by its length',
    options: { stock: 10 },
    seed: () => patchScript('reserve', "'XADD', outbox_key,", "'XADD', outbox_key, 'MAXLEN', '=', 2,"),
    scenario: async (sale) => {
      await sale.crowd(5);
      await sale.rest();
    },
    lines: [
      'at-rest',
      'conservation',
      'gate-equals-ledger',
      'accepted-recorded',
      'statuses',
      'shoppers',
      'clients-nothing-lost',
    ],
  },
  {
    bug: 'units go back without asking whether they did before',
    options: { stock: 10 },
    seed: () => patchScript('release', 'applies and not known[change_id]', 'applies'),
    scenario: async (sale) => {
      await sale.crowd(2);
      await sale.rest(1);
      await sale.expireAll();
      await sale.forgetTold();
      await sale.rest(1);
    },
    lines: ['conservation', 'gate-equals-ledger'],
  },
  {
    bug: 'who has no order left is forgotten',
    options: { stock: 10 },
    seed: () =>
      patchScript(
        'release',
        "  if #fields > 0 then redis.call('HSET', shoppers_key, unpack(fields)) end",
        "  for at = 1, #fields, 2 do if fields[at + 1] == '0' then redis.call('HDEL', shoppers_key, fields[at]) end end",
      ),
    scenario: async (sale) => {
      await sale.crowd(2);
      await sale.rest(1);
      await sale.expireAll();
      await sale.rest(1);
    },
    lines: ['shoppers'],
  },
  {
    bug: 'a rejected order gives its unit to the stock',
    options: { stock: 2, gateStock: 3 },
    seed: () =>
      patchScript(
        'settle',
        '    if RANKS[state] == 2 then take_off',
        "    if state == 'r' then redis.call('INCRBY', string.gsub(item_key, ':item$', ':stock'), quantity) end\n    if RANKS[state] == 2 then take_off",
      ),
    scenario: async (sale) => {
      await sale.crowd(3);
      await sale.rest();
    },
    lines: ['conservation', 'gate-equals-ledger'],
  },
  {
    bug: 'a state that comes late is written over a later one',
    options: { stock: 10 },
    seed: () => patchScript('settle', 'if not rank or RANKS[state] <= rank then', 'if not rank then'),
    scenario: cancelledThenPaidLate,
    lines: ['statuses', 'shoppers'],
  },
  {
    bug: 'a wish to cancel gets no entry in the outbox',
    options: { stock: 10 },
    seed: () =>
      patchScript('cancel', "redis.call('XADD', outbox_key,", "local _ = string.format('%s%s%s%s%s%s%s',"),
    scenario: async (sale) => {
      const orderId = orderIdOf(await sale.buy({ shopper: 'ann' }));
      await sale.rest(1);
      await sale.servers.clients.gate.cancel({ orderId, shopperId: 'ann' });
      await sale.rest();
    },
    lines: ['at-rest', 'gate-equals-ledger', 'accepted-recorded'],
  },
  {
    bug: 'a late payment takes its units without asking whether it did before',
    options: { stock: 10 },
    seed: () =>
      patchScript(
        'retake',
        "if found > epoch or redis.call('HEXISTS', changes_key, change_id) == 1 then",
        'if found > epoch then',
      ),
    scenario: async (sale) => {
      const orderId = orderIdOf(await sale.buy({ shopper: 'ann' }));
      await sale.rest(1);
      await sale.expireAll();
      // Whoever took the units died before the payment was decided; the next one takes them again.
      const undo = patchMethod(LatePayments.prototype, 'complete', (real) => {
        return async function (this: LatePayments, paymentId) {
          const { gate } = sale.servers.clients;
          const taken = { epoch: 1, changeId: `pay:${paymentId}`, shopperId: 'ann', quantity: 1 };
          await gate.retake({ ...sale.item, ...taken });
          return real.call(this, paymentId);
        };
      });
      await sale.pay(orderId);
      await undo();
      await sale.rest(1);
    },
    lines: ['conservation', 'gate-equals-ledger', 'shoppers'],
  },
];
