import { open, stat } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { itemKeys } from '@flux/gate';
import { SALES } from '../sales';
import type { World } from '../world/world';
import type { Fault } from './fault';

export const redisFaults: readonly Fault[] = [
  {
    id: 'F1',
    name: 'redis killed',
    breaks: ['redis'],
    lastsMs: [50, 900],
    strike: async ({ world: { redis }, lastsMs }) => {
      await redis.kill();
      await pause(lastsMs);
      await redis.restart();
      return `kill -9, down for ${lastsMs} ms`;
    },
  },
  {
    id: 'F1',
    name: 'redis killed again and again',
    breaks: ['redis'],
    lastsMs: [1_500, 2_500],
    strike: async ({ world: { redis }, lastsMs }) => {
      const until = Date.now() + lastsMs;
      let kills = 0;
      while (Date.now() < until) {
        await redis.kill();
        await redis.restart();
        kills += 1;
        await pause(250);
      }
      return `${kills} times kill -9`;
    },
  },
  {
    id: 'F6',
    name: 'redis out of memory',
    breaks: ['redis'],
    lastsMs: [700, 1_500],
    strike: async ({ world, lastsMs }) => {
      const { client } = world.redis;
      const before = await errorsOf(world, 'OOM');
      const used = Number(/used_memory:(\d+)/.exec(await client.info('memory'))?.[1]);
      await client.config('SET', 'maxmemory', used + 16_384);
      await pause(lastsMs);
      await client.config('SET', 'maxmemory', 0);
      return counted((await errorsOf(world, 'OOM')) - before, 'writes refused');
    },
  },
  {
    id: 'F8',
    name: 'scripts forgotten',
    breaks: ['redis'],
    lastsMs: [300, 900],
    strike: async ({ world, lastsMs }) => {
      const before = await errorsOf(world, 'NOSCRIPT');
      const until = Date.now() + lastsMs;
      while (Date.now() < until) {
        await world.redis.client.script('FLUSH');
        await pause(100);
      }
      return counted((await errorsOf(world, 'NOSCRIPT')) - before, 'calls of scripts that were gone');
    },
  },
  {
    id: 'F9',
    name: 'foreign slow script',
    breaks: ['redis'],
    lastsMs: [600, 1_600],
    strike: async ({ world, lastsMs }) => {
      const { client } = world.redis;
      const before = await errorsOf(world, 'BUSY');
      // It writes first: such a script cannot be killed.
      const script = "redis.call('SET', KEYS[1], '1') for i = 1, tonumber(ARGV[1]) do end";
      const run = async (rounds: number): Promise<number> => {
        const startedAt = performance.now();
        await client.eval(script, 1, 'a-foreign-key', rounds);
        return performance.now() - startedAt;
      };
      const trial = 1_000_000;
      const trialMs = Math.max(1, await run(trial));
      await client.config('SET', 'busy-reply-threshold', 100);
      try {
        await run(Math.round((trial * lastsMs) / trialMs));
      } finally {
        await client.config('SET', 'busy-reply-threshold', 5_000);
        await client.del('a-foreign-key');
      }
      return counted((await errorsOf(world, 'BUSY')) - before, 'calls answered BUSY');
    },
  },
  {
    id: 'F10',
    name: 'writes paused',
    breaks: ['redis'],
    lastsMs: [600, 1_600],
    strike: async ({ world, lastsMs }) => {
      await world.redis.client.client('PAUSE', lastsMs, 'WRITE');
      await pause(lastsMs / 2);
      const blocked = /blocked_clients:(\d+)/.exec(await world.redis.client.info('clients'))?.[1];
      await pause(lastsMs / 2);
      return counted(Number(blocked), 'clients waited');
    },
  },
  {
    id: 'F10',
    name: 'redis frozen',
    breaks: ['redis'],
    lastsMs: [600, 2_500],
    strike: async ({ world: { redis }, lastsMs }) => {
      redis.freeze();
      await pause(lastsMs);
      redis.thaw();
      return `SIGSTOP for ${lastsMs} ms`;
    },
  },
  {
    id: 'F11',
    name: "redis' disk full",
    breaks: ['redis'],
    lastsMs: [600, 1_200],
    impossible: ({ disk }) => (disk === undefined ? 'this user may not mount a small disk' : undefined),
    strike: async ({ world: { redis, disk }, lastsMs }) => {
      await disk?.fill();
      await pause(lastsMs);
      const noticed = redis.hasEnded ? 'the server ended itself' : await refusal(redis.client);
      await disk?.free();
      if (redis.hasEnded) await redis.restart();
      return noticed;
    },
  },
];

/** Faults that take data away which Redis had acknowledged. The item's gate is rebuilt afterwards. */
export const dataFaults: readonly Fault[] = [
  {
    id: 'F5',
    name: 'flushall',
    breaks: ['redis'],
    lastsMs: [0, 0],
    destroysData: true,
    strike: async ({ world }) => {
      const unsettled = await world.gate.flushAll();
      world.destructions.push({ what: 'FLUSHALL', atMs: Date.now(), unsettled });
      return `${unsettled.size} orders in the outboxes`;
    },
  },
  {
    id: 'F5',
    name: 'flushall while no relay reads',
    breaks: ['redis', 'relays'],
    lastsMs: [300, 900],
    destroysData: true,
    strike: async ({ world, lastsMs }) => {
      // What a frozen relay has read already it publishes when it wakes up: events of an epoch that is over.
      for (const seat of world.seats.relay) seat.freeze();
      try {
        await pause(lastsMs);
        const unsettled = await world.gate.flushAll();
        world.destructions.push({ what: 'FLUSHALL', atMs: Date.now(), unsettled });
        return `${unsettled.size} orders in the outboxes`;
      } finally {
        await pause(lastsMs);
        for (const seat of world.seats.relay) seat.thaw();
      }
    },
  },
  {
    id: 'F5',
    name: 'stock key deleted',
    breaks: ['redis'],
    lastsMs: [0, 0],
    destroysData: true,
    strike: async ({ world, random }) => {
      const item = random.pick(
        SALES.flatMap(({ saleId, items }) => items.map(({ productId }) => ({ saleId, productId }))),
      );
      const gone = await world.redis.client.del(itemKeys(item).stock);
      return gone === 1 ? `the stock of ${item.productId}` : undefined;
    },
  },
  {
    // As a power failure makes it, of a file that was not synced.
    id: 'F2',
    name: 'append-only file cut',
    breaks: ['redis'],
    lastsMs: [0, 300],
    destroysData: true,
    strike: async ({ world, random, lastsMs }) => {
      const { redis } = world;
      // Nobody is told anything any more: what the outbox holds now is all that can be lost.
      for (const link of Object.values(world.redisLinks)) link.set('cut');
      const unsettled = await world.gate.unsettledIds();
      await redis.kill();
      const bytes = random.between(1, 1_024);
      await cutTail(redis.appendOnlyFile, bytes);
      world.destructions.push({ what: `${bytes} bytes cut off the file`, atMs: Date.now(), unsettled });
      await pause(lastsMs);
      await redis.restart();
      for (const link of Object.values(world.redisLinks)) link.set('pass');
      return `${bytes} bytes cut off`;
    },
  },
];

/** With a replica that every answer waits for. What the old master alone had was never told to anybody as accepted. */
export const failoverFaults: readonly Fault[] = [
  failedOver('F3', 'failover with replication cut', 0),
  failedOver('F4', 'two masters', 2_000),
];

function failedOver(id: string, name: string, gatewaysStayMs: number): Fault {
  return {
    id,
    name,
    breaks: ['redis'],
    lastsMs: [300, 1_200],
    strike: async ({ world, lastsMs }) => {
      const fromMs = Date.now();
      world.replica?.link.set('cut');
      await pause(lastsMs);
      const behind = world.redis.client.info('replication').then(offsetOf);
      const [ofMaster, ofReplica = 0] = [
        await behind,
        await world.replica?.server.client.info('replication').then(offsetOf),
      ];
      await world.failOver(gatewaysStayMs);
      world.failovers.push({ fromMs, toMs: Date.now() });
      return `the new master lacked ${ofMaster - ofReplica} bytes of the old one's writes`;
    },
  };
}

function offsetOf(info: string): number {
  return Number(/master_repl_offset:(\d+)/.exec(info)?.[1] ?? 0);
}

async function cutTail(file: string, bytes: number): Promise<void> {
  const { size } = await stat(file);
  const handle = await open(file, 'r+');
  await handle.truncate(Math.max(0, size - bytes));
  await handle.close();
}

async function errorsOf(world: World, kind: string): Promise<number> {
  const stats = await world.redis.client.info('errorstats');
  return Number(new RegExp(`errorstat_${kind}:count=(\\d+)`).exec(stats)?.[1] ?? 0);
}

function counted(count: number, what: string): string | undefined {
  return count > 0 ? `${count} ${what}` : undefined;
}

/** What a write is answered now; undefined where it is taken. */
async function refusal(client: World['redis']['client']): Promise<string | undefined> {
  return client.set('a-foreign-key', '1').then(
    () => undefined,
    (error: unknown) => String(error).slice(0, 80),
  );
}
