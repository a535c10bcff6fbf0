import { TcpProxy, waitUntil } from '@flux/testing';
import fc from 'fast-check';
import type { AppProcess } from '../e2e/support/app-process';
import { startWorld, type World } from '../e2e/support/world';
import { ADMIN_STATUSES, LAST_OF_ADMIN, WITHOUT_REDIS } from './admin-statuses';
import { requestOf, type FuzzedRequest, type Known } from './arbitraries';
import { Conformity } from './conformity';
import { operationsOf, type Operation } from './document';
import { exampleOf, keyFor, requestSaying, send } from './requests';
import { ENDPOINT_HOST, newSale } from './sales';
import { SHOP_STATUSES, type StatusCase } from './shop-statuses';
import { makeThings, namesOf, type Things } from './things';
import { WRONGS, WRONGS_OF_OPERATORS, type Wrong } from './wrongs';

/** `npm run test:full` makes more of each operation. */
const RUNS = Number(process.env['FLUX_FUZZ_RUNS'] ?? 30);
const SEED = Number(process.env['FLUX_FUZZ_SEED'] ?? 1_127_2026);
const PRODUCT = 'fuzz-seed';
const SALE = 'fuzz';
const LINE = 'fuzz-line';
/** The sale that generated requests of operators may pause, close and change. */
const OF_OPERATORS = 'fuzz-operators';

/** Of what a gateway remembers. */
const PATIENCE_MS = 15_000;

jest.setTimeout(600_000);

describe(`the documents of both APIs, ${RUNS} generated requests an operation, seed ${SEED}`, () => {
  const conformity = new Conformity();
  let world: World;
  let gateway: AppProcess;
  let shopOperations: readonly Operation[];
  let adminOperations: readonly Operation[];

  beforeAll(async () => {
    world = await startWorld(
      { gateways: 1, relays: 1, orders: 1 },
      { FLUX_SHOPPER_LIMIT: 'off', FLUX_ADMIN_ADDRESS_LIMIT: 'off', FLUX_WEBHOOK_ALLOW: ENDPOINT_HOST },
    );
    const [first] = world.gateways;
    if (first === undefined) throw new Error('there is no gateway');
    gateway = first;
    shopOperations = (await operationsOf(gateway.baseUrl)).filter(isOurs);
    adminOperations = (await operationsOf(world.admin.baseUrl)).filter(isOurs);
  });

  afterAll(() => world.stop());

  /** Swagger's own pages and Prometheus' text are not ours to describe. */
  function isOurs({ path }: Operation): boolean {
    return !path.startsWith('/metrics') && !path.startsWith('/docs');
  }

  describe('generated requests', () => {
    let known: Known;

    beforeAll(async () => {
      await world.operator.openSale(SALE, PRODUCT, { stock: 10_000, perShopperLimit: 1_000 });
      await world.operator.openSale(OF_OPERATORS, OF_OPERATORS, { stock: 100 });
      await world.operator.call('POST', '/admin/v1/sales', newSale(LINE, { admission: { mode: 'closed' } }));
      await world.operator.call('POST', `/admin/v1/sales/${LINE}/open`);
      const shopper = { 'x-shopper-id': 'ann' };
      const bought = await fetch(`${gateway.baseUrl}/v1/orders`, {
        method: 'POST',
        headers: { ...shopper, 'content-type': 'application/json', 'idempotency-key': 'ann-0123456789abc' },
        body: JSON.stringify({ productId: PRODUCT }),
      });
      const { orderId } = (await bought.json()) as { readonly orderId: string };
      const ticket = await waitUntil('there is a line', async () => {
        const joined = await fetch(`${gateway.baseUrl}/v1/sales/${LINE}/queue`, {
          method: 'POST',
          headers: shopper,
        });
        return ((await joined.json()) as { readonly ticket?: string }).ticket;
      });
      known = {
        saleId: [LINE, SALE],
        'x-ticket': [ticket],
        id: [OF_OPERATORS, orderId],
        productId: [PRODUCT, OF_OPERATORS],
        orderId: [orderId],
        'x-shopper-id': ['ann', 'bob'],
        'Idempotency-Key': ['ann-0123456789abc', 'bob-0123456789abc'],
      };
    });

    it('are answered by the shop API with nothing but what it documents, and no 5xx', async () => {
      await fuzz(gateway, shopOperations);
    });

    it('are answered by the operators’ and services’ API with nothing but what it documents, and no 5xx', async () => {
      await fuzz(world.admin, adminOperations);
    });

    async function fuzz(app: AppProcess, operations: readonly Operation[]): Promise<void> {
      for (const operation of operations) {
        const credentials = keyFor(operation, world.credentials);
        await fc.assert(
          fc.asyncProperty(requestOf(operation, { known, credentials }), async (request) => {
            const answer = await send(app, operation, request);
            const fault = await conformity.faultOf(operation, answer);
            if (fault !== undefined) throw new Error(fault);
            if (answer.status >= 500) throw new Error(`${operation.name} is answered ${answer.status}`);
          }),
          { numRuns: RUNS, seed: SEED, endOnFailure: true },
        );
      }
    }
  });

  describe('the documented statuses', () => {
    let things: Things;

    beforeAll(async () => {
      things = await makeThings(world, gateway);
    });

    it.each(SHOP_STATUSES)('%s is answered %i where it is due', (...due) =>
      expectDue(gateway, shopOperations, due),
    );

    it.each(WRONGS)(
      '%i is answered by every operation that documents it: %s',
      async (...[status, , wronged]) => {
        await expectOf(status, gateway, shopOperations, wronged);
        await expectOf(status, world.admin, adminOperations, wronged);
      },
    );

    it.each(WRONGS_OF_OPERATORS)(
      '%i is answered by every operation of operators and services that documents it: %s',
      async (...[status, , wronged]) => {
        await expectOf(status, world.admin, adminOperations, wronged);
      },
    );

    it('200 is answered to every read of operators and services', async () => {
      const reads = adminOperations.filter(({ method }) => method === 'GET');
      await expectOf(200, world.admin, reads);
    });

    it.each(ADMIN_STATUSES)('%s is answered %i where it is due', (...due) =>
      expectDue(world.admin, adminOperations, due),
    );

    it('429 is answered by every operation that documents it, to whoever asks too often', async () => {
      const strict = await world.start('gateway', { FLUX_ADDRESS_LIMIT: '1/1h' });
      await fetch(`${strict.baseUrl}/v1/sales`);
      await expectOf(429, strict, shopOperations);
      const strictAdmin = await world.start('admin', { FLUX_ADMIN_ADDRESS_LIMIT: '1/1h' });
      await fetch(`${strictAdmin.baseUrl}/admin/v1/sales`);
      await expectOf(429, strictAdmin, adminOperations);
    });

    it('503 is answered by every operation of the shop API that documents it, while Redis is gone', async () => {
      await world.redis.kill();
      await expectOf(503, gateway, shopOperations);
      for (const due of WITHOUT_REDIS) await expectDue(world.admin, adminOperations, due);
      await world.redis.restart();
    });

    it('503 is answered by every operation of operators and services that documents it, while PostgreSQL is gone', async () => {
      const url = new URL(world.env['DATABASE_URL'] ?? '');
      const proxy = await TcpProxy.start({ host: url.hostname, port: Number(url.port) });
      url.host = `127.0.0.1:${proxy.port}`;
      const admin = await world.start('admin', { DATABASE_URL: url.href });
      proxy.set('cut');
      try {
        await expectOf(503, admin, adminOperations);
      } finally {
        await admin.stop();
        await proxy.stop();
      }
    });

    it.each(LAST_OF_ADMIN)('%s is answered %i at last', (...due) =>
      expectDue(world.admin, adminOperations, due),
    );

    it('have all occurred', () => {
      expect(conformity.missing([...shopOperations, ...adminOperations])).toEqual([]);
    });

    /** Each operation that documents the status answers it to its example, changed as told. */
    async function expectOf(
      status: number,
      app: AppProcess,
      operations: readonly Operation[],
      changed: Wrong[2] = (right) => right,
    ): Promise<void> {
      for (const operation of operations) {
        if (!operation.answers.has(status)) continue;
        const key = keyFor(operation, world.credentials);
        const right = exampleOf(operation, namesOf(things, operation.path), key);
        await expectStatus(status, app, operation, changed(right, operation, world.credentials));
      }
    }

    async function expectDue(
      app: AppProcess,
      operations: readonly Operation[],
      [name, status, sent]: StatusCase,
    ): Promise<void> {
      const operation = operations.find((candidate) => candidate.name === name);
      if (operation === undefined) throw new Error(`${name} is not documented`);
      const [known, key] = [namesOf(things, operation.path), keyFor(operation, world.credentials)];
      const request = requestSaying(operation, await sent(things), { known, key });
      await expectStatus(status, app, operation, request);
    }

    /** Asks until the answer has the status: what was read a moment ago may still be answered from memory. */
    async function expectStatus(
      status: number,
      app: AppProcess,
      operation: Operation,
      request: FuzzedRequest,
    ): Promise<void> {
      const answered = new Set<number>();
      await waitUntil(
        `${operation.name} is answered ${status}`,
        async () => {
          const answer = await send(app, operation, request);
          expect(await conformity.faultOf(operation, answer)).toBeUndefined();
          answered.add(answer.status);
          return answer.status === status;
        },
        { timeoutMs: PATIENCE_MS },
      ).catch((error: unknown) => {
        throw new Error(`${String(error)}; it is answered ${[...answered].join(', ')}`, { cause: error });
      });
    }
  });
});
