import { ORDERS_ACCEPTED_TOPIC, ORDERS_ACCEPTED_TYPE, encodeItemEvent, orderIdOf } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { kafkaBrokers, waitUntil } from '@flux/testing';
import { Kafka, logLevel } from 'kafkajs';
import type { AppProcess } from '../e2e/support/app-process';
import type { World } from '../e2e/support/world';
import { BUYER, HOUR_MS, SALES, inMs, keyOf, newSale, payment } from './sales';

const RETIRING_MS = 60_000;

interface Message {
  readonly key: string;
  readonly value: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Brings about each of the things, as operators, shoppers and time would. */
export class ThingMaker {
  constructor(
    private readonly world: World,
    private readonly gateway: AppProcess,
  ) {}

  async operate(expected: number, path: string, body?: unknown): Promise<unknown> {
    const answer = await this.world.operator.call('POST', path, body);
    if (answer.status !== expected) throw new Error(`${path} is answered ${JSON.stringify(answer)}`);
    return answer.body;
  }

  /** @returns the id of what was made */
  async create(path: string, body: unknown): Promise<string> {
    return ((await this.operate(201, path, body)) as { readonly id: string }).id;
  }

  async defineSales(): Promise<void> {
    const lobby = { lobbyOpensAt: inMs(-120_000), beacon: 'lottery', mode: 'on' };
    await this.define(SALES.lobby, { opensAt: inMs(HOUR_MS / 2), admission: lobby });
    const room = { ratePerSecond: 100, longestPollMs: 1_000 };
    const admissions = {
      [SALES.line]: { ...room, mode: 'closed' },
      [SALES.turns]: { ...room, mode: 'on' },
      [SALES.lineClosed]: { ...room, mode: 'closed' },
      [SALES.lost]: { ...room, mode: 'closed' },
      [SALES.challenged]: { challenge: 'pow' },
      [SALES.drawn]: lobby,
    };
    for (const saleId of [
      ...[SALES.open, SALES.closed, SALES.retired, SALES.rebuilt, SALES.late, SALES.line, SALES.turns],
      ...[SALES.lineClosed, SALES.lost, SALES.challenged, SALES.drawn],
    ]) {
      const admission = (admissions as Readonly<Record<string, object>>)[saleId];
      await this.define(saleId, admission === undefined ? {} : { admission });
      await this.operate(200, `/admin/v1/sales/${saleId}/open`);
    }
  }

  /** An order of the buyer's, confirmed. */
  async buy(saleId: string, purchase: string): Promise<string> {
    const { orderId } = await waitUntil(`${saleId} sells`, async () => {
      const answer = await fetch(`${this.gateway.baseUrl}/v1/orders`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-shopper-id': BUYER,
          'idempotency-key': keyOf(purchase),
        },
        body: JSON.stringify({ productId: saleId }),
      });
      return answer.status === 202 && ((await answer.json()) as { readonly orderId: string });
    });
    await waitUntil('it is confirmed', async () => (await this.order(orderId))['status'] === 'confirmed');
    return orderId;
  }

  async pay(orderId: string): Promise<string> {
    const { status } = await this.world.shop.call(
      'POST',
      `/shop/v1/orders/${orderId}/paid`,
      payment(`of-${orderId.slice(-22)}`),
    );
    if (status !== 200) throw new Error(`paying is answered ${status}`);
    return orderId;
  }

  async lastEventId(orderId: string): Promise<string> {
    const { updatedAt } = await waitUntil('the gate has heard of the payment', async () => {
      const order = await this.order(orderId);
      return order['status'] === 'paid' && order;
    });
    return `paid-${Date.parse(String(updatedAt))}`;
  }

  /** The ticket of a place in the line. */
  async join(saleId: string, shopper = BUYER): Promise<string> {
    return waitUntil(`there is a line in front of ${saleId}`, async () => {
      const answer = await this.queue('POST', saleId, { 'x-shopper-id': shopper });
      return ((await answer.json()) as { readonly ticket?: string }).ticket;
    });
  }

  /** The ticket of somebody to whom the line has come. */
  async turn(saleId: string, shopper: string): Promise<string> {
    const ticket = await this.join(saleId, shopper);
    await waitUntil('it is their turn', async () => {
      const answer = await this.queue('GET', saleId, { 'x-ticket': ticket });
      return ((await answer.json()) as { readonly status?: unknown }).status === 'turn';
    });
    return ticket;
  }

  /** The ticket of somebody who left when the line had come to them: nothing is owed to them any more. */
  async passed(saleId: string): Promise<string> {
    const ticket = await this.turn(saleId, BUYER);
    await this.queue('DELETE', saleId, { 'x-ticket': ticket });
    return ticket;
  }

  /** A message whose sale is defined only afterwards. */
  earlyMessage(): Message {
    const item = { saleId: SALES.late, productId: SALES.late };
    const orderId = orderIdOf({ ...item, shopperId: BUYER, idempotencyKey: keyOf('early') });
    return encodeItemEvent({
      type: ORDERS_ACCEPTED_TYPE,
      ...item,
      epoch: 1,
      firstSequence: 1,
      acceptedAtMs: Date.now(),
      orders: [{ orderId, shopperId: BUYER, quantity: 1, fingerprint: 'a'.repeat(11) }],
    });
  }

  /** Sends what the orders processes can only put aside. @returns its id there */
  async park(message: Message): Promise<string> {
    const before = await this.newestParked();
    const kafka = new Kafka({ brokers: kafkaBrokers().split(','), logLevel: logLevel.NOTHING });
    const producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    const { headers = {}, ...rest } = message;
    await producer.send({
      topic: `${this.world.topicPrefix}${ORDERS_ACCEPTED_TOPIC}`,
      messages: [{ ...rest, headers: { ...headers } }],
    });
    await producer.disconnect();
    return waitUntil('it is put aside', async () => {
      const newest = await this.newestParked();
      return newest !== before && newest;
    });
  }

  /** An event for the endpoint, as if it had not been taken for a day. @returns the delivery's id */
  async parkedDelivery(webhookId: string): Promise<string> {
    return waitUntil('there is an event for the endpoint', async () => {
      const [[row]] = await this.world.database.dataSource.query<[{ readonly id: string }[], number]>(
        "UPDATE webhook_deliveries SET state = 'parked' WHERE endpoint_id = $1 RETURNING id",
        [webhookId],
      );
      return row?.id;
    });
  }

  /** As a day after the sale was retired: until then Redis keeps what it has. */
  async retirement(): Promise<unknown> {
    const saleId = SALES.retired;
    await waitUntil(
      'the sale is retired',
      async () => {
        const { body } = await this.world.operator.call('GET', `/admin/v1/sales/${saleId}`);
        return (body as { readonly state: string }).state === 'retired';
      },
      { timeoutMs: RETIRING_MS },
    );
    const keys: Readonly<Record<string, string>> = { ...itemKeys({ saleId, productId: saleId }) };
    return this.world.redis.client.del(Object.values(keys));
  }

  private async define(saleId: string, more: object): Promise<void> {
    await this.operate(201, '/admin/v1/sales', newSale(saleId, more));
  }

  private async order(orderId: string): Promise<Readonly<Record<string, unknown>>> {
    const headers = { 'x-shopper-id': BUYER };
    const answer = await fetch(`${this.gateway.baseUrl}/v1/orders/${orderId}`, { headers });
    return (await answer.json()) as Record<string, unknown>;
  }

  private queue(
    method: string,
    saleId: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<Response> {
    return fetch(`${this.gateway.baseUrl}/v1/sales/${saleId}/queue`, { method, headers });
  }

  private async newestParked(): Promise<string | undefined> {
    const { body } = await this.world.operator.call('GET', '/admin/v1/parked?limit=1');
    return (body as { readonly messages: readonly { readonly id: string }[] }).messages[0]?.id;
  }
}
