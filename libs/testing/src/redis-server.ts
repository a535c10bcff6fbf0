import { Redis } from 'ioredis';
import { spawn, type ChildProcess } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endWithTests } from './end-with-tests';
import { freePort } from './free-port';
import { productUsers } from './redis-users';
import { waitUntil } from './wait-until';

export interface RedisServerOptions {
  /** Lines of redis.conf that replace or extend the safe ones. */
  readonly config?: Readonly<Record<string, string>>;
  /** Where its data lies, an empty folder; else one of its own in the system's folder for such. */
  readonly folder?: string;
  /** Whether it has the product's users, by default. Not where `config` takes away a command or has users of its own. */
  readonly users?: boolean;
}

const SAFE_CONFIG = {
  bind: '127.0.0.1',
  save: '""',
  appendonly: 'yes',
  appendfsync: 'always',
  // The file is what a test copies and cuts: it must not be rewritten meanwhile.
  'auto-aof-rewrite-percentage': '0',
  'maxmemory-policy': 'noeviction',
  'enable-debug-command': 'local',
} as const;

/** A redis-server process of the test's own, with its data in a folder of its own. */
export class RedisServer {
  private child: ChildProcess | undefined;
  private own: Redis | undefined;

  private constructor(
    readonly port: number,
    readonly folder: string,
    private readonly ownsFolder: boolean,
  ) {}

  static async start({
    config = {},
    folder: given,
    users = true,
  }: RedisServerOptions = {}): Promise<RedisServer> {
    const folder = given ?? (await mkdtemp(join(tmpdir(), 'flux-redis-')));
    const server = new RedisServer(await freePort(), folder, given === undefined);
    if (users) await writeFile(server.usersFile, productUsers());
    const own = { port: server.port, dir: folder, ...(users ? { aclfile: server.usersFile } : {}) };
    const lines = Object.entries({ ...SAFE_CONFIG, ...config, ...own });
    await writeFile(server.configFile, lines.map(([name, value]) => `${name} ${value}\n`).join(''));
    await server.launch();
    return server;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** A connection of the test's own, to look at and to spoil the data; made anew once it has ended. */
  get client(): Redis {
    if (this.own === undefined || this.own.status === 'end') this.own = quietClient(this.url);
    return this.own;
  }

  /** SIGTERM, and waits for the end. The data stays. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  /** SIGKILL, and waits for the end. The data stays. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Whether the process has ended, by itself or not. */
  get hasEnded(): boolean {
    return this.child === undefined || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The process takes no more steps; its sockets stay open. */
  freeze(): void {
    this.child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.child?.kill('SIGCONT');
  }

  /** Starts it again, after stop or kill, on the same port and with the data in its folder. */
  async restart(): Promise<void> {
    await this.end('SIGTERM');
    await this.launch();
  }

  /** Copies the data as it is on disk now: with `appendfsync always`, all that was acknowledged. */
  async copyData(): Promise<RedisData> {
    const folder = await mkdtemp(join(tmpdir(), 'flux-redis-copy-'));
    await cp(this.folder, folder, { recursive: true });
    return { folder };
  }

  /** Puts a copy in the place of the data and starts again: Redis went back in time. */
  async restoreData(data: RedisData): Promise<void> {
    await this.end('SIGTERM');
    await rm(join(this.folder, 'appendonlydir'), { recursive: true, force: true });
    await cp(join(data.folder, 'appendonlydir'), join(this.folder, 'appendonlydir'), { recursive: true });
    await this.launch();
  }

  /** The file of commands since the last rewrite: what a power cut shortens. Stop the server first. */
  get appendOnlyFile(): string {
    return join(this.folder, 'appendonlydir', 'appendonly.aof.1.incr.aof');
  }

  /** Ends the process, if it still runs, and deletes its folder unless that was given. */
  async remove(): Promise<void> {
    await this.end('SIGKILL');
    if (this.ownsFolder) await rm(this.folder, { recursive: true, force: true });
  }

  private get usersFile(): string {
    return join(this.folder, 'users.acl');
  }

  private get configFile(): string {
    return join(this.folder, 'redis.conf');
  }

  private get logFile(): string {
    return join(this.folder, 'redis.log');
  }

  private async launch(): Promise<void> {
    const child = spawn('redis-server', [this.configFile, '--logfile', this.logFile], { stdio: 'ignore' });
    let failure: string | undefined;
    child.once('error', ({ message }) => {
      failure = message;
    });
    child.once('exit', (code) => {
      failure ??= `it ended with ${String(code)}`;
    });
    this.child = child;
    endWithTests(child);
    const answered = await waitUntil(`redis-server answers on ${this.port}`, async () =>
      failure === undefined ? this.answers() : 'failed',
    );
    if (answered === 'failed') {
      const log = await readFile(this.logFile, 'utf8').catch(() => '');
      throw new Error(`redis-server did not start: ${failure ?? ''}\n${log.slice(-2_000)}`);
    }
  }

  private async answers(): Promise<true | undefined> {
    const probe = quietClient(this.url);
    try {
      await probe.connect();
      await probe.ping();
      return true;
    } catch {
      return undefined;
    } finally {
      probe.disconnect();
    }
  }

  private async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.own?.disconnect();
    this.own = undefined;
    const { child } = this;
    if (child === undefined) return;
    this.child = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    // A frozen process takes no signal but SIGKILL.
    if (signal === 'SIGTERM') child.kill('SIGCONT');
    await ended;
  }
}

/** A copy of a server's data; deleted with `removeData`. */
export interface RedisData {
  readonly folder: string;
}

export async function removeData({ folder }: RedisData): Promise<void> {
  await rm(folder, { recursive: true, force: true });
}

/** A private redis-server with `appendonly yes`, `appendfsync always`, `noeviction`. End it with `remove()`. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  return RedisServer.start(options);
}

function quietClient(url: string): Redis {
  const client = new Redis(url, {
    lazyConnect: true,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    // A timer of the client library outlives the connection by this long, and the test run with it.
    disconnectTimeout: 100,
  });
  client.on('error', () => {
    // The command that was sent rejects.
  });
  return client;
}
