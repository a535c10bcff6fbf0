import { freeUnits } from '@flux/ledger';
import { type ItemRef, ProblemError } from '@flux/contracts';
import { RedisConnection, itemKeys } from '@flux/gate';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Sale } from '../sales/sale';
import { inSlices } from './in-slices';
import { type MemoryOfRedis, bytesOfBuyers, memoryOf } from './redis-memory';

interface Demand extends ItemRef {
  readonly units: number;
}

/** What must be true of Redis before a sale's opening is written to PostgreSQL. Changes nothing. */
@Injectable()
export class OpeningChecks {
  constructor(
    private readonly dataSource: DataSource,
    private readonly redis: RedisConnection,
  ) {}

  /**
   * Looks at scheduled sales only: of others the gate has keys already.
   * @throws ProblemError `gate-unsafe`, `insufficient-memory`, or `temporarily-unavailable` where Redis does not answer
   */
  async check(sale: Sale): Promise<void> {
    if (sale.state !== 'scheduled') return;
    await this.checkMemory(sale.items.map((item) => ({ ...item, units: freeUnits(item.ledger) })));
    await this.checkKeys(sale.items);
  }

  /**
   * Whether Redis has room for a buyer of every one of these units, beside the buyers of what the open sales have
   * not sold yet. A Redis without `maxmemory` has room.
   * @throws ProblemError `insufficient-memory`, `temporarily-unavailable`
   */
  async checkMemory(demands: readonly Demand[]): Promise<void> {
    const unsold: Demand[] = await this.dataSource.query(
      `SELECT sale_id AS "saleId", product_id AS "productId", initial - held - sold - parked AS units
         FROM items JOIN ledger USING (sale_id, product_id) WHERE live`,
    );
    const unitsOfShard = new Map<string, number>();
    for (const demand of [...unsold, ...demands]) {
      const shard = this.redis.shardOf(itemKeys(demand).item).id;
      unitsOfShard.set(shard, (unitsOfShard.get(shard) ?? 0) + demand.units);
    }
    for (const [shard, units] of unitsOfShard) {
      const { used, limit } = await this.memoryOf(shard);
      if (limit > 0 && used + bytesOfBuyers(units) > limit) {
        throw new ProblemError(
          'insufficient-memory',
          `Redis uses ${used} of ${limit} bytes, and the open sales with this one may need ${bytesOfBuyers(units)} more.`,
        );
      }
    }
  }

  private async memoryOf(shard: string): Promise<MemoryOfRedis> {
    const masters = this.redis.masters();
    const [address] = shard.split(';');
    const master =
      masters.find(({ options }) => `${options.host ?? ''}:${options.port ?? ''}` === address) ?? masters[0];
    if (master === undefined) throw unreachable();
    return memoryOf(await answerOf(master.info('memory')));
  }

  private async checkKeys(items: readonly ItemRef[]): Promise<void> {
    for (const slice of inSlices(items)) {
      const unsafe = await Promise.all(slice.map((item) => this.hasForeignKeys(item)));
      const index = unsafe.indexOf(true);
      if (index < 0) continue;
      throw new ProblemError(
        'gate-unsafe',
        `Redis holds foreign data under the keys of product ${slice[index]?.productId ?? ''}; remove it and open again.`,
      );
    }
  }

  /** An item that was never opened has no keys: whatever is there is not ours, and no script may write over it. */
  private async hasForeignKeys(ref: ItemRef): Promise<boolean> {
    const { client } = this.redis;
    const { current, item, stock, shoppers, orders, outbox, changes, timeline, lease, passes } =
      itemKeys(ref);
    const [found, leaseType, currentType] = await answerOf(
      Promise.all([
        client.exists(item, stock, shoppers, orders, outbox, changes, timeline, passes),
        client.type(lease),
        client.type(current),
      ]),
    );
    // A relay may have leased the outbox already, and `current` may name the product's last sale.
    return found > 0 || !['none', 'hash'].includes(leaseType) || !['none', 'string'].includes(currentType);
  }
}

async function answerOf<Value>(command: Promise<Value>): Promise<Value> {
  try {
    return await command;
  } catch {
    throw unreachable();
  }
}

function unreachable(): ProblemError {
  return new ProblemError('temporarily-unavailable', 'Redis does not answer; nothing was changed.');
}
