import { SALE_ID_PATTERN } from '@flux/contracts';
import { ask } from './ask';
import { InvalidRequestError } from './gate-error';
import { refusalsKey } from './gate-keys';
import type { RedisConnection } from './redis-connection';
import { ScriptRunner } from './script-runner';
import { SCRIPTS } from './scripts.generated';

/**
 * How many purchases of a sale were refused, by kind: what gateways count and the sale's report shows. A number for
 * people, not for accounts: what a gateway had not added when it died is missing. All methods throw
 * GateUnavailableError where Redis cannot be asked.
 */
export class Refusals {
  private readonly runner: ScriptRunner;

  constructor(private readonly connection: RedisConnection) {
    this.runner = new ScriptRunner(connection);
  }

  /** Adds all counts or none; after an error with `effect` `unknown` a repeat may add them twice. */
  async add(saleId: string, counts: Readonly<Record<string, number>>): Promise<void> {
    const key = keyOf(saleId);
    const args = Object.entries(counts).flat();
    if (args.length === 0) return;
    if (!Object.values(counts).every(Number.isSafeInteger)) throw new InvalidRequestError('counts');
    await this.runner.run({ script: SCRIPTS['add-refusals'], keys: [key], args });
  }

  async read(saleId: string): Promise<Readonly<Record<string, number>>> {
    const key = keyOf(saleId);
    const counts = await ask(this.connection, (client) => client.hgetall(key));
    return Object.fromEntries(Object.entries(counts).map(([kind, count]) => [kind, Number(count)]));
  }

  async remove(saleId: string): Promise<void> {
    const key = keyOf(saleId);
    await ask(this.connection, (client) => client.del(key));
  }
}

function keyOf(saleId: string): string {
  if (!SALE_ID_PATTERN.test(saleId)) throw new InvalidRequestError('saleId');
  return refusalsKey(saleId);
}
