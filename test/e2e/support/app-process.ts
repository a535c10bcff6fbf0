import { spawn, type ChildProcess } from 'node:child_process';
import { waitUntil } from '@flux/testing';

interface AppOptions {
  readonly name: string;
  readonly env: Record<string, string>;
  /** Where it is ready once its own listener answers so. */
  readonly baseUrl: string;
  readonly managementUrl: string;
}

/** Processes that still run: they end with the test process at the latest. */
const running = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Seven processes start at once on two cores. */
const READY_TIMEOUT_MS = 90_000;

/** One built process (`dist/apps/<app>`), started as a supervisor would start it. */
export class AppProcess {
  private output = '';

  private constructor(
    private readonly child: ChildProcess,
    private readonly options: AppOptions,
  ) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output = (this.output + chunk.toString()).slice(-200_000);
      });
    }
  }

  static launch(options: AppOptions): AppProcess {
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [`dist/apps/${options.name}/src/main.js`], {
      env: { PATH, HOME, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    child.once('exit', () => running.delete(child));
    return new AppProcess(child, options);
  }

  get name(): string {
    return this.options.name;
  }

  get baseUrl(): string {
    return this.options.baseUrl;
  }

  get log(): string {
    return this.output;
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

  /** As `kill -9` does: nothing gets a chance to finish. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** As an orderly stop does; the exit status. */
  async stop(): Promise<number | null> {
    await this.end('SIGTERM');
    return this.child.exitCode;
  }

  private async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill(signal);
    await ended;
  }
}
