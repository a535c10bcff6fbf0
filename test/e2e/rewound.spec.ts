import { removeData, waitUntil } from '@flux/testing';
import { auditWorld } from './support/audit-world';
import { countBy, crowd, kindOf, orderIdOf, purchase, type Attempt } from './support/crowd';
import { LedgerView } from './support/ledger-view';
import { startWorld, type World } from './support/world';

const SALE = 'rewound';
const STOCK = 20;

const shopper = (name: string): Attempt => ({
  productId: 'ticket',
  shopperId: name,
  idempotencyKey: `key-of-${name}`.padEnd(16, '-'),
});
const shoppers = (prefix: string, count: number): Attempt[] =>
  Array.from({ length: count }, (_, index) => shopper(`${prefix}-${index}`));

describe('a gate that forgot decrements', () => {
  let world: World;
  let ledger: LedgerView;

  beforeAll(async () => {
    world = await startWorld({ gateways: 1, relays: 1, orders: 1 });
    ledger = await LedgerView.connect(world.database.config.DATABASE_URL);
    await world.operator.openSale(SALE, 'ticket', { stock: STOCK });
  });

  afterAll(async () => {
    await ledger.close();
    await world.stop();
  });

  it('gives away units again; the ledger rejects the surplus, and the item closes for its rebuild', async () => {
    const early = await crowd(world.gateways, shoppers('early', 10));
    await waitUntil('the first ten are settled', async () => {
      const { watermark, outboxLength } = await world.operator.gateOf(SALE);
      return watermark === 10 && outboxLength === 0;
    });
    const older = await world.redis.copyData();
    const late = await crowd(world.gateways, shoppers('late', 10));
    expect(countBy([...early, ...late], kindOf)).toEqual({ accepted: STOCK });
    await waitUntil('all twenty are settled', async () => {
      const { watermark, outboxLength } = await world.operator.gateOf(SALE);
      return watermark === STOCK && outboxLength === 0;
    });

    await world.redis.restoreData(older);
    await removeData(older);
    await waitUntil('the gateway answers again', async () => {
      return (await purchase(world.gateways[0]!.baseUrl, early[0]!.attempt)).status === 202;
    });
    const surplus = await crowd(world.gateways, shoppers('surplus', 10), 10);
    const accepted = surplus.filter(({ status }) => status === 202);
    expect(accepted.length).toBeGreaterThan(0);

    await waitUntil('the surplus is rejected', async () => {
      return (await ledger.orderIds(SALE, 'rejected')).length === accepted.length;
    });
    expect(await ledger.orderIds(SALE, 'confirmed')).toEqual([...early, ...late].map(orderIdOf).sort());

    const refused = await waitUntil('the item is not ready', async () => {
      const answer = await purchase(world.gateways[0]!.baseUrl, shopper('newcomer'));
      return answer.status === 503 && answer;
    });
    expect(kindOf(refused)).toBe('503 not-ready');
    expect(Number(refused.retryAfter)).toBeGreaterThan(0);
    expect((await world.operator.call('POST', `/admin/v1/sales/${SALE}/pause`)).status).toBe(200);
    expect((await world.operator.call('POST', `/admin/v1/sales/${SALE}/resume`)).status).toBe(200);
    expect(kindOf(await purchase(world.gateways[0]!.baseUrl, shopper('newcomer')))).toBe('503 not-ready');

    const { refuted } = await auditWorld(world, SALE, [...early, ...late, ...surplus]);
    const lines = refuted.map((line) => line.split(':')[0]);
    for (const line of ['no-oversell', 'conservation', 'ledger-counters', 'clients-nothing-lost']) {
      expect(lines).not.toContain(line);
    }
  });
});
