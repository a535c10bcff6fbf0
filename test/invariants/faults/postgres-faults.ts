import { connect, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import type { World } from '../world/world';
import type { Fault } from './fault';

export const postgresFaults: readonly Fault[] = [
  {
    id: 'F27',
    name: 'postgres killed',
    // The tool that starts it again looks at Kafka, too.
    breaks: ['postgres', 'kafka'],
    lastsMs: [200, 1_000],
    strike: async ({ world: { servers }, lastsMs }) => {
      servers.kill('postgres');
      await pause(lastsMs);
      await servers.start();
      return `kill -9 of the postmaster, down for more than ${lastsMs} ms`;
    },
  },
  {
    id: 'F27',
    name: 'postgres frozen',
    breaks: ['postgres'],
    lastsMs: [1_000, 3_500],
    strike: async ({ world: { servers }, lastsMs }) => {
      servers.freeze('postgres');
      await pause(lastsMs);
      servers.thaw('postgres');
      return `SIGSTOP of all its processes for ${lastsMs} ms`;
    },
  },
  {
    id: 'F27',
    name: 'no connection left',
    breaks: ['postgres'],
    lastsMs: [1_000, 2_500],
    strike: async ({ world, lastsMs }) => {
      const sockets = await takeEveryConnection(world.servers.databasePort, () => endSessions(world));
      await pause(lastsMs);
      const refused = sockets.some(({ answer }) => answer === 'E');
      for (const { socket } of sockets) socket.destroy();
      return refused ? `all connections taken for ${lastsMs} ms` : undefined;
    },
  },
  {
    id: 'F27',
    name: 'rows locked in the other order',
    breaks: ['postgres'],
    lastsMs: [300, 900],
    strike: async ({ world, lastsMs }) =>
      withClient(world, async (client) => {
        await client.query('BEGIN');
        // Every writer of ours locks the ledger's row first. This one comes from the other side.
        const { rowCount } = await client.query(
          "SELECT 1 FROM orders WHERE state = 'confirmed' ORDER BY decided_at DESC LIMIT 200 FOR UPDATE",
        );
        await pause(lastsMs);
        const met = await client.query('SELECT 1 FROM ledger FOR UPDATE').then(
          () => 'nobody was in its way',
          (error: unknown) => (error as Error).message,
        );
        await client.query('ROLLBACK');
        return (rowCount ?? 0) > 0 ? `${rowCount ?? 0} orders locked, then the ledger: ${met}` : undefined;
      }),
  },
  {
    id: 'F27',
    name: 'sessions ended',
    breaks: ['postgres'],
    lastsMs: [0, 0],
    strike: async ({ world }) => {
      const ended = await endSessions(world);
      return ended > 0 ? `${ended} sessions` : undefined;
    },
  },
];

async function withClient<Answer>(world: World, use: (client: Client) => Promise<Answer>): Promise<Answer> {
  const client = new Client({ connectionString: world.database.config.DATABASE_URL });
  client.on('error', () => {
    // The query that was sent rejects.
  });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** @returns how many sessions of our processes were ended */
async function endSessions(world: World): Promise<number> {
  return withClient(world, async (client) => {
    const { rowCount } = await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name <> 'flux-test'`,
    );
    return rowCount ?? 0;
  });
}

interface Taken {
  readonly socket: Socket;
  /** The first byte of what the server said: `R` where it asks for a password, `E` where it has no room. */
  answer: string;
}

/** More than PostgreSQL takes, in this stack. */
const CONNECTIONS = 230;

/** Begins sessions that never say their password: each holds a place until PostgreSQL loses its patience. */
async function takeEveryConnection(port: number, makeRoom: () => Promise<unknown>): Promise<Taken[]> {
  const body = Buffer.from('user\0flux\0database\0postgres\0\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(body.length + 8, 0);
  head.writeInt32BE(3 << 16, 4);
  await makeRoom();
  return Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const socket = connect(port, '127.0.0.1');
      const taken: Taken = { socket, answer: '' };
      await new Promise<void>((resolve) => {
        socket.on('error', () => {
          resolve();
        });
        socket.once('data', (data) => {
          taken.answer = data.toString('latin1', 0, 1);
          resolve();
        });
        socket.write(Buffer.concat([head, body]));
      });
      return taken;
    }),
  );
}
