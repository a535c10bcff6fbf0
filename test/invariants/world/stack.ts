import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const ROOT = join(__dirname, '../../..');
const TOOL = join(ROOT, 'tools/stack/stack.mjs');
const NAME = 'inv-';
const SERVERS = ['redis', 'kafka', 'postgres'] as const;

type ServerName = (typeof SERVERS)[number];

/** Stacks that still run: they end with the test process at the latest. */
const running = new Set<Stack>();
process.once('exit', () => {
  for (const stack of running) stack.killAll();
});

/** A stack of tools/stack by its command, whatever the environment names. */
export class Stack {
  readonly folder: string;

  private constructor(
    private readonly name: string,
    private readonly only: readonly ServerName[],
  ) {
    this.folder = join(ROOT, '.stack', name);
  }

  /** @param only the servers that are needed */
  static ofThisProcess(only: readonly ServerName[] = SERVERS): Stack {
    return new Stack(`${NAME}${process.pid}`, only);
  }

  /** Takes away the stacks of test processes that were killed. */
  static async forgetLeftovers(): Promise<void> {
    const folder = join(ROOT, '.stack');
    const names = existsSync(folder) ? readdirSync(folder) : [];
    for (const name of names) {
      const pid = Number(/^inv-(\d+)$/.exec(name)?.[1] ?? 0);
      if (pid > 0 && !isAlive(pid)) await new Stack(name, SERVERS).reset();
    }
  }

  /** PostgreSQL, once it has been started. */
  get databaseUrl(): string {
    const ports = JSON.parse(readFileSync(join(this.folder, 'ports.json'), 'utf8')) as Record<string, number>;
    const password = readFileSync(join(this.folder, 'postgres-password'), 'utf8').trim();
    return `postgresql://flux:${password}@127.0.0.1:${ports['postgres'] ?? 0}/flux`;
  }

  async up(): Promise<void> {
    running.add(this);
    await this.command('up');
  }

  async reset(): Promise<void> {
    // A frozen process takes no signal but SIGKILL, and nothing of these data is needed any more.
    this.killAll();
    await this.command('reset');
    running.delete(this);
  }

  killAll(): void {
    for (const server of SERVERS) this.signal(server, 'SIGKILL');
  }

  signal(server: string, signal: NodeJS.Signals): void {
    const file = join(this.folder, `${server}.pid`);
    if (!existsSync(file)) return;
    const pid = Number(readFileSync(file, 'utf8'));
    // PostgreSQL has a process for each session. Without their parent they end by themselves.
    const children = signal === 'SIGKILL' ? [] : childrenOf(pid);
    for (const each of [pid, ...children]) {
      try {
        process.kill(each, signal);
      } catch {
        // It has ended already.
      }
    }
  }

  private async command(verb: 'up' | 'reset'): Promise<void> {
    const env = { ...process.env, FLUX_STACK_HOST: 'machine' };
    for (const variable of ['REDIS_URL', 'KAFKA_BROKERS', 'DATABASE_URL'])
      Reflect.deleteProperty(env, variable);
    const only = verb === 'up' ? this.only.flatMap((server) => ['--only', server]) : [];
    await run(process.execPath, [TOOL, verb, '--name', this.name, ...only], { env, cwd: ROOT });
  }
}

function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
      .trim()
      .split(' ')
      .filter(Boolean)
      .map(Number);
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
