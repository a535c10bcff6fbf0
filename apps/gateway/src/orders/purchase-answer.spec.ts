import { ERRORS } from '@flux/contracts';
import { purchaseAnswer, type PurchaseOutcome } from './purchase-answer';

const order = {
  orderId: 's.p.xxxxxxxxxxxxxxxxxxxxxx',
  saleId: 's',
  productId: 'p',
  quantity: 2,
  sequence: 7,
  acceptedAtMs: 1_800_000_000_123,
};

describe('purchaseAnswer', () => {
  it('renders the 202 from the record, with its fields in one order', () => {
    const first = purchaseAnswer({ outcome: 'accepted', order });
    expect(first).toEqual({
      kind: 'accepted',
      body:
        '{"orderId":"s.p.xxxxxxxxxxxxxxxxxxxxxx","status":"accepted","productId":"p","saleId":"s",' +
        '"quantity":2,"acceptedAt":"2027-01-15T08:00:00.123Z"}',
      location: '/v1/orders/s.p.xxxxxxxxxxxxxxxxxxxxxx',
      replayed: false,
    });
    const { orderId, ...rest } = order;
    const shuffled = { ...rest, orderId };
    expect(purchaseAnswer({ outcome: 'replayed', order: shuffled })).toEqual({ ...first, replayed: true });
  });

  it('tells each order its own time, whichever came before', () => {
    const timeOf = (acceptedAtMs: number): unknown => {
      const answer = purchaseAnswer({ outcome: 'accepted', order: { ...order, acceptedAtMs } });
      const { acceptedAt } = JSON.parse(answer.kind === 'accepted' ? answer.body : '{}') as {
        readonly acceptedAt?: unknown;
      };
      return acceptedAt;
    };
    const times = [1_800_000_000_123, 1_800_000_000_124, 1_800_000_000_123];
    expect(times.map(timeOf)).toEqual(times.map((atMs) => new Date(atMs).toISOString()));
  });

  it.each<[PurchaseOutcome, keyof typeof ERRORS, number]>([
    [{ outcome: 'reused' }, 'idempotency-key-reused', 422],
    [{ outcome: 'soldOut', version: 1, available: 0 }, 'sold-out', 409],
    [{ outcome: 'shopperLimit', limit: 2 }, 'shopper-limit', 409],
    [{ outcome: 'notOpen', reason: 'early', opensInMs: 5_000 }, 'sale-not-open', 409],
    [{ outcome: 'notOpen', reason: 'paused', opensInMs: 0 }, 'sale-not-open', 409],
    [{ outcome: 'closed' }, 'sale-closed', 409],
    [{ outcome: 'unknownProduct' }, 'unknown-product', 404],
    [{ outcome: 'notReady' }, 'not-ready', 503],
    [{ outcome: 'unavailable', reason: 'canary' }, 'temporarily-unavailable', 503],
    [{ outcome: 'unknown' }, 'outcome-unknown', 503],
  ])('%j is %s', (outcome, code, status) => {
    const answer = purchaseAnswer(outcome);
    if (answer.kind !== 'refused') throw new Error('accepted');
    expect([answer.problem.code, ERRORS[answer.problem.code].status]).toEqual([code, status]);
    expect(JSON.stringify(answer.problem)).not.toContain('canary');
  });

  it('says when the sale begins, and lets a crowd come back spread out', () => {
    const seconds = Array.from({ length: 50 }, () => {
      const answer = purchaseAnswer({ outcome: 'notOpen', reason: 'early', opensInMs: 4_001 });
      return answer.kind === 'refused' ? answer.problem.extra.retryAfterSeconds : undefined;
    });
    expect(new Set(seconds)).toEqual(new Set([5, 6, 7]));
  });
});
