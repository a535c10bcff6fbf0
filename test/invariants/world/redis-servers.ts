import { setTimeout as pause } from 'node:timers/promises';
import { RedisServer, TcpProxy, waitUntil } from '@flux/testing';
import type { KafkaUser } from './private-servers';

/**
 * FLUX_DURABILITY, and a Redis that fits: `replicated` has a replica, `fast` syncs its file once a second.
 */
export const DURABILITIES = ['strict', 'replicated', 'fast'] as const;
export type Durability = (typeof DURABILITIES)[number];

export type RedisUser = 'gateway' | KafkaUser;

export interface Replica {
  readonly server: RedisServer;
  /** From the replica to its master. */
  readonly link: TcpProxy;
}

/** The gate's Redis, and where the durability needs it a replica that can take its place. */
export class RedisServers {
  private constructor(
    private current: RedisServer,
    private follower: Replica | undefined,
  ) {}

  static async start(durability: Durability, folder: string | undefined): Promise<RedisServers> {
    const config: Record<string, string> = durability === 'fast' ? { appendfsync: 'everysec' } : {};
    const master = await RedisServer.start({ config, ...(folder === undefined ? {} : { folder }) });
    const replica = durability === 'replicated' ? await follow(await RedisServer.start(), master) : undefined;
    return new RedisServers(master, replica);
  }

  get master(): RedisServer {
    return this.current;
  }

  get replica(): Replica | undefined {
    return this.follower;
  }

  /**
   * The replica becomes master as it is. The processes are led to it, the gateways `gatewaysStayMs` later: so long there
   * are two masters. Then the old one is killed and follows the new one.
   */
  async failOver({
    links,
    gatewaysStayMs,
  }: {
    readonly links: Readonly<Record<RedisUser, TcpProxy>>;
    readonly gatewaysStayMs: number;
  }): Promise<void> {
    const { current: old, follower } = this;
    if (follower === undefined) throw new Error('there is no replica');
    if (gatewaysStayMs === 0) await old.kill();
    const { server: promoted } = follower;
    await promoted.client.replicaof('NO', 'ONE');
    const target = { host: '127.0.0.1', port: promoted.port };
    this.current = promoted;
    for (const user of ['relay', 'orders', 'admin'] as const) links[user].lead(target);
    await pause(gatewaysStayMs);
    links.gateway.lead(target);
    await old.kill();
    await follower.link.stop();
    await old.restart();
    this.follower = await follow(old, promoted);
  }

  async remove(): Promise<void> {
    await this.follower?.link.stop();
    await Promise.all([this.current.remove(), this.follower?.server.remove()]);
  }
}

async function follow(server: RedisServer, master: RedisServer): Promise<Replica> {
  const link = await TcpProxy.start({ host: '127.0.0.1', port: master.port });
  await server.client.replicaof('127.0.0.1', link.port);
  await waitUntil('the replica is in step', async () => {
    return (await server.client.info('replication')).includes('master_link_status:up');
  });
  return { server, link };
}
