import { setTimeout as pause } from 'node:timers/promises';
import type { App } from '../../e2e/support/app-environment';
import type { Random } from '../random';
import type { Seat } from '../world/seat';
import type { Installation } from '../world/installation';
import type { Fault, Target } from './fault';

const TARGETS = {
  gateway: 'gateways',
  relay: 'relays',
  orders: 'orders',
  admin: 'admin',
} as const satisfies Record<App, Target>;

/** Longer than a relay's lease, which ends after 10 s. */
const BEYOND_THE_LEASE_MS = [11_000, 12_000] as const;
/** Longer than the consumers' session, which ends after 10 s. */
const BEYOND_THE_SESSION_MS = [11_000, 12_000] as const;

export const processFaults: readonly Fault<Installation>[] = [
  killed('G9', 'gateway', [100, 800]),
  killed('F15', 'relay', [100, 800]),
  killed('F21', 'orders', [100, 800]),
  killed('G17', 'admin', [100, 800]),
  {
    id: 'F21',
    name: 'both orders processes killed',
    breaks: ['orders'],
    lastsMs: [200, 1_000],
    strike: async ({ world, lastsMs }) => {
      await Promise.all(world.seats.orders.map((seat) => seat.kill()));
      await pause(lastsMs);
      for (const seat of world.seats.orders) seat.start();
      return `kill -9, down for ${lastsMs} ms`;
    },
  },
  frozen('F16', 'relay', 'a relay frozen beyond its lease', BEYOND_THE_LEASE_MS),
  frozen('F22', 'orders', 'an orders process frozen beyond its session', BEYOND_THE_SESSION_MS),
  frozen('F22', 'orders', 'an orders process frozen', [500, 2_500]),
  frozen('F16', 'relay', 'a relay frozen', [500, 2_500]),
  frozen('F10', 'gateway', 'a gateway frozen', [500, 2_000]),
  {
    id: 'F23',
    name: 'consumers come and go',
    breaks: ['orders'],
    lastsMs: [4_000, 6_000],
    strike: async ({ world, lastsMs }) => {
      const until = Date.now() + lastsMs;
      let joined = 0;
      while (Date.now() < until) {
        const guest = await world.anotherOrders();
        await guest.ready(lastsMs * 4);
        joined += 1;
        await pause(300);
        await guest.stop();
      }
      return `${joined} joined and left`;
    },
  },
  {
    id: 'F34',
    name: 'every process restarted in turn',
    breaks: ['gateways', 'relays', 'orders', 'admin'],
    lastsMs: [6_000, 7_000],
    strike: async ({ world, random }) => {
      for (const seat of random.shuffled(world.allSeats)) await restarted(seat);
      return `${world.allSeats.length} processes got SIGTERM`;
    },
  },
  stopped('gateway'),
  stopped('relay'),
  stopped('orders'),
];

function killed(id: string, app: App, lastsMs: readonly [number, number]): Fault<Installation> {
  return {
    id,
    name: `${app} killed`,
    breaks: [TARGETS[app]],
    lastsMs,
    strike: async ({ world, random, lastsMs: waitMs }) => {
      const seat = oneOf(world, app, random);
      await seat.kill();
      await pause(waitMs);
      seat.start();
      return `kill -9, down for ${waitMs} ms`;
    },
  };
}

function frozen(
  id: string,
  app: App,
  ...[name, lastsMs]: [string, readonly [number, number]]
): Fault<Installation> {
  return {
    id,
    name,
    breaks: [TARGETS[app]],
    lastsMs,
    strike: async ({ world, random, lastsMs: waitMs }) => {
      const seat = oneOf(world, app, random);
      seat.freeze();
      await pause(waitMs);
      seat.thaw();
      return `SIGSTOP for ${waitMs} ms`;
    },
  };
}

function stopped(app: App): Fault<Installation> {
  return {
    id: 'F34',
    name: `${app} stopped in order`,
    breaks: [TARGETS[app]],
    lastsMs: [0, 500],
    strike: async ({ world, random, lastsMs }) => {
      const seat = oneOf(world, app, random);
      await seat.stop();
      await pause(lastsMs);
      seat.start();
      return 'SIGTERM';
    },
  };
}

async function restarted(seat: Seat): Promise<void> {
  await seat.stop();
  seat.start();
}

function oneOf(world: Installation, app: App, random: Random): Seat {
  return random.pick(world.seats[app]);
}
