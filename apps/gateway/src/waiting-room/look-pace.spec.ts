import { LookPace } from './look-pace';

const TICKET = { saleId: 'sale-1', ticketId: 'A'.repeat(14) };

describe('the pace of looks', () => {
  it('is what was told, but for a quarter of a second', () => {
    const pace = new LookPace();
    expect(pace.tooEarlyMs(TICKET, 0)).toBe(0);
    pace.told(TICKET, 2_000, 1_000);
    expect(pace.tooEarlyMs(TICKET, 1_500)).toBe(1_250);
    expect(pace.tooEarlyMs(TICKET, 2_750)).toBe(0);
  });

  it('is kept for each place by itself', () => {
    const pace = new LookPace();
    pace.told(TICKET, 2_000, 0);
    expect(pace.tooEarlyMs({ ...TICKET, saleId: 'sale-2' }, 0)).toBe(0);
    expect(pace.tooEarlyMs({ ...TICKET, ticketId: 'B'.repeat(14) }, 0)).toBe(0);
  });

  it('is remembered for a bounded number of places, the latest', () => {
    const pace = new LookPace();
    for (let index = 0; index <= 200_000; index += 1)
      pace.told({ ...TICKET, ticketId: String(index) }, 1_000, 0);
    expect(pace.tooEarlyMs({ ...TICKET, ticketId: '0' }, 0)).toBe(0);
    expect(pace.tooEarlyMs({ ...TICKET, ticketId: '1' }, 0)).toBe(750);
  });
});
