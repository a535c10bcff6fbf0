import { setTimeout as pause } from 'node:timers/promises';
import { AppProcess, type AppOptions } from '../../e2e/support/app-process';

/** Longer than a process gives itself for an orderly stop. */
const STOP_MS = 30_000;
const RESTART_PAUSE_MS = 200;

/**
 * The place of one process, as a supervisor keeps it: the same ports and variables in every life. What ends by itself
 * is started again, and noted.
 */
export class Seat {
  /** How processes of this seat ended that nobody had asked to end. */
  readonly deaths: string[] = [];
  /** Orderly stops that hung, or ended with another status than 0 before their deadline. */
  readonly badStops: string[] = [];
  stops = 0;
  /** Stops that the process cut off at its own deadline. */
  cutOffStops = 0;
  private lives: AppProcess[] = [];
  private isWanted = false;

  constructor(private readonly options: AppOptions) {}

  get name(): string {
    return this.options.name;
  }

  get baseUrl(): string {
    return this.options.baseUrl;
  }

  /** What all processes of this seat wrote, the last 200,000 characters of each. */
  get log(): string {
    return this.lives.map(({ log }) => log).join('\n--- next life ---\n');
  }

  /** Starts it where it does not run; it need not become ready. */
  start(): void {
    this.isWanted = true;
    if (this.current !== undefined) return;
    const life = AppProcess.launch(this.options);
    this.lives.push(life);
    life.onEnd(() => {
      if (!this.isWanted) return;
      this.deaths.push(`${this.name} ended by itself with ${life.end ?? '?'}`);
      void pause(RESTART_PAUSE_MS, undefined, { ref: false }).then(() => {
        if (this.isWanted) this.start();
      });
    });
  }

  /** Resolves once it is ready, whichever life that is. @throws after `timeoutMs` */
  async ready(timeoutMs: number): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      if ((await this.readiness()) === 200) return;
      await pause(50);
    }
    throw new Error(`${this.name} was not ready within ${timeoutMs} ms:\n${this.log.slice(-3_000)}`);
  }

  async kill(): Promise<void> {
    this.isWanted = false;
    await this.current?.kill();
  }

  /** SIGTERM, and waits for the end. */
  async stop(): Promise<void> {
    this.isWanted = false;
    const life = this.current;
    if (life === undefined) return;
    life.thaw();
    // Before it has said so, nothing in it heeds SIGTERM, and nothing is under way.
    const hasStarted = life.log.includes('"msg":"started"');
    this.stops += 1;
    const status = await Promise.race([life.stop(), pause(STOP_MS, 'hangs' as const, { ref: false })]);
    if (status === 0 || !hasStarted) return;
    // With a server it needs broken it gives up after 15 s: bounded, and no worse than a kill.
    if (life.log.includes('shutdown took too long')) this.cutOffStops += 1;
    else {
      const how = status === 'hangs' ? 'did not stop' : `ended with ${life.end ?? '?'}`;
      this.badStops.push(`${this.name} ${how}`);
    }
    await life.kill();
  }

  freeze(): void {
    this.current?.freeze();
  }

  thaw(): void {
    this.current?.thaw();
  }

  private get current(): AppProcess | undefined {
    const last = this.lives.at(-1);
    return last?.end === undefined ? last : undefined;
  }

  private async readiness(): Promise<number | undefined> {
    // Between two lives there is nobody to ask.
    return this.current?.readiness(this.options.baseUrl).catch(() => undefined);
  }
}
