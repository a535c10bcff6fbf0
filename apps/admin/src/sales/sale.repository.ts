import { randomBytes } from 'node:crypto';
import { type Admission, itemName, ProblemError, type NewSale, type SaleState } from '@flux/contracts';
import { ItemEntity, LedgerEntity, noteSale, SaleEntity } from '@flux/ledger';
import { type EntityManager, In, Not } from 'typeorm';
import type { Sale, SaleItem } from './sale';

export interface Page {
  /** Id of the last one of the page before. */
  readonly after: string | undefined;
  readonly limit: number;
}

/** Writes a scheduled sale. Answers false, and has written nothing, where the id is taken. */
export async function insertSale(manager: EntityManager, id: string, sale: NewSale): Promise<boolean> {
  const { lobbyOpensAt } = sale.admission;
  const inserted: unknown[] = await manager.query(
    `INSERT INTO sales (id, name, opens_at, closes_at, hold_ms, retention_ms, admission, room_salt, draw_seed)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     ON CONFLICT (id) DO NOTHING RETURNING id`,
    [
      ...[id, sale.name, sale.opensAt, sale.closesAt, sale.holdMs, sale.retentionMs ?? null],
      JSON.stringify(storedAdmission(sale.admission)),
      newSecret(),
      lobbyOpensAt === undefined ? null : newSecret(),
    ],
  );
  if (inserted.length === 0) return false;
  const items = sale.items.map(({ productId, name, priceMinor, currency, perShopperLimit }, position) => {
    return { saleId: id, productId, position, name, priceMinor, currency, perShopperLimit };
  });
  await manager.insert(ItemEntity, items);
  const ledgers = sale.items.map(({ productId, stock }) => {
    return { saleId: id, productId, initial: stock, version: 0 };
  });
  await manager.insert(LedgerEntity, ledgers);
  await noteSale(manager, id, { causes: ['created'], written: { sale: true, item: true } });
  return true;
}

/** 32 bytes in hex. */
function newSecret(): string {
  return randomBytes(32).toString('hex');
}

/** Times as they are answered. */
function storedAdmission({ lobbyOpensAt, ...settings }: Admission): Admission {
  if (lobbyOpensAt === undefined) return settings;
  return { ...settings, lobbyOpensAt: new Date(lobbyOpensAt).toISOString() };
}

/** @throws ProblemError `unknown-sale` */
export async function readSale(manager: EntityManager, id: string): Promise<Sale> {
  const entity = await manager.findOneBy(SaleEntity, { id });
  const [sale] = await withItems(manager, entity === null ? [] : [entity]);
  if (sale === undefined) throw unknownSale();
  return sale;
}

/**
 * The sale's state, which nobody changes before this transaction ends: `change` for who wants to change it, `keep` for
 * who relies on it.
 * @throws ProblemError `unknown-sale`
 */
export async function lockSale(
  manager: EntityManager,
  id: string,
  to: 'change' | 'keep',
): Promise<SaleEntity> {
  const mode = to === 'change' ? 'for_no_key_update' : 'pessimistic_read';
  const entity = await manager.findOne(SaleEntity, { where: { id }, lock: { mode } });
  if (entity === null) throw unknownSale();
  return entity;
}

/** Newest first. @throws ProblemError `invalid-request` where `after` is no sale */
export async function listSales(manager: EntityManager, { after, limit }: Page): Promise<readonly Sale[]> {
  const query = manager
    .createQueryBuilder(SaleEntity, 'sale')
    .orderBy('sale.createdAt', 'DESC')
    .addOrderBy('sale.id', 'DESC')
    .limit(limit);
  if (after !== undefined) {
    if (!(await manager.existsBy(SaleEntity, { id: after }))) throw unknownCursor();
    // Inside PostgreSQL: a Date holds milliseconds, the column microseconds.
    query.where(
      '(sale.created_at, sale.id) < (SELECT last.created_at, last.id FROM sales last WHERE last.id = :after)',
      { after },
    );
  }
  return withItems(manager, await query.getMany());
}

/** Every sale, newest first: for the catalogue. */
export async function allSales(manager: EntityManager): Promise<readonly Sale[]> {
  return withItems(manager, await manager.find(SaleEntity, { order: { createdAt: 'DESC', id: 'DESC' } }));
}

/** Ids of the sales that are not retired, oldest first. */
export async function unfinishedSales(manager: EntityManager): Promise<readonly string[]> {
  const rows = await manager.find(SaleEntity, {
    select: { id: true },
    where: { state: Not('retired') },
    order: { createdAt: 'ASC', id: 'ASC' },
  });
  return rows.map(({ id }) => id);
}

/** Ids of the sales past their end that are not closed yet, by PostgreSQL's clock. */
export async function overdueSales(manager: EntityManager): Promise<readonly string[]> {
  const rows: { readonly id: string }[] = await manager.query(
    `SELECT id FROM sales WHERE state IN ('scheduled', 'open', 'paused') AND closes_at <= now() ORDER BY closes_at`,
  );
  return rows.map(({ id }) => id);
}

/** The database's clock, which decides what is over. */
export async function databaseNow(manager: EntityManager): Promise<Date> {
  const [row]: { readonly now: Date }[] = await manager.query('SELECT clock_timestamp() AS now');
  if (row === undefined) throw new Error('PostgreSQL does not know the time.');
  return row.now;
}

const STATE_TIMES: Readonly<Partial<Record<SaleState, 'closed_at' | 'retired_at'>>> = {
  closed: 'closed_at',
  retired: 'retired_at',
};

/**
 * Only behind `lockSale`. From opening to closing the sale's products are live: no other sale can open with them. The
 * room is told of a closing alone; once it has left Redis its salt goes, so that no name can be tried against the list
 * of a draw.
 */
export async function writeState(manager: EntityManager, id: string, state: SaleState): Promise<void> {
  const time = STATE_TIMES[state];
  const changes = [
    'state = $2',
    'room_version = room_version + $3',
    ...(time === undefined ? [] : [`${time} = now()`]),
    ...(state === 'retired' ? ['room_salt = DEFAULT'] : []),
  ];
  await manager.query(`UPDATE sales SET ${changes.join(', ')} WHERE id = $1`, [
    id,
    state,
    state === 'closed' ? 1 : 0,
  ]);
  await manager.update(ItemEntity, { saleId: id }, { live: state === 'open' || state === 'paused' });
  await noteSale(manager, id, { causes: ['saleChanged'], written: { sale: true, item: true } });
}

async function withItems(manager: EntityManager, sales: readonly SaleEntity[]): Promise<readonly Sale[]> {
  if (sales.length === 0) return [];
  const ofSales = { saleId: In(sales.map(({ id }) => id)) };
  const items = await manager.find(ItemEntity, { where: ofSales, order: { saleId: 'ASC', position: 'ASC' } });
  const ledgers = await manager.find(LedgerEntity, { where: ofSales });
  const ledgerOf = new Map(ledgers.map((row) => [itemName(row), row]));
  const itemsOf = new Map<string, SaleItem[]>(sales.map(({ id }) => [id, []]));
  for (const item of items) {
    itemsOf.get(item.saleId)?.push(saleItem(item, ledgerOf.get(itemName(item))));
  }
  return sales.map((sale) => {
    const { id, name, state, opensAt, closesAt, holdMs, retentionMs, createdAt, closedAt } = sale;
    const times = { opensAt, closesAt, holdMs, retentionMs, createdAt, closedAt };
    const { admission, drawSeed, beaconValue, draw } = sale;
    const room = { admission, drawSeed, beaconValue, draw };
    return { id, name, state, ...times, ...room, items: itemsOf.get(id) ?? [] };
  });
}

function saleItem(item: ItemEntity, ledger: LedgerEntity | undefined): SaleItem {
  if (ledger === undefined) throw new Error(`${itemName(item)} has no row in the ledger`);
  const { initial, held, sold, parked, epoch, watermark, suspendedReason } = ledger;
  const { saleId, productId, name, priceMinor, currency, perShopperLimit } = item;
  return {
    saleId,
    productId,
    name,
    priceMinor,
    currency,
    perShopperLimit,
    gateOpened: item.gateOpenedAt !== null,
    ledger: { initial, held, sold, parked, epoch, watermark, suspendedReason },
  };
}

function unknownSale(): ProblemError {
  return new ProblemError('unknown-sale', 'There is no sale with this id.');
}

function unknownCursor(): ProblemError {
  return new ProblemError('invalid-request', 'A field of the request is not valid.', {
    errors: [{ pointer: '/after', detail: 'must be the `next` of an earlier page' }],
  });
}
