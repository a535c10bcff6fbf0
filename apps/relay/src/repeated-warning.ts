import type { Log } from '@flux/telemetry';

/** While something stays broken, one line for each reason in this time. */
const SAY_EVERY_MS = 5_000;
/** Reasons carry texts of servers: a bound for the case that each is another. */
const MAX_REASONS = 100;

export interface Failure {
  readonly server: 'redis' | 'kafka';
  readonly reason: string;
}

/**
 * A warning that comes many times a second while a server is away. The first for a reason is written at once, then one
 * line every five seconds says how many there were since the last one.
 */
export class RepeatedWarning {
  private readonly known = new Map<string, { readonly saidAtMs: number; unsaid: number }>();

  constructor(
    private readonly log: Log,
    private readonly message: string,
    private readonly nowMs = () => performance.now(),
  ) {}

  warn(failure: Failure, fields: Readonly<Record<string, unknown>>): void {
    const key = `${failure.server} ${failure.reason}`;
    const known = this.known.get(key);
    const now = this.nowMs();
    if (known !== undefined && now - known.saidAtMs < SAY_EVERY_MS) {
      known.unsaid += 1;
      return;
    }
    if (this.known.size >= MAX_REASONS) this.known.clear();
    this.known.set(key, { saidAtMs: now, unsaid: 0 });
    this.log.warn({ ...failure, ...fields, times: (known?.unsaid ?? 0) + 1 }, this.message);
  }
}
