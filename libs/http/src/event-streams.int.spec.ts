import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { waitUntil } from '@flux/testing';
import { fastify, type FastifyInstance } from 'fastify';
import type { EventStream, StreamEnd } from './event-stream';
import { EventStreams } from './event-streams';

interface Opened {
  readonly stream: EventStream;
  readonly ends: StreamEnd[];
  heartbeats: number;
  /** What the kernel has not taken. */
  readonly backlogBytes: () => number;
}

describe('event streams', () => {
  let server: FastifyInstance;
  let streams: EventStreams;
  let port: number;
  const opened: Opened[] = [];
  const sockets: Socket[] = [];

  beforeEach(async () => {
    // A heartbeat is 15 s long in production.
    streams = new EventStreams({ max: 3, heartbeatMs: 60 });
    opened.length = 0;
    server = fastify({ keepAliveTimeout: 65_000 });
    server.get('/refused', (_request, reply) => {
      streams.take(reply)?.refuse();
      return reply.send('refused');
    });
    server.get('/', (_request, reply) => {
      const ends: StreamEnd[] = [];
      const stream = streams.take(reply, {
        onEnd: (reason) => ends.push(reason),
        onHeartbeat: () => (entry.heartbeats += 1),
      });
      if (stream === undefined) return reply.status(503).send('full');
      const entry = { stream, ends, heartbeats: 0, backlogBytes: () => reply.raw.writableLength };
      opened.push(entry);
      void reply.header('x-own', '1');
      stream.begin();
      return reply;
    });
    await server.listen({ port: 0, host: '127.0.0.1' });
    port = Number(new URL(server.listeningOrigin).port);
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    streams.shutDown();
    await server.close();
  });

  interface Client {
    readonly socket: Socket;
    text(): string;
  }

  async function client(path = '/', method = 'GET'): Promise<Client> {
    const socket = connect(port, '127.0.0.1').setEncoding('utf8');
    sockets.push(socket);
    let text = '';
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    socket.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await waitUntil('the head has come', () => text.includes('\r\n\r\n'));
    return { socket, text: () => text };
  }

  const event = (index: number, data = 'x') => ({ type: 'status', id: `e-${index}`, data });

  it('have a head with the headers of the reply, then events as EventSource reads them', async () => {
    const { text } = await client();
    opened[0]?.stream.send(event(1, '{"a":1}'));
    await waitUntil('the event has come', () => text().includes('e-1'));
    expect(text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    for (const header of [
      'content-type: text/event-stream; charset=utf-8',
      'cache-control: no-store',
      'x-accel-buffering: no',
      'x-own: 1',
    ]) {
      expect(text()).toContain(`${header}\r\n`);
    }
    expect(text()).toMatch(/retry: [12]\d\d\d\n\n/);
    expect(text()).toContain('event: status\nid: e-1\ndata: {"a":1}\n\n');
  });

  it('get a comment line per heartbeat', async () => {
    const { text } = await client();
    await waitUntil('three comments have come', () => text().split('\n:\n\n').length > 3);
    expect(opened[0]?.heartbeats).toBeGreaterThanOrEqual(3);
  });

  it('end when their owner says so, after all that was sent, and the connection serves on', async () => {
    const { text, socket } = await client();
    opened[0]?.stream.send(event(1));
    opened[0]?.stream.end();
    await waitUntil('it has ended', () => text().endsWith('\r\n0\r\n\r\n'));
    expect(text()).toContain('id: e-1');
    expect(opened[0]?.ends).toEqual(['done']);
    socket.write('GET /refused HTTP/1.1\r\nHost: a\r\n\r\n');
    await waitUntil('the next answer has come', () => text().endsWith('refused'));
  });

  it('are bounded, and a place is free again when a reader leaves, is refused or asks for the head only', async () => {
    const clients = [await client(), await client(), await client()];
    expect((await client()).text()).toContain('HTTP/1.1 503 ');
    expect(streams.size).toBe(3);
    clients[0]?.socket.destroy();
    await waitUntil('there is a place', () => streams.size === 2);
    expect(opened[0]?.ends).toEqual(['left']);
    for (let round = 0; round < 5; round += 1) {
      await client('/refused');
      await client('/', 'HEAD');
    }
    expect(streams.size).toBe(2);
    expect((await client()).text()).toContain('HTTP/1.1 200 ');
  });

  it('drop a reader that does not read, while others go on', async () => {
    const slow = await client();
    const other = await client();
    slow.socket.pause();
    const data = 'x'.repeat(8_000);
    let sent = 0;
    // The kernel takes some megabytes before it makes the process wait.
    await waitUntil(
      'the slow reader is dropped',
      () => {
        sent += 1;
        for (const { stream } of opened) stream.send(event(sent, data));
        return opened[0]?.ends.includes('slow');
      },
      { everyMs: 1 },
    );
    expect(opened[0]?.ends).toEqual(['slow']);
    opened[0]?.stream.send(event(0));
    opened[1]?.stream.send(event(sent + 1));
    await waitUntil('the other reader has everything', () => other.text().includes(`id: e-${sent + 1}\n`));
    for (let index = 1; index <= sent; index += 1) expect(other.text()).toContain(`id: e-${index}\n`);
    expect(opened[1]?.ends).toEqual([]);
    expect(streams.size).toBe(1);
  });

  it('end at shutdown with their connections, at once, and none begins after', async () => {
    const [reading, behind] = [await client(), await client()];
    behind.socket.pause();
    const [, ofBehind] = opened;
    // Until the kernel takes no more of it: then the end of the answer waits for its reader.
    await waitUntil(
      'a reader is behind',
      () => {
        // Of what was sent in an earlier turn.
        if (ofBehind?.backlogBytes() !== 0) return true;
        ofBehind.stream.send(event(1, 'x'.repeat(8_000)));
        return false;
      },
      { everyMs: 1 },
    );
    const closed = once(reading.socket, 'close');
    streams.shutDown();
    const startedAtMs = performance.now();
    await server.close();
    await closed;
    // A reader that is behind, or an idle connection, would have held it up for a minute.
    expect(performance.now() - startedAtMs).toBeLessThan(10_000);
    expect(reading.text()).toMatch(/\r\n0\r\n\r\n$/);
    expect(opened.map(({ ends }) => ends)).toEqual([['shutdown'], ['shutdown']]);
    expect(streams.size).toBe(0);
  });

  it('do not begin once they are over', async () => {
    let waiting: EventStream | undefined;
    const late = fastify();
    late.get('/', (_request, reply) => {
      waiting = streams.take(reply);
      return reply.send('answered otherwise');
    });
    const answer = late.inject('/');
    await answer;
    streams.shutDown();
    expect(waiting?.begin()).toBe(false);
    expect((await answer).body).toBe('answered otherwise');
    await late.close();
  });
});
