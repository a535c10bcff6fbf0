import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Kafka, logLevel } from 'kafkajs';
import { EndWithTests } from './end-with-tests';

const run = promisify(execFile);

const ROOT = join(__dirname, '../../..');
const TOOL = join(ROOT, 'tools/stack/stack.mjs');
const NAME = 'kafka-';
/** Whatever broker the tests' own environment names. */
const ENVIRONMENT = ['FLUX_STACK_HOST=machine', 'KAFKA_BROKERS='];
/** The name follows. */
const WHICH = ['--only', 'kafka', '--topology', 'cluster', '--name'];
/** The three, as they know themselves. */
export const BROKERS = [1, 2, 3] as const;

export type BrokerId = (typeof BROKERS)[number];

/**
 * Three Kafka brokers of the test's own, as production has them: three copies of every topic, of which two must have a
 * message, no unclean election. They may be killed. Started by the command that developers use.
 */
export class KafkaCluster {
  private constructor(private readonly name: string) {}

  /** Ready for use when it resolves. */
  static async start(): Promise<KafkaCluster> {
    await KafkaCluster.forgetLeftovers();
    const cluster = new KafkaCluster(`${NAME}${process.pid}`);
    running.add(cluster.name);
    await cluster.startAll();
    return cluster;
  }

  /** All brokers, as KAFKA_BROKERS takes them. */
  get brokers(): string {
    const ports = JSON.parse(readFileSync(join(this.folder, 'ports.json'), 'utf8')) as Record<string, number>;
    return BROKERS.map((id) => `127.0.0.1:${ports[`kafka-${id}`] ?? 0}`).join(',');
  }

  /** Starts those that do not run, with their data; ready when it resolves. */
  async startAll(): Promise<void> {
    await this.command('up');
  }

  /** As `kill -9` does, and waits for the end. */
  async kill(...ids: readonly BrokerId[]): Promise<void> {
    const killed = ids.map((id) => this.signal(id, 'SIGKILL'));
    while (killed.some((pid) => pid !== undefined && isAlive(pid)))
      await new Promise((resolve) => setTimeout(resolve, 10));
  }

  async killAll(): Promise<void> {
    await this.kill(...BROKERS);
  }

  /** @throws while there is none, or nobody who could tell */
  async leaderOf(topic: string, partition: number): Promise<BrokerId> {
    const kafka = new Kafka({ brokers: this.brokers.split(','), logLevel: logLevel.NOTHING });
    const admin = kafka.admin({ retry: { retries: 0 } });
    try {
      await admin.connect();
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
      const found = topics[0]?.partitions.find(({ partitionId }) => partitionId === partition)?.leader;
      const leader = BROKERS.find((id) => id === found);
      if (leader === undefined) throw new Error(`${topic}/${partition} has no leader`);
      return leader;
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }

  /** The bytes of a partition's messages on a broker's disk. Kill the brokers first where they must not change. */
  async logBytes(id: BrokerId, topic: string, partition: number): Promise<number> {
    return (await stat(this.logFile(id, topic, partition))).size;
  }

  /**
   * Cuts the end off a partition's messages on every broker, as a power cut does to what the system had not yet written
   * to its disks. Kill the brokers first.
   */
  async cutLogs(topic: string, partition: number, bytes: number): Promise<void> {
    for (const id of BROKERS) {
      const file = this.logFile(id, topic, partition);
      const { size } = await stat(file);
      await truncate(file, Math.max(0, size - bytes));
    }
  }

  /** Ends the brokers and forgets their data. */
  async remove(): Promise<void> {
    await this.killAll();
    await this.command('reset');
    running.delete(this.name);
  }

  /** @returns whom it was sent to */
  signal(id: BrokerId, signal: NodeJS.Signals): number | undefined {
    const file = join(this.folder, `kafka-${id}.pid`);
    if (!existsSync(file)) return undefined;
    const pid = Number(readFileSync(file, 'utf8'));
    try {
      process.kill(pid, signal);
      return pid;
    } catch {
      return undefined;
    }
  }

  /** Clusters of test processes that were killed. */
  private static async forgetLeftovers(): Promise<void> {
    const folder = join(ROOT, '.stack');
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      const pid = Number(/^kafka-(\d+)$/.exec(name)?.[1] ?? process.pid);
      if (!isAlive(pid)) await new KafkaCluster(name).remove();
    }
  }

  private get folder(): string {
    return join(ROOT, '.stack', this.name);
  }

  /** The messages of a partition fit into one segment. */
  private logFile(id: BrokerId, topic: string, partition: number): string {
    return join(this.folder, `kafka-${id}`, 'data', `${topic}-${partition}`, `${'0'.repeat(20)}.log`);
  }

  private async command(verb: 'up' | 'reset'): Promise<void> {
    await run('env', [...ENVIRONMENT, process.execPath, TOOL, verb, ...WHICH, this.name], { cwd: ROOT });
  }
}

/** Clusters that still run: they end, and their data is forgotten, with the test process at the latest. */
const running = new EndWithTests(['env', ...ENVIRONMENT, process.execPath, TOOL, 'reset', ...WHICH]);

/** Not a zombie either, which the system keeps until somebody asks for it. */
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
