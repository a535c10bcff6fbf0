import { ConfirmationDelay } from './confirmation-delay';

const NO_REASONS = { 'no-units': 0, 'shopper-limit': 0, 'old-epoch': 0 };

function decided(delayMs: number) {
  const decidedAtMs = 1_000_000;
  const counts = {
    confirmedAcceptedAtMs: [decidedAtMs - delayMs - 60_000, decidedAtMs - delayMs],
    rejected: NO_REASONS,
    ...{ parked: 0, cancelled: 0, repeated: 0, unmetIntents: 0 },
  };
  return { counts, decidedAtMs };
}

describe('ConfirmationDelay', () => {
  it('is late while even the newest orders have waited long, and not when they are done', () => {
    let nowMs = 0;
    const delay = new ConfirmationDelay(() => nowMs);
    expect(delay.isLate).toBe(false);
    delay.decided(decided(200));
    expect(delay.isLate).toBe(false);
    delay.decided(decided(5_000));
    expect(delay.isLate).toBe(true);
    nowMs = 1_999;
    expect(delay.isLate).toBe(true);
    nowMs = 2_000;
    expect(delay.isLate).toBe(false);
    delay.decided(decided(5_000));
    delay.decided(decided(300));
    expect(delay.isLate).toBe(false);
  });

  it('says nothing by a transaction that confirmed nobody', () => {
    const delay = new ConfirmationDelay(() => 0);
    delay.decided(decided(5_000));
    const { counts, decidedAtMs } = decided(0);
    delay.decided({ counts: { ...counts, confirmedAcceptedAtMs: [] }, decidedAtMs });
    expect(delay.isLate).toBe(true);
  });
});
