import { createHash, createHmac } from 'node:crypto';
import { commitmentOf, ListHash, rankOf, ticketIdOf, TICKET_ID_PATTERN } from './draw';

const SEED = '0123456789abcdef'.repeat(4);

/** Kendall's tau-a of two orders of the same things, in O(n log n): 1 for the same, -1 for the reverse. */
function tau(values: readonly number[]): number {
  const inversions = (list: readonly number[]): [readonly number[], number] => {
    if (list.length < 2) return [list, 0];
    const half = list.length >> 1;
    const [left, a] = inversions(list.slice(0, half));
    const [right, b] = inversions(list.slice(half));
    const merged: number[] = [];
    let count = a + b;
    let at = 0;
    for (const value of left) {
      while (at < right.length && (right[at] ?? 0) < value) merged.push(right[at++] ?? 0);
      count += at;
      merged.push(value);
    }
    return [[...merged, ...right.slice(at)], count];
  };
  const pairs = (values.length * (values.length - 1)) / 2;
  return 1 - (2 * inversions(values)[1]) / pairs;
}

describe('a draw', () => {
  it('names shoppers by the salt alone', () => {
    const id = ticketIdOf('a5'.repeat(32), 'ann@example.org');
    expect(id).toMatch(TICKET_ID_PATTERN);
    expect(ticketIdOf('a5'.repeat(32), 'ann@example.org')).toBe(id);
    expect(ticketIdOf('5a'.repeat(32), 'ann@example.org')).not.toBe(id);
  });

  it('commits to its seed by SHA-256 of the bytes', () => {
    expect(commitmentOf(SEED)).toBe(createHash('sha256').update(Buffer.from(SEED, 'hex')).digest('hex'));
  });

  it('has one hash for a list, however it is cut', () => {
    const whole = new ListHash();
    whole.add(['a', 'b', 'c']);
    const pieces = new ListHash();
    for (const piece of [[], ['a'], [], ['b', 'c']]) pieces.add(piece);
    expect(pieces.digest()).toBe(whole.digest());
    expect(new ListHash().digest()).toBe(createHash('sha256').digest('hex'));
  });

  it('ranks by the first 48 bits of the HMAC under seed, list and beacon', () => {
    const key = { seed: SEED, listHash: 'ff'.repeat(32), beacon: 'round 42' };
    const bytes = Buffer.concat([Buffer.from(SEED, 'hex'), Buffer.alloc(32, 0xff), Buffer.from('round 42')]);
    const digest = createHmac('sha256', bytes).update('ticket').digest('hex');
    expect(rankOf(key, 'ticket')).toBe(Number.parseInt(digest.slice(0, 12), 16));
    for (const other of [{ beacon: '' }, { listHash: 'fe'.repeat(32) }, { seed: 'aa'.repeat(32) }]) {
      expect(rankOf({ ...key, ...other }, 'ticket')).not.toBe(rankOf(key, 'ticket'));
    }
  });

  // GUARANTEES, section 4: |tau| <= 0.0131 for fixed seeds and n = 10,000; chi-square over deciles.
  it.each([1, 2, 3])('is uniform: seed %i', (number) => {
    const ids = Array.from({ length: 10_000 }, (_, index) => ticketIdOf('00'.repeat(32), `shopper-${index}`));
    const key = { seed: String(number).repeat(64), listHash: 'ab'.repeat(32), beacon: '' };
    const ranks = ids.map((id) => rankOf(key, id));
    expect(Math.abs(tau(ranks))).toBeLessThanOrEqual(0.0131);
    const deciles = new Array<number>(10).fill(0);
    for (const rank of ranks) {
      const decile = Math.floor((rank / 2 ** 48) * 10);
      deciles[decile] = (deciles[decile] ?? 0) + 1;
    }
    const chiSquare = deciles.reduce((sum, count) => sum + (count - 1_000) ** 2 / 1_000, 0);
    // The 99th percentile with 9 degrees of freedom.
    expect(chiSquare).toBeLessThan(21.67);
  });
});
