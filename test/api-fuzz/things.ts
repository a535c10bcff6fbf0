import { saleKey } from '@flux/gate';
import type { AppProcess } from '../e2e/support/app-process';
import type { World } from '../e2e/support/world';
import type { Known } from './arbitraries';
import { BUYER, ENDPOINT_URL, SALES, keyOf } from './sales';
import { ThingMaker } from './thing-maker';

/** What answers are asked about. */
export interface Things {
  readonly orders: Readonly<Record<'confirmed' | 'unpaid' | 'paid' | 'retired', string>>;
  /** The id of the last event that a stream of the paid order sends. */
  readonly lastEventId: string;
  readonly tickets: Readonly<Record<'waiting' | 'turn' | 'passed' | 'closed' | 'lost', string>>;
  /** Messages that were put aside: one that nobody can read, and one that came too early. */
  readonly parked: Readonly<Record<'unreadable' | 'early', string>>;
  readonly webhookId: string;
  readonly deliveryId: string;
  readonly keyId: string;
  readonly ruleId: string;
  /** Redis loses the record of the sale `lost`; the admin process would write it again. */
  readonly loseSale: () => Promise<unknown>;
  /** Resolves once maintenance has retired the sale `retired`, and Redis has forgotten its orders. */
  readonly retirement: () => Promise<unknown>;
}

/** Makes the things: sales in every state, orders, tickets, messages that were put aside, an endpoint. */
export async function makeThings(world: World, gateway: AppProcess): Promise<Things> {
  const maker = new ThingMaker(world, gateway);
  const earlyId = await maker.park(maker.earlyMessage());
  const unreadableId = await maker.park({ key: 'nobody', value: '{ half a body' });
  await maker.defineSales();
  const webhookId = await maker.create('/admin/v1/webhooks', { url: ENDPOINT_URL });
  const orders = {
    confirmed: await maker.buy(SALES.open, 'confirmed'),
    unpaid: await maker.buy(SALES.open, 'unpaid'),
    paid: await maker.pay(await maker.buy(SALES.open, 'paid')),
    retired: await maker.pay(await maker.buy(SALES.retired, 'retired')),
  };
  const tickets = {
    waiting: await maker.join(SALES.line),
    turn: await maker.turn(SALES.turns, 'patient'),
    passed: await maker.passed(SALES.turns),
    closed: await maker.join(SALES.lineClosed),
    lost: await maker.join(SALES.lost),
  };
  for (const saleId of [SALES.closed, SALES.retired, SALES.lineClosed]) {
    await maker.operate(200, `/admin/v1/sales/${saleId}/close`);
  }
  return {
    orders,
    tickets,
    lastEventId: await maker.lastEventId(orders.paid),
    parked: { unreadable: unreadableId, early: earlyId },
    webhookId,
    deliveryId: await maker.parkedDelivery(webhookId),
    keyId: await maker.create('/admin/v1/keys', { name: 'yan', role: 'viewer' }),
    ruleId: await maker.create('/admin/v1/access-rules', {
      ...{ list: 'deny', kind: 'cidr', value: '203.0.113.0/24', reason: 'Resells' },
    }),
    loseSale: () => world.redis.client.del(saleKey(SALES.lost)),
    retirement: () => maker.retirement(),
  };
}

/** The things that an operation's path names, where nothing is said of them. */
export function namesOf(things: Things, path: string): Known {
  const { orders, parked, webhookId, deliveryId, tickets } = things;
  if (path.startsWith('/v1/')) {
    return {
      saleId: [SALES.line],
      orderId: [orders.confirmed],
      'x-ticket': [tickets.waiting],
      'x-shopper-id': [BUYER],
      'Idempotency-Key': [keyOf('another')],
    };
  }
  if (path.startsWith('/shop/')) return { id: [orders.confirmed] };
  if (path.endsWith('/report')) return { id: [SALES.closed] };
  if (path.startsWith('/admin/v1/sales')) return { id: [SALES.open], productId: [SALES.open] };
  if (path.startsWith('/admin/v1/webhooks')) {
    return { id: [webhookId], deliveryId: [deliveryId], url: [ENDPOINT_URL] };
  }
  return path.startsWith('/admin/v1/parked') ? { id: [parked.unreadable] } : {};
}
