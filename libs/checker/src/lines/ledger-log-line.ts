import type { FactDigest, LineFindings } from '../audit-report';
import type { Evidence, ItemEvidence } from '../evidence';
import type { LedgerFacts } from '../ledger-facts';
import type { LogEntry, LogMessage } from '../ledger-log-reader';
import type { TopicReading } from '../topic-reader';

/** What has been read of an item's log. */
interface ItemLog {
  /** The first version that was read. */
  readonly first: number;
  /** The last one without a gap before it. */
  last: number;
  /** A part of a transaction that is not whole yet. */
  part: number;
  image: Readonly<Record<string, unknown>>;
}

/** The log of a sale's items, as it is read: a database is rebuilt from it, so nothing may be missing or out of order. */
export class LedgerLogLine {
  private readonly logs = new Map<string, ItemLog>();
  /** By order id, the state that the log says last. */
  private readonly states = new Map<string, string>();

  constructor(
    private readonly line: LineFindings,
    private readonly digest: FactDigest,
  ) {}

  message({ partition, offset, key, entry }: LogMessage): void {
    const { line } = this;
    const place = `message ${partition}/${offset}`;
    this.digest.add(JSON.stringify(['ledger', partition, offset, entry?.version, entry?.states.length]));
    line.look();
    line.add('messages', 1);
    if (entry === undefined) {
      line.offend(`${place}: cannot be read`);
      return;
    }
    const { productId, version } = entry;
    if (key !== productId)
      line.offend(`${productId}: version ${version} was published under another key (${place})`);
    if (this.isNew(entry, place))
      for (const [orderId, state] of entry.states) this.states.set(orderId, state);
  }

  /** After the last message. */
  finish({ items, rows }: Evidence, topic: TopicReading): void {
    const whole = new Set<string>();
    for (const item of items.values()) if (this.finishItem(item, topic)) whole.add(item.productId);
    for (const { orderId, productId, state } of rows.values()) {
      if (!whole.has(productId)) continue;
      this.line.look();
      const published = this.states.get(orderId);
      if (published === state) continue;
      this.line.offend(`${orderId}: is ${state}; the ledger's events say ${published ?? 'nothing of it'}`);
    }
  }

  /** @returns whether the item's whole life is in the topic */
  private finishItem({ productId, ledger }: ItemEvidence, topic: TopicReading): boolean {
    const { line } = this;
    const log = this.logs.get(productId);
    line.look();
    if (log !== undefined && log.last !== ledger.version) {
      line.offend(`${productId}: version ${log.last + 1} to ${ledger.version} were not published`);
    } else if (log !== undefined) {
      const wrong = COLUMNS.filter(([column, valueOf]) => !isSame(log.image[column], valueOf(ledger)));
      const names = wrong.map(([column]) => column).join(', ');
      if (wrong.length > 0) line.offend(`${productId}: its last event has another ${names}`);
    }
    if (log?.first === 1) return true;
    if (!topic.isComplete(productId)) line.leaveOut(`Kafka has deleted early messages of ${productId}`);
    else if (ledger.version === 1 || log?.first === 2)
      line.leaveOut(`${productId} is older than the ledger's events`);
    else line.offend(`${productId}: its first event is version ${log?.first ?? 'none'}`);
    return false;
  }

  /** Whether it is the next of its item, and no repeat. */
  private isNew({ productId, version, part, parts, image }: LogEntry, place: string): boolean {
    const log = this.logs.get(productId);
    if (log === undefined) {
      if (part === 1) this.logs.set(productId, { first: version, last: version, part: part % parts, image });
      return part === 1;
    }
    const isNextPart = version === log.last && log.part > 0 && part === log.part + 1;
    if (version <= log.last && !isNextPart) return false;
    if (!isNextPart && (version !== log.last + 1 || part !== 1)) {
      this.line.offend(`${productId}: version ${log.last + 1} is missing before ${version} (${place})`);
    }
    log.last = version;
    log.part = part % parts;
    log.image = image;
    return true;
  }
}

const COLUMNS: readonly (readonly [column: string, valueOf: (ledger: LedgerFacts) => unknown])[] = [
  ['initial', ({ initial }) => initial],
  ['held', ({ held }) => held],
  ['sold', ({ sold }) => sold],
  ['parked', ({ parked }) => parked],
  ['epoch', ({ epoch }) => epoch],
  ['epoch_offset', ({ epochOffset }) => epochOffset ?? null],
  ['watermark', ({ watermark }) => watermark],
  ['watermark_order_id', ({ watermarkOrderId }) => watermarkOrderId],
  ['suspended_reason', ({ suspendedReason }) => suspendedReason ?? null],
  ['version', ({ version }) => version],
];

/** int8 is a number in the image and may be text in the facts. */
function isSame(one: unknown, other: unknown): boolean {
  return textOf(one) === textOf(other);
}

function textOf(value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value;
}
