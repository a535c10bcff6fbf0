import { type ItemEvent, type ItemRef, encodeItemEvent } from '@flux/contracts';
import { Outboxes } from '@flux/gate';
import { BatchTransaction, Holds, type ItemResult, Parking, TellGate } from '@flux/ledger';
import { type PurchaseOptions, purchase, randomId } from '@flux/testing';
import type { AdminWorld } from './admin.world';

/** What relay and orders processes do to a sale's orders, step by step and without Kafka. */
export class OrderLife {
  private offset = 0n;

  constructor(private readonly world: AdminWorld) {}

  /** Bought, and known to the gate alone. */
  async accepted(item: ItemRef, options: PurchaseOptions = {}): Promise<string> {
    const request = purchase(item, options);
    const { outcome } = await this.world.gate.reserve(request);
    if (outcome !== 'accepted') throw new Error(`the purchase is ${outcome}`);
    return request.orderId;
  }

  /** Bought, committed and settled. */
  async confirmed(item: ItemRef, options: PurchaseOptions = {}): Promise<string> {
    const orderId = await this.accepted(item, options);
    await this.settleAll(item);
    return orderId;
  }

  /** Bought, and put aside with a body that cannot be read. @returns the orders and the message's id */
  async parked(
    item: ItemRef,
    purchases: readonly PurchaseOptions[],
    { stock }: { readonly stock?: number } = {},
  ): Promise<{ readonly orderIds: readonly string[]; readonly messageId: string }> {
    const orderIds = await Promise.all(purchases.map((options) => this.accepted(item, options)));
    if (stock !== undefined) {
      await this.world.dataSource.query('UPDATE ledger SET initial = $1 WHERE sale_id = $2', [
        stock,
        item.saleId,
      ]);
    }
    for (const event of await this.outbox(item)) {
      const { key, headers } = encodeItemEvent(event);
      const message = { topic: randomId('topic'), partition: 0, offset: this.nextOffset(), key, headers };
      const value = Buffer.from('{ half a body');
      const parked = await this.world.app.get(Parking).park({ ...message, value }, 'the body is not JSON');
      if (parked.outcome !== 'booked') throw new Error(parked.reason);
      await this.settle(parked.item);
    }
    const [row]: { readonly id: string }[] = await this.world.dataSource.query(
      'SELECT id FROM parked_messages ORDER BY id DESC LIMIT 1',
    );
    return { orderIds, messageId: row?.id ?? '' };
  }

  /** Their holds have run out, the ledger has ended them, and the gate has their units back. */
  async expired(...orderIds: readonly string[]): Promise<void> {
    await this.world.dataSource.query(
      "UPDATE orders SET hold_until = now() - interval '1 s' WHERE order_id = ANY ($1)",
      [orderIds],
    );
    const { items } = await this.world.app.get(Holds).expireDue(1_000);
    for (const { item, changes } of items) await this.world.app.get(TellGate).tellChanges(item, changes);
  }

  /** What the loop of the orders processes does. */
  async tellGate(): Promise<void> {
    await this.world.app.get(TellGate).tellDue(1_000, 0);
  }

  /** What a shopper reads. */
  async statusAtGate(orderId: string): Promise<string> {
    const read = await this.world.gate.readOrder(orderId);
    return read.outcome === 'order' ? read.order.status : read.outcome;
  }

  /** What the outbox holds is committed and settled. */
  async settleAll(item: ItemRef): Promise<void> {
    const events = (await this.outbox(item)).map((event) => ({ event, offset: this.nextOffset() }));
    const applied = await this.world.app.get(BatchTransaction).apply(events);
    if (applied.outcome === 'refused') throw new Error(applied.reason);
    for (const result of applied.items) await this.settle(result);
  }

  private async settle({ settlement }: ItemResult): Promise<void> {
    if (settlement === undefined) throw new Error('there is nothing to settle');
    const { outcome } = await this.world.gate.settle(settlement);
    if (outcome !== 'settled') throw new Error(`the settle is ${outcome}`);
  }

  private async outbox(item: ItemRef): Promise<readonly ItemEvent[]> {
    const entries = await this.world.app.get(Outboxes).read(item, { after: '0-0', count: 1_000 });
    return entries.map((entry) => {
      if (entry.outcome === 'unreadable') throw new Error(entry.reason);
      return entry.event;
    });
  }

  private nextOffset(): bigint {
    this.offset += 1n;
    return this.offset;
  }
}
