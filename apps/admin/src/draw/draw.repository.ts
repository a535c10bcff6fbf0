import { DrawEntity, noteSale, SaleEntity } from '@flux/ledger';
import type { EntityManager } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import { SYSTEM_ACTOR } from '../keys/api-keys';
import { lockSale } from '../sales/sale.repository';

/** Ids of the sales whose places are to be drawn, by PostgreSQL's clock, which is not the one that decides. */
export async function salesToDraw(manager: EntityManager, leadMs: number): Promise<readonly string[]> {
  const rows: { readonly id: string }[] = await manager.query(
    `SELECT id FROM sales
     WHERE state IN ('scheduled', 'open', 'paused') AND draw_seed IS NOT NULL AND draw IS NULL
       AND opens_at <= now() + $1::integer * interval '1 millisecond'
     ORDER BY opens_at, id`,
    [leadMs],
  );
  return rows.map(({ id }) => id);
}

/** Ids of the sales that were drawn and are still in Redis. */
export async function drawnSales(manager: EntityManager): Promise<readonly string[]> {
  const rows: { readonly id: string }[] = await manager.query(
    `SELECT id FROM sales WHERE state <> 'retired' AND draw IS NOT NULL ORDER BY opens_at, id`,
  );
  return rows.map(({ id }) => id);
}

export async function findDraw(manager: EntityManager, saleId: string): Promise<DrawEntity | null> {
  return manager.findOneBy(DrawEntity, { saleId });
}

export type NewDraw = Pick<DrawEntity, 'saleId' | 'listHash' | 'tickets' | 'ticketIds'>;

/** Writes the list that is drawn from, unless there is one: that one counts. */
export async function insertDraw(manager: EntityManager, draw: NewDraw): Promise<void> {
  const { saleId, listHash, tickets, ticketIds } = draw;
  const inserted: unknown[] = await manager.query(
    `INSERT INTO draws (sale_id, list_hash, tickets, ticket_ids) VALUES ($1, $2, $3, $4)
     ON CONFLICT (sale_id) DO NOTHING RETURNING sale_id`,
    [saleId, listHash, tickets, ticketIds],
  );
  if (inserted.length === 0) return;
  await recordAudit(manager, {
    actor: SYSTEM_ACTOR,
    action: 'sale.lobby-closed',
    subject: saleId,
    before: null,
    after: { listHash, tickets },
  });
}

/** Notes that the room has the ranks: from now on what was drawn may be published. @returns false where it was noted */
export async function noteDrawn(
  manager: EntityManager,
  { saleId, listHash, tickets, drawnAt }: DrawEntity,
): Promise<boolean> {
  const { draw: before }: SaleEntity = await lockSale(manager, saleId, 'change');
  if (before !== null) return false;
  const draw = { listHash, tickets, drawnAt: drawnAt.toISOString() };
  await manager.query('UPDATE sales SET draw = $2, room_version = room_version + 1 WHERE id = $1', [
    saleId,
    JSON.stringify(draw),
  ]);
  await noteSale(manager, saleId, { causes: ['saleChanged'], written: { sale: true } });
  await recordAudit(manager, {
    actor: SYSTEM_ACTOR,
    action: 'sale.draw',
    subject: saleId,
    before: null,
    after: draw,
  });
  return true;
}
