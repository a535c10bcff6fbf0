import { Agent, get } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

interface Offer {
  readonly redis: { ping(): Promise<unknown> };
  readonly bases: readonly string[];
  /** Whose requests they are, as a proxy says, up to the last digit. */
  readonly address: string;
  readonly ratePerSecond: number;
  readonly burst: number;
  readonly forMs: number;
}

/** Connections to each gateway, and the pause between two requests on one: more than any policy of the tests lets through. */
const CONNECTIONS = 8;
const EVERY_MS = 20;

/** A machine that lets nobody wait for longer shows the limiter alone: one that stalls is looked at again. */
const QUIET_MS = 15;
const MAX_RUNS = 4;
const PING_EVERY_MS = 5;

interface Outcome {
  readonly allowed: number;
  readonly offered: number;
  /** How many should have been let through. */
  readonly expected: number;
  /** The longest that this process and Redis took for an answer: so old was what gateways knew of each other. */
  readonly stallMs: number;
}

/**
 * One source asks all gateways at once, for so long, for more than it may; another one does so again where the machine
 * stalled meanwhile.
 * @returns the run that met the least stall
 */
export async function offer(wanted: Offer): Promise<Outcome> {
  let best: Outcome | undefined;
  for (let run = 1; run <= MAX_RUNS && !(best !== undefined && best.stallMs < QUIET_MS); run += 1) {
    const outcome = await withStall(wanted.redis, () =>
      offerOnce({ ...wanted, address: `${wanted.address}${run}` }),
    );
    if (best === undefined || outcome.stallMs < best.stallMs) best = outcome;
  }
  if (best === undefined) throw new Error('nothing was offered');
  return best;
}

/**
 * What may be let through too much or too little, as a share: the promised hundredth, and what the other gateways let
 * through in the time that an answer took.
 */
export function tolerance({ stallMs }: Outcome, { bases, forMs }: Pick<Offer, 'bases' | 'forMs'>): number {
  return 0.01 + (stallMs < QUIET_MS ? 0 : ((bases.length - 1) * stallMs) / forMs);
}

async function withStall(
  redis: Offer['redis'],
  measure: () => Promise<Omit<Outcome, 'stallMs'>>,
): Promise<Outcome> {
  let stallMs = 0;
  let isOver = false;
  const watch = async (): Promise<void> => {
    while (!isOver) {
      const sentAt = performance.now();
      await redis.ping();
      await pause(PING_EVERY_MS);
      stallMs = Math.max(stallMs, performance.now() - sentAt - PING_EVERY_MS);
    }
  };
  const [outcome] = await Promise.all([measure().finally(() => (isOver = true)), watch()]);
  return { ...outcome, stallMs };
}

async function offerOnce({
  bases,
  address,
  ratePerSecond,
  burst,
  forMs,
}: Offer): Promise<Omit<Outcome, 'stallMs'>> {
  let [allowed, offered] = [0, 0];
  const startedAt = performance.now();
  let lastAllowedAt = startedAt;
  const ask = async (base: string, agent: Agent): Promise<void> => {
    while (performance.now() - startedAt < forMs) {
      offered += 1;
      if ((await statusOf(base, address, agent)) !== 429) {
        allowed += 1;
        lastAllowedAt = performance.now();
      }
      await pause(EVERY_MS);
    }
  };
  const agents = bases.map(() => new Agent({ keepAlive: true }));
  try {
    await Promise.all(
      bases.flatMap((base, index) =>
        Array.from({ length: CONNECTIONS }, () => ask(base, agents[index] ?? new Agent())),
      ),
    );
  } finally {
    for (const agent of agents) agent.destroy();
  }
  return { allowed, offered, expected: burst + (ratePerSecond * (lastAllowedAt - startedAt)) / 1_000 };
}

function statusOf(base: string, address: string, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    get(`${base}/nowhere`, { agent, headers: { 'x-forwarded-for': address } }, (response) => {
      response.resume().on('end', () => {
        resolve(response.statusCode ?? 0);
      });
    }).on('error', reject);
  });
}
