import { setTimeout as pause } from 'node:timers/promises';
import type { ShopBackend } from '../../e2e/support/shop-backend';
import type { Intent } from '../plan';
import type { Random } from '../random';
import type { History } from './history';
import { ShopperSession } from './shopper';

interface LoadOptions {
  readonly history: History;
  readonly gatewayUrls: readonly string[];
  readonly shop: ShopBackend;
  readonly random: Random;
}

/** An open loop: shoppers come when the plan says so, however long the others have to wait. */
export class Load {
  private readonly sessions: Promise<void>[] = [];
  private isOver = false;
  private tellOver: () => void = () => undefined;
  private readonly over = new Promise<void>((resolve) => {
    this.tellOver = resolve;
  });

  constructor(private readonly options: LoadOptions) {}

  /** Sends each shopper at its time. Resolves when the last one has come. */
  async send(intents: readonly Intent[], startedAt: number): Promise<void> {
    for (const intent of [...intents].sort((one, other) => one.atMs - other.atMs)) {
      const waitMs = startedAt + intent.atMs - Date.now();
      if (waitMs > 0) await pause(waitMs);
      this.begin(intent);
    }
  }

  begin(intent: Intent): void {
    const random = this.options.random.fork(`shopper ${intent.number}`);
    const context = { ...this.options, random, isOver: () => this.isOver, over: this.over };
    this.sessions.push(new ShopperSession(intent, context).live());
  }

  /** Nobody retries any more; resolves when every call has ended. */
  async end(): Promise<void> {
    this.isOver = true;
    this.tellOver();
    await Promise.all(this.sessions);
  }
}
