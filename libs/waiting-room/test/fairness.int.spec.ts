import { setTimeout as pause } from 'node:timers/promises';
import { RedisConnection } from '@flux/gate';
import {
  chiSquareLimit,
  chiSquareOfDeciles,
  epsilonInversions,
  gateConfig,
  kendallTauB,
  mostInWindow,
  planCrowd,
  seededRandom,
  starvation,
  waitUntil,
} from '@flux/testing';
import { ListHash, rankOf, RoomClient, ticketIdOf, type RoomStanding, type VisitOutcome } from '../src';
import { roomConfig, SALT, useRoomWorld } from './room.world';

const SHOPPERS = 10_000;
const GATEWAYS = 4;
const RATE = 2_000;
const ARRIVALS_PER_SECOND = 2_500;
/** Between the first one, who is called at once, and the others: turns that nobody used are not saved up. */
const QUIET_MS = 1_500;
const WINDOW_MS = 1_000;
/** A tick gives passes that become good until the next one. */
const CALLED_AHEAD_MS = 150;
const TICK_MS = 100;
/** Everybody looks once a second, a fortieth of them at a time: as at a gateway, whose askers are told jittered times. */
const LOOK_EVERY_MS = 25;
const LOOKERS = 40;
/** Those who join once more, from elsewhere and before they know their place. */
const REJOINING_SHARE = 0.05;

const world = useRoomWorld();

interface Shopper {
  readonly ticketId: string;
  readonly gateway: number;
  readonly places: number[];
  sentMs: number;
  answeredMs: number;
  goodFromMs: number;
}

/** Four gateways' clients of one room, each on a connection of its own, ticking and looking as they do. */
class FourGateways {
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly working = new Set<Promise<unknown>>();
  /** What every tick told. */
  readonly standings: RoomStanding[] = [];
  private failure: Error | undefined;

  private constructor(
    private readonly connections: readonly RedisConnection[],
    private readonly clients: readonly RoomClient[],
    private readonly saleId: string,
  ) {}

  static async start(saleId: string): Promise<FourGateways> {
    const connections = Array.from(
      { length: GATEWAYS },
      () => new RedisConnection(gateConfig(world.redis.url)),
    );
    await Promise.all(connections.map((connection) => connection.whenReady()));
    const clients = connections.map((connection) => new RoomClient(connection));
    const gateways = new FourGateways(connections, clients, saleId);
    for (const [index, client] of clients.entries()) {
      await pause(TICK_MS / GATEWAYS);
      const tick = { saleId, attempts: index, available: 1_000_000, isOver: false, wasOn: false, bought: [] };
      gateways.every(TICK_MS, async () => {
        const standing = await client.tick(tick);
        if (standing !== undefined) gateways.standings.push(standing);
      });
    }
    return gateways;
  }

  async visit(verb: 'join' | 'look', shopper: Shopper, gateway = shopper.gateway): Promise<void> {
    const { ticketId, places } = shopper;
    const outcome = await this.clients[gateway]!.visit(this.saleId, { verb, ticketId, place: places[0] });
    learn(shopper, outcome);
  }

  /** Does it so often, and no sooner than the one before is through. */
  every(ms: number, work: () => Promise<unknown>): void {
    let isBusy = false;
    const round = () => {
      if (isBusy) return;
      isBusy = true;
      this.follow(work().finally(() => (isBusy = false)));
    };
    this.timers.push(setInterval(round, ms));
  }

  follow(work: Promise<unknown>): void {
    const followed = work
      .catch((error: unknown) => (this.failure ??= error instanceof Error ? error : new Error(String(error))))
      .finally(() => this.working.delete(followed));
    this.working.add(followed);
  }

  throwIfFailed(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  async stop(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await Promise.all(this.working);
    for (const connection of this.connections) connection.close();
  }
}

function learn(shopper: Shopper, outcome: VisitOutcome): void {
  if (outcome.outcome !== 'waiting' && outcome.outcome !== 'turn') throw new Error(outcome.outcome);
  shopper.places.push(outcome.place);
  shopper.answeredMs = Math.min(shopper.answeredMs, performance.now());
  if (outcome.outcome === 'turn') shopper.goodFromMs = outcome.goodFromMs;
}

describe('a line of ten thousand over four gateways', () => {
  let shoppers: readonly Shopper[];
  let standings: readonly RoomStanding[];

  beforeAll(async () => {
    const config = roomConfig({ ratePerSecond: RATE, silentMs: 60_000 });
    await world.rooms.publish(config, false);
    const gateways = await FourGateways.start(config.saleId);
    try {
      shoppers = await queueUp(gateways);
    } finally {
      await gateways.stop();
    }
    standings = gateways.standings;
  }, 60_000);

  /** Everybody comes at their time, whatever became of those before, and looks until it is their turn. */
  async function queueUp(gateways: FourGateways): Promise<readonly Shopper[]> {
    const crowd = { amount: SHOPPERS, perSecond: ARRIVALS_PER_SECOND, classes: GATEWAYS, seed: 'fair' };
    const planned = planCrowd(crowd).map((one, index) => ({
      ...one,
      atMs: one.atMs + (index === 0 ? 0 : QUIET_MS),
    }));
    const random = seededRandom('rejoining');
    const all = planned.map(({ classIndex }, index): Shopper => {
      const ticketId = ticketIdOf(SALT, `shopper-${index}`);
      return {
        ticketId,
        gateway: classIndex,
        places: [],
        sentMs: NaN,
        answeredMs: Infinity,
        goodFromMs: Infinity,
      };
    });
    const startedAtMs = performance.now();
    let come = 0;
    let round = 0;
    gateways.every(LOOK_EVERY_MS, () => {
      round += 1;
      const lookers = all
        .slice(0, come)
        .filter(({ goodFromMs }, index) => goodFromMs === Infinity && index % LOOKERS === round % LOOKERS);
      return Promise.all(lookers.map((shopper) => gateways.visit('look', shopper)));
    });
    while (come < SHOPPERS) {
      const sinceMs = performance.now() - startedAtMs;
      for (let next = planned[come]; next !== undefined && next.atMs <= sinceMs; next = planned[come]) {
        const shopper = all[come]!;
        shopper.sentMs = performance.now();
        gateways.follow(gateways.visit('join', shopper));
        if (random() < REJOINING_SHARE) {
          gateways.follow(gateways.visit('join', shopper, (shopper.gateway + 1) % GATEWAYS));
        }
        come += 1;
      }
      await pause(1);
    }
    await waitUntil('everybody had their turn', () => {
      gateways.throwIfFailed();
      return all.every(({ goodFromMs }) => goodFromMs < Infinity);
    });
    return all;
  }

  const admitted = () => shoppers.map(({ goodFromMs }) => goodFromMs);
  const places = () => shoppers.map(({ places: [place = NaN] }) => place);

  it('has one place for each shopper, however often and wherever they join', () => {
    const moved = shoppers.filter(({ places: [first, ...others] }) =>
      others.some((place) => place !== first),
    );
    expect(moved).toHaveLength(0);
    expect(new Set(places()).size).toBe(SHOPPERS);
  });

  it('admits in the order of places, without an inversion', () => {
    const byPlace = { sent: places(), admitted: admitted() };
    expect(epsilonInversions(byPlace, 0)).toMatchObject({
      inversions: 0,
      pairs: (SHOPPERS * (SHOPPERS - 1)) / 2,
    });
  });

  it("has a Kendall's tau-b of places and admissions of at least 0.999", () => {
    expect(kendallTauB(places(), admitted())).toBeGreaterThanOrEqual(0.999);
  });

  it('starves nobody: once it is the turn, nobody else is admitted before', () => {
    expect(Math.max(...starvation(places(), admitted()))).toBe(0);
  });

  it('admits nobody before somebody who was answered before they sent', () => {
    const sent = shoppers.map(({ sentMs }) => sentMs);
    const come = shoppers.map(({ answeredMs }) => answeredMs);
    const { pairs, inversions } = epsilonInversions({ sent, come, admitted: admitted() }, 0);
    expect(inversions).toBe(0);
    // Many are under way at once only where the machine stands still.
    expect(pairs).toBeGreaterThan(SHOPPERS * SHOPPERS * 0.1);
  });

  it('admits no more in any second than the rate and 2 %, four tickers or not', () => {
    // Both ends of the window are in it.
    expect(mostInWindow(admitted(), WINDOW_MS)).toBeLessThanOrEqual(RATE * 1.02 + 1);
  });

  it('gives no pass that is good from before its shopper came, and none much sooner than it is good', () => {
    const early = shoppers.filter(({ places: [place = NaN], goodFromMs }) => goodFromMs * 1_000 < place);
    expect(early).toHaveLength(0);
    // In any time, of those told by ticks, no more are called than the rate and what lies ahead allow.
    let least = Infinity;
    let most = 0;
    for (const { atMs, called } of standings.toSorted((a, b) => a.atMs - b.atMs || a.called - b.called)) {
      const beyondRate = called - (RATE * atMs) / 1_000;
      least = Math.min(least, beyondRate);
      most = Math.max(most, beyondRate - least);
    }
    expect(most).toBeLessThanOrEqual((RATE * (CALLED_AHEAD_MS + 1)) / 1_000 + 2);
  });
});

describe('the draw of ten thousand', () => {
  /** 1.96 standard deviations of tau of independent orders, sqrt(2 (2 n + 5) / (9 n (n - 1))), and of chi-square. */
  const MOST_TAU = 0.0131;
  const MOST_CHI_SQUARE = chiSquareLimit(81, 1.96);

  it.each(['1b', '2c', '3d'])('does not depend on when somebody joined (seed %s)', (byte) => {
    const ticketIds = Array.from({ length: SHOPPERS }, (_, index) => ticketIdOf(SALT, `shopper-${index}`));
    const list = new ListHash();
    list.add(ticketIds.toSorted());
    const key = { seed: byte.repeat(32), listHash: list.digest(), beacon: '' };
    const ranks = ticketIds.map((ticketId) => rankOf(key, ticketId));
    const arrivals = ticketIds.map((_, index) => index);
    const position = new Map(ranks.toSorted((a, b) => a - b).map((rank, index) => [rank, index]));
    expect(Math.abs(kendallTauB(arrivals, ranks))).toBeLessThanOrEqual(MOST_TAU);
    const drawn = ranks.map((rank) => position.get(rank) ?? NaN);
    expect(chiSquareOfDeciles(arrivals, drawn)).toBeLessThanOrEqual(MOST_CHI_SQUARE);
    expect(ticketIds.map((ticketId) => rankOf(key, ticketId))).toEqual(ranks);
  });
});
