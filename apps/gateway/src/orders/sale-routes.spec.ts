import type { FindOutcome } from '@flux/gate';
import { SaleRoutes } from './sale-routes';

function world(first: FindOutcome) {
  const state = { nowMs: 0, reads: 0, found: first };
  const catalogue = {
    find: () => {
      state.reads += 1;
      return Promise.resolve(state.found);
    },
  };
  return { state, routes: new SaleRoutes(catalogue, () => state.nowMs) };
}

const known = (currentSaleId: string | undefined, ...saleIds: string[]): FindOutcome => ({
  outcome: 'known',
  saleIds,
  currentSaleId,
});

describe('SaleRoutes', () => {
  it("leads to the product's current sale, and to a named one of its own", async () => {
    const { routes } = world(known('s2', 's2', 's1'));
    expect(await routes.find('p', undefined)).toEqual({ outcome: 'sale', saleId: 's2' });
    expect(await routes.find('p', 's1')).toEqual({ outcome: 'sale', saleId: 's1' });
    expect(await routes.find('p', 's3')).toEqual({ outcome: 'unknownProduct' });
  });

  it('reads once for all who ask at once, and not again within a second', async () => {
    const { routes, state } = world(known('s1', 's1'));
    await Promise.all(Array.from({ length: 10 }, () => routes.find('p', undefined)));
    state.nowMs = 999;
    await routes.find('p', undefined);
    expect(state.reads).toBe(1);
    state.nowMs = 1_000;
    await routes.find('p', undefined);
    expect(state.reads).toBe(2);
  });

  it.each([
    ['no sale', known(undefined, 's1'), undefined],
    ['an unknown product', { outcome: 'unknownProduct' } as const, undefined],
    ['a missing catalogue', { outcome: 'notReady' } as const, undefined],
    ['a sale not of the product', known('s1', 's1'), 's2'],
  ])('asks again for %s after 100 ms', async (_name, found, named) => {
    const { routes, state } = world(found);
    await routes.find('p', named);
    await routes.find('p', named);
    expect(state.reads).toBe(1);
    state.nowMs = 100;
    state.found = known('s2', 's2', 's1');
    expect(await routes.find('p', named)).toEqual({ outcome: 'sale', saleId: 's2' });
  });

  it('follows the gate when it says that the product moved', async () => {
    const { routes, state } = world(known('s1', 's1'));
    await routes.find('p', undefined);
    routes.moved('p', 's2');
    expect(await routes.find('p', undefined)).toEqual({ outcome: 'sale', saleId: 's2' });
    expect(await routes.find('p', 's1')).toEqual({ outcome: 'sale', saleId: 's1' });
    expect(state.reads).toBe(1);
  });

  it('stands for a local refusal only while it is confirmed', async () => {
    const { routes, state } = world(known('s1', 's1'));
    expect(routes.confirmed('p')).toBeUndefined();
    await routes.find('p', undefined);
    expect(routes.confirmed('p')).toBe('s1');
    state.nowMs = 250;
    expect(routes.confirmed('p')).toBeUndefined();
    routes.confirm('p', 's2', 240);
    expect(routes.confirmed('p')).toBeUndefined();
    routes.confirm('p', 's1', 240);
    expect(routes.confirmed('p')).toBe('s1');
    state.nowMs = 490;
    expect(routes.confirmed('p')).toBeUndefined();
  });

  it('does not remember a read that failed', async () => {
    let fail = true;
    const routes = new SaleRoutes({
      find: () => (fail ? Promise.reject(new Error('down')) : Promise.resolve(known('s1', 's1'))),
    });
    await expect(routes.find('p', undefined)).rejects.toThrow('down');
    fail = false;
    expect(await routes.find('p', undefined)).toEqual({ outcome: 'sale', saleId: 's1' });
  });
});
