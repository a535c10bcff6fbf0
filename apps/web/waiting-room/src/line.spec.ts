import type { QueueAnswer } from '@flux/contracts';
import { memoryStore } from '../test/memory-store';
import { KeptTicket } from './kept-ticket';
import type { Meeting } from './challenge/challenge-meeter';
import { Line } from './line';
import type { Reply } from './queue-api';

type Asked = readonly [what: 'join' | 'look' | 'leave', ticket: string | undefined, challenge?: string];

const WAITING: QueueAnswer = { saleId: 'drop', status: 'waiting', place: 9, askAgainMs: 4_000 };

function answer(more: Partial<QueueAnswer> = {}): Reply {
  return { kind: 'answer', answer: { ...WAITING, ...more } };
}

function refused(status: number, code: string, retryAfterMs = 0): Reply {
  return { kind: 'refused', status, code, retryAfterMs };
}

/** A line whose server gives these replies, in order, and whose clock goes when told. */
function world({
  replies,
  kept,
  identified = true,
  meetings = [],
}: {
  replies: Reply[];
  meetings?: Meeting[];
  kept?: string;
  identified?: boolean;
}) {
  const asked: Asked[] = [];
  const timers: { readonly at: number; readonly callback: () => void }[] = [];
  const state = { now: 0 };
  const kinds: string[] = [];
  const ticket = new KeptTicket(memoryStore(), 'drop');
  if (kept !== undefined) ticket.note({ ...WAITING, ticket: kept });
  const reply = (...question: Asked): Promise<Reply> => {
    asked.push(question);
    return Promise.resolve(replies.shift() ?? { kind: 'unreachable', retryAfterMs: 0 });
  };
  const line = new Line({
    api: {
      join: (sent, challenge) =>
        challenge === undefined ? reply('join', sent) : reply('join', sent, challenge),
      look: (sent) => reply('look', sent),
      leave: (sent) => reply('leave', sent),
    },
    challenges: {
      meet: (onKind) => {
        onKind('checking');
        return Promise.resolve(meetings.shift() ?? { kind: 'unreachable', retryAfterMs: 0 });
      },
    },
    kept: ticket,
    identified,
    onChange: () => {
      kinds.push(line.situation.kind);
    },
    now: () => state.now,
    random: () => 0.5,
    later: (callback, ms) => {
      const timer = { at: state.now + ms, callback };
      timers.push(timer);
      return () => {
        timers.splice(timers.indexOf(timer), 1);
      };
    },
  });
  return {
    line,
    asked,
    /** What the page showed, one after the other. */
    kinds,
    ticket,
    pending: () => timers.map(({ at }) => at - state.now),
    /** Lets the time come for which the line waits; answers how long that was. */
    next: async () => {
      const [timer] = timers.splice(0);
      if (timer === undefined) throw new Error('the line waits for nothing');
      const waited = timer.at - state.now;
      state.now = timer.at;
      timer.callback();
      await new Promise(setImmediate);
      return waited;
    },
  };
}

describe('Line', () => {
  it('joins with the ticket that it has kept, then looks with the one it got, when it was told', async () => {
    const { line, asked, next } = world({
      kept: 'old',
      replies: [answer({ ticket: 'new' }), answer({ place: 3 })],
    });
    await line.ask();
    expect(line.situation).toMatchObject({ kind: 'answered', answer: { place: 9 }, firstPlace: 9 });
    expect(await next()).toBe(4_200);
    expect(asked).toEqual([
      ['join', 'old'],
      ['look', 'new'],
    ]);
    expect(line.situation).toMatchObject({ answer: { place: 3 }, firstPlace: 9 });
  });

  it('knows before any answer whether there is a ticket', () => {
    expect(world({ kept: 'old', replies: [] }).line.situation).toEqual({
      kind: 'connecting',
      hasTicket: true,
    });
    expect(world({ replies: [] }).line.situation).toEqual({ kind: 'connecting', hasTicket: false });
  });

  it('looks only, when it has a ticket and does not know the shopper', async () => {
    const { line, asked } = world({ kept: 'old', identified: false, replies: [answer()] });
    await line.ask();
    expect(asked).toEqual([['look', 'old']]);
  });

  it("joins without a ticket that turns out to be another's", async () => {
    const { line, asked, next } = world({
      kept: 'foreign',
      replies: [refused(403, 'ticket-invalid'), answer({ ticket: 'own' })],
    });
    await line.ask();
    await next();
    expect(asked.map(([, ticket]) => ticket)).toEqual(['foreign', undefined]);
    expect(line.situation.kind).toBe('answered');
  });

  it('keeps what was last true while the server is gone, backs off, and comes back by itself', async () => {
    const down: Reply = { kind: 'unreachable', retryAfterMs: 0 };
    const { line, next } = world({
      replies: [answer({ ticket: 't' }), down, down, down, answer({ place: 1 })],
    });
    await line.ask();
    const waits = [];
    for (let failure = 0; failure < 3; failure += 1) {
      waits.push(await next());
      expect(line.trouble?.kind).toBe('unreachable');
      expect(line.situation).toMatchObject({ kind: 'answered', answer: { place: 9 } });
    }
    expect(waits).toEqual([4_200, 1_000, 2_000]);
    expect(await next()).toBe(4_000);
    expect(line.trouble).toBeUndefined();
    expect(line.situation).toMatchObject({ answer: { place: 1 } });
  });

  it('waits as long as a 429 and a 503 say', async () => {
    const { line, next } = world({
      replies: [
        refused(429, 'rate-limited', 7_000),
        { kind: 'unreachable', retryAfterMs: 20_000 },
        answer({ ticket: 't' }),
      ],
    });
    await line.ask();
    expect(line.trouble?.kind).toBe('busy');
    expect(await next()).toBeGreaterThanOrEqual(7_000);
    expect(line.trouble?.kind).toBe('unreachable');
    expect(await next()).toBeGreaterThanOrEqual(20_000);
    expect(line.situation.kind).toBe('answered');
  });

  it('says that the place is lost, forgets the ticket and asks no more until told to join', async () => {
    const { line, asked, next, pending, ticket } = world({
      replies: [
        answer({ ticket: 't' }),
        refused(404, 'not-in-line'),
        answer({ ticket: 'second', place: 20 }),
      ],
    });
    await line.ask();
    await next();
    expect([line.situation.kind, ticket.read(), pending()]).toEqual(['lost', undefined, []]);
    await line.join();
    expect(asked.at(-1)).toEqual(['join', undefined]);
    expect(line.situation).toMatchObject({ kind: 'answered', firstPlace: 20 });
  });

  it.each([
    [refused(401, 'unauthenticated'), 'stranger'],
    [refused(403, 'forbidden'), 'stranger'],
    [refused(404, 'unknown-sale'), 'unknownSale'],
    [refused(409, 'sale-closed'), 'over'],
  ])('asks no more after %j', async (reply, kind) => {
    const { line, pending } = world({ replies: [reply] });
    await line.ask();
    expect([line.situation.kind, pending()]).toEqual([kind, []]);
  });

  it.each(['soldOut', 'open'] as const)('ends with status %s, and forgets the ticket', async (status) => {
    const { line, pending, ticket } = world({ kept: 't', replies: [answer({ status })] });
    await line.ask();
    expect([pending(), ticket.read()]).toEqual([[], undefined]);
  });

  it('asks again when the line opens', async () => {
    const { line, next } = world({
      replies: [refused(409, 'sale-not-open', 5_000), answer({ ticket: 't' })],
    });
    await line.ask();
    expect(line.situation.kind).toBe('notYet');
    expect(await next()).toBeGreaterThanOrEqual(5_000);
    expect(line.situation.kind).toBe('answered');
  });

  it('gives the place up, and says so only when that is certain', async () => {
    const { line, asked, pending } = world({
      kept: 't',
      replies: [answer(), { kind: 'unreachable', retryAfterMs: 0 }, { kind: 'left' }],
    });
    await line.ask();
    await line.leave();
    expect([line.situation.kind, line.trouble?.kind]).toEqual(['answered', 'unreachable']);
    await line.leave();
    expect([line.situation.kind, line.trouble, pending()]).toEqual(['left', undefined, []]);
    expect(asked.at(-1)).toEqual(['leave', 't']);
  });

  it('takes no answer to a question that was overtaken', async () => {
    const { line } = world({ kept: 't', replies: [answer(), { kind: 'left' }] });
    const asking = line.ask();
    await line.leave();
    await asking;
    expect(line.situation.kind).toBe('left');
  });

  const required = refused(403, 'challenge-required');
  const met = (proof: string): Meeting => ({ kind: 'met', answer: proof });
  const settle = () => new Promise(setImmediate);

  it('meets what the sale asks for, and joins with it', async () => {
    const { line, asked, kinds, next } = world({
      replies: [required, answer({ ticket: 'new' }), answer()],
      meetings: [met('proof-1')],
    });
    await line.ask();
    await settle();
    expect(asked).toEqual([
      ['join', undefined],
      ['join', undefined, 'proof-1'],
    ]);
    expect(kinds).toContain('checking');
    expect(line.situation).toMatchObject({ kind: 'answered', answer: { place: 9 } });
    await next();
    expect(asked[2]).toEqual(['look', 'new']);
  });

  it('sends the same proof again while no answer comes, and another one where it is refused', async () => {
    const { line, asked, next } = world({
      replies: [
        required,
        { kind: 'unreachable', retryAfterMs: 0 },
        refused(403, 'challenge-failed'),
        required,
        answer({ ticket: 'new' }),
      ],
      meetings: [met('proof-1'), met('proof-2')],
    });
    await line.ask();
    await settle();
    await next();
    expect(line.trouble).toBeDefined();
    expect(await next()).toBeGreaterThan(0);
    await settle();
    expect(asked.map(([, , challenge]) => challenge)).toEqual([
      undefined,
      'proof-1',
      'proof-1',
      undefined,
      'proof-2',
    ]);
    expect(line.situation.kind).toBe('answered');
    expect(line.trouble).toBeUndefined();
  });

  it('tries again later where the challenge cannot be fetched', async () => {
    const { line, next } = world({
      replies: [required, required, answer({ ticket: 'new' })],
      meetings: [{ kind: 'unreachable', retryAfterMs: 3_000 }, met('proof-1')],
    });
    await line.ask();
    await settle();
    expect(line.trouble?.kind).toBe('unreachable');
    expect(await next()).toBeGreaterThanOrEqual(3_000);
    await settle();
    expect(line.situation.kind).toBe('answered');
  });
});
