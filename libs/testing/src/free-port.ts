import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

// Below 32768, where Linux begins to take the ports of outgoing connections: a server that is killed and started
// again must find its port free.
const LOWEST = 12_000;
const HIGHEST = 20_000;

const ATTEMPTS = 50;

/** What this process was given, whose server may only be about to listen. */
const given = new Set<number>();

/**
 * A TCP port on loopback that nobody listens on now, that the system gives to nobody by itself, and that this process
 * was not given before.
 */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = randomInt(LOWEST, HIGHEST);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port among ${ATTEMPTS} between ${LOWEST} and ${HIGHEST}`);
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}
