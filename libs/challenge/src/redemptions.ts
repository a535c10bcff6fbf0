import { ask, type RedisConnection } from '@flux/gate';

/** How a redemption ended. `again`: for the same purpose as before, so a retry. `used`: for another one. */
export type RedemptionOutcome = 'redeemed' | 'again' | 'used';

/** The only place that spells a key of a redeemed challenge. Ids hold neither braces nor colons. */
function redemptionKey(id: string): string {
  return `challenge:${id}`;
}

/**
 * What met challenges were redeemed for. One key each, which ends with what it was redeemed from: about 220 bytes of Redis
 * for six minutes. All methods throw GateUnavailableError where Redis cannot be asked.
 */
export class Redemptions {
  constructor(private readonly connection: RedisConnection) {}

  /**
   * Redeems for one purpose, once for ever: of many at once exactly one is the first.
   * @param binding what it is redeemed for; holds no name and no key of a shopper
   */
  async redeem(id: string, binding: string, lifetimeMs: number): Promise<RedemptionOutcome> {
    // NX with GET: Redis 7.0. One command, so no crash lies between the look and the writing.
    const before = await ask(this.connection, (client) =>
      client.set(redemptionKey(id), binding, 'PX', Math.ceil(lifetimeMs), 'NX', 'GET'),
    );
    if (before === null) return 'redeemed';
    return before === binding ? 'again' : 'used';
  }

  /** What it was redeemed for; undefined where it was not. */
  async find(id: string): Promise<string | undefined> {
    return (await ask(this.connection, (client) => client.get(redemptionKey(id)))) ?? undefined;
  }
}
