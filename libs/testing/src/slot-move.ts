import type { RedisCluster } from './redis-cluster';
import type { RedisServer } from './redis-server';

/** A slot on its way from one master to another, key by key, as `redis-cli --cluster reshard` does it. */
export class SlotMove {
  private constructor(
    private readonly cluster: RedisCluster,
    readonly source: RedisServer,
    readonly target: RedisServer,
    private readonly slot: number,
  ) {}

  /** From now on the source sends those who ask for what is gone to the target. */
  static async begin(cluster: RedisCluster, key: string, target: RedisServer): Promise<SlotMove> {
    const [slot, source] = [await cluster.slotOf(key), await cluster.masterOf(key)];
    await target.client.cluster('SETSLOT', slot, 'IMPORTING', await source.client.cluster('MYID'));
    await source.client.cluster('SETSLOT', slot, 'MIGRATING', await target.client.cluster('MYID'));
    return new SlotMove(cluster, source, target, slot);
  }

  /** @returns whether there was one to move */
  async moveOneKey(): Promise<boolean> {
    const [key] = await this.source.client.cluster('GETKEYSINSLOT', this.slot, 1);
    if (key === undefined) return false;
    await this.source.client.migrate('127.0.0.1', this.target.port, key, 0, 5_000);
    return true;
  }

  /** Moves what is left and gives the slot to the target, which all masters are told. */
  async finish(): Promise<void> {
    while (await this.moveOneKey());
    const owner = await this.target.client.cluster('MYID');
    const others = this.cluster.nodes.filter((node) => node !== this.target && node !== this.source);
    for (const { client } of [this.target, this.source, ...others]) {
      // Replicas hear of it from their master.
      await client.cluster('SETSLOT', this.slot, 'NODE', owner).catch(() => undefined);
    }
  }
}
