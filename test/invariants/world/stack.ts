import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EndWithTests } from '@flux/testing';

const run = promisify(execFile);

const ROOT = join(__dirname, '../../..');
const TOOL = join(ROOT, 'tools/stack/stack.mjs');
const NAME = 'inv-';
const SERVERS = ['redis', 'kafka', 'postgres'] as const;

type ServerName = (typeof SERVERS)[number];

/** On this machine's own servers, whatever the environment names. */
const COMMAND = [
  ...['env', '-u', 'REDIS_URL', '-u', 'KAFKA_BROKERS', '-u', 'DATABASE_URL', 'FLUX_STACK_HOST=machine'],
  ...[process.execPath, TOOL],
] as const;

/** Stacks that still run: they end, and their data is forgotten, with the test process at the latest. */
const running = new EndWithTests([...COMMAND, 'reset', '--name']);

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

  /** PostgreSQL, once it has been started. */
  get databaseUrl(): string {
    const ports = JSON.parse(readFileSync(join(this.folder, 'ports.json'), 'utf8')) as Record<string, number>;
    const password = readFileSync(join(this.folder, 'postgres-password'), 'utf8').trim();
    return `postgresql://flux:${password}@127.0.0.1:${ports['postgres'] ?? 0}/flux`;
  }

  async up(): Promise<void> {
    running.add(this.name);
    await this.command('up');
  }

  async reset(): Promise<void> {
    // A frozen process takes no signal but SIGKILL, and nothing of these data is needed any more.
    this.killAll();
    await this.command('reset');
    running.delete(this.name);
  }

  private killAll(): void {
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
    const [env, ...command] = COMMAND;
    const only = verb === 'up' ? this.only.flatMap((server) => ['--only', server]) : [];
    await run(env, [...command, verb, '--name', this.name, ...only], { cwd: ROOT });
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
