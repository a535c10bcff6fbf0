import type { OrderStatusEvent } from '@flux/contracts';
import { Webhook } from 'standardwebhooks';
import { newSecret, rotated, signedWebhook } from './webhook-secret';

const event: OrderStatusEvent = {
  type: 'order-status.v1',
  id: 's.p.0123456789012345678901.confirmed',
  orderId: 's.p.0123456789012345678901',
  saleId: 's',
  productId: 'p',
  shopperId: 'zoë',
  quantity: 1,
  status: 'confirmed',
  occurredAt: '2026-01-01T09:00:00.000Z',
};

describe('signed webhooks', () => {
  it('are verified by the official library with each live secret, and with no other', () => {
    const secrets = [newSecret(), newSecret()];
    const { headers, body } = signedWebhook(event, secrets);
    for (const secret of secrets) expect(new Webhook(secret).verify(body, headers)).toEqual(event);
    expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow();
    expect(() => new Webhook(secrets[0]!).verify(`${body} `, headers)).toThrow();
    expect(headers['webhook-id']).toBe(event.id);
  });

  it('have two secrets at most, the newest first', () => {
    expect(rotated(['a'], 'b')).toEqual(['b', 'a']);
    expect(rotated(['b', 'a'], 'c')).toEqual(['c', 'b']);
  });

  it('have secrets of 32 random bytes', () => {
    expect(Buffer.from(newSecret().replace('whsec_', ''), 'base64')).toHaveLength(32);
    expect(newSecret()).not.toBe(newSecret());
  });
});
