import type { ItemRef } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { RebuildEntity, type RebuildKind, type RebuildPhase } from './entities/rebuild.entity';
import { suspendIn } from './suspensions';

export interface RebuildRequest extends ItemRef {
  readonly kind: RebuildKind;
  readonly reason: string;
  readonly actor: string;
  /** The ledger's epoch. */
  readonly fromEpoch: number;
}

/** Whoever holds an older one has been overtaken: what it notes is not kept. */
export interface RebuildAttempt {
  readonly id: string;
  readonly attempt: number;
}

/** What an attempt has to say of itself. */
export type RebuildNote = Partial<
  Pick<RebuildEntity, 'lastFailure' | 'epoch' | 'relayed' | 'unreadable' | 'orders' | 'available'>
> & { readonly phase?: RebuildPhase };

export interface FinishedRebuild extends Pick<RebuildEntity, 'kind' | 'actor' | 'reason'> {
  /** From when it was asked for, by PostgreSQL's clock. */
  readonly durationMs: number;
}

type FinishedRow = Omit<FinishedRebuild, 'durationMs'> & { readonly ms: number };

/** How far rebuilds have come, and which there were. Of one item at most one is running. */
@Injectable()
export class Rebuilds {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Suspends the item in the ledger, so that whoever looks next rebuilds its gate. One that is running already stays as
   * it is. Where the ledger is in a newer epoch by then, the rebuild finds nothing to do.
   * @param alongside runs in the same transaction
   */
  async ask(
    request: RebuildRequest,
    alongside?: (manager: EntityManager) => Promise<void>,
  ): Promise<RebuildEntity> {
    const { saleId, productId, kind, reason, actor, fromEpoch } = request;
    return this.dataSource.transaction(async (manager) => {
      await suspendIn(manager, { saleId, productId, epoch: fromEpoch }, reason);
      await manager.query(
        `INSERT INTO rebuilds (sale_id, product_id, kind, reason, actor, from_epoch) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (sale_id, product_id) WHERE state = 'running' DO NOTHING`,
        [saleId, productId, kind, reason, actor, fromEpoch],
      );
      await alongside?.(manager);
      return manager.findOneByOrFail(RebuildEntity, { saleId, productId, state: 'running' });
    });
  }

  /** A new attempt of the one that is running. */
  async begin({ saleId, productId }: ItemRef): Promise<RebuildAttempt> {
    const [rows]: [readonly { readonly id: string; readonly attempts: number }[], number] =
      await this.dataSource.query(
        `UPDATE rebuilds SET attempts = attempts + 1, updated_at = now()
         WHERE sale_id = $1 AND product_id = $2 AND state = 'running' RETURNING id, attempts`,
        [saleId, productId],
      );
    const [row] = rows;
    if (row === undefined) throw new Error('no rebuild of the item is running');
    return { id: row.id, attempt: row.attempts };
  }

  async note({ id, attempt }: RebuildAttempt, note: RebuildNote): Promise<void> {
    await this.dataSource.manager.update(
      RebuildEntity,
      { id, attempts: attempt, state: 'running' },
      { ...note, updatedAt: () => 'now()' },
    );
  }

  /**
   * @param manager of the transaction in which the gate was finished
   * @returns undefined where another attempt has begun since
   */
  async done(manager: EntityManager, { id, attempt }: RebuildAttempt): Promise<FinishedRebuild | undefined> {
    const [rows]: [readonly FinishedRow[], number] = await manager.query(
      `UPDATE rebuilds SET state = 'done', phase = 'open', updated_at = clock_timestamp(), done_at = clock_timestamp()
       WHERE id = $1 AND attempts = $2 AND state = 'running'
       RETURNING kind, actor, reason, round(extract(epoch FROM clock_timestamp() - started_at) * 1000)::integer AS ms`,
      [id, attempt],
    );
    return rows.map(({ ms, ...row }) => ({ ...row, durationMs: ms }))[0];
  }

  /** Ends one that was cut off after it had finished the gate: whoever looks finds nothing left to do. */
  async settle({ saleId, productId }: ItemRef): Promise<void> {
    await this.dataSource.manager.update(
      RebuildEntity,
      { saleId, productId, state: 'running' },
      { state: 'done', updatedAt: () => 'now()', doneAt: () => 'now()' },
    );
  }

  /** The newest first. */
  async list(
    { saleId, productId }: ItemRef,
    { limit }: { readonly limit: number },
  ): Promise<readonly RebuildEntity[]> {
    return this.dataSource.manager.find(RebuildEntity, {
      where: { saleId, productId },
      order: { id: 'DESC' },
      take: limit,
    });
  }
}
