import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { createLog, Metrics } from '@flux/telemetry';
import { waitUntil } from '@flux/testing';
import { trustedProxiesOf, type TrustedProxies } from './client-ip';
import { capConnections, type ConnectionCaps } from './connection-caps';

describe('connection caps', () => {
  const sockets = new Set<Socket>();
  const lines: string[] = [];
  let server: Server;
  let metrics: Metrics;

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });

  async function listen(caps: ConnectionCaps, trustedProxies: TrustedProxies = []): Promise<void> {
    metrics = new Metrics('probe');
    lines.length = 0;
    const log = createLog({ FLUX_LOG_LEVEL: 'warn' }, 'probe', { write: (line) => void lines.push(line) });
    server = createServer((_request, response) => response.end('ok'));
    capConnections(server, { caps, trustedProxies, metrics, log });
    server.listen(0, '::');
    await once(server, 'listening');
  }

  /** A connection that has been answered, or undefined where it was closed at once. */
  async function visit(host: string, localAddress = host): Promise<Socket | undefined> {
    const socket = connect({ port: (server.address() as AddressInfo).port, host, localAddress });
    sockets.add(socket);
    const answered = new Promise<boolean>((resolve) => {
      socket
        .on('error', () => undefined)
        .on('data', () => {
          resolve(true);
        })
        .on('close', () => {
          resolve(false);
        });
    });
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    return (await answered) ? socket : undefined;
  }

  async function visits(count: number, host: string, localAddress?: string): Promise<number> {
    const all = await Promise.all(Array.from({ length: count }, () => visit(host, localAddress)));
    return all.filter((socket) => socket !== undefined).length;
  }

  const metric = async (pattern: RegExp): Promise<number> =>
    Number(pattern.exec((await metrics.render()).text)?.[1]);
  const refused = (reason: string) =>
    metric(new RegExp(`^flux_http_connections_refused_total\\{reason="${reason}".*\\} (\\d+)$`, 'm'));
  const open = () => metric(/^flux_http_connections\{.*\} (\d+)$/m);

  it('one address has so many at once, whatever others have, and room again when one ends', async () => {
    await listen({ perProcess: 100, perAddress: 3 });
    expect(await visits(5, '127.0.0.1')).toBe(3);
    expect(await refused('address')).toBe(2);
    expect(await visits(3, '127.0.0.1', '127.0.0.2')).toBe(3);
    expect(await open()).toBe(6);
    for (const socket of sockets) socket.destroy();
    await waitUntil('all have ended', async () => (await open()) === 0);
    expect(await visits(3, '127.0.0.1')).toBe(3);
  });

  it('counts IPv4 the same where it comes mapped, and IPv6 by its /64', async () => {
    await listen({ perProcess: 100, perAddress: 2 });
    expect(await visits(1, '::ffff:127.0.0.1')).toBe(1);
    expect(await visits(2, '127.0.0.1')).toBe(1);
    // ::1 is the only IPv6 address of every machine.
    expect(await visits(3, '::1')).toBe(2);
  });

  it('the process has so many, from wherever they come', async () => {
    await listen({ perProcess: 4, perAddress: 3 });
    expect(await visits(3, '127.0.0.1')).toBe(3);
    expect(await visits(3, '127.0.0.1', '127.0.0.2')).toBe(1);
    expect(await refused('process')).toBe(2);
  });

  it('a listed proxy has as many as the process, and they are counted', async () => {
    await listen({ perProcess: 6, perAddress: 2 }, trustedProxiesOf(['127.0.0.0/30']));
    expect(await visits(8, '127.0.0.1')).toBe(6);
    expect(await open()).toBe(6);
  });

  it('says where the limit of open files allows fewer', async () => {
    await listen({ perProcess: 1_000_000_000, perAddress: 1 });
    expect(lines.join('')).toContain('the limit of open files allows fewer connections');
    expect(server.maxConnections).toBeLessThan(1_000_000_000);
    expect(server.maxConnections).toBeGreaterThan(0);
  });
});
