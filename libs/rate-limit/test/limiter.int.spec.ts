import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { RedisConnection } from '@flux/gate';
import { gateConfig, startRedis, waitUntil, type RedisServer } from '@flux/testing';
import { LimitBook, Limiter, policyOf, type Charge, type LimiterOptions, type Policy } from '../src';

const LONGEST_MS = 1_200_000;

function policy(text: string): Policy {
  const read = policyOf('address', text);
  if (read === undefined) throw new Error(text);
  return read;
}

describe('limiters on one Redis', () => {
  let redis: RedisServer;
  const connections: RedisConnection[] = [];

  beforeAll(async () => {
    redis = await startRedis();
  });
  beforeEach(() => redis.client.flushall());
  afterAll(async () => {
    for (const connection of connections) connection.close();
    await redis.remove();
  });

  /** One process's. */
  async function limiter(options: Partial<LimiterOptions> & { readonly maxKeys?: number } = {}) {
    const connection = new RedisConnection({
      ...gateConfig(redis.url),
      FLUX_REDIS_COMMAND_TIMEOUT_MS: 15_000,
    });
    connections.push(connection);
    await connection.whenReady();
    const { maxKeys = 1_000, ...others } = options;
    const book = new LimitBook(connection, { maxKeys, longestMs: LONGEST_MS, parts: 1 });
    return new Limiter(book, { maxMeters: 1_000, shareAlone: 0.5, ...others });
  }

  const bookings = async (): Promise<number> =>
    Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.client.info('commandstats'))?.[1] ?? 0);

  const booked = (principal: string): Promise<unknown> =>
    waitUntil(
      `${principal} is booked`,
      async () => (await redis.client.exists(`{limit:0}:address:${principal}`)) === 1,
    );

  it('gives a principal its burst at once, says how it stands, and refuses the next one until there is more', async () => {
    const one = await limiter();
    const charge = { policy: policy('3/60s'), principal: '1.2.3.4' };
    const takings = [0, 1, 2, 3].map(() => one.take([charge]));
    expect(takings.map(({ outcome, remaining }) => [outcome, remaining])).toEqual([
      ['taken', 2],
      ['taken', 1],
      ['taken', 0],
      ['refused', 0],
    ]);
    const [first, , third, refused] = takings.map(({ resetMs }) => resetMs);
    // One request takes 20 s of it; the third leaves nothing for as long, less what the test itself took.
    expect(first).toBeGreaterThan(19_000);
    expect(first).toBeLessThanOrEqual(20_000);
    expect(third).toBeGreaterThan(19_000);
    expect(third).toBeLessThanOrEqual(20_000);
    expect(refused).toBeLessThanOrEqual(third ?? 0);
    expect(one.take([{ ...charge, principal: '1.2.3.5' }]).outcome).toBe('taken');
    expect(one.refusalsOf(charge)).toBe(1);
    expect(one.refusalsOf({ ...charge, principal: '1.2.3.5' })).toBe(0);
  });

  it('takes of all policies or of none', async () => {
    const one = await limiter();
    const wide = { policy: { ...policy('10/60s'), name: 'wide' }, principal: 'a' };
    const tight = { policy: policy('1/60s'), principal: 'b' };
    expect(one.take([wide, tight])).toMatchObject({ outcome: 'taken', remaining: 0, policy: tight.policy });
    expect(one.take([wide, tight])).toMatchObject({ outcome: 'refused', policy: tight.policy });
    expect(one.take([wide])).toMatchObject({ outcome: 'taken', remaining: 8 });
  });

  it('counts in a dry run and refuses nothing', async () => {
    const refused: string[] = [];
    const one = await limiter({ onRefusal: ({ name }) => refused.push(name) });
    const charge = { policy: policy('1/60s dry-run'), principal: 'a' };
    expect([0, 1, 2].map(() => one.take([charge]).outcome)).toEqual(['taken', 'taken', 'taken']);
    expect(refused).toEqual(['address', 'address']);
    expect(one.refusalsOf(charge)).toBe(0);
  });

  it('a denied principal costs Redis nothing', async () => {
    const one = await limiter();
    const charge = { policy: policy('2/60s'), principal: 'denied' };
    one.take([charge]);
    one.take([charge]);
    await booked(charge.principal);
    await pause(50);
    await redis.client.config('RESETSTAT');
    for (let index = 0; index < 10_000; index += 1) expect(one.take([charge]).outcome).toBe('refused');
    for (let turn = 0; turn < 20; turn += 1) await nextTurn();
    await pause(50);
    expect(await bookings()).toBe(0);
  });

  it('one that has used little is booked only where it does not come to rest soon', async () => {
    const one = await limiter();
    one.take([{ policy: policy('3000/60s'), principal: 'seldom' }]);
    one.take([{ policy: policy('20/60s'), principal: 'slow' }]);
    await booked('slow');
    expect(await redis.client.exists('{limit:0}:address:seldom')).toBe(0);
  });

  it('a principal that another process has met is known there too, and forgotten when it is at rest', async () => {
    const [one, other] = [await limiter(), await limiter()];
    const charge = { policy: policy('2/500ms'), principal: 'met' };
    one.take([charge]);
    one.take([charge]);
    await booked(charge.principal);
    // The other takes one before Redis has told it, and learns by that.
    expect(other.take([charge]).outcome).toBe('taken');
    await waitUntil('the other knows', () => other.useOf(charge) > 1);
    expect(other.take([charge]).outcome).toBe('refused');
    await waitUntil(
      'the key is gone',
      async () => (await redis.client.exists('{limit:0}:address:met')) === 0,
    );
    expect(one.take([charge]).outcome).toBe('taken');
  });

  it('one that Redis has forgotten goes on as this process remembers it', async () => {
    const one = await limiter();
    const charge = { policy: policy('5/60s'), principal: 'forgotten' };
    one.take([charge]);
    one.take([charge]);
    await booked(charge.principal);
    await redis.client.flushall();
    expect(one.take([charge]).remaining).toBe(2);
    await booked(charge.principal);
    expect(one.take([charge]).remaining).toBe(1);
  });

  it('keeps no more than the cap, here and in Redis, whoever comes', async () => {
    const [maxMeters, maxKeys] = [20_000, 10_000];
    const one = await limiter({ maxMeters, maxKeys });
    const slow = policy('5/10m');
    const known = { policy: slow, principal: 'known' };
    one.take([known]);
    await booked('known');
    let largest = 0;
    for (let address = 0; address < 1_000_000; address += 1) {
      one.take([{ policy: slow, principal: `${address >>> 16}.${(address >>> 8) & 255}.${address & 255}` }]);
      largest = Math.max(largest, one.size);
      // As many as may come in a turn of the event loop, so that Redis is told meanwhile.
      if (address % 1_000 === 0) await nextTurn();
    }
    expect(largest).toBe(maxMeters);
    const last = { policy: slow, principal: 'last' };
    expect(one.take([last]).outcome).toBe('taken');
    await waitUntil('what came last is booked', async () => {
      const before = await bookings();
      await pause(30);
      return (await bookings()) === before;
    });
    // The keys that are alive, and the one that counts them.
    const alive = await redis.client.dbsize();
    expect(alive).toBeLessThanOrEqual(maxKeys + 1);
    expect(alive).toBeGreaterThan(maxKeys / 2);
    // Who was there before the table was full is still counted over all processes, and others where they come.
    const other = await limiter();
    other.take([known]);
    await waitUntil('the other knows', () => other.useOf(known) > 0.21);
    for (let index = 0; index < 4; index += 1) one.take([last]);
    expect(one.take([last]).outcome).toBe('refused');
  });

  it('the share that is stated goes on while Redis is away, and all of it when it is back', async () => {
    const one = await limiter({ shareAlone: 0.5 });
    const charge = (principal: string): Charge => ({ policy: policy('10/60s'), principal });
    one.take([charge('before')]);
    await booked('before');
    await redis.stop();
    await waitUntil('it is alone', () => {
      one.take([charge('meanwhile')]);
      return one.isAlone;
    });
    const takings = Array.from({ length: 10 }, () => one.take([charge('alone')]).outcome);
    expect(takings.filter((outcome) => outcome === 'taken')).toHaveLength(5);
    await redis.restart();
    await waitUntil('it is not alone', () => {
      one.take([charge('again')]);
      return !one.isAlone;
    });
    expect(Array.from({ length: 10 }, () => one.take([charge('new')]).outcome)).not.toContain('refused');
  });
});
