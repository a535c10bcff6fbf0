import type { QueueAnswer } from '@flux/contracts';
import type { Situation } from '@flux/waiting-room-page';
import type { ChallengeMeeter } from './challenge/challenge-meeter';
import type { KeptTicket } from './kept-ticket';
import { failurePauseMs, toldPauseMs, type Random } from './pacing';
import type { QueueApi, Reply } from './queue-api';

interface LineOptions {
  readonly api: Pick<QueueApi, 'join' | 'look' | 'leave'>;
  readonly challenges: Pick<ChallengeMeeter, 'meet'>;
  readonly kept: KeptTicket;
  /** Whether the page knows who the shopper is: else all it can do is look. */
  readonly identified: boolean;
  readonly onChange: () => void;
  readonly now?: () => number;
  readonly random?: Random;
  /** Calls once after so many ms; answers how to call it off. */
  readonly later?: (callback: () => void, ms: number) => () => void;
}

type Refused = Extract<Reply, { kind: 'refused' }>;

/** The shopper's way through the line: joins, asks as often as it may, and knows what was last true. */
export class Line {
  situation: Situation;
  /** Why the last question has no answer, and when the next is asked, by `now`. */
  trouble: { readonly kind: 'unreachable' | 'busy'; readonly nextAt: number } | undefined;
  /** When the last answer came, by `now`. */
  updatedAt: number | undefined;

  private failures = 0;
  /** How the sale's challenge was met; good for a retry, too. */
  private challenge: string | undefined;
  private joining = true;
  /** The last question asked: only its answer counts. */
  private question = 0;
  private nextAt = 0;
  private callOff: (() => void) | undefined;

  constructor(private readonly options: LineOptions) {
    const hasTicket = options.kept.read() !== undefined;
    this.situation = { kind: 'connecting', hasTicket };
    this.joining = options.identified || !hasTicket;
  }

  /** Takes a place, or finds the one that the shopper has. */
  async join(): Promise<void> {
    this.joining = true;
    this.situation = { kind: 'connecting' };
    this.options.onChange();
    await this.ask();
  }

  async ask(): Promise<void> {
    const question = this.begin();
    const { api, kept } = this.options;
    const ticket = kept.read()?.ticket;
    const reply =
      this.joining || ticket === undefined ? await api.join(ticket, this.challenge) : await api.look(ticket);
    if (question !== this.question) return;
    this.take(reply, ticket);
    this.options.onChange();
  }

  /** Gives the place up. */
  async leave(): Promise<void> {
    const { api, kept } = this.options;
    const question = this.begin();
    const ticket = kept.read()?.ticket;
    const reply: Reply = ticket === undefined ? { kind: 'left' } : await api.leave(ticket);
    if (question !== this.question) return;
    if (reply.kind === 'left' || (reply.kind === 'refused' && reply.status < 429)) {
      kept.forget();
      this.end({ kind: 'left' });
    } else {
      // Nobody knows whether the place is given up; the next look tells.
      this.failed(reply.kind === 'answer' ? 0 : reply.retryAfterMs);
    }
    this.options.onChange();
  }

  private begin(): number {
    this.stop();
    return ++this.question;
  }

  private take(reply: Reply, ticket: string | undefined): void {
    switch (reply.kind) {
      case 'answer':
        this.answered(reply.answer);
        return;
      case 'refused':
        this.refused(reply, ticket);
        return;
      case 'left':
        this.failed(0);
        return;
      case 'unreachable':
        this.failed(reply.retryAfterMs);
    }
  }

  private answered(answer: QueueAnswer): void {
    const { kept } = this.options;
    const ended = answer.status === 'soldOut' || answer.status === 'open';
    const firstPlace = ended ? undefined : kept.note(answer);
    if (ended) kept.forget();
    this.settled();
    this.joining = false;
    this.challenge = undefined;
    this.situation = { kind: 'answered', answer, firstPlace };
    if (!ended) this.askIn(toldPauseMs(answer.askAgainMs, this.options.random));
  }

  private refused({ status, code, retryAfterMs }: Refused, ticket: string | undefined): void {
    switch (code) {
      case 'rate-limited':
        this.busy(retryAfterMs);
        return;
      case 'sale-not-open':
        this.settled();
        this.situation = { kind: 'notYet' };
        this.askIn(toldPauseMs(Math.max(retryAfterMs, 1_000), this.options.random));
        return;
      case 'sale-closed':
        this.end({ kind: 'over' });
        return;
      case 'unknown-sale':
      case 'not-found':
        this.end({ kind: 'unknownSale' });
        return;
      case 'ticket-invalid':
      case 'not-in-line':
        this.ticketRefused(ticket);
        return;
      case 'challenge-required':
        void this.meetChallenge();
        return;
      case 'challenge-failed':
        this.challengeFailed();
        return;
      default:
        if (status === 429) this.busy(retryAfterMs);
        else this.end({ kind: 'stranger' });
    }
  }

  /** Does what the sale asks of those who join, and joins. */
  private async meetChallenge(): Promise<void> {
    const question = this.begin();
    this.challenge = undefined;
    const meeting = await this.options.challenges.meet((kind) => {
      if (question !== this.question) return;
      this.settled();
      this.situation = { kind };
      this.options.onChange();
    });
    if (question !== this.question) return;
    if (meeting.kind === 'met') {
      this.challenge = meeting.answer;
      this.situation = { kind: 'connecting' };
      await this.ask();
      return;
    }
    this.failed(meeting.retryAfterMs);
    this.options.onChange();
  }

  /** It took too long, or the sale asks for more by now. No faster than failures are: the server may never be content. */
  private challengeFailed(): void {
    this.challenge = undefined;
    this.failures += 1;
    this.askIn(failurePauseMs(this.failures, 0, this.options.random));
  }

  /** A stored ticket of another shopper or time: on the way in, the shopper joins without it. */
  private ticketRefused(ticket: string | undefined): void {
    this.options.kept.forget();
    if (this.joining && ticket !== undefined) this.askIn(0);
    else this.end({ kind: 'lost' });
  }

  private busy(retryAfterMs: number): void {
    const pauseMs = toldPauseMs(Math.max(retryAfterMs, 1_000), this.options.random);
    this.askIn(pauseMs);
    // Who has a place is not served later for having asked too early.
    this.trouble = this.situation.kind === 'answered' ? undefined : { kind: 'busy', nextAt: this.nextAt };
  }

  private failed(retryAfterMs: number): void {
    this.failures += 1;
    this.askIn(failurePauseMs(this.failures, retryAfterMs, this.options.random));
    this.trouble = { kind: 'unreachable', nextAt: this.nextAt };
  }

  private settled(): void {
    this.failures = 0;
    this.trouble = undefined;
    this.updatedAt = this.now();
  }

  /** Nothing more is asked until the shopper wants it. */
  private end(situation: Situation): void {
    this.settled();
    this.situation = situation;
  }

  private askIn(ms: number): void {
    this.stop();
    this.nextAt = this.now() + ms;
    this.callOff = (this.options.later ?? callLater)(() => void this.ask(), ms);
  }

  private stop(): void {
    this.callOff?.();
    this.callOff = undefined;
  }

  private now(): number {
    return (this.options.now ?? Date.now)();
  }
}

function callLater(callback: () => void, ms: number): () => void {
  const timer = setTimeout(callback, ms);
  return () => {
    clearTimeout(timer);
  };
}
