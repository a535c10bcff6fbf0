import { itemName, MAX_ORDERS_PER_MESSAGE, type ItemRef } from '@flux/contracts';
import type { EpochFloors } from './epoch-floors';
import { itemKeys } from './gate-keys';
import type { GateObserver } from './observer';
import type { ReserveOutcome, ReserveRequest } from './outcomes';
import {
  assertReservable,
  decodeReserveOutcome,
  decodeReserveReply,
  reserveArgs,
  type ReserveReply,
} from './reserve-codec';
import type { ScriptRunner } from './script-runner';
import { SCRIPTS } from './scripts.generated';
import type { CallResult, ScriptCall } from './shard-pipeline';
import { slicesOf } from './slices';
import { TurnQueue } from './turn-queue';

interface Waiting {
  readonly request: ReserveRequest;
  readonly answer: (outcome: ReserveOutcome) => void;
}

/** Requests of one item that share a script call. */
interface Slice {
  readonly item: ItemRef;
  readonly name: string;
  readonly waiting: readonly Waiting[];
}

interface BatcherParts {
  readonly runner: ScriptRunner;
  readonly floors: EpochFloors;
  /** The sale's waiting room as this process last heard of it, for the gate; '' where it has not. */
  readonly roomOf: (saleId: string) => string;
  readonly observer: () => GateObserver;
}

/**
 * Collects the purchases of one turn of the event loop and asks the gate once per item, at most 64 to a call.
 */
export class ReserveBatcher {
  private readonly queue = new TurnQueue<Waiting>((waiting) => {
    this.flush(waiting);
  });

  constructor(private readonly parts: BatcherParts) {}

  /**
   * Every caller gets an outcome within the command timeout.
   * @throws InvalidRequestError (as a rejection) for this caller alone
   */
  async reserve(request: ReserveRequest): Promise<ReserveOutcome> {
    assertReservable(request);
    return new Promise((answer) => {
      this.queue.add(itemName(request), { request, answer });
    });
  }

  private flush(ofItems: ReadonlyMap<string, readonly Waiting[]>): void {
    const slices = [...ofItems].flatMap(([name, waiting]) => partsOf(name, waiting));
    const startedAt = performance.now();
    const results = this.parts.runner.runAll(slices.map((slice) => this.callOf(slice)));
    slices.forEach((slice, index) => {
      void results[index]?.then((result) => {
        this.answer(slice, result, startedAt);
      });
    });
  }

  private callOf({ item, name, waiting }: Slice): ScriptCall {
    const keys = itemKeys(item);
    return {
      script: SCRIPTS.reserve,
      keys: [
        keys.current,
        keys.item,
        keys.stock,
        keys.shoppers,
        keys.orders,
        keys.outbox,
        // Most items have no such key, and while a slot moves a call that names a missing one is put off.
        ...(waiting.some(({ request }) => request.passId !== undefined) ? [keys.passes] : []),
      ],
      args: [
        this.parts.floors.of(name),
        item.saleId,
        this.parts.roomOf(item.saleId),
        ...waiting.flatMap(({ request }) => reserveArgs(request)),
      ],
      confirm: keys.item,
    };
  }

  private answer({ item, name, waiting }: Slice, result: CallResult, startedAt: number): void {
    const outcomes = this.outcomesOf(waiting, result, name);
    waiting.forEach(({ answer }, index) => {
      answer(outcomes[index] ?? { outcome: 'unknown' });
    });
    this.parts.observer().onReserveCall?.({
      item,
      requests: waiting.length,
      durationMs: performance.now() - startedAt,
      outcomes: outcomes.map(({ outcome }) => outcome),
      failure: result.outcome === 'reply' ? undefined : kindOf(result.reason),
    });
  }

  private outcomesOf(
    waiting: readonly Waiting[],
    result: CallResult,
    name: string,
  ): readonly ReserveOutcome[] {
    switch (result.outcome) {
      case 'unavailable':
        return waiting.map(() => ({ outcome: 'unavailable', reason: result.reason }));
      case 'unknown':
        return waiting.map(() => ({ outcome: 'unknown' }));
      case 'reply': {
        const reply = this.expected<ReserveReply>(() => decodeReserveReply(result.reply, waiting.length));
        if (reply === undefined) return waiting.map(() => ({ outcome: 'unknown' }));
        this.parts.floors.saw(name, reply.epoch);
        return waiting.map(
          ({ request }, index) =>
            this.expected(() => decodeReserveOutcome(request, reply.replies[index], reply.atMs)) ?? {
              outcome: 'unknown',
            },
        );
      }
    }
  }

  /** A reply that cannot be read had an effect that is not known: no caller may hang or hear a guess. */
  private expected<Value>(decode: () => Value): Value | undefined {
    try {
      return decode();
    } catch (error) {
      this.parts.observer().onUnexpectedReply?.(error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  }
}

/** One of a few words: what Redis says behind its code may be anything. */
function kindOf(reason: string): string {
  return /^[A-Z]{2,}\b/.exec(reason)?.[0] ?? reason;
}

function partsOf(name: string, waiting: readonly Waiting[]): readonly Slice[] {
  const [first] = waiting;
  if (first === undefined) return [];
  const { saleId, productId } = first.request;
  return slicesOf(waiting, MAX_ORDERS_PER_MESSAGE).map((slice) => {
    return { item: { saleId, productId }, name, waiting: slice };
  });
}
