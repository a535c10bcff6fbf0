/** How much one principal may ask for. As a token bucket: `burst` requests at once, refilled at `limit` per `windowMs`. */
export interface Policy {
  /** A word of a small set: part of keys, headers and metrics. */
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
  readonly burst: number;
  /** Nothing is refused: what would have been is counted. */
  readonly isDryRun: boolean;
}

/** Time that one request takes of a principal's share (GCRA's emission interval). */
export function intervalMs({ limit, windowMs }: Policy): number {
  return windowMs / limit;
}

/** The whole share, as time. */
export function shareMs(policy: Policy): number {
  return policy.burst * intervalMs(policy);
}

/** An item of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10): quota and window in seconds, at least one. */
export function policyItem({ name, limit, windowMs }: Policy): string {
  const seconds = Math.max(1, Math.ceil(windowMs / 1_000));
  const quota = Math.floor((limit * seconds * 1_000) / windowMs);
  return `"${name}";q=${quota};w=${seconds}`;
}
