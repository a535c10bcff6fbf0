/** Whether a dependency answers now. `false`, a rejection and no answer in time all count as not ready. */
export type HealthCheck = () => boolean | Promise<boolean>;

export interface Readiness {
  readonly ready: boolean;
  /** By name, without versions, addresses or reasons. */
  readonly checks: Readonly<Record<string, 'ok' | 'failed'>>;
}

/** Longest wait for one check: below the usual probe timeout. */
const CHECK_TIMEOUT_MS = 1_000;

/** What the process needs to serve. Libraries and apps register their checks; `/health/ready` reads them. */
export class Health {
  private readonly checks = new Map<string, HealthCheck>();
  private draining = false;

  /** The process is shutting down. */
  get isDraining(): boolean {
    return this.draining;
  }

  register(name: string, check: HealthCheck): void {
    this.checks.set(name, check);
  }

  /** From now on the process is not ready: it is shutting down. */
  drain(): void {
    this.draining = true;
  }

  /** Never rejects; takes at most a second. */
  async readiness(): Promise<Readiness> {
    const results = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, (await passes(check)) ? 'ok' : 'failed'] as const),
    );
    return {
      ready: !this.draining && results.every(([, result]) => result === 'ok'),
      checks: Object.fromEntries(results),
    };
  }
}

async function passes(check: HealthCheck): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      resolve(false);
    }, CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([Promise.resolve().then(check), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
