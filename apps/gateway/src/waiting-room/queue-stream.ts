import { ProblemError, type QueueAnswer } from '@flux/contracts';
import { GateUnavailableError } from '@flux/gate';
import type { EventStream } from '@flux/http';

/** Looks of many streams fall together on these marks, and share calls to Redis. */
const MARK_MS = 100;
/** Over so long the looks of all streams are spread when all have to look at once: a part of the second in which a push must come. */
const SPREAD_MS = 250;
/** When Redis does not answer, or the room is not ready: it is looked again after so long. */
const RETRY_MS = 2_000;

interface QueueStreamParts {
  readonly stream: EventStream;
  /** The place as it stands now. */
  readonly look: () => Promise<QueueAnswer>;
  readonly onSent: () => void;
}

/** One reader who is told how the place in line stands: at once, then as often as a look is due, until it is over. */
export class QueueStream {
  private timer: NodeJS.Timeout | undefined;
  private isOver = false;
  private sent = 0;

  constructor(private readonly parts: QueueStreamParts) {}

  /** Begins with an answer that was just got. */
  begin(answer: QueueAnswer): void {
    if (this.parts.stream.begin()) this.tell(answer);
  }

  /** Something has changed for everybody in line. */
  lookSoon(): void {
    if (this.timer !== undefined) this.wait(Math.random() * SPREAD_MS);
  }

  /** The reader has left, or the process is ending. */
  end(): void {
    this.isOver = true;
    clearTimeout(this.timer);
  }

  private tell(answer: QueueAnswer): void {
    this.sent += 1;
    this.parts.stream.send({ type: 'place', id: String(this.sent), data: JSON.stringify(answer) });
    this.parts.onSent();
    if (answer.status === 'waiting' || answer.status === 'lobby') this.wait(answer.askAgainMs);
    else this.parts.stream.end();
  }

  private wait(ms: number): void {
    if (this.isOver) return;
    const now = Date.now();
    const at = Math.ceil((now + ms) / MARK_MS) * MARK_MS;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.lookAgain();
    }, at - now).unref();
  }

  private async lookAgain(): Promise<void> {
    try {
      const answer = await this.parts.look();
      if (!this.isOver) this.tell(answer);
    } catch (error) {
      const isPassing =
        error instanceof GateUnavailableError ||
        (error instanceof ProblemError && error.code === 'not-ready');
      if (isPassing) this.wait(RETRY_MS);
      // The reader comes back, and is answered with what it is.
      else this.parts.stream.end();
    }
  }
}
