import { spawn, type ChildProcess } from 'node:child_process';
import { endWithTests, waitUntil } from '@flux/testing';

export interface AppOptions {
  readonly name: string;
  readonly env: Record<string, string>;
  /** Where it is ready once its own listener answers so. */
  readonly baseUrl: string;
  readonly managementUrl: string;
  /** The folder of another build. */
  readonly dist?: string;
}

/** Seven processes start at once on two cores. */
const READY_TIMEOUT_MS = 90_000;

/** Characters of a process's log, the last ones. */
export const LOG_KEPT = 2_000_000;

/** One built process (`dist/apps/<app>`), started as a supervisor would start it. */
export class AppProcess {
  private output = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly options: AppOptions,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-LOG_KEPT);
      });
    }
  }

  static launch(options: AppOptions): AppProcess {
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [`${options.dist ?? 'dist'}/apps/${options.name}/src/main.js`], {
      env: { PATH, HOME, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    endWithTests(child);
    return new AppProcess(child, options);
  }

  get name(): string {
    return this.options.name;
  }

  get baseUrl(): string {
    return this.options.baseUrl;
  }

  /** Where its metrics and its health are. */
  get managementUrl(): string {
    return this.options.managementUrl;
  }

  get log(): string {
    return this.output;
  }

  /** How it ended: its status or its signal; undefined while it runs. */
  get end(): string | undefined {
    const { exitCode, signalCode } = this.child;
    return signalCode ?? (exitCode === null ? undefined : String(exitCode));
  }

  /** @param tell is called once it has ended, by itself or not */
  onEnd(tell: () => void): void {
    this.child.once('exit', tell);
  }

  /** The status of its readiness, or undefined while it does not listen. */
  async readiness(url = this.options.managementUrl): Promise<number | undefined> {
    if (this.child.exitCode !== null) throw new Error(`${this.name} exited with ${this.child.exitCode}`);
    return (await fetch(`${url}/health/ready`).catch(() => undefined))?.status;
  }

  /** Resolves once the process says that it is ready. */
  async ready(): Promise<void> {
    try {
      await waitUntil(`${this.name} is ready`, async () => (await this.readiness(this.baseUrl)) === 200, {
        timeoutMs: READY_TIMEOUT_MS,
      });
    } catch (error) {
      this.child.kill('SIGKILL');
      throw new Error(`${this.name} did not start: ${String(error)}\n${this.output.slice(-4_000)}`, {
        cause: error,
      });
    }
  }

  /** It takes no more steps; its sockets stay open. */
  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  /** As `kill -9` does: nothing gets a chance to finish. */
  async kill(): Promise<void> {
    await this.signal('SIGKILL');
  }

  /** As an orderly stop does; the exit status. */
  async stop(): Promise<number | null> {
    await this.signal('SIGTERM');
    return this.child.exitCode;
  }

  private async signal(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.end !== undefined) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await ended;
  }
}
