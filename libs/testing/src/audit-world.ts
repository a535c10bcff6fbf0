import { encodeItemEvent, LEDGER_EVENTS_TYPE, type OrderStatusEvent } from '@flux/contracts';
import { itemKeys, shopperHashOf, type ItemKeys } from '@flux/gate';
import * as plan from './audit-orders';
import type { AuditServers } from './audit-servers';
import { PlannedSale, type PlannedOrder, type PlannedSaleOptions } from './planned-sale';

export interface AuditWorldOptions extends PlannedSaleOptions {
  /** Of sale and gate; `open` unless told otherwise. */
  readonly state?: 'open' | 'closed';
  /** What is published of the changes; all of them unless told otherwise. */
  readonly publish?: (changes: readonly OrderStatusEvent[]) => readonly OrderStatusEvent[];
}

/**
 * A small sale at rest, written straight into the servers: one item with an order in every state, payments in time and
 * late, a message that came twice and one that is parked, an item that never opened, and the clients' complete history.
 */
export class AuditWorld extends PlannedSale {
  readonly keys: ItemKeys;
  /** By product, what was published of the ledger last. */
  private readonly logged = new Map<string, { readonly version: number; readonly body: string }>();

  constructor(
    readonly servers: AuditServers,
    private readonly options: AuditWorldOptions = {},
  ) {
    super(options);
    this.keys = itemKeys(this.item);
  }

  private get state(): 'open' | 'closed' {
    return this.options.state ?? 'open';
  }

  async build(): Promise<void> {
    await this.buildLedger();
    await this.buildMoney();
    await this.buildGate();
    await this.buildTopics();
    await this.servers.commitOffsets();
  }

  /** Writes the order's record at the gate. @param changes what it says otherwise than its plan */
  async setRecord(
    order: PlannedOrder,
    changes: {
      readonly state: string;
      readonly sequence?: number;
      readonly quantity?: number;
      readonly cancelSequence?: number | undefined;
    },
  ): Promise<void> {
    const { orderId, acceptedAtMs, fingerprint, shopperId } = order;
    const { state, sequence, quantity, cancelSequence } = { ...order, ...changes };
    const changedAt = state === '-' ? '' : String(this.startedAtMs + 50);
    const head = [state, sequence, quantity, acceptedAtMs, fingerprint, shopperHashOf(shopperId)];
    const tail = cancelSequence === undefined ? [changedAt] : [changedAt, cancelSequence];
    const record = [...head, ...tail].join('|').replace(/\|$/, '');
    await this.servers.redis.hset(this.keys.orders, orderId, record);
  }

  async insertRow(
    order: PlannedOrder,
    changes: { readonly orderId?: string; readonly productId?: string } = {},
  ): Promise<void> {
    const past = this.pastOf(order);
    await this.servers.sql(
      `INSERT INTO orders (order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state, reason, booked, epoch,
         sequence, accepted_at, decided_at, hold_until, history, cancel_epoch, cancel_sequence, pass_id)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
      changes.orderId ?? order.orderId,
      this.saleId,
      changes.productId ?? this.productId,
      order.shopperId,
      order.quantity,
      order.fingerprint,
      order.state,
      order.state === 'rejected' ? 'no-units' : null,
      order.state === 'parked' ? order.quantity : 0,
      plan.EPOCH,
      order.sequence,
      new Date(order.acceptedAtMs),
      new Date(this.decidedAtMs(order)),
      order.state === 'confirmed' ? new Date(this.startedAtMs + plan.HOLD_MS) : null,
      past.length === 0 ? null : JSON.stringify(past),
      order.cancelSequence === undefined ? null : plan.EPOCH,
      order.cancelSequence ?? null,
      order.passId ?? null,
    );
  }

  paymentOf(sequence: number): string {
    return `pi-${this.saleId}-${sequence}`;
  }

  /** @returns where it lies */
  async send(
    value: string,
    headers: Record<string, string> = {},
  ): Promise<{ readonly partition: number; readonly offset: string }> {
    return this.sendTo(this.servers.topic, [{ value, headers }]);
  }

  async sendEvent(orders: readonly PlannedOrder[]): Promise<void> {
    await this.send(JSON.stringify(this.event(orders)));
    await this.servers.commitOffsets();
  }

  async sendStatuses(events: readonly OrderStatusEvent[]): Promise<void> {
    const messages = events.map((event) => ({ value: JSON.stringify(event) }));
    await this.sendTo(this.servers.statusTopic, messages);
  }

  /**
   * Publishes the items' rows as they are now as transactions of the ledger: whatever a test has made of them was noted.
   * Where they are what was published last, nothing comes again.
   */
  async publishLedger(): Promise<void> {
    const { servers, saleId } = this;
    const rows: {
      readonly product_id: string;
      readonly ledger: Record<string, unknown>;
      readonly orders: string;
    }[] = await servers.database.query(
      `SELECT product_id, to_jsonb(l) - 'version' AS ledger,
                (SELECT coalesce(json_agg(json_build_object(
                   'kind', 'new', 'state', state,
                   'orders', concat_ws(' ', split_part(order_id, '.', 3), shopper_id, quantity)) ORDER BY order_id), '[]')::text
                 FROM orders o WHERE o.sale_id = l.sale_id AND o.product_id = l.product_id) AS orders
         FROM ledger l WHERE sale_id = $1`,
      [saleId],
    );
    for (const { product_id: productId, ledger, orders } of rows) {
      const body = JSON.stringify(ledger) + orders;
      const last = this.logged.get(productId);
      if (last?.body === body) continue;
      const version = (last?.version ?? 0) + 1;
      if (version > 1) {
        const raise = 'UPDATE ledger SET version = $3 WHERE sale_id = $1 AND product_id = $2';
        await servers.sql(raise, saleId, productId, version);
      }
      this.logged.set(productId, { version, body });
      const event = {
        ...{ type: LEDGER_EVENTS_TYPE, saleId, productId, version, part: 1, parts: 1, causes: [] },
        ledger: { ...ledger, version },
        runs: JSON.parse(orders) as unknown,
      };
      const message = { key: productId, value: JSON.stringify(event) };
      await servers.producer.send({ topic: servers.ledgerTopic, acks: -1, messages: [message] });
    }
  }

  private async sendTo(
    topic: string,
    messages: readonly { readonly value: string; readonly headers?: Record<string, string> }[],
  ): Promise<{ readonly partition: number; readonly offset: string }> {
    const [sent] = await this.servers.producer.send({
      topic,
      acks: -1,
      messages: messages.map((message) => ({ key: this.productId, ...message })),
    });
    return { partition: sent?.partition ?? 0, offset: sent?.baseOffset ?? '' };
  }

  private async buildLedger(): Promise<void> {
    const { servers, saleId, productId } = this;
    const startedAt = new Date(this.startedAtMs);
    await servers.sql(
      `INSERT INTO sales (id, name, state, opens_at, closes_at, hold_ms, created_at)
       VALUES ($1, $1, $5, $2, $3, $4, $2)`,
      ...[saleId, startedAt, new Date(this.startedAtMs + 3_600_000), plan.HOLD_MS, this.state],
    );
    for (const [product, openedAt] of [
      [productId, startedAt],
      [`hat-${saleId}`, null],
    ]) {
      await servers.sql(
        `INSERT INTO items (sale_id, product_id, name, price_minor, currency, per_shopper_limit, gate_opened_at, live)
         VALUES ($1, $2, $2, $3, 'EUR', $4, $5::timestamptz, $5::timestamptz IS NOT NULL)`,
        ...[saleId, product, plan.PRICE_MINOR, plan.LIMIT, openedAt],
      );
      const insert = 'INSERT INTO ledger (sale_id, product_id, initial) VALUES ($1, $2, $3)';
      await servers.sql(insert, saleId, product, plan.INITIAL);
    }
    for (const order of this.orders) await this.insertRow(order);
    const [held, sold, parked] = (['confirmed', 'paid', 'parked'] as const).map((state) =>
      plan.unitsIn(this.orders, state),
    );
    const last = this.orders.find(({ cancelSequence }) => cancelSequence === plan.LAST_SEQUENCE);
    await servers.sql(
      `UPDATE ledger SET held = $3, sold = $4, parked = $5, epoch = $6, watermark = $7, watermark_order_id = $8
        WHERE sale_id = $1 AND product_id = $2`,
      ...[saleId, productId, held, sold, parked, plan.EPOCH, plan.LAST_SEQUENCE, last?.orderId ?? ''],
    );
  }

  private async buildMoney(): Promise<void> {
    for (const { sequence, orderId, quantity, payment } of this.orders) {
      if (payment === undefined) continue;
      const money = [this.paymentOf(sequence), orderId, plan.PRICE_MINOR * quantity, 'EUR'];
      await this.servers.sql(
        `INSERT INTO payments (payment_id, order_id, amount_minor, currency, state, epoch, decided_at)
         VALUES ($1, $2, $3, $4, $5, $6, now())`,
        ...[...money, payment.state, payment.isLate ? plan.EPOCH : null],
      );
      if (payment.state !== 'refund-due') continue;
      await this.servers.sql(
        `INSERT INTO refunds (payment_id, order_id, amount_minor, currency, reason) VALUES ($1, $2, $3, $4, 'late')`,
        ...money,
      );
    }
  }

  private async buildGate(): Promise<void> {
    const { redis } = this.servers;
    const closes = this.startedAtMs + 3_600_000;
    const terms = { opens: this.startedAtMs, closes, limit: plan.LIMIT, hold: plan.HOLD_MS };
    const sequence = plan.LAST_SEQUENCE;
    await redis.hset(this.keys.item, {
      ...{ epoch: plan.EPOCH, state: this.state, ...terms },
      ...{ sequence, watermark: sequence, version: 1 },
    });
    const live = plan.unitsIn(this.orders, 'confirmed', 'paid', 'parked');
    await redis.set(this.keys.stock, plan.INITIAL - live);
    await redis.hset(this.keys.shoppers, plan.countsOf(this.orders));
    for (const order of this.orders) await this.setRecord(order, { state: plan.letterOf(order) });
    await redis.sadd(this.keys.passes, ...this.orders.flatMap(({ passId }) => passId ?? []));
    const changes = this.orders.flatMap((order) => this.changesOf(order));
    await redis.hset(this.keys.changes, Object.fromEntries([...changes, ['a-stock-change', 3]]));
  }

  /** What the gate gave back for an order and took again. */
  private changesOf(order: PlannedOrder): [changeId: string, units: number][] {
    const { orderId, sequence, quantity, payment } = order;
    const paymentId = this.paymentOf(sequence);
    return [
      ...(plan.hasEnded(order) ? [[`release:${orderId}`, quantity] as [string, number]] : []),
      ...(payment?.isLate === true ? [[`pay:${paymentId}`, -quantity] as [string, number]] : []),
      ...(payment?.state === 'refund-due' ? [[`back:${paymentId}`, quantity] as [string, number]] : []),
    ];
  }

  private async buildTopics(): Promise<void> {
    const first = JSON.stringify(this.event(this.orders.slice(0, 4)));
    await this.send(first);
    await this.send(first);
    const fifth = this.order(5);
    const { headers } = encodeItemEvent(this.event([fifth]));
    const value = `{ half a body of ${fifth.shopperId}`;
    const place = await this.send(value, headers);
    await this.servers.sql(
      `INSERT INTO parked_messages (topic, partition, message_offset, key, value, headers, reason, sale_id, product_id, state)
       VALUES ($1, $2, $3, convert_to($5, 'UTF8'), convert_to($6, 'UTF8'), $7, 'not JSON', $4, $5, $8)`,
      ...[this.servers.topic, place.partition, place.offset, this.saleId, this.productId],
      ...[value, JSON.stringify(headers), fifth.state === 'parked' ? 'parked' : 'retried'],
    );
    await this.send(JSON.stringify(this.event(this.orders.slice(5))));
    await this.send(JSON.stringify(this.wish(this.order(6))));
    const { publish = (changes) => changes } = this.options;
    const changes = publish(this.orders.flatMap((order) => this.statusEvents(order)));
    await this.sendStatuses(changes);
    // As a publisher does that died before it could say so.
    await this.sendStatuses(changes.slice(0, 3));
  }
}
