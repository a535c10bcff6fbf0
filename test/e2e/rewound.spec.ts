import { removeData, waitUntil } from '@flux/testing';
import { auditWorld } from './support/audit-world';
import { countBy, crowd, kindOf, orderIdOf, purchase, type Answer, type Attempt } from './support/crowd';
import { LedgerView } from './support/ledger-view';
import { startWorld, type World } from './support/world';

/** A sale of one product, which has the sale's name. */
const shopper = (sale: string, name: string): Attempt => ({
  productId: sale,
  shopperId: name,
  idempotencyKey: `key-of-${name}`.padEnd(16, '-'),
});
const shoppers = (sale: string, prefix: string, count: number): Attempt[] =>
  Array.from({ length: count }, (_, index) => shopper(sale, `${prefix}-${index}`));

describe('a gate that lost its data, or went back in time', () => {
  let world: World;
  let ledger: LedgerView;

  beforeAll(async () => {
    world = await startWorld({ gateways: 1, relays: 1, orders: 1 });
    ledger = await LedgerView.connect(world.database.config.DATABASE_URL);
  });
  afterAll(async () => {
    await ledger.close();
    await world.stop();
  });

  async function settled(sale: string, orders: number): Promise<void> {
    await waitUntil(`${orders} orders are settled`, async () => {
      const { watermark, outboxLength } = await world.operator.gateOf(sale);
      return watermark === orders && outboxLength === 0;
    });
  }

  async function rebuilt(sale: string): Promise<void> {
    await waitUntil('the gate is rebuilt', async () => (await world.operator.gateOf(sale)).epoch === 2);
  }

  /** One newcomer after the other, until one gets a unit. */
  async function knockUntilOpen(sale: string): Promise<readonly Answer[]> {
    const answers: Answer[] = [];
    await waitUntil('somebody can buy', async () => {
      const answer = await purchase(world.gateways[0]!.baseUrl, shopper(sale, `knocks-${answers.length}`));
      answers.push(answer);
      return answer.status === 202;
    });
    return answers;
  }

  /** Every 202 is given again to the byte, marked as a replay. */
  async function expectReplays(answers: readonly Answer[]): Promise<readonly Answer[]> {
    const again = await crowd(
      world.gateways,
      answers.map(({ attempt }) => attempt),
    );
    const textOf = ({ attempt, status, body, location }: Answer): string =>
      [attempt.shopperId, status, location, body].join(' ');
    expect(again.every(({ replayed }) => replayed)).toBe(true);
    expect(again.map(textOf).sort()).toEqual(answers.map(textOf).sort());
    return again;
  }

  it('gives away no unit again that it has forgotten, and is rebuilt from the ledger', async () => {
    const sale = 'rewound';
    await world.operator.openSale(sale, sale, { stock: 20 });
    const early = await crowd(world.gateways, shoppers(sale, 'early', 10));
    await settled(sale, 10);
    const older = await world.redis.copyData();
    const late = await crowd(world.gateways, shoppers(sale, 'late', 10));
    expect(countBy([...early, ...late], kindOf)).toEqual({ accepted: 20 });
    await settled(sale, 20);

    await world.redis.restoreData(older);
    await removeData(older);
    await waitUntil('the gateway answers again', async () => {
      return (await purchase(world.gateways[0]!.baseUrl, early[0]!.attempt)).status === 202;
    });
    const surplus = await crowd(world.gateways, shoppers(sale, 'surplus', 10), 10);
    expect(surplus.every((answer) => ['503 not-ready', '409 sold-out'].includes(kindOf(answer)))).toBe(true);

    await rebuilt(sale);
    expect(await ledger.orderIds(sale, 'rejected')).toEqual([]);
    expect(await ledger.orderIds(sale, 'confirmed')).toEqual([...early, ...late].map(orderIdOf).sort());
    const newcomer = await purchase(world.gateways[0]!.baseUrl, shopper(sale, 'newcomer'));
    expect(kindOf(newcomer)).toBe('409 sold-out');
    const replays = await expectReplays([...early, ...late]);
    const answers = [...early, ...late, ...surplus, ...replays, newcomer];
    expect(await auditWorld(world, sale, answers)).toMatchObject({ verdict: 'proved', refuted: [] });
  });

  it('answers not-ready after a FLUSHALL, comes back by itself, and sells exactly the rest', async () => {
    const sale = 'wiped';
    await world.operator.openSale(sale, sale, { stock: 60 });
    const before = await crowd(world.gateways, shoppers(sale, 'before', 30));
    expect(countBy(before, kindOf)).toEqual({ accepted: 30 });
    await settled(sale, 30);

    await world.redis.client.flushall();
    const knocks = await knockUntilOpen(sale);
    const { accepted, ...meanwhile } = countBy(knocks, kindOf);
    expect(accepted).toBe(1);
    expect(Object.keys(meanwhile)).toEqual(['503 not-ready']);
    expect(knocks.slice(0, -1).every(({ retryAfter }) => Number(retryAfter) > 0)).toBe(true);
    expect((await world.operator.gateOf(sale)).epoch).toBe(2);

    const replays = await expectReplays(before);
    const after = await crowd(world.gateways, shoppers(sale, 'after', 40));
    expect(countBy(after, kindOf)).toEqual({ accepted: 29, '409 sold-out': 11 });
    await settled(sale, 30);
    const answers = [...before, ...knocks, ...replays, ...after];
    expect(await auditWorld(world, sale, answers)).toMatchObject({ verdict: 'proved', refuted: [] });
  });

  it('loses only what had not left Redis yet, and the checker names exactly that', async () => {
    const sale = 'tail';
    await world.operator.openSale(sale, sale, { stock: 10 });
    const kept = await crowd(world.gateways, shoppers(sale, 'kept', 4));
    await settled(sale, 4);
    const [relay] = world.relays;
    relay!.freeze();
    const lost = await crowd(world.gateways, shoppers(sale, 'lost', 2));
    expect(countBy(lost, kindOf)).toEqual({ accepted: 2 });
    await world.redis.client.flushall();
    relay!.thaw();

    await rebuilt(sale);
    const replays = await expectReplays(kept);
    const after = await crowd(world.gateways, shoppers(sale, 'after', 8));
    expect(countBy(after, kindOf)).toEqual({ accepted: 6, '409 sold-out': 2 });
    await settled(sale, 6);
    const { refuted } = await auditWorld(world, sale, [...kept, ...lost, ...replays, ...after]);
    const named = lost.map((answer) => `${orderIdOf(answer)}: a client has its 202, and it is nowhere`);
    expect(refuted).toEqual([expect.stringMatching(/^clients-nothing-lost: /) as string]);
    for (const line of named) expect(refuted[0]).toContain(line);
  });
});
