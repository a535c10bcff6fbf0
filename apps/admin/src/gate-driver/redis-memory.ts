/** `INFO memory` of one Redis, in bytes; `limit` 0 means that there is none. */
export interface MemoryOfRedis {
  readonly used: number;
  readonly limit: number;
}

/**
 * What one accepted order costs Redis while it is not settled: its record, its shopper's count and its share of an
 * outbox entry. Measured on Redis 7.0.15 with ids of the longest allowed lengths (redis-memory.int.spec.ts): 552 bytes
 * in calls of 64, 596 in calls of one just after the hashes have grown.
 */
export const BYTES_PER_BUYER = 700;

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
