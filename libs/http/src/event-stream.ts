import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** One event of a stream, as EventSource hands it out. */
export interface StreamEvent {
  readonly type: string;
  /** What the reader sends as Last-Event-ID when it comes back. One line. */
  readonly id: string;
  /** One line. */
  readonly data: string;
}

/**
 * Why a stream ended: `done` by its owner, `left` by its reader, `slow` for a reader that did not read, `shutdown` with
 * the process, `refused` where the request was answered in another way.
 */
export type StreamEnd = 'done' | 'left' | 'slow' | 'shutdown' | 'refused';

export interface StreamOwner {
  /** Once, whatever ended the stream. */
  onEnd?(reason: StreamEnd): void;
  /** After each comment line. */
  onHeartbeat?(): void;
}

/** A reader behind by more than this is dropped. It comes back, and is told the present state. */
const MAX_BACKLOG_BYTES = 16_384;

/** When a reader comes back: spread, so that the readers of a process that ended do not all come in one instant. */
const RETRY_MS = { min: 1_000, spread: 2_000 };

const HEAD = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Proxies of the nginx family would hold events back.
  'x-accel-buffering': 'no',
} as const;

/**
 * An answer that stays open: server-sent events (WHATWG HTML, section 9.2) for one reader. Until `begin` the request
 * can still be answered in any other way. Made by EventStreams.
 */
export class EventStream {
  private phase: 'waiting' | 'open' | 'over' = 'waiting';
  private readonly raw: ServerResponse;

  constructor(
    private readonly reply: FastifyReply,
    private readonly onEnd: (reason: StreamEnd) => void,
  ) {
    this.raw = reply.raw;
    this.raw.once('close', () => {
      this.over('left');
    });
  }

  /**
   * Sends the answer's head, with the headers that the reply has got so far, and the hint when to come back.
   * @returns false where the stream is over: the reader has left, or the process is ending
   */
  begin(): boolean {
    if (this.phase !== 'waiting') return false;
    this.phase = 'open';
    this.reply.headers(HEAD).hijack();
    for (const [name, value] of Object.entries(this.reply.getHeaders())) {
      if (value !== undefined) this.raw.setHeader(name, value);
    }
    this.raw.writeHead(200);
    if (this.reply.request.method === 'HEAD') this.end();
    else this.write(`retry: ${RETRY_MS.min + Math.floor(Math.random() * RETRY_MS.spread)}\n\n`);
    return true;
  }

  send({ type, id, data }: StreamEvent): void {
    this.write(`event: ${type}\nid: ${id}\ndata: ${data}\n\n`);
  }

  /** A line that no reader sees: it keeps the connection in use, and finds out that the reader has gone. */
  comment(): void {
    this.write(':\n\n');
  }

  /** What is written goes out first. EventSource comes back, unless it is answered 204 then. */
  end(reason: 'done' | 'shutdown' = 'done'): void {
    if (this.phase === 'open') this.raw.end();
    this.over(reason);
  }

  /** The request is answered in another way. Does nothing to a stream that has begun. */
  refuse(): void {
    if (this.phase === 'waiting') this.over('refused');
  }

  private write(text: string): void {
    if (this.phase !== 'open') return;
    this.raw.write(text);
    if (this.raw.writableLength <= MAX_BACKLOG_BYTES) return;
    this.raw.destroy();
    this.over('slow');
  }

  private over(reason: StreamEnd): void {
    if (this.phase === 'over') return;
    this.phase = 'over';
    this.onEnd(reason);
  }
}
