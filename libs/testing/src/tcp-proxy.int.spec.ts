import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TcpProxy } from './tcp-proxy';
import { waitUntil } from './wait-until';

/** Answers each line in upper case, and remembers what it got. */
class Echo {
  received = '';
  readonly sockets = new Set<Socket>();

  constructor(readonly server: Server) {
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket)).on('error', () => undefined);
      socket.on('data', (chunk) => {
        this.received += chunk.toString();
        socket.write(chunk.toString().toUpperCase());
      });
    });
  }
}

describe('TcpProxy', () => {
  let echo: Echo;
  let proxy: TcpProxy;

  beforeEach(async () => {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    echo = new Echo(server);
    proxy = await TcpProxy.start({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  });

  afterEach(async () => {
    await proxy.stop();
    echo.server.close();
  });

  async function client() {
    const socket = connect(proxy.port, '127.0.0.1');
    const seen = { text: '', closed: false };
    socket.on('data', (chunk) => (seen.text += chunk.toString()));
    socket.on('close', () => (seen.closed = true)).on('error', () => undefined);
    await once(socket, 'connect');
    return { seen, send: (text: string) => socket.write(text), end: () => socket.destroy() };
  }

  it('hands on both ways', async () => {
    const { seen, send } = await client();
    send('one');
    await waitUntil('the answer is there', () => seen.text === 'ONE');
  });

  it('holds answers and gives them out later', async () => {
    const { seen, send } = await client();
    proxy.set('hold-answers');
    send('one');
    await waitUntil('the request is there', () => echo.received === 'one');
    expect(seen.text).toBe('');
    proxy.set('pass');
    await waitUntil('the answer is there', () => seen.text === 'ONE');
  });

  it('drops answers only, and cuts what lost some', async () => {
    const [talker, silent] = [await client(), await client()];
    silent.send('s');
    await waitUntil('both pass', () => silent.seen.text === 'S');
    proxy.set('drop-answers');
    talker.send('one');
    await waitUntil('the request is there', () => echo.received === 'sone');
    proxy.set('pass');
    await waitUntil('the connection that lost an answer is cut', () => talker.seen.closed);
    expect(talker.seen.text).toBe('');
    silent.send('t');
    await waitUntil('the other one goes on', () => silent.seen.text === 'ST');
  });

  it('drops requests only', async () => {
    const { seen, send } = await client();
    proxy.set('drop-requests');
    send('one');
    const late = await client();
    await waitUntil('both are connected', () => echo.sockets.size === 2);
    proxy.set('pass');
    late.send('two');
    await waitUntil('the later one passes', () => late.seen.text === 'TWO');
    await waitUntil('the first is cut', () => seen.closed);
    expect(echo.received).toBe('two');
  });

  it('leaves a client on half a connection, which is cut when it passes again', async () => {
    const { seen, send } = await client();
    await waitUntil('it is connected', () => echo.sockets.size === 1);
    proxy.set('half-open');
    await waitUntil('the server has lost it', () => echo.sockets.size === 0);
    send('one');
    const fresh = await client();
    fresh.send('two');
    await waitUntil('a new connection passes', () => fresh.seen.text === 'TWO');
    expect(seen).toEqual({ text: '', closed: false });
    proxy.set('pass');
    await waitUntil('the old one is cut', () => seen.closed);
    expect(echo.received).toBe('two');
  });

  it('is slow in latency and bandwidth, and keeps the order', async () => {
    proxy.slowDown({ latencyMs: 20, jitterMs: 20, bytesPerSecond: 1_000 });
    const { seen, send } = await client();
    const startedAt = performance.now();
    send('x'.repeat(100));
    await waitUntil('the first is at the server', () => echo.received.length === 100);
    send('y');
    proxy.slowDown();
    send('z');
    await waitUntil('all came back', () => seen.text.length === 102);
    expect(seen.text).toBe(`${'X'.repeat(100)}YZ`);
    // 100 bytes each way at 1,000 a second; timers may fire a millisecond early.
    expect(performance.now() - startedAt).toBeGreaterThan(235);
  });

  it('leads elsewhere, and cuts what led to the old place', async () => {
    const { seen } = await client();
    const elsewhere = createServer((socket) => socket.end('elsewhere'));
    await once(elsewhere.listen(0, '127.0.0.1'), 'listening');
    proxy.lead({ host: '127.0.0.1', port: (elsewhere.address() as AddressInfo).port });
    await waitUntil('the old one is cut', () => seen.closed);
    const { seen: later } = await client();
    await waitUntil('the new one is there', () => later.text === 'elsewhere');
    elsewhere.close();
  });

  it('cuts, refuses, and passes again', async () => {
    const { seen } = await client();
    proxy.set('cut');
    await waitUntil('it is cut', () => seen.closed);
    const refused = await client();
    await waitUntil('a new one is refused', () => refused.seen.closed);
    proxy.set('pass');
    const { seen: later, send, end } = await client();
    send('a');
    await waitUntil('it passes', () => later.text === 'A');
    expect(proxy.connections).toBe(1);
    end();
    await waitUntil('it is forgotten', () => proxy.connections === 0);
  });
});
