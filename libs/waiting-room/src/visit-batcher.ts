import { replyOf, slicesOf, TurnQueue, type ScriptRunner } from '@flux/gate';
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
  private readonly queue = new TurnQueue<Waiting>((ofSales) => {
    this.flush(ofSales);
  });

  constructor(private readonly runner: ScriptRunner) {}

  /** @throws GateUnavailableError, UnexpectedReplyError */
  visit(saleId: string, visit: Visit): Promise<VisitOutcome> {
    return new Promise((resolve, reject) => {
      this.queue.add(saleId, { visit, resolve, reject });
    });
  }

  private flush(ofSales: ReadonlyMap<string, readonly Waiting[]>): void {
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
        answer(slice, () => decodeVisitReply(replyOf(result), slice.length));
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
