import { randomBytes } from 'node:crypto';
import { fingerprintOf, orderIdOf, type OrdersAccepted } from '@flux/contracts';
import type { HistoryAnswer } from '@flux/checker';
import { itemKeys, shopperHashOf, type ItemKeys } from '@flux/gate';
import type { OrderState } from '@flux/ledger';
import type { AuditServers } from './audit-servers';

interface WorldOrder {
  readonly orderId: string;
  readonly shopperId: string;
  readonly key: string;
  readonly quantity: number;
  readonly fingerprint: string;
  readonly sequence: number;
  readonly state: OrderState;
  readonly acceptedAtMs: number;
}

/** State of the row, and as the gate's record spells it: the confirmed ones follow from the watermark. */
const ORDERS = [
  ['ann', 1, 'confirmed', '-'],
  ['bob', 2, 'confirmed', '-'],
  ['cat', 1, 'paid', 'p'],
  ['dan', 1, 'rejected', 'r'],
  ['eve', 2, 'parked', 'a'],
  ['fay', 1, 'cancelled', 'x'],
  ['ann', 1, 'confirmed', '-'],
] as const satisfies readonly (readonly [string, number, OrderState, string])[];

const INITIAL = 20;
const LIMIT = 3;
const EPOCH = 1;
/** 4 held, 1 sold and 2 parked of 20. */
const AVAILABLE = 13;

/**
 * A small sale at rest, written straight into the servers: one item with an order in every state, a message that
 * came twice and one that is parked, an item that never opened, and the clients' complete history.
 */
export class AuditWorld {
  readonly saleId = `s${randomBytes(6).toString('hex')}`;
  readonly productId: string;
  readonly startedAtMs: number;
  readonly keys: ItemKeys;
  readonly orders: readonly WorldOrder[];
  readonly history: HistoryAnswer[];

  constructor(
    readonly servers: AuditServers,
    {
      productId,
      startedAtMs = Date.now(),
    }: { readonly productId?: string; readonly startedAtMs?: number } = {},
  ) {
    this.productId = productId ?? `shoe-${this.saleId}`;
    this.startedAtMs = startedAtMs;
    this.keys = itemKeys(this.item);
    this.orders = ORDERS.map(([shopperId, quantity, state], index) => {
      const key = `key-${String(index).padStart(16, '0')}`;
      return {
        orderId: this.idOf({ shopperId, key }),
        shopperId,
        key,
        quantity,
        fingerprint: fingerprintOf({ ...this.item, quantity }),
        sequence: index + 1,
        state,
        acceptedAtMs: this.startedAtMs + index,
      };
    });
    this.history = this.orders.flatMap((order) => [
      this.answer(order, { status: undefined, outcome: 'unknown', body: '' }),
      this.answer(order),
      this.answer(order, { replayed: true }),
    ]);
    this.history.push({ ...this.refusal(this.order(1)), idempotencyKey: 'key-of-one-who-came-late' });
  }

  get item() {
    return { saleId: this.saleId, productId: this.productId };
  }

  /** By its sequence. */
  order(sequence: number): WorldOrder {
    const order = this.orders[sequence - 1];
    if (order === undefined) throw new Error(`the world has no order ${sequence}`);
    return order;
  }

  idOf({ shopperId, key }: Pick<WorldOrder, 'shopperId' | 'key'>): string {
    return orderIdOf({ ...this.item, shopperId, idempotencyKey: key });
  }

  answer(order: WorldOrder, changes: Partial<HistoryAnswer> = {}): HistoryAnswer {
    const { orderId, shopperId, key, quantity, acceptedAtMs } = order;
    const acceptedAt = new Date(acceptedAtMs).toISOString();
    return {
      at: acceptedAt,
      method: 'POST',
      productId: this.productId,
      shopperId,
      idempotencyKey: key,
      quantity,
      status: 202,
      replayed: false,
      location: `/v1/orders/${orderId}`,
      body: JSON.stringify({ orderId, status: 'accepted', ...this.item, quantity, acceptedAt }),
      ...changes,
    };
  }

  refusal(order: WorldOrder): HistoryAnswer {
    return this.answer(order, { status: 409, location: undefined, body: '{"code":"sold-out"}' });
  }

  /** The history's lines, with the line that says it is complete unless it is left out. */
  historyLines(answers: readonly HistoryAnswer[] = this.history, { end = true } = {}): string[] {
    const last = end
      ? [JSON.stringify({ complete: true, saleId: this.saleId, attempts: answers.length })]
      : [];
    return [...answers.map((answer) => JSON.stringify(answer)), ...last];
  }

  async build(): Promise<void> {
    await this.buildLedger();
    await this.buildGate();
    await this.buildTopic();
    await this.servers.commitOffsets();
  }

  async setRecord(
    order: WorldOrder,
    {
      state,
      sequence = order.sequence,
      quantity = order.quantity,
    }: {
      readonly state: string;
      readonly sequence?: number;
      readonly quantity?: number;
    },
  ): Promise<void> {
    const { orderId, acceptedAtMs, fingerprint, shopperId } = order;
    const changedAt = state === '-' ? [] : [this.startedAtMs + 50];
    const record = [
      state,
      sequence,
      quantity,
      acceptedAtMs,
      fingerprint,
      shopperHashOf(shopperId),
      ...changedAt,
    ];
    await this.servers.redis.hset(this.keys.orders, orderId, record.join('|'));
  }

  async insertRow(
    order: WorldOrder,
    changes: { readonly orderId?: string; readonly productId?: string } = {},
  ): Promise<void> {
    await this.servers.sql(
      `INSERT INTO orders (order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state, reason, booked, epoch,
         sequence, accepted_at, decided_at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,now())`,
      changes.orderId ?? order.orderId,
      this.saleId,
      changes.productId ?? this.productId,
      order.shopperId,
      order.quantity,
      order.fingerprint,
      order.state,
      order.state === 'rejected' ? 'no-units' : null,
      order.state === 'parked' ? order.quantity : 0,
      EPOCH,
      order.sequence,
      new Date(order.acceptedAtMs),
    );
  }

  event(orders: readonly WorldOrder[]): OrdersAccepted {
    const [first] = orders;
    return {
      type: 'orders-accepted.v1',
      ...this.item,
      epoch: EPOCH,
      firstSequence: first?.sequence ?? 0,
      acceptedAtMs: first?.acceptedAtMs ?? 0,
      orders: orders.map(({ orderId, shopperId, quantity, fingerprint }) => {
        return { orderId, shopperId, quantity, fingerprint };
      }),
    };
  }

  /** @returns `<partition>/<offset>` */
  async send(
    value: string,
    headers: Record<string, string> = {},
  ): Promise<{ partition: number; offset: string }> {
    const { topic, producer } = this.servers;
    const [sent] = await producer.send({
      topic,
      acks: -1,
      messages: [{ key: this.productId, value, headers }],
    });
    return { partition: sent?.partition ?? 0, offset: sent?.baseOffset ?? '' };
  }

  async sendEvent(orders: readonly WorldOrder[]): Promise<void> {
    await this.send(JSON.stringify(this.event(orders)));
    await this.servers.commitOffsets();
  }

  private async buildLedger(): Promise<void> {
    const { servers, saleId, productId } = this;
    const startedAt = new Date(this.startedAtMs);
    await servers.sql(
      `INSERT INTO sales (id, name, state, opens_at, closes_at, hold_ms, created_at) VALUES ($1, $1, 'open', $2, $3, 60000, $2)`,
      saleId,
      startedAt,
      new Date(this.startedAtMs + 3_600_000),
    );
    for (const [product, openedAt] of [
      [productId, startedAt],
      [`hat-${saleId}`, null],
    ]) {
      await servers.sql(
        `INSERT INTO items (sale_id, product_id, name, price_minor, currency, per_shopper_limit, gate_opened_at, live)
         VALUES ($1, $2, $2, 100, 'EUR', $3, $4::timestamptz, $4::timestamptz IS NOT NULL)`,
        saleId,
        product,
        LIMIT,
        openedAt,
      );
      await servers.sql(
        `INSERT INTO ledger (sale_id, product_id, initial) VALUES ($1, $2, $3)`,
        saleId,
        product,
        INITIAL,
      );
    }
    for (const order of this.orders) await this.insertRow(order);
    await servers.sql(
      `UPDATE ledger SET held = 4, sold = 1, parked = 2, epoch = $3, watermark = 7, watermark_order_id = $4
        WHERE sale_id = $1 AND product_id = $2`,
      saleId,
      productId,
      EPOCH,
      this.order(7).orderId,
    );
  }

  private async buildGate(): Promise<void> {
    const { redis } = this.servers;
    const closes = this.startedAtMs + 3_600_000;
    const counters = { epoch: EPOCH, state: 'open', opens: this.startedAtMs, closes, limit: LIMIT };
    await redis.hset(this.keys.item, { ...counters, sequence: 7, watermark: 7, version: 1 });
    await redis.set(this.keys.stock, AVAILABLE);
    await redis.hset(this.keys.shoppers, { ann: 2, bob: 2, cat: 1, dan: 0, eve: 2, fay: 0 });
    for (const [index, order] of this.orders.entries()) {
      await this.setRecord(order, { state: ORDERS[index]?.[3] ?? '-' });
    }
  }

  private async buildTopic(): Promise<void> {
    const first = JSON.stringify(this.event(this.orders.slice(0, 4)));
    await this.send(first);
    await this.send(first);
    const parked = this.event([this.order(5)]);
    const place = await this.send('{ half a body', {
      type: parked.type,
      sale: this.saleId,
      product: this.productId,
      epoch: String(EPOCH),
      'first-sequence': '5',
      'accepted-at-ms': String(parked.acceptedAtMs),
      orders: parked.orders
        .map((o) => [o.orderId, o.shopperId, o.quantity, o.fingerprint].join(' '))
        .join('\n'),
    });
    await this.servers.sql(
      `INSERT INTO parked_messages (topic, partition, message_offset, headers, reason, sale_id, product_id)
       VALUES ($1, $2, $3, '{}', 'not JSON', $4, $5)`,
      this.servers.topic,
      place.partition,
      place.offset,
      this.saleId,
      this.productId,
    );
    await this.send(JSON.stringify(this.event(this.orders.slice(5))));
  }
}
