import { once } from 'node:events';
import { Socket, connect } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ItemRef, ShopOrder } from '@flux/contracts';
import { waitUntil } from '@flux/testing';
import { AdminWorld, SERVICE } from './admin.world';
import { insertManyOrders, insertOrder } from './order-fixtures';

jest.setTimeout(240_000);

const MANY = 200_000;
const BYTES_PER_ROW = 150;
/** Looked at this often, with all garbage gone: what is left is what the export holds. */
const ROWS_PER_LOOK = 20_000;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes that are in use. */
function bytesInUse(): number {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

describe('exports', () => {
  let world: AdminWorld;
  let item: ItemRef;
  beforeAll(async () => {
    world = await AdminWorld.start();
    item = await world.createSale();
    await insertManyOrders(world.dataSource, item, MANY);
  });
  afterAll(() => world.stop());

  async function exported(query: string, accept: string): Promise<Response> {
    const response = await fetch(`${await world.app.getUrl()}/shop/v1/orders${query}`, {
      headers: { authorization: `Bearer ${SERVICE.key}`, accept },
    });
    expect(response.status).toBe(200);
    return response;
  }

  function idOf(number: number): string {
    return `${item.saleId}.${item.productId}.${String(number).padStart(22, '0')}`;
  }

  /** By hand: of 200,000 lines node:readline makes so many events that they would be most of the test. */
  async function* linesOf(response: Response): AsyncGenerator<string> {
    if (response.body === null) throw new Error('the answer has no body');
    let left = '';
    for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
      const lines = (left + text).split(/\r?\n/);
      left = lines.pop() ?? '';
      yield* lines;
    }
    if (left !== '') yield left;
  }

  it.each([
    ['text/csv', 'text/csv; charset=utf-8; header=present', 'csv', 1],
    ['application/x-ndjson', 'application/x-ndjson', 'ndjson', 0],
  ])(
    'of 200,000 orders as %s are whole, in order and in constant memory',
    async (accept, type, extension, headers) => {
      const before = bytesInUse();
      const response = await exported(`?saleId=${item.saleId}`, accept);
      expect(response.headers.get('content-type')).toBe(type);
      expect(response.headers.get('vary')).toBe('Accept');
      expect(response.headers.get('content-disposition')).toBe(
        `attachment; filename="orders-${item.saleId}.${extension}"`,
      );
      let rows = -headers;
      let bytes = 0;
      let last = '';
      let ordered = true;
      for await (const line of linesOf(response)) {
        rows += 1;
        bytes += line.length;
        const [id = ''] = /[\w-]+\.[\w-]+\.\d{22}/.exec(line) ?? [];
        if (rows > 0) {
          ordered &&= id > last;
          last = id;
        }
        // Nobody reads on meanwhile. Buffers that are garbage are freed in the background, a little later.
        if (rows % ROWS_PER_LOOK === 0)
          await waitUntil('little is held', () => bytesInUse() - before < (MANY * BYTES_PER_ROW) / 4);
      }
      expect([rows, ordered]).toEqual([MANY, true]);
      expect(bytes).toBeGreaterThan(MANY * BYTES_PER_ROW);
    },
  );

  it('wait for a reader that is slow, and neither write nor hold anything for it meanwhile', async () => {
    const { port } = new URL(await world.app.getUrl());
    const server = world.app.getHttpServer();
    // On a busy machine this takes longer than the server bears with silence.
    server.timeout = 0;
    const served: Socket[] = [];
    server.on('connection', (socket: Socket) => served.push(socket));
    const sockets: Socket[] = [];
    const before = bytesInUse();
    for (let count = 0; count < 4; count += 1) {
      const socket = connect({ host: '127.0.0.1', port: Number(port) });
      socket.write(
        `GET /shop/v1/orders HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${SERVICE.key}\r\nAccept: application/x-ndjson\r\n\r\n`,
      );
      await once(socket, 'readable');
      expect(String(socket.read(15))).toBe('HTTP/1.1 200 OK');
      sockets.push(socket);
    }
    const slow = [...served];
    try {
      // While these wait, another reads all of it: time for a writer without patience to come as far with each.
      let rows = 0;
      let bytes = 0;
      for await (const line of linesOf(await exported('', 'application/x-ndjson'))) {
        rows += 1;
        bytes += line.length;
      }
      expect(rows).toBe(MANY);
      expect(slow.map(({ destroyed }) => destroyed)).toEqual(sockets.map(() => false));
      // What the system's own buffers hold counts as written, and so does what waits in this process.
      expect(Math.max(...slow.map(({ bytesWritten }) => bytesWritten))).toBeLessThan(bytes / 3);
      await waitUntil('little is held', () => bytesInUse() - before < bytes);
    } finally {
      for (const socket of sockets) socket.destroy();
    }
    await waitUntil('their streams have ended', () => slow.every(({ destroyed }) => destroyed));
  });

  it('of a rare status look at all, and pages at so many at a time', async () => {
    const rare = await insertOrder(world.dataSource, item, {
      orderId: `${item.saleId}.${item.productId}.${'z'.repeat(22)}`,
      state: 'expired',
    });
    const lines: string[] = [];
    for await (const line of linesOf(await exported('?status=expired', 'application/x-ndjson')))
      lines.push(line);
    expect(lines.map((line) => (JSON.parse(line) as ShopOrder).orderId)).toEqual([rare.orderId]);
    let after = '';
    let pages = 0;
    let found: readonly ShopOrder[] = [];
    while (found.length === 0) {
      const { body } = await world.shop('GET', `/orders?status=expired${after}`);
      const { orders, next } = body as { orders: ShopOrder[]; next: string | null };
      pages += 1;
      found = orders;
      if (next === null) break;
      after = `&after=${next}`;
    }
    expect(found.map(({ orderId }) => orderId)).toEqual([rare.orderId]);
    expect(pages).toBeGreaterThan(10);
  });

  it('go on behind an order', async () => {
    const all: string[] = [];
    for await (const line of linesOf(await exported(`?after=${idOf(MANY - 2)}&status=confirmed`, 'text/csv')))
      all.push(line);
    expect(all.slice(1).map((line) => line.split(',')[0])).toEqual([MANY - 1, MANY].map(idOf));
  });

  it('quote what needs it', async () => {
    const other = await world.createSale();
    await insertOrder(world.dataSource, other, { state: 'cancelled', reason: 'He said "no",\r\nand left' });
    const text = await (await exported(`?saleId=${other.saleId}`, 'text/csv')).text();
    expect(text).toContain(',cancelled,"He said ""no"",\r\nand left",');
    expect(text.startsWith('orderId,')).toBe(true);
    const [line = ''] = (
      await (await exported(`?saleId=${other.saleId}`, 'application/x-ndjson')).text()
    ).split('\n');
    expect(JSON.parse(line)).toMatchObject({ reason: 'He said "no",\r\nand left' });
  });

  it('break off where PostgreSQL does, rather than end as if they were whole', async () => {
    const response = await exported('', 'text/csv');
    const lines = linesOf(response);
    await lines.next();
    await world.dataSource.query('ALTER TABLE orders RENAME TO orders_away');
    await expect(
      (async () => {
        let rows = 0;
        for await (const line of lines) rows += line.length;
        return rows;
      })(),
    ).rejects.toThrow();
    await world.dataSource.query('ALTER TABLE orders_away RENAME TO orders');
  });
});
