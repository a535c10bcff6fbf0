import { createHmac } from 'node:crypto';
import type { ItemRef } from '@flux/contracts';
import type { RoomConfig } from '@flux/waiting-room';
import { solved, waitUntil } from '@flux/testing';
import { BITS, challengeOf, openChallenged, powOf, proofOf } from './challenge.world';
import { passOf, visit } from './queue.world';
import {
  buy,
  callsOf,
  codeOf,
  randomId,
  startGateway,
  useWorld,
  type Purchase,
  type TestGateway,
} from './world';

const KEYS = 'k1:canary-token-key-of-thirty-two-bytes-or-more';

const world = useWorld({ FLUX_TOKEN_KEYS: KEYS });

const challenged = (options: Partial<RoomConfig> = {}, stock = 100): Promise<ItemRef> =>
  openChallenged(world.shop, options, stock);

const key = () => randomId('key-of-a-purchase');

async function available(item: ItemRef): Promise<number | undefined> {
  return (await world.shop.gate.readItem(item))?.available;
}

describe('S16: a purchase in a sale that asks for proof of work', () => {
  it('is refused without one, and told where the challenge is', async () => {
    const item = await challenged();
    const answer = await buy(world.gateway, { body: item });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('retry-after')).toBeNull();
    expect(await answer.json()).toMatchObject({
      code: 'challenge-required',
      challengeUrl: `/v1/sales/${item.saleId}/challenge?action=purchase`,
    });
    // Of another sale another address.
    const other = await challenged();
    const told = (await (await buy(world.gateway, { body: other })).json()) as Record<string, unknown>;
    expect(told['challengeUrl']).toBe(`/v1/sales/${other.saleId}/challenge?action=purchase`);
    expect(await available(item)).toBe(100);
  });

  it('is accepted with one, whether the sale is named or not', async () => {
    const { saleId, productId } = await challenged();
    const shopper = randomId('shopper');
    for (const body of [{ saleId, productId }, { productId }]) {
      const headers = await proofOf(world.gateway, { saleId, shopper });
      expect((await buy(world.gateway, { body, shopper, headers })).status).toBe(202);
    }
  });

  it.each([
    ['none that is one', () => Promise.resolve('nonsense')],
    ['one of another shopper', async (item: ItemRef) => proof(item, 'another')],
    ['one for joining', async (item: ItemRef, shopper: string) => proof(item, shopper, 'join')],
    ['one of another sale', async (_item: ItemRef, shopper: string) => proof(await challenged(), shopper)],
    [
      'one with less work than was asked of this one',
      async ({ saleId }: ItemRef, shopper: string) => {
        const asked = await powOf(world.gateway, { saleId, shopper });
        return solved({ ...asked, bits: asked.bits - 4 });
      },
    ],
    [
      'one whose difficulty was changed',
      async ({ saleId }: ItemRef, shopper: string) => {
        const asked = await powOf(world.gateway, { saleId, shopper });
        return solved({ ...asked, challenge: resigned(asked.challenge, '1'), bits: 1 });
      },
    ],
    [
      'one that is sent twice',
      async ({ saleId }: ItemRef, shopper: string) => {
        const text = solved(await powOf(world.gateway, { saleId, shopper }));
        return `${text}, ${text}`;
      },
    ],
  ])('is refused with %s', async (_name, textOf) => {
    const item = await challenged({}, 5);
    const shopper = randomId('shopper');
    const headers = { 'x-challenge': await textOf(item, shopper) };
    const answer = await buy(world.gateway, { body: item, shopper, headers });
    expect(answer.status).toBe(403);
    expect(await codeOf(answer)).toBe('challenge-failed');
    expect(await available(item)).toBe(5);
  });

  it('asks Redis about no proof that is forged, unsolved or of others', async () => {
    const item = await challenged();
    const shopper = randomId('shopper');
    const asked = await powOf(world.gateway, { saleId: item.saleId, shopper });
    const forged = solved({ ...asked, challenge: resigned(asked.challenge, String(BITS)) });
    const foreign = await proof(await challenged(), shopper);
    const unsolved = `${asked.challenge}~1,1,1,1,1,1,1,1`;
    const redemptions = await world.redis.client.keys('challenge:*');
    await world.redis.client.config('RESETSTAT');
    for (const text of [forged, unsolved, 'x'.repeat(4_000), foreign]) {
      const answer = await buy(world.gateway, { body: item, shopper, headers: { 'x-challenge': text } });
      expect(await codeOf(answer)).toBe('challenge-failed');
    }
    expect(await callsOf(world.redis, 'set')).toBe(0);
    expect(await world.redis.client.keys('challenge:*')).toHaveLength(redemptions.length);
    const headers = { 'x-challenge': solved(asked) };
    expect((await buy(world.gateway, { body: item, shopper, headers })).status).toBe(202);
    expect(await callsOf(world.redis, 'set')).toBe(1);
  });

  it('sells once for one proof, of fifty at once with keys of their own over two gateways', async () => {
    const item = await challenged();
    const shopper = randomId('shopper');
    const other = await startGateway(world.redis.url, { FLUX_TOKEN_KEYS: KEYS });
    const headers = await proofOf(world.gateway, { saleId: item.saleId, shopper });
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) =>
        buy(index % 2 === 0 ? world.gateway : other, {
          body: item,
          shopper,
          headers,
          key: `${key()}-${index}`,
        }),
      ),
    );
    expect(answers.filter(({ status }) => status === 202)).toHaveLength(1);
    const refused = answers.filter(({ status }) => status === 403);
    expect(await Promise.all(refused.map(codeOf))).toEqual(
      Array.from({ length: 49 }, () => 'challenge-failed'),
    );
    expect(await available(item)).toBe(99);
    await other.close();
  });

  it('is one order for fifty retries at once with the same key and proof over two gateways', async () => {
    const item = await challenged();
    const other = await startGateway(world.redis.url, { FLUX_TOKEN_KEYS: KEYS });
    const purchase = await provenPurchase(world.gateway, item);
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => buy(index % 2 === 0 ? world.gateway : other, purchase)),
    );
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]));
    expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1);
    expect(await available(item)).toBe(99);
    await other.close();
  });

  it('gets its order again after a lost answer with another proof, and needs one', async () => {
    const item = await challenged({}, 1);
    const purchase = await provenPurchase(world.gateway, item);
    const first = await buy(world.gateway, purchase);
    expect(first.status).toBe(202);
    const { shopper = '', key: sameKey = '' } = purchase;
    const bare = await buy(world.gateway, { body: item, shopper, key: sameKey });
    expect(await codeOf(bare)).toBe('challenge-required');
    // Not final: the same key with a new proof gets what the lost answer said, on any gateway, sold out or not.
    const headers = await proofOf(world.gateway, { saleId: item.saleId, shopper });
    const again = await buy(world.gateway, { body: item, shopper, key: sameKey, headers });
    expect([again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 'true']);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(await again.text()).toBe(await first.text());
  });

  it('is judged anew with the same proof and key after a refusal that had no effect', async () => {
    const item = await challenged({}, 0);
    const purchase = await provenPurchase(world.gateway, item);
    expect(await codeOf(await buy(world.gateway, purchase))).toBe('sold-out');
    await world.shop.gate.adjust({ ...item, epoch: 1, delta: 1, changeId: randomId('change') });
    await waitUntil('it is sold', async () => (await buy(world.gateway, purchase)).status === 202);
  });

  it('is 503 while Redis is gone, and asks for no other proof', async () => {
    const item = await challenged();
    const purchase = await provenPurchase(world.gateway, item);
    await world.redis.stop();
    try {
      const gone = await waitUntil('it is noticed', async () => {
        const answer = await buy(world.gateway, purchase);
        return answer.status === 503 && answer;
      });
      expect(await codeOf(gone)).toBe('temporarily-unavailable');
    } finally {
      await world.redis.restart();
    }
    // What it finds there is another matter: no 403, so the proof is good.
    const back = async () => codeOf(await buy(world.gateway, purchase));
    await waitUntil('the proof is redeemed', async () => (await back()) === 'not-ready');
  });
});

describe('who is not asked', () => {
  it('is anybody in a sale that asks for nothing', async () => {
    const item = await world.shop.open();
    await world.shop.putRoom(item, { mode: 'off' });
    expect(await challengeOf(world.gateway, { saleId: item.saleId, shopper: 'ann' })).toEqual({
      type: 'none',
    });
    const answer = await buy(world.gateway, { body: item, headers: { 'x-challenge': 'ignored' } });
    expect(answer.status).toBe(202);
  });

  it('is whoever comes with a pass of their own, while the line is in front of the sale', async () => {
    const item = await challenged({ mode: 'on', challenge: 'none' });
    const [shopper, pass] = ['ann', await passOf(world.gateway, item, 'ann')];
    const settings = { mode: 'on', challenge: 'pow', challengeBits: BITS } as const;
    await world.shop.putRoom(item, { ...settings, version: 2 });
    await switchedOn(item);
    const forged = await buy(world.gateway, { body: item, shopper: 'bob', headers: { 'x-pass': pass } });
    expect(await codeOf(forged)).toBe('challenge-required');
    const answer = await buy(world.gateway, { body: item, shopper, headers: { 'x-pass': pass } });
    expect(answer.status).toBe(202);
    // With the room off a pass is not used up: it would buy without end.
    await world.shop.putRoom(item, { ...settings, mode: 'off', version: 3 });
    await waitUntil('a challenge is asked for', async () => {
      const again = await buy(world.gateway, { body: item, shopper, headers: { 'x-pass': pass } });
      return (await codeOf(again)) === 'challenge-required';
    });
  });
});

describe('joining a line that asks for proof of work', () => {
  const joinWith = (item: ItemRef, shopper: string, headers: Readonly<Record<string, string>> = {}) =>
    visit(world.gateway, 'POST', { saleId: item.saleId, shopper, headers });

  it('needs one, made for joining, once', async () => {
    const item = await challenged({ mode: 'closed' });
    const { saleId } = item;
    const shopper = randomId('shopper');
    const bare = await joinWith(item, shopper);
    expect(bare.status).toBe(403);
    expect(await bare.json()).toMatchObject({
      code: 'challenge-required',
      challengeUrl: `/v1/sales/${saleId}/challenge?action=join`,
    });
    const other = await joinWith(item, shopper, await proofOf(world.gateway, { saleId, shopper }));
    expect(await codeOf(other)).toBe('challenge-failed');
    const headers = await proofOf(world.gateway, { saleId, shopper, action: 'join' });
    const joined = await joinWith(item, shopper, headers);
    expect(joined.status).toBe(201);
    // A retry whose answer was lost has the same proof.
    expect((await joinWith(item, shopper, headers)).status).toBe(200);
    // Its own ticket stands for it.
    const { ticket } = (await joined.json()) as { readonly ticket: string };
    expect((await joinWith(item, shopper, { 'x-ticket': ticket })).status).toBe(200);
    const stolen = await joinWith(item, randomId('shopper'), { 'x-ticket': ticket });
    expect(await codeOf(stolen)).toBe('challenge-required');
  });

  it('is left to the line where there is no such sale', async () => {
    expect(await codeOf(await visit(world.gateway, 'POST', { saleId: 'nowhere', shopper: 'ann' }))).toBe(
      'unknown-sale',
    );
  });

  it('is said to browsers without a script in words', async () => {
    const { saleId } = await challenged({ mode: 'closed' });
    const answer = await fetch(`${world.gateway.base}/waiting-room/${saleId}/place`, {
      method: 'POST',
      headers: { cookie: 'flux-shopper=ann' },
    });
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('Please switch on JavaScript');
  });
});

describe('the challenge', () => {
  it('is switched on, made harder and switched off while people buy, within a second', async () => {
    const item = await challenged({ challenge: 'none' });
    const { saleId } = item;
    const shopper = randomId('shopper');
    expect((await buy(world.gateway, { body: item, shopper })).status).toBe(202);
    await world.shop.putRoom(item, { mode: 'off', version: 2, challenge: 'pow', challengeBits: BITS });
    await switchedOn(item);
    const easy = await proofOf(world.gateway, { saleId, shopper });
    await world.shop.putRoom(item, { mode: 'off', version: 3, challenge: 'pow', challengeBits: BITS + 1 });
    await waitUntil(
      'it is harder',
      async () => (await powOf(world.gateway, { saleId, shopper })).bits > BITS,
    );
    const answer = await buy(world.gateway, { body: item, shopper, headers: easy });
    expect(await codeOf(answer)).toBe('challenge-failed');
    await world.shop.putRoom(item, { mode: 'off', version: 4, challenge: 'none' });
    await waitUntil(
      'it is off',
      async () => (await buy(world.gateway, { body: item, shopper })).status === 202,
    );
  });

  it('is asked for in the sale that the product moves to, from the first purchase on', async () => {
    const first = await world.shop.open();
    const { productId } = first;
    await world.shop.putRoom(first, { mode: 'off' });
    expect((await buy(world.gateway, { body: { productId } })).status).toBe(202);
    await world.shop.gate.close(first);
    const second = await world.shop.open({ productId });
    await world.shop.putRoom(second, { mode: 'off', challenge: 'pow', challengeBits: BITS });
    const answer = await buy(world.gateway, { body: { productId } });
    expect(await answer.json()).toMatchObject({
      code: 'challenge-required',
      challengeUrl: `/v1/sales/${second.saleId}/challenge?action=purchase`,
    });
    expect(await available(second)).toBe(100);
  });

  it('is counted by what became of it, and in no log line', async () => {
    const { text } = await world.gateway.metrics.render();
    for (const outcome of ['met', 'again', 'missing', 'refused', 'used']) {
      expect(text).toMatch(
        new RegExp(
          `flux_challenge_claims_total{action="purchase",asked="pow",outcome="${outcome}",.*} [1-9]`,
        ),
      );
    }
    expect(world.gateway.lines.join('')).not.toMatch(/~\d+,\d+|canary/);
  });
});

async function proof({ saleId }: ItemRef, shopper: string, action?: 'join'): Promise<string> {
  const asker = { saleId, shopper, ...(action === undefined ? {} : { action }) };
  return solved(await powOf(world.gateway, asker));
}

async function provenPurchase(gateway: TestGateway, item: ItemRef): Promise<Purchase> {
  const shopper = randomId('shopper');
  const headers = await proofOf(gateway, { saleId: item.saleId, shopper });
  return { body: item, shopper, key: key(), headers };
}

/** The gateway has heard that the sale asks for something. */
async function switchedOn({ saleId }: ItemRef): Promise<void> {
  await waitUntil('the challenge is on', async () => {
    return (await challengeOf(world.gateway, { saleId, shopper: 'nobody' })).type === 'pow';
  });
}

/** The same challenge with other bits and the signature of somebody without the key. */
function resigned(challenge: string, bits: string): string {
  const content = Buffer.from(challenge, 'base64url').subarray(0, -32);
  const fields: Buffer[] = [];
  for (let at = 0; at < content.length; at += 1 + content.readUInt8(at)) {
    fields.push(content.subarray(at + 1, at + 1 + content.readUInt8(at)));
  }
  // Key id, type, expiry, sale, action, asked, subject, bits, seed.
  fields[7] = Buffer.from(bits);
  const changed = Buffer.concat(fields.flatMap((field) => [Buffer.of(field.length), field]));
  const signature = createHmac('sha256', 'a guess').update(changed).digest();
  return Buffer.concat([changed, signature]).toString('base64url');
}
