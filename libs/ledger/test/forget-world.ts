import { auditSale } from '@flux/checker';
import { Forgetting } from '@flux/ledger';
import {
  AuditServers,
  AuditWorld,
  connectGate,
  ENDED,
  gateConfig,
  type AuditWorldOptions,
  type GateClients,
} from '@flux/testing';

interface NameRow {
  readonly shopper_id: string;
}

/** Real servers with sales that have ended, and what is forgotten in them. */
export class ForgetWorld {
  readonly forgetting: Forgetting;
  private sales = 0;

  private constructor(
    readonly servers: AuditServers,
    readonly clients: GateClients,
  ) {
    this.forgetting = new Forgetting(servers.database, clients.gate);
  }

  static async start(): Promise<ForgetWorld> {
    const servers = await AuditServers.start();
    return new ForgetWorld(servers, await connectGate(gateConfig(servers.env['REDIS_URL'] ?? '')));
  }

  async stop(): Promise<void> {
    this.clients.connection.close();
    await this.servers.stop();
  }

  /** Its shoppers have names that no other sale has, unless told otherwise. */
  async endedSale(
    options: AuditWorldOptions & { readonly sameShoppers?: boolean } = {},
  ): Promise<AuditWorld> {
    this.sales += 1;
    const suffix = options.sameShoppers === true ? '' : `-of-${this.sales}.`;
    const plans = ENDED.map((plan) => ({ ...plan, shopperId: `${plan.shopperId}${suffix}` }));
    const world = new AuditWorld(this.servers, { state: 'closed', plans, ...options });
    await world.build();
    return world;
  }

  /** The checker's, with whatever refutes it. */
  async verdictOf(world: AuditWorld): Promise<string> {
    await this.servers.publish();
    const options = { saleId: world.saleId, history: world.historyLines(), waitForRestMs: 0 };
    const { verdict, lines } = await auditSale(this.servers.dependencies, options);
    const offenders = lines.filter(({ holds }) => holds === false).flatMap((line) => line.offenders);
    return [verdict, ...offenders].join('; ');
  }

  /** The shopper of each order, by sequence. */
  async namesIn({ saleId }: AuditWorld): Promise<readonly string[]> {
    const rows: NameRow[] = await this.servers.database.query(
      'SELECT shopper_id FROM orders WHERE sale_id = $1 ORDER BY sequence',
      [saleId],
    );
    return rows.map(({ shopper_id }) => shopper_id);
  }

  /** Which tables and keys have this text. */
  async placesOf(text: string): Promise<readonly string[]> {
    return [...(await this.tablesWith(text)), ...(await this.keysWith(text))];
  }

  /** The order's changes on their way to the shop. */
  async addDelivery(world: AuditWorld, sequence: number): Promise<void> {
    await this.servers.sql(
      "INSERT INTO webhook_endpoints (id, url, secrets) VALUES ('shop', '', '{}') ON CONFLICT DO NOTHING",
    );
    for (const event of world.statusEvents(world.order(sequence))) {
      const insert = "INSERT INTO webhook_deliveries (endpoint_id, event) VALUES ('shop', $1)";
      await this.servers.sql(insert, JSON.stringify(event));
    }
  }

  private async tablesWith(text: string): Promise<readonly string[]> {
    const { database } = this.servers;
    const tables: { readonly name: string }[] = await database.query(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'",
    );
    const found: string[] = [];
    for (const { name } of tables) {
      const row =
        name === 'parked_messages'
          ? "concat(encode(key, 'escape'), encode(value, 'escape'), headers)"
          : `${name}::text`;
      const rows: { readonly row: string }[] = await database.query(`SELECT ${row} AS row FROM ${name}`);
      if (rows.some(({ row }) => row.includes(text))) found.push(name);
    }
    return found;
  }

  private async keysWith(text: string): Promise<readonly string[]> {
    const { redis } = this.servers;
    const found: string[] = [];
    for (const key of await redis.keys('*')) {
      // A dump is compressed where that pays.
      const dump = String(await redis.dumpBuffer(key));
      const hash = (await redis.type(key)) === 'hash' ? await redis.hgetall(key) : {};
      if (`${dump} ${JSON.stringify(hash)}`.includes(text)) found.push(key);
    }
    return found;
  }
}

export function shopperOf(world: AuditWorld, sequence: number): string {
  return world.order(sequence).shopperId;
}
