import type { Log } from './log';

/** While something stays broken, one line for each failure in this time. */
const SAY_EVERY_MS = 5_000;
/** Reasons carry texts of servers: a bound for the case that each is another. */
const MAX_FAILURES = 100;

/**
 * A warning that comes many times a second while a server is away. The first for a failure is written at once, then one
 * line every five seconds says how many there were since the last one.
 */
export class RepeatedWarning {
  private readonly known = new Map<string, { readonly saidAtMs: number; unsaid: number }>();

  constructor(
    private readonly log: Log,
    private readonly message: string,
    private readonly nowMs = () => performance.now(),
  ) {}

  /** @param failure what tells it from others, its reason among it */
  warn(failure: Readonly<Record<string, string>>, fields: Readonly<Record<string, unknown>> = {}): void {
    const key = Object.values(failure).join(' ');
    const known = this.known.get(key);
    const now = this.nowMs();
    if (known !== undefined && now - known.saidAtMs < SAY_EVERY_MS) {
      known.unsaid += 1;
      return;
    }
    if (this.known.size >= MAX_FAILURES) this.known.clear();
    this.known.set(key, { saidAtMs: now, unsaid: 0 });
    this.log.warn({ ...failure, ...fields, times: (known?.unsaid ?? 0) + 1 }, this.message);
  }
}
