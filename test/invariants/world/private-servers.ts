import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort, TcpProxy } from '@flux/testing';
import { Stack } from './stack';

/** Who reaches a broker through a proxy of its own. */
export type KafkaUser = 'relay' | 'orders' | 'admin';
const KAFKA_USERS = ['relay', 'orders', 'admin'] as const satisfies readonly KafkaUser[];

/**
 * A Kafka broker and a PostgreSQL that belong to one run of seeds alone, so that they may be killed: a stack of the
 * tools, started on this machine. The broker has one listener for each kind of process, advertised with its proxy's
 * port: clients stay on their proxy.
 */
export class PrivateServers {
  private constructor(
    private readonly stack: Stack,
    private readonly ports: Ports,
    /** Each kind of process has its own way to the broker. */
    readonly kafkaLinks: Readonly<Record<KafkaUser, TcpProxy>>,
  ) {}

  static async start(): Promise<PrivateServers> {
    const stack = Stack.ofThisProcess();
    const ports = await choosePorts();
    const links = await Promise.all(
      KAFKA_USERS.map(async (user) => [user, await proxyTo(ports[user])] as const),
    );
    const kafkaLinks = Object.fromEntries(links) as Record<KafkaUser, TcpProxy>;
    await mkdir(join(stack.folder, 'kafka'), { recursive: true });
    await writeFile(join(stack.folder, 'ports.json'), JSON.stringify({ host: 'machine', ...ports.ofStack }));
    await writeFile(join(stack.folder, 'kafka/more.properties'), listeners(ports, kafkaLinks));
    const servers = new PrivateServers(stack, ports, kafkaLinks);
    await stack.up();
    return servers;
  }

  /** The broker, past every proxy. */
  get kafkaBrokers(): string {
    return `127.0.0.1:${this.ports.ofStack.kafka}`;
  }

  /** PostgreSQL, past every proxy. */
  get databaseUrl(): string {
    return this.stack.databaseUrl;
  }

  get databasePort(): number {
    return this.ports.ofStack.postgres;
  }

  /** As `kill -9` does. */
  kill(server: 'kafka' | 'postgres'): void {
    this.stack.signal(server, 'SIGKILL');
  }

  /** The process takes no more steps; its sockets stay open. */
  freeze(server: 'kafka' | 'postgres'): void {
    this.stack.signal(server, 'SIGSTOP');
  }

  thaw(server: 'kafka' | 'postgres'): void {
    this.stack.signal(server, 'SIGCONT');
  }

  /** Starts whichever does not run; ready when it resolves. */
  async start(): Promise<void> {
    await this.stack.up();
  }

  /** Ends them and forgets their data. */
  async remove(): Promise<void> {
    await Promise.all(Object.values(this.kafkaLinks).map((link) => link.stop()));
    await this.stack.reset();
  }
}

interface Ports extends Readonly<Record<KafkaUser, number>> {
  readonly ofStack: {
    readonly redis: number;
    readonly kafka: number;
    readonly kafkaController: number;
    readonly postgres: number;
  };
}

async function choosePorts(): Promise<Ports> {
  return {
    ofStack: {
      redis: await freePort(),
      kafka: await freePort(),
      kafkaController: await freePort(),
      postgres: await freePort(),
    },
    relay: await freePort(),
    orders: await freePort(),
    admin: await freePort(),
  };
}

async function proxyTo(port: number): Promise<TcpProxy> {
  return TcpProxy.start({ host: '127.0.0.1', port });
}

function listeners(ports: Ports, links: Readonly<Record<KafkaUser, TcpProxy>>): string {
  const { kafka, kafkaController } = ports.ofStack;
  const of = (user: KafkaUser, port: number): string => `${user.toUpperCase()}://127.0.0.1:${port}`;
  const ways = KAFKA_USERS.map((user) => of(user, ports[user]));
  const told = KAFKA_USERS.map((user) => of(user, links[user].port));
  const protocols = ['PLAINTEXT', 'CONTROLLER', ...KAFKA_USERS.map((user) => user.toUpperCase())];
  return [
    `listeners=PLAINTEXT://127.0.0.1:${kafka},CONTROLLER://127.0.0.1:${kafkaController},${ways.join(',')}`,
    `advertised.listeners=PLAINTEXT://127.0.0.1:${kafka},${told.join(',')}`,
    `listener.security.protocol.map=${protocols.map((name) => `${name}:PLAINTEXT`).join(',')}`,
    'inter.broker.listener.name=PLAINTEXT',
    '',
  ].join('\n');
}
