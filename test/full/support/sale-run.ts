import { ORDERS_ACCEPTED_TOPIC } from '@flux/contracts';
import { itemKeys } from '@flux/gate';
import { partitionOf } from '@flux/kafka';
import { waitUntil } from '@flux/testing';
import { auditWorld } from '../../e2e/support/audit-world';
import { crowd, kindOf, orderIdOf, type Answer, type Attempt } from '../../e2e/support/crowd';
import { LedgerView } from '../../e2e/support/ledger-view';
import type { World } from '../../e2e/support/world';

const DRAIN_MS = 90_000;

/** One sale of one product in a world, and all that its clients were answered. */
export class SaleRun {
  readonly answers: Answer[] = [];
  private attempts = 0;

  private constructor(
    readonly world: World,
    private readonly ledger: LedgerView,
    readonly saleId: string,
  ) {}

  static async open(world: World, saleId: string, stock = 100_000): Promise<SaleRun> {
    await world.operator.openSale(saleId, `ticket-of-${saleId}`, { stock });
    const ledger = await LedgerView.connect(world.database.config.DATABASE_URL);
    return new SaleRun(world, ledger, saleId);
  }

  /** The same sale, in a world of which parts were replaced. */
  async movedTo(world: World): Promise<SaleRun> {
    await this.close();
    const run = new SaleRun(world, await LedgerView.connect(world.database.config.DATABASE_URL), this.saleId);
    run.answers.push(...this.answers);
    run.attempts = this.attempts;
    return run;
  }

  get topic(): string {
    return `${this.world.topicPrefix}${ORDERS_ACCEPTED_TOPIC}`;
  }

  /** Where its messages are, among the four that a world's topics have. */
  get partition(): number {
    return partitionOf(this.productId, 4);
  }

  get productId(): string {
    return `ticket-of-${this.saleId}`;
  }

  /** What the next of so many new shoppers try. */
  attempt(): Attempt {
    const shopperId = `shopper-${this.attempts++}`;
    return { productId: this.productId, shopperId, idempotencyKey: `key-of-the-${shopperId}` };
  }

  /** So many new shoppers buy, and each is accepted: at once, or after a 503 with the same key. */
  async buy(count: number): Promise<void> {
    let attempts = Array.from({ length: count }, () => this.attempt());
    const tryAll = async (): Promise<boolean> => {
      const answers = await crowd(this.world.gateways, attempts);
      this.answers.push(...answers);
      const others = answers.filter(({ status }) => status !== 202);
      expect(others.filter(({ status }) => status !== 503).map(kindOf)).toEqual([]);
      attempts = others.map(({ attempt }) => attempt);
      return attempts.length === 0;
    };
    await waitUntil(`${count} are accepted`, tryAll, { timeoutMs: DRAIN_MS });
  }

  async outboxLength(): Promise<number> {
    return (await this.world.operator.gateOf(this.saleId)).outboxLength;
  }

  /** Whether Kafka has acknowledged all that is in the outbox now. */
  async isRelayed(): Promise<boolean> {
    const { outbox, lease } = itemKeys(this);
    const { client } = this.world.redis;
    const [[last] = []] = await client.xrevrange(outbox, '+', '-', 'COUNT', 1);
    return last === undefined || (await client.hget(lease, 'position')) === last;
  }

  /** Orders that PostgreSQL has as confirmed. */
  async confirmed(): Promise<readonly string[]> {
    return this.ledger.orderIds(this.saleId);
  }

  /** Orders that PostgreSQL has confirmed, whatever became of them. */
  private async booked(): Promise<readonly string[]> {
    return this.ledger.orderIds(this.saleId, 'confirmed', 'paid', 'cancelled');
  }

  /** Every order that a client was told of was confirmed, and the outbox is empty. */
  async drained(): Promise<void> {
    const accepted = new Set(this.answers.filter(({ status }) => status === 202).map(orderIdOf));
    await waitUntil(
      'every order is in PostgreSQL and the outbox is empty',
      async () => (await this.booked()).length >= accepted.size && (await this.outboxLength()) === 0,
      { timeoutMs: DRAIN_MS, everyMs: 250 },
    );
  }

  /** Drained, nothing parked, and the checker has no objection. */
  async proved(): Promise<void> {
    await this.drained();
    const { refuted, verdict } = await auditWorld(this.world, this.saleId, this.answers);
    expect({ refuted, verdict }).toEqual({ refuted: [], verdict: 'proved' });
    expect(await this.ledger.orderIds(this.saleId, 'parked')).toEqual([]);
  }

  async close(): Promise<void> {
    await this.ledger.close();
  }
}
