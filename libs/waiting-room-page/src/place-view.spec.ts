import { readFileSync } from 'node:fs';
import type { QueueAnswer } from '@flux/contracts';
import { textsIn, type PageConfig } from './page-config';
import { viewOf, type Circumstances } from './place-view';
import { Words } from './words';

const config = JSON.parse(readFileSync('apps/web/waiting-room/config.json', 'utf8')) as PageConfig;
const words = new Words('en-GB', textsIn('en', config, config), 'UTC');
const NOW = Date.parse('2026-11-23T14:00:00.000Z');

function view(circumstances: Partial<Circumstances>) {
  const rest = { words, shopName: 'Northwind', nowMs: NOW, carrying: false } as const;
  return viewOf({ situation: { kind: 'connecting' }, ...rest, ...circumstances });
}

function answered(answer: Partial<QueueAnswer>, firstPlace?: number) {
  const whole: QueueAnswer = { saleId: 'drop', status: 'waiting', askAgainMs: 1_000, ...answer };
  return { kind: 'answered', answer: whole, firstPlace } as const;
}

const waiting = { place: 1_204, ahead: 1_203, estimatedWait: { fromMs: 240_000, toMs: 400_000 } } as const;

describe('what the page shows', () => {
  it('while waiting: place, people ahead, progress, interval and likelihood in words', () => {
    const { slots, progress, title, tone } = view({
      situation: answered({ ...waiting, likelihood: 'likely', joinedAt: '2026-11-23T13:58:00.000Z' }, 2_408),
      updatedAtMs: NOW,
    });
    expect(slots).toMatchObject({
      heading: 'You are in the line',
      place: '1,204',
      ahead: '1,203 people are ahead of you.',
      wait: '4–7 minutes',
      since: '13:58:00 UTC',
      leave: 'Leave the line',
      updated: 'Last updated 14:00:00 UTC',
    });
    expect(slots.chance).toMatch(/^Likely\./);
    expect(slots.notice).toBeUndefined();
    expect([progress, tone, title]).toEqual([50, 'calm', '1,204 · You are in the line – Northwind']);
  });

  it.each([
    [0, 'You are next.'],
    [1, '1 person is ahead of you.'],
  ])('with %d ahead: %s', (ahead, text) => {
    expect(view({ situation: answered({ place: ahead + 1, ahead }) }).slots.ahead).toBe(text);
  });

  it('no estimate while nobody is called, and why', () => {
    const { slots } = view({ situation: answered({ ...waiting, halted: 'closed' }) });
    expect([slots.wait, slots.notice]).toEqual([
      'not known yet',
      'The shop lets nobody in at the moment. Your place is kept.',
    ]);
  });

  it('in the lobby: the countdown, by the server’s clock, and no place', () => {
    const lobby = (nowMs: number) =>
      view({ situation: answered({ status: 'lobby', opensAt: '2026-11-23T14:12:33.000Z' }), nowMs }).slots;
    expect(lobby(NOW)).toMatchObject({ countdownLabel: 'Opens in', countdown: '00:12:33' });
    expect(lobby(NOW).place).toBeUndefined();
    expect(lobby(NOW + 3_600_000).countdown).toBe('now');
  });

  it('at the turn: until when it is kept, and the way to the shop', () => {
    const turn = answered({ status: 'turn', pass: 'p', passExpiresAt: '2026-11-23T14:02:00.000Z' });
    expect(view({ situation: turn, carrying: true }).slots).toMatchObject({
      heading: 'It is your turn',
      lead: 'We are taking you to the shop.',
      until: 'Your turn is kept until 14:02:00 UTC.',
      go: 'Continue to the shop',
    });
    expect(view({ situation: turn }).slots.lead).toBe('Continue to the shop when you are ready.');
  });

  it('after the line has ended: nothing to leave or to wait for', () => {
    const { slots, tone } = view({ situation: answered({ status: 'soldOut', likelihood: 'soldOut' }) });
    expect([slots.heading, slots.leave, slots.place, slots.wait, tone]).toEqual([
      'Sold out',
      undefined,
      undefined,
      undefined,
      'ended',
    ]);
  });

  it.each(['lost', 'left'] as const)('offers to join again after "%s"', (kind) => {
    expect(view({ situation: { kind } }).slots).toMatchObject({
      join: 'Join again',
      back: 'Back to the shop',
    });
  });

  it('keeps the last place when the server is gone, and says that it is the last', () => {
    const trouble = { kind: 'unreachable', retryInMs: 6_400 } as const;
    const { slots, stale, announcement } = view({ situation: answered(waiting), trouble });
    expect(slots.place).toBe('1,204');
    expect(slots.notice).toBe(
      'We cannot reach the shop at the moment. Your place is kept; we try again in 7 seconds.',
    );
    expect([stale, announcement]).toEqual([true, slots.notice]);
  });

  it('promises no place to those who have none', () => {
    const { slots } = view({ trouble: { kind: 'unreachable', retryInMs: 1 } });
    expect(slots.notice).toMatch(/You have no place yet; we try again in 1 second\./);
  });

  it('keeps its promise to whoever comes back with a ticket', () => {
    const trouble = { kind: 'unreachable', retryInMs: 1 } as const;
    const { slots } = view({ situation: { kind: 'connecting', hasTicket: true }, trouble });
    expect(slots.notice).toMatch(/Your place is kept; we try again in 1 second\./);
  });

  it('never goes below 0 when a line was re-formed', () => {
    expect(view({ situation: answered({ place: 900 }, 600) }).progress).toBe(0);
    expect(view({ situation: answered({ place: 1 }, 600) }).progress).toBe(100);
    expect(view({ situation: answered({ place: 1 }) }).progress).toBeUndefined();
  });
});

describe('what is announced', () => {
  const milestoneAt = (place: number, more: Partial<QueueAnswer> = {}) =>
    view({ situation: answered({ place, likelihood: 'likely', ...more }) }).milestone;

  it('is one sentence after the other', () => {
    expect(view({ situation: answered({ ...waiting, likelihood: 'likely' }) }).announcement).toBe(
      'You are in the line. Your place: 1,204. 1,203 people are ahead of you. Estimated wait: 4–7 minutes. ' +
        'Likely. As things stand, there is enough for everyone ahead of you and for you.',
    );
  });

  it('is new when the place has halved, not at each place', () => {
    const milestones = Array.from({ length: 1_000 }, (_, index) => milestoneAt(1_000 - index));
    expect(new Set(milestones).size).toBe(10);
    expect(milestones.filter((milestone, index) => milestone !== milestones[index - 1])).toHaveLength(10);
  });

  it('is new when likelihood, halt or reach change', () => {
    const trouble = { kind: 'unreachable', retryInMs: 1 } as const;
    const milestones = [
      milestoneAt(5),
      milestoneAt(5, { likelihood: 'unlikely' }),
      milestoneAt(5, { halted: 'recovering' }),
      view({ situation: answered({ place: 5, likelihood: 'likely' }), trouble }).milestone,
    ];
    expect(new Set(milestones).size).toBe(4);
  });
});
