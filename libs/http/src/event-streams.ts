import type { FastifyReply } from 'fastify';
import { EventStream, type StreamOwner } from './event-stream';

/** Proxies usually end a connection after 30 or 60 s of silence, and this library does after 30. */
const HEARTBEAT_MS = 15_000;

/** Comments go out in so many parts, so that no turn of the event loop writes to every stream. */
const SLOTS = 60;

interface Place {
  readonly stream: EventStream;
  readonly owner: StreamOwner;
}

/**
 * The event streams of one process: bounded in number, each kept alive by a comment line every 15 s (one timer for all
 * of them), all ended at shutdown.
 */
export class EventStreams {
  private readonly slots: readonly Set<Place>[];
  private taken = 0;
  private nextSlot = 0;
  private tick = 0;
  private timer: NodeJS.Timeout | undefined;
  private closing = false;

  constructor(private readonly options: { readonly max: number; readonly heartbeatMs?: number }) {
    this.slots = Array.from({ length: SLOTS }, () => new Set<Place>());
  }

  /** Streams that are open now, and requests that may become one. */
  get size(): number {
    return this.taken;
  }

  /** A place for one more stream, held until it ends; undefined where none is left or the process is ending. */
  take(reply: FastifyReply, owner: StreamOwner = {}): EventStream | undefined {
    if (this.closing || this.taken >= this.options.max) return undefined;
    const slot = this.slots[this.nextSlot];
    this.nextSlot = (this.nextSlot + 1) % SLOTS;
    const stream = new EventStream(reply, (reason) => {
      this.taken -= 1;
      slot?.delete(place);
      owner.onEnd?.(reason);
    });
    const place = { stream, owner };
    slot?.add(place);
    this.taken += 1;
    this.timer ??= setInterval(
      () => {
        this.beat();
      },
      (this.options.heartbeatMs ?? HEARTBEAT_MS) / SLOTS,
    ).unref();
    return stream;
  }

  /**
   * Ends every stream, and lets none begin from now on. To be called before the listener closes: that waits for what is
   * under way, and cuts off a reader that is behind.
   */
  shutDown(): void {
    this.closing = true;
    clearInterval(this.timer);
    for (const slot of this.slots) {
      for (const { stream } of slot) stream.end('shutdown');
    }
  }

  private beat(): void {
    this.tick = (this.tick + 1) % SLOTS;
    for (const { stream, owner } of this.slots[this.tick] ?? []) {
      stream.comment();
      owner.onHeartbeat?.();
    }
  }
}
