import { setTimeout as pause } from 'node:timers/promises';
import { itemKeys } from '@flux/gate';
import type { Fault } from './fault';

export const saleFaults: readonly Fault[] = [
  {
    id: 'F14',
    name: 'a foreign key in the gate',
    breaks: ['redis', 'postgres', 'admin'],
    lastsMs: [0, 0],
    strike: async ({ world: { operator, redis }, random, accuse }) => {
      const name = `unsafe-${random.between(0, 999_999)}`;
      const item = { saleId: name, productId: name };
      await operator.createSale({
        saleId: name,
        holdMs: 60_000,
        items: [{ productId: name, stock: 1, perShopperLimit: 1 }],
      });
      await redis.client.set(itemKeys(item).outbox, 'not a stream');
      const { status, body } = await operator.call('POST', `/admin/v1/sales/${name}/open`);
      const { code } = body as { code?: string };
      if (status !== 409 || code !== 'gate-unsafe') {
        if (status < 500) accuse(`${name}: opening over foreign data was answered ${status} ${code ?? ''}`);
        return undefined;
      }
      return 'the sale was not opened';
    },
  },
  {
    id: 'F28',
    name: 'holds end while payments come',
    breaks: [],
    // Its orders are paid at the end of their holds, which last 3 s.
    lastsMs: [3_500, 3_500],
    strike: async ({ history, lastsMs }) => {
      const before = history.payments.length;
      await pause(lastsMs);
      const paid = history.payments.slice(before).filter(({ asked }) => asked.isAtHoldEnd);
      const late = paid.filter(({ answer }) => answer?.code === 'refund-due');
      return paid.length > 0 ? `${paid.length} payments, ${late.length} came too late` : undefined;
    },
  },
];
