import { get, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import type { OrderAnswer } from '@flux/contracts';
import { waitUntil } from '@flux/testing';

export interface ReadEvent {
  readonly type: string;
  readonly id: string;
  readonly data: OrderAnswer;
}

/** One reader of a stream on a connection of its own, as EventSource reads it. */
export class EventReader {
  readonly events: ReadEvent[] = [];
  comments = 0;
  retryMs: number | undefined;
  /** The stream has ended, or the connection has. */
  over = false;
  private rest = '';

  private constructor(private readonly answer: IncomingMessage) {
    answer.setEncoding('utf8').on('data', (text: string) => {
      this.take(text);
    });
    const end = (): void => {
      this.over = true;
    };
    answer.on('close', end).on('error', end);
  }

  /** Resolves with the answer's head, whatever its status. */
  static open(url: string, headers: Readonly<Record<string, string>> = {}): Promise<EventReader> {
    return new Promise((resolve, reject) => {
      get(url, { agent: false, headers }, (answer) => {
        resolve(new EventReader(answer));
      }).on('error', reject);
    });
  }

  get status(): number {
    return this.answer.statusCode ?? 0;
  }

  get headers(): IncomingHttpHeaders {
    return this.answer.headers;
  }

  get statuses(): readonly string[] {
    return this.events.map(({ data }) => data.status);
  }

  /** What EventSource would send as Last-Event-ID. */
  get lastId(): string {
    return this.events.at(-1)?.id ?? '';
  }

  async until(status: string): Promise<void> {
    await waitUntil(`the reader is told ${status}`, () => this.statuses.includes(status));
  }

  async untilOver(): Promise<void> {
    await waitUntil('the stream is over', () => this.over);
  }

  /** Reads nothing more, but stays. */
  pause(): void {
    this.answer.pause();
  }

  leave(): void {
    this.answer.destroy();
  }

  private take(text: string): void {
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop() ?? '';
    for (const block of blocks) this.takeBlock(block);
  }

  private takeBlock(block: string): void {
    if (block.startsWith(':')) {
      this.comments += 1;
      return;
    }
    const fields = new Map(block.split('\n').map((line) => line.split(/: (.*)/s, 2) as [string, string]));
    const retry = fields.get('retry');
    if (retry !== undefined) this.retryMs = Number(retry);
    const data = fields.get('data');
    if (data === undefined) return;
    this.events.push({
      type: fields.get('event') ?? '',
      id: fields.get('id') ?? '',
      data: JSON.parse(data) as OrderAnswer,
    });
  }
}
