import { setTimeout as pause } from 'node:timers/promises';
import { waitUntil } from '@flux/testing';
import type { AppProcess } from '../../e2e/support/app-process';
import { countBy, kindOf, purchase, type Attempt } from '../../e2e/support/crowd';
import type { SaleRun } from './sale-run';

const LOOK_EVERY_MS = 50;
/** Between two purchases of a shopper: the machine has other things to do than to buy. */
const PAUSE_MS = 20;

interface LoadOptions {
  readonly run: SaleRun;
  /** Those that there are now; asked again and again. */
  readonly gateways: () => readonly AppProcess[];
  readonly shoppers?: number;
}

/**
 * Shoppers who buy one after the other, behind a load balancer: each request goes to a gateway that says it is ready.
 * One that is told to come later, or gets no answer, tries again with the same key until it has its order.
 */
export class SteadyLoad {
  /** Requests that a gateway took and never answered: connections that broke. Refused connections are not among them. */
  readonly cutOff: string[] = [];
  /** Every answer that was neither 202 nor a 503 with `Retry-After`. */
  readonly unexpected: string[] = [];
  private ready: readonly AppProcess[] = [];
  private stopping = false;
  private next = 0;
  private readonly under: Promise<unknown>;

  constructor(private readonly options: LoadOptions) {
    const shoppers = Array.from({ length: options.shoppers ?? 8 }, () => this.shop());
    this.under = Promise.all([this.balance(), ...shoppers]);
  }

  /** Resolves when so many more orders have been accepted. */
  async accepts(count: number): Promise<void> {
    const { answers } = this.options.run;
    const wanted = answers.length + count;
    await waitUntil(`${count} more are answered`, () => answers.length >= wanted, { timeoutMs: 60_000 });
  }

  /** No new shopper comes; those who are here get their order. */
  async stop(): Promise<void> {
    this.stopping = true;
    await this.under;
    const kinds = countBy(this.options.run.answers, kindOf);
    expect(Object.keys(kinds).filter((kind) => !/^(accepted|replayed|503 )/.test(kind))).toEqual([]);
  }

  private async balance(): Promise<void> {
    while (!this.stopping || this.ready.length === 0) {
      const gateways = this.options.gateways();
      const states = await Promise.all(gateways.map((gateway) => isReady(gateway)));
      this.ready = gateways.filter((_gateway, index) => states[index]);
      await pause(LOOK_EVERY_MS);
    }
  }

  private async shop(): Promise<void> {
    while (!this.stopping) await this.buy(this.options.run.attempt());
  }

  private async buy(attempt: Attempt): Promise<void> {
    for (;;) {
      const gateway = this.ready[this.next++ % Math.max(1, this.ready.length)];
      const done = gateway !== undefined && (await this.try(gateway, attempt));
      await pause(PAUSE_MS);
      if (done) return;
    }
  }

  /** Whether the shopper has an order now. */
  private async try(gateway: AppProcess, attempt: Attempt): Promise<boolean> {
    try {
      const answer = await purchase(gateway.baseUrl, attempt);
      this.options.run.answers.push(answer);
      if (answer.status === 202) return true;
      if (answer.status !== 503 || answer.retryAfter === undefined) this.unexpected.push(kindOf(answer));
      return false;
    } catch (error) {
      const text = String(error);
      if (!text.includes('ECONNREFUSED')) this.cutOff.push(text);
      return false;
    }
  }
}

async function isReady({ baseUrl }: AppProcess): Promise<boolean> {
  const answer = await fetch(`${baseUrl}/health/ready`).catch(() => undefined);
  await answer?.arrayBuffer().catch(() => undefined);
  return answer?.ok === true;
}
