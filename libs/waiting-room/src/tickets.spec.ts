import { loadConfig } from '@flux/config';
import { Tokens, tokenSettings } from '@flux/tokens';
import { passIdOf, Tickets } from './tickets';

const OLD = 'k1:a-secret-of-thirty-two-bytes-or-more';
const NEW = 'k2:another-secret-of-thirty-two-bytes';
const SALE = 'sale-1';
const TICKET = { saleId: SALE, ticketId: 'A'.repeat(14), joinedAtUs: 1_795_000_000_000_123 };
const PASS = { saleId: SALE, ticketId: 'A'.repeat(14), place: 281_474_976_710_655 };

function at(nowMs: number, keys = OLD): { readonly tickets: Tickets; readonly tokens: Tokens } {
  const { FLUX_TOKEN_KEYS } = loadConfig(tokenSettings, { FLUX_TOKEN_KEYS: keys });
  const tokens = new Tokens(FLUX_TOKEN_KEYS, () => nowMs);
  return { tickets: new Tickets(tokens), tokens };
}

describe('tickets and passes', () => {
  const { tickets, tokens } = at(1_000);

  it('come back as they were signed', () => {
    const ticket = tickets.ticketText(TICKET, 60_000);
    expect(tickets.readTicket(ticket, SALE)).toEqual({
      outcome: 'ticket',
      ticket: TICKET,
      isRenewable: false,
    });
    const pass = tickets.passText(PASS, 60_000);
    expect(tickets.readPass(pass, SALE)).toEqual({ outcome: 'pass', pass: PASS });
  });

  it('are good in their own sale and for their own purpose', () => {
    const [ticket, pass] = [tickets.ticketText(TICKET, 60_000), tickets.passText(PASS, 60_000)];
    expect(tickets.readTicket(ticket, 'sale-2')).toEqual({ outcome: 'invalid' });
    expect(tickets.readPass(pass, 'sale-2')).toEqual({ outcome: 'invalid' });
    expect(tickets.readPass(ticket, SALE)).toEqual({ outcome: 'invalid' });
    expect(tickets.readTicket(pass, SALE)).toEqual({ outcome: 'invalid' });
  });

  it('tell a pass whose time is over from one that never was', () => {
    const pass = tickets.passText(PASS, 1_000);
    expect(at(8_000).tickets.readPass(pass, SALE)).toEqual({ outcome: 'expired', pass: PASS });
    expect(at(8_000).tickets.readPass(`${pass}A`, SALE)).toEqual({ outcome: 'invalid' });
    expect(at(8_000).tickets.readTicket(tickets.ticketText(TICKET, 1_000), SALE)).toEqual({
      outcome: 'invalid',
    });
  });

  it('are to be renewed once their key is the second one', () => {
    const ticket = tickets.ticketText(TICKET, 60_000);
    const rotated = at(1_000, `${NEW},${OLD}`);
    expect(rotated.tickets.readTicket(ticket, SALE)).toMatchObject({ isRenewable: true });
  });

  it.each([
    ['too few fields', [SALE, 'A'.repeat(14)]],
    ['too many', [SALE, 'A'.repeat(14), '1', '2']],
    ['a foreign ticket id', [SALE, 'A'.repeat(13), '1']],
    ['a place that is no number', [SALE, 'A'.repeat(14), '1e3']],
    ['a place beyond all', [SALE, 'A'.repeat(14), '1'.repeat(17)]],
    ['no place', [SALE, 'A'.repeat(14), '']],
  ])('are refused with %s, although somebody signed them', (_name, fields) => {
    for (const type of ['queue-ticket', 'pass']) {
      const text = tokens.sign({ type, fields, lifetimeMs: 60_000 });
      expect([tickets.readTicket(text, SALE).outcome, tickets.readPass(text, SALE).outcome]).toEqual([
        'invalid',
        'invalid',
      ]);
    }
  });

  it('have one id for a place, and another for another', () => {
    expect(passIdOf(PASS)).toMatch(/^[A-Za-z0-9_-]{16}$/);
    expect(passIdOf({ ...PASS })).toBe(passIdOf(PASS));
    const others = [{ place: 1 }, { saleId: 'sale-2' }, { ticketId: 'B'.repeat(14) }];
    expect(new Set(others.map((other) => passIdOf({ ...PASS, ...other })).concat(passIdOf(PASS))).size).toBe(
      4,
    );
  });
});
