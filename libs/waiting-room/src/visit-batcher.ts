import { GateUnavailableError, slicesOf, type ScriptRunner } from '@flux/gate';
import { decodeVisit, decodeVisitReply, type Visit, type VisitOutcome } from './room-codec';
import { roomKeys } from './room-keys';
import { SCRIPTS } from './scripts.generated';

interface Waiting {
  readonly visit: Visit;
  readonly resolve: (outcome: VisitOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Keeps one call short: a visit costs Redis about 6 us. */
const MAX_VISITS_PER_CALL = 64;

/** Collects the visits of one turn of the event loop and asks Redis once per sale, as the gate does with purchases. */
export class VisitBatcher {
  private waiting = new Map<string, Waiting[]>();
  private isScheduled = false;

  constructor(private readonly runner: ScriptRunner) {}

  /** @throws GateUnavailableError, UnexpectedReplyError */
  visit(saleId: string, visit: Visit): Promise<VisitOutcome> {
    return new Promise((resolve, reject) => {
      const queue = this.waiting.get(saleId) ?? [];
      queue.push({ visit, resolve, reject });
      this.waiting.set(saleId, queue);
      if (this.isScheduled) return;
      this.isScheduled = true;
      setImmediate(() => {
        this.flush();
      });
    });
  }

  private flush(): void {
    const ofSales = this.waiting;
    this.waiting = new Map();
    this.isScheduled = false;
    const slices = [...ofSales].flatMap(([saleId, waiting]) =>
      slicesOf(waiting, MAX_VISITS_PER_CALL).map((slice) => ({ keys: visitKeys(saleId), slice })),
    );
    const results = this.runner.runAll(
      slices.map(({ keys, slice }) => ({
        script: SCRIPTS.visit,
        keys,
        args: slice.flatMap(({ visit: { verb, ticketId, place } }) => [verb, ticketId, place ?? '']),
      })),
    );
    slices.forEach(({ slice }, index) => {
      void results[index]?.then((result) => {
        answer(slice, () => {
          if (result.outcome !== 'reply') {
            throw new GateUnavailableError(result.outcome === 'unknown' ? 'unknown' : 'none', result.reason);
          }
          return decodeVisitReply(result.reply, slice.length);
        });
      });
    });
  }
}

function visitKeys(saleId: string): readonly string[] {
  const { state, line, called, inside, absent, places, seenEven, seenOdd } = roomKeys(saleId);
  return [state, line, called, inside, absent, places, seenEven, seenOdd];
}

/** What one of them cannot make of its words is its own fault. */
function answer(slice: readonly Waiting[], read: () => ReturnType<typeof decodeVisitReply>): void {
  try {
    const reply = read();
    slice.forEach(({ resolve, reject }, index) => {
      try {
        resolve(decodeVisit(reply, index));
      } catch (error) {
        reject(error);
      }
    });
  } catch (error) {
    for (const { reject } of slice) reject(error);
  }
}
