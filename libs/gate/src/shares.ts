import { randomBytes } from 'node:crypto';
import { SALE_ID_PATTERN } from '@flux/contracts';
import { ask } from './ask';
import { InvalidRequestError } from './gate-error';
import { SHARE_KINDS, shareKeys, type ShareKind } from './gate-keys';
import { scanHash } from './hash-scan';
import type { RedisConnection } from './redis-connection';
import { ScriptRunner } from './script-runner';
import { SCRIPTS } from './scripts.generated';

export interface BoughtUnits {
  readonly saleId: string;
  readonly kind: ShareKind;
  /** By source. */
  readonly units: ReadonlyMap<string, number>;
  readonly endsAtMs: number;
}

/**
 * How many units of a sale went to which source: what gateways count and the report on concentration shows. For people,
 * not for accounts: what a gateway had not added when it died is missing, and units that come back stay counted. All
 * methods throw GateUnavailableError where Redis cannot be asked.
 */
export class Shares {
  private readonly runner: ScriptRunner;

  constructor(private readonly connection: RedisConnection) {
    this.runner = new ScriptRunner(connection);
  }

  /** What the sale's sources are hashed with, the same for all gateways. It goes with the counts, and then nobody has it. */
  async salt(saleId: string, endsAtMs: number): Promise<string> {
    const { salt: key } = keysOf(saleId);
    const read = (): Promise<string | null> => ask(this.connection, (client) => client.get(key));
    const known = await read();
    if (known !== null) return known;
    const salt = randomBytes(16).toString('hex');
    const written = await ask(this.connection, (client) => client.set(key, salt, 'PXAT', endsAtMs, 'NX'));
    return written === null ? ((await read()) ?? salt) : salt;
  }

  /**
   * Adds all or none; after an error with `effect` `unknown` a repeat may add them twice. Redis answers nobody else
   * meanwhile: 500 sources take it about 0.3 ms.
   */
  async add({ saleId, kind, units, endsAtMs }: BoughtUnits): Promise<void> {
    const { [kind]: key } = keysOf(saleId);
    if (units.size === 0) return;
    const args = [endsAtMs, ...[...units].flat()];
    await this.runner.run({ script: SCRIPTS['add-shares'], keys: [key], args });
  }

  /** Units by source. Without holding Redis up, so what is added meanwhile may be in it or not. */
  async read(saleId: string, kind: ShareKind): Promise<ReadonlyMap<string, number>> {
    const { [kind]: key } = keysOf(saleId);
    const units = new Map<string, number>();
    for await (const [source, text] of scanHash(this.connection, key)) units.set(source, Number(text));
    return units;
  }

  async remove(saleId: string): Promise<void> {
    const { salt, ...hashes } = keysOf(saleId);
    const keys = [salt, ...SHARE_KINDS.map((kind) => hashes[kind])];
    await ask(this.connection, (client) => client.unlink(...keys));
  }
}

function keysOf(saleId: string): ReturnType<typeof shareKeys> {
  if (!SALE_ID_PATTERN.test(saleId)) throw new InvalidRequestError('saleId');
  return shareKeys(saleId);
}
