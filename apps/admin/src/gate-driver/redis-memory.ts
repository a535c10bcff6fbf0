/** `INFO memory` of one Redis, in bytes; `limit` 0 means that there is none. */
export interface MemoryOfRedis {
  readonly used: number;
  readonly limit: number;
}

/**
 * The most that one accepted order ever takes of Redis' memory: its record and its shopper's count, and beside them
 * first its share of an outbox entry, later what remembers its end. Measured on Redis 7.0.15 with ids of the longest
 * allowed lengths (redis-memory.int.spec.ts): not settled 535 to 567 bytes in calls of 64, up to 596 in calls of one
 * just after the hashes have grown; settled 343 to 376; expired and given back 546 to 562. With ids of usual lengths
 * (npm run bench -- gate) 343 to 392 not settled and 247 to 280 settled. A pass of the waiting room, in the set and in the
 * outbox, adds 105 to 123: up to 713. The rest is for what clients have in flight.
 */
export const BYTES_PER_BUYER = 800;

/** Room for one buyer of each unit. */
export function bytesOfBuyers(units: number): number {
  return units * BYTES_PER_BUYER;
}

export function memoryOf(info: string): MemoryOfRedis {
  return { used: field(info, 'used_memory'), limit: field(info, 'maxmemory') };
}

function field(info: string, name: string): number {
  const [, value] = new RegExp(`^${name}:(\\d+)\\r?$`, 'm').exec(info) ?? [];
  if (value === undefined) throw new Error(`Redis' INFO memory does not have ${name}`);
  return Number(value);
}
