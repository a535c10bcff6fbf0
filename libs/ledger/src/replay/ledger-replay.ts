import { setTimeout as pause } from 'node:timers/promises';
import { itemName, type ItemRef, type LedgerEvent } from '@flux/contracts';
import { DataSource, type EntityManager } from 'typeorm';
import { classifyFailure, describeFailure } from '../classify-failure';
import { textArray } from '../sql-array';
import { ItemLog, placeOf, type LogPlace } from './item-log';
import { writeEvent } from './write-event';

/** What a replay made of the ledger's events. */
export interface LedgerReplayed {
  /** Transactions that are in the database now, and were not. */
  readonly applied: number;
  /** Transactions that it had. */
  readonly known: number;
  /** Items whose events beyond some version were not applied. */
  readonly stopped: readonly StoppedItem[];
}

export interface StoppedItem extends ItemRef {
  readonly reason: string;
}

export interface ReplayOptions {
  /** Only finds out what would be applied. */
  readonly dryRun: boolean;
}

const RETRIES = 5;
const RETRY_MS = 500;

/** Brings a database forward by the ledger's events, each item in the order of its versions. */
export class LedgerReplay {
  private readonly items = new Map<string, ReplayedItem>();
  private applied = 0;
  private known = 0;

  constructor(
    private readonly dataSource: DataSource,
    private readonly options: ReplayOptions,
  ) {}

  /**
   * Takes events in the order in which they lie in the topic. What is beyond an item's version is written in one
   * transaction, under the lock of the items' ledger rows; so it may be done beside processes that work, and twice.
   * An item whose events have a gap, belong to another history or cannot be written is left where it stands.
   * @throws where PostgreSQL fails for a while
   */
  async take(events: readonly LedgerEvent[]): Promise<void> {
    const whole = events.flatMap((event) => this.assemble(event));
    if (whole.length === 0) return;
    try {
      await this.write(whole);
    } catch (error) {
      if (classifyFailure(error) === 'transient') throw error;
      // Some event cannot be written: the others are, one by one.
      for (const event of whole) await this.writeAlone(event);
    }
  }

  get result(): LedgerReplayed {
    const stopped = [...this.items.values()].flatMap(({ item, stopped: reason }) =>
      reason === undefined ? [] : [{ ...item, reason }],
    );
    return { applied: this.applied, known: this.known, stopped };
  }

  /** Ids of the orders that a dry run would have written. */
  readonly newOrders = new Set<string>();

  /** The event once all of its parts are there. */
  private assemble(event: LedgerEvent): LedgerEvent[] {
    const item = this.itemOf(event);
    if (event.parts === 1) return [event];
    const before = event.part === 1 ? [] : item.parts;
    const last = before.at(-1);
    if (event.part > 1 && (last?.version !== event.version || last.part !== event.part - 1)) return [];
    item.parts = [...before, event];
    if (event.part < event.parts) return [];
    const runs = item.parts.flatMap((part) => part.runs);
    item.parts = [];
    return [{ ...event, runs }];
  }

  private async writeAlone(event: LedgerEvent): Promise<void> {
    try {
      await this.write([event]);
    } catch (error) {
      if (classifyFailure(error) === 'transient') throw error;
      this.itemOf(event).stopped ??= `version ${event.version} cannot be written: ${describeFailure(error)}`;
    }
  }

  private async write(events: readonly LedgerEvent[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const written = this.options.dryRun
          ? await this.pretend(events)
          : await this.dataSource.transaction((manager) => this.writeAll(manager, events));
        this.applied += written.applied;
        this.known += written.known;
        for (const [name, reason] of written.stops) {
          const item = this.items.get(name);
          if (item !== undefined) item.stopped ??= reason;
        }
        return;
      } catch (error) {
        if (classifyFailure(error) !== 'transient' || attempt === RETRIES) throw error;
        await pause(RETRY_MS * attempt);
      }
    }
  }

  private async writeAll(manager: EntityManager, events: readonly LedgerEvent[]): Promise<Written> {
    const places = await lockPlaces(manager, events);
    return this.follow(events, places, (event) => writeEvent(manager, event));
  }

  private async pretend(events: readonly LedgerEvent[]): Promise<Written> {
    const places = new Map(await readPlaces(this.dataSource.manager, events));
    for (const [name, { pretended }] of this.items) if (pretended !== undefined) places.set(name, pretended);
    return this.follow(events, places, (event) => {
      const item = this.itemOf(event);
      item.pretended = placeOf(event);
      for (const { kind, orders } of event.runs) {
        if (kind !== 'new') continue;
        const keys = orders.split('\n').map((line) => line.slice(0, line.indexOf(' ')));
        for (const key of keys) this.newOrders.add(`${itemName(event)}.${key}`);
      }
      return Promise.resolve();
    });
  }

  private async follow(
    events: readonly LedgerEvent[],
    places: Map<string, LogPlace>,
    write: (event: LedgerEvent) => Promise<void>,
  ): Promise<Written> {
    const written = { applied: 0, known: 0, stops: new Map<string, string>() };
    for (const event of events) {
      const name = itemName(event);
      const { log, stopped } = this.itemOf(event);
      const step = log.judge(event, places.get(name));
      const isStopped = stopped !== undefined || written.stops.has(name);
      switch (step.outcome) {
        case 'next':
          if (isStopped) break;
          await write(event);
          places.set(name, placeOf(event));
          written.applied += 1;
          break;
        case 'known':
          written.known += 1;
          break;
        case 'gap':
          if (!isStopped) written.stops.set(name, gapReason(step.missing, event.version));
          break;
        case 'otherHistory':
          if (!isStopped) written.stops.set(name, otherHistoryReason(event));
          break;
      }
    }
    return written;
  }

  private itemOf({ saleId, productId }: ItemRef): ReplayedItem {
    const name = itemName({ saleId, productId });
    const known = this.items.get(name);
    if (known !== undefined) return known;
    const item: ReplayedItem = { item: { saleId, productId }, log: new ItemLog(), parts: [] };
    this.items.set(name, item);
    return item;
  }
}

interface ReplayedItem {
  readonly item: ItemRef;
  readonly log: ItemLog;
  /** Those that were read of an event that came in parts. */
  parts: readonly LedgerEvent[];
  stopped?: string;
  /** Where a dry run would have brought it. */
  pretended?: LogPlace;
}

interface Written {
  readonly applied: number;
  readonly known: number;
  /** By item: why its events beyond are not applied. */
  readonly stops: ReadonlyMap<string, string>;
}

function gapReason(missing: number, found: number): string {
  return missing === 1
    ? `its first events are not in the topic, which begins with version ${found}: restore a backup that has the item`
    : `version ${missing} is missing, the topic goes on with ${found}: restore a younger backup`;
}

function otherHistoryReason({ version, ledger }: LedgerEvent): string {
  return (
    `version ${version} of ${ledger.changed_at} belongs to another history: somebody wrote to a restored database ` +
    'before it was replayed; stop orders and admin, restore the backup again and replay first'
  );
}

interface PlaceRow {
  readonly sale_id: string;
  readonly product_id: string;
  readonly version: string;
  readonly changed_at: string;
}

async function lockPlaces(manager: EntityManager, items: readonly ItemRef[]): Promise<Map<string, LogPlace>> {
  return placesIn(manager, items, 'ORDER BY product_id, sale_id FOR UPDATE');
}

async function readPlaces(manager: EntityManager, items: readonly ItemRef[]): Promise<Map<string, LogPlace>> {
  return placesIn(manager, items, '');
}

async function placesIn(
  manager: EntityManager,
  items: readonly ItemRef[],
  how: string,
): Promise<Map<string, LogPlace>> {
  const rows: PlaceRow[] = await manager.query(
    `SELECT sale_id, product_id, version, (extract(epoch FROM changed_at) * 1000000)::bigint AS changed_at
     FROM ledger WHERE (sale_id, product_id) IN (SELECT * FROM unnest($1::text[], $2::text[])) ${how}`,
    [textArray(items.map(({ saleId }) => saleId)), textArray(items.map(({ productId }) => productId))],
  );
  return new Map(
    rows.map(({ sale_id, product_id, version, changed_at }) => [
      itemName({ saleId: sale_id, productId: product_id }),
      { version: Number(version), changedAt: BigInt(changed_at) },
    ]),
  );
}
