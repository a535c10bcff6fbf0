import { join, look, visit } from '../../apps/gateway/test/queue.world';
import { codeOf, useWorld } from '../../apps/gateway/test/world';

describe('a line that is told where one stands', () => {
  const world = useWorld();

  it('S14: goes by the signed ticket alone, whatever place a client claims', async () => {
    const item = await world.shop.open();
    await world.shop.putRoom(item, { mode: 'closed' });
    for (const shopper of ['ann', 'bob']) await join(world.gateway, item, shopper);
    const headers = { 'x-place': '1', 'x-position': '1' };
    const claimed = await visit(world.gateway, 'POST', { ...item, shopper: 'eve', headers });
    const { place, ticket = '' } = (await claimed.json()) as {
      readonly place: number;
      readonly ticket?: string;
    };
    expect(place).toBe(3);

    const withBody = await fetch(`${world.gateway.base}/v1/sales/${item.saleId}/queue?place=1`, {
      method: 'POST',
      headers: { ...headers, 'x-shopper-id': 'eve', 'content-type': 'application/json' },
      body: '{"place":1}',
    });
    expect(await codeOf(withBody)).toBe('invalid-request');

    const bytes = Buffer.from(ticket, 'base64url');
    const changed = Array.from({ length: bytes.length }, (_, index) => {
      const copy = Buffer.from(bytes);
      copy.writeUInt8(copy.readUInt8(index) ^ 1, index);
      return copy.toString('base64url');
    });
    const answers = await Promise.all(
      changed.map((text) => visit(world.gateway, 'GET', { saleId: item.saleId, ticket: text })),
    );
    expect(new Set(await Promise.all(answers.map(codeOf)))).toEqual(new Set(['ticket-invalid']));
    expect((await look(world.gateway, item, ticket)).answer.place).toBe(3);
  });
});
