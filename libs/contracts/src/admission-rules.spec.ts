import { admissionSchema } from './admission';
import { admissionChangeSchema, changedAdmission } from './admission-rules';
import { newSaleSchema } from './sale';

const sale = {
  name: 'Drop',
  opensAt: '2026-11-22T10:00:00.000Z',
  closesAt: '2026-11-22T12:00:00.000Z',
  items: [
    { productId: 'p1', name: 'Shoe', priceMinor: 12_900, currency: 'EUR', stock: 500, perShopperLimit: 1 },
  ],
};

function problems(admission: object): readonly string[] {
  const read = newSaleSchema.safeParse({ ...sale, admission });
  return read.success ? [] : read.error.issues.map(({ path, message }) => `/${path.join('/')} ${message}`);
}

describe('how people are let into a new sale', () => {
  it('has a room that goes on by itself where nothing is said', () => {
    expect(newSaleSchema.parse(sale).admission).toEqual({
      mode: 'auto',
      ratePerSecond: 10_000,
      passMs: 120_000,
      longestPollMs: 10_000,
      silentMs: 75_000,
      graceMs: 180_000,
    });
  });

  it('takes a lobby before the opening, with a beacon', () => {
    expect(problems({ lobbyOpensAt: '2026-11-22T10:59:59.999+01:00', beacon: 'the lottery' })).toEqual([]);
  });

  it.each([
    [{ silentMs: 19_999 }, '/admission/silentMs must be at least twice longestPollMs'],
    [{ lobbyOpensAt: '2026-11-22T11:00:00.000+01:00' }, '/admission/lobbyOpensAt must be before opensAt'],
    [{ beacon: 'lottery' }, '/admission/beacon needs lobbyOpensAt: without a lobby nothing is drawn'],
  ])('refuses %j', (admission, problem) => {
    expect(problems(admission)).toEqual([problem]);
  });

  it('asks for a challenge where that is said', () => {
    expect(problems({ challenge: 'captcha' })).toEqual([]);
    expect(problems({ challenge: 'pow', challengeBits: 20 })).toEqual([]);
  });

  it.each([
    { mode: 'maybe' },
    { ratePerSecond: 0 },
    { maxInside: null },
    { queue: true },
    { challenge: 'magic' },
    { challengeBits: 7 },
    { challengeBits: 21 },
    { challengeBits: 12.5 },
  ])('refuses %j by its field', (admission) => {
    expect(problems(admission)).toHaveLength(1);
  });
});

describe('a change of the settings', () => {
  const settings = admissionSchema.parse({ maxInside: 50, lobbyOpensAt: '2026-11-22T09:00:00.000Z' });

  it('is of one setting at least, never of lobby or beacon, and fills in no defaults', () => {
    expect(admissionChangeSchema.parse({ mode: 'on' })).toEqual({ mode: 'on' });
    for (const change of [
      {},
      { lobbyOpensAt: '2026-11-22T09:30:00.000Z' },
      { beacon: 'x' },
      { passMs: null },
    ]) {
      expect(admissionChangeSchema.safeParse(change).success).toBe(false);
    }
  });

  it('leaves the others as they are', () => {
    expect(changedAdmission(settings, { mode: 'closed', passMs: 60_000 })).toEqual({
      ...settings,
      mode: 'closed',
      passMs: 60_000,
    });
  });

  it('switches the challenge on, and off again', () => {
    const change = admissionChangeSchema.parse({ challenge: 'pow', challengeBits: 15 });
    const changed = changedAdmission(settings, change);
    expect(changed).toEqual({ ...settings, challenge: 'pow', challengeBits: 15 });
    expect(changedAdmission(changed, { challenge: 'none' })).toMatchObject({ challenge: 'none' });
  });

  it('sets and removes the bound of those inside', () => {
    expect(changedAdmission(settings, { maxInside: 9 }).maxInside).toBe(9);
    expect(changedAdmission(settings, { maxInside: null })).not.toHaveProperty('maxInside');
    expect(changedAdmission(settings, { mode: 'on' }).maxInside).toBe(50);
  });
});
