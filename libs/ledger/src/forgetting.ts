import { itemName } from '@flux/contracts';
import { GateClient } from '@flux/gate';
import { Injectable } from '@nestjs/common';
import { DataSource, In, type EntityManager } from 'typeorm';
import { ItemEntity } from './entities/item.entity';
import { gateUnderWay, pseudonymsAtGate, renameAtGate, strangersAtGate } from './forget-gate';
import * as rows from './forget-rows';
import { lockLedger } from './ledger-rows';
import { Pseudonyms } from './pseudonyms';

/** What was forgotten of one sale. */
export type SaleForgetting =
  | {
      readonly outcome: 'forgotten';
      readonly saleId: string;
      readonly shoppers: number;
      readonly orders: number;
    }
  /** Nothing more was forgotten of it; `reason` says why, and what to do. */
  | { readonly outcome: 'skipped'; readonly saleId: string; readonly reason: string };

/** What was forgotten of one shopper. */
export interface ShopperForgetting {
  readonly sales: readonly SaleForgetting[];
  /** Webhook deliveries that had the name. */
  readonly deliveries: number;
  /** Resolved messages that were emptied. */
  readonly messages: number;
  /** Ids of parked messages that may have the name. */
  readonly waitingMessages: readonly string[];
}

/** Order rows that one step of a sale looks at. */
const ORDERS_PER_STEP = 200;

/**
 * Removes shoppers' identities: a pseudonym, another one in each sale, takes the place of the name, so that the accounts
 * of shoppers still balance. The gate is renamed first and PostgreSQL last, in one transaction: where PostgreSQL has no
 * name any more, there is none at the gate either, and a run that was cut off is completed by the next. Idempotent, in
 * any number of processes at once.
 */
@Injectable()
export class Forgetting {
  constructor(
    private readonly dataSource: DataSource,
    private readonly gate: GateClient,
  ) {}

  /**
   * Forgets one shopper in every sale that has ended.
   * @throws where PostgreSQL or the gate cannot be asked; the same call again goes on
   */
  async forgetShopper(shopperId: string): Promise<ShopperForgetting> {
    const sales: SaleForgetting[] = [];
    for (const saleId of await rows.salesOf(this.dataSource, shopperId)) {
      sales.push(await this.forgetIn(saleId, { shopperIds: [shopperId], names: new Pseudonyms() }));
    }
    const copies = { shopperId };
    return {
      sales,
      deliveries: await rows.renameDeliveries(this.dataSource, copies),
      messages: await rows.emptyMessages(this.dataSource, copies),
      waitingMessages: await rows.waitingMessages(this.dataSource, shopperId),
    };
  }

  /**
   * Forgets every shopper of a sale that has ended, step by step, then notes that in the sale.
   * @throws as `forgetShopper`, and where the signal aborts
   */
  async forgetSale(saleId: string, signal?: AbortSignal): Promise<SaleForgetting> {
    const names = new Pseudonyms();
    const sum = { shoppers: 0, orders: 0 };
    let after: string | undefined = `${saleId}.`;
    while (after !== undefined) {
      const page = await rows.namedShoppers(this.dataSource, { saleId, after, limit: ORDERS_PER_STEP });
      const step = await this.forgetIn(saleId, { shopperIds: page.shopperIds, names });
      if (step.outcome === 'skipped') return step;
      sum.shoppers += step.shoppers;
      sum.orders += step.orders;
      signal?.throwIfAborted();
      after = page.last;
    }
    await rows.renameDeliveries(this.dataSource, { saleId });
    await rows.emptyMessages(this.dataSource, { saleId });
    await this.dataSource.transaction((manager) => rows.noteForgotten(manager, saleId));
    return { outcome: 'forgotten', saleId, ...sum };
  }

  /** The sales whose retention time is over, the oldest first. */
  async salesToForget(): Promise<readonly string[]> {
    return rows.salesToForget(this.dataSource);
  }

  private async forgetIn(saleId: string, { shopperIds, names }: Step): Promise<SaleForgetting> {
    for (;;) {
      const orders = await rows.ordersOf(this.dataSource.manager, { saleId, shopperIds });
      const strange = await strangersAtGate(this.gate, saleId, { orders, pseudonyms: new Map() });
      // Outside the transaction: it reads all shoppers of the items.
      const earlier = await pseudonymsAtGate(this.gate, saleId, strange);
      const unknown = strange.find(({ shopperId }) => !earlier.has(shopperId));
      if (unknown !== undefined) {
        const reason = `the gate has ${unknown.orderId} under a name that nobody knows: audit the sale`;
        return { outcome: 'skipped', saleId, reason };
      }
      const pseudonyms = new Map(shopperIds.map((name) => [name, earlier.get(name) ?? names.of(name)]));
      const productIds = [...new Set(orders.map(({ productId }) => productId))];
      const renamed = await this.dataSource.transaction((manager) =>
        this.rename(manager, { saleId, productIds, pseudonyms }),
      );
      if (renamed.outcome !== 'again') return renamed;
    }
  }

  private async rename(
    manager: EntityManager,
    { saleId, productIds, pseudonyms }: Renaming,
  ): Promise<SaleForgetting | { readonly outcome: 'again' }> {
    const reason = await this.underWay(manager, saleId, productIds);
    if (reason !== undefined) return { outcome: 'skipped', saleId, reason };
    // Once more, now that no payment can begin: another process may have been faster, or been cut off meanwhile.
    const shopperIds = [...pseudonyms.keys()];
    const orders = await rows.ordersOf(manager, { saleId, shopperIds }, { lock: true });
    const renames = { orders, pseudonyms };
    if ((await strangersAtGate(this.gate, saleId, renames)).length > 0) return { outcome: 'again' };
    await renameAtGate(this.gate, saleId, renames);
    await rows.renameShoppers(manager, saleId, pseudonyms);
    const shoppers = new Set(orders.map(({ shopperId }) => shopperId)).size;
    return { outcome: 'forgotten', saleId, shoppers, orders: orders.length };
  }

  /** Why the sale, or one of these items, is not at its end; where it is, it stays so until the transaction ends. */
  private async underWay(
    manager: EntityManager,
    saleId: string,
    productIds: readonly string[],
  ): Promise<string | undefined> {
    const items = await manager.findBy(ItemEntity, { saleId, productId: In(productIds) });
    const { rows: ledgers } = await lockLedger(manager, items);
    const { reason, isRetired } = await rows.saleAtEnd(manager, saleId);
    if (reason !== undefined) return reason;
    for (const item of items) {
      const epoch = ledgers.get(itemName(item))?.epoch ?? 0;
      const atGate = await gateUnderWay(this.gate, item, { epoch, isRetired });
      if (atGate !== undefined) return atGate;
    }
    return undefined;
  }
}

interface Step {
  readonly shopperIds: readonly string[];
  readonly names: Pseudonyms;
}

interface Renaming {
  readonly saleId: string;
  /** The items of the shoppers' orders: a shopper of an ended sale has no order of another one later. */
  readonly productIds: readonly string[];
  readonly pseudonyms: ReadonlyMap<string, string>;
}
