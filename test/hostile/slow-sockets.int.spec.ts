import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { endWithTests, freePort, waitUntil } from '@flux/testing';
import { useShop } from './use-shop';

/** `npm run test:full` opens 5,000. */
const SOCKETS = Number(process.env['FLUX_SLOW_SOCKETS'] ?? 1_500);
/** Below the backlog of a listener. */
const OPENED_AT_ONCE = 100;
const GOOD_SHOPPERS = 20;
/** Theirs, and those that they gave up and that wait for their end. */
const GOOD_CONNECTIONS = 2 * GOOD_SHOPPERS;
const TRICKLE_MS = 1_000;
/** The longest limit is 30 s of silence; Node looks each few seconds on a busy machine. */
const PATIENCE_MS = 90_000;

jest.setTimeout(2 * PATIENCE_MS);

const KINDS = {
  headers: 'GET /v1/sales HTTP/1.1\r\nHost: shop\r\nX-Slow: ',
  body: 'POST /v1/orders HTTP/1.1\r\nHost: shop\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{',
  // More than the kernels of both sides take off the gateway's hands.
  unread: 'GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: shop\r\n\r\n'.repeat(4),
} as const;

interface SlowSocket {
  readonly kind: keyof typeof KINDS;
  readonly socket: Socket;
  text: string;
  isClosed: boolean;
}

describe(`${SOCKETS} sockets that are slow on purpose (S22)`, () => {
  const { shop } = useShop();
  const slow: SlowSocket[] = [];
  let gateway: ChildProcess;
  let port: number;
  let managementPort: number;
  let trickle: NodeJS.Timeout;

  beforeAll(async () => {
    [port, managementPort] = [await freePort(), await freePort()];
    gateway = spawn(process.execPath, ['--require', './tools/ts-hook.cjs', 'apps/gateway/src/main.ts'], {
      cwd: join(__dirname, '../..'),
      stdio: 'ignore',
      env: {
        PATH: process.env['PATH'],
        FLUX_AUTH: 'demo',
        REDIS_URL: shop().redisUrl,
        FLUX_GATEWAY_PORT: String(port),
        FLUX_GATEWAY_MANAGEMENT_PORT: String(managementPort),
        // The caps would turn them away: here the time limits have to do it alone.
        FLUX_ADDRESS_CONNECTIONS: '1000000',
        FLUX_ADDRESS_LIMIT: 'off',
      },
    });
    endWithTests(gateway);
    await waitUntil('the gateway is ready', async () => (await statusOf('/health/ready')) === 200, {
      timeoutMs: PATIENCE_MS,
    });
  });

  afterAll(async () => {
    clearInterval(trickle);
    for (const { socket } of slow) socket.destroy();
    gateway.kill('SIGKILL');
    await once(gateway, 'exit');
  });

  it('are closed, those that can still be told with a 408, and no good shopper notices', async () => {
    const item = await shop().open({ stock: 1_000_000 });
    const good = { isOver: false, statuses: new Map<number, number>() };
    const shoppers = Array.from({ length: GOOD_SHOPPERS }, () => buyUntilOver(item.productId, good));

    const kinds = Object.keys(KINDS) as (keyof typeof KINDS)[];
    for (let opened = 0; opened < SOCKETS; opened += OPENED_AT_ONCE) {
      await Promise.all(
        Array.from({ length: Math.min(OPENED_AT_ONCE, SOCKETS - opened) }, (_, index) =>
          open(kinds[(opened + index) % kinds.length] ?? 'headers'),
        ),
      );
    }
    trickle = setInterval(() => {
      for (const { kind, socket, isClosed } of slow) if (kind !== 'unread' && !isClosed) socket.write('x');
    }, TRICKLE_MS);

    await waitUntil('they are closed', async () => (await openConnections()) <= GOOD_CONNECTIONS, {
      timeoutMs: PATIENCE_MS,
    });
    good.isOver = true;
    await Promise.all(shoppers);

    const told = slow.filter(({ kind }) => kind !== 'unread');
    await waitUntil('they know it', () => told.every(({ isClosed }) => isClosed));
    expect(new Set(told.map(({ text }) => text.slice(0, 12)))).toEqual(new Set(['HTTP/1.1 408']));
    expect([...good.statuses.keys()]).toEqual([202]);
    expect(good.statuses.get(202)).toBeGreaterThan(GOOD_SHOPPERS * 10);
  });

  async function open(kind: keyof typeof KINDS): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    const entry: SlowSocket = { kind, socket, text: '', isClosed: false };
    slow.push(entry);
    socket.on('error', () => undefined);
    socket.once('close', () => {
      entry.isClosed = true;
    });
    await once(socket, 'connect');
    if (kind !== 'unread') socket.setEncoding('latin1').on('data', (text: string) => (entry.text += text));
    socket.write(KINDS[kind]);
  }

  async function buyUntilOver(
    productId: string,
    good: { readonly isOver: boolean; readonly statuses: Map<number, number> },
  ): Promise<void> {
    while (!good.isOver) {
      const status = await statusOf('/v1/orders', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-shopper-id': randomUUID(),
          'idempotency-key': randomUUID(),
        },
        body: JSON.stringify({ productId }),
      });
      good.statuses.set(status, (good.statuses.get(status) ?? 0) + 1);
    }
  }

  /** 0 where there was no answer. */
  async function statusOf(path: string, options: RequestInit = {}): Promise<number> {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, options).catch(() => undefined);
    await answer?.arrayBuffer();
    return answer?.status ?? 0;
  }

  async function openConnections(): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${managementPort}/metrics`)).text();
    return Number(/^flux_http_connections\{.*\} (\d+)$/m.exec(text)?.[1]);
  }
});
