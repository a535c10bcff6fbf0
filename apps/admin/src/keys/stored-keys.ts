import type { KeyOwner } from './api-keys';

/** A live key as PostgreSQL has it. */
export interface StoredKey extends KeyOwner {
  /** SHA-256 of the key, hex. */
  readonly digest: string;
  /** Until it expires by PostgreSQL's clock; null: never. */
  readonly expiresInMs: number | null;
}

/** How long keys are good that could not be read again: a revoked one might be among them. */
export const KEPT_MS = 60_000;

/** The keys that owners gave out, as they were when they were read. */
export class StoredKeys {
  private readonly keys: ReadonlyMap<string, StoredKey>;

  /** @param readAtMs by the monotonic clock, before they were asked for */
  constructor(
    keys: readonly StoredKey[],
    private readonly readAtMs: number,
  ) {
    this.keys = new Map(keys.map((key) => [key.digest, key]));
  }

  isStale(nowMs: number): boolean {
    return nowMs - this.readAtMs > KEPT_MS;
  }

  /** By the digest: nobody can choose one, so how long its search takes tells nothing of a key. */
  find(digest: string, nowMs: number): KeyOwner | undefined {
    const key = this.keys.get(digest);
    if (key === undefined) return undefined;
    const isOver = key.expiresInMs !== null && nowMs - this.readAtMs >= key.expiresInMs;
    return isOver ? undefined : key;
  }
}
