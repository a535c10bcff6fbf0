import { UnexpectedReplyError } from './gate-error';
import * as orderCodec from './order-codec';
import { numberOf, wordsOf } from './reply';
import { decodeReserveOutcome, decodeReserveReply } from './reserve-codec';
import * as codec from './verb-codec';

const strange = [undefined, null, 'OK', 7, {}, [], ['strange'], [null], [['nested']], [{}]];

it('reads texts and numbers as words', () => {
  expect(wordsOf(['accepted', 7])).toEqual(['accepted', '7']);
  expect(numberOf('7')).toBe(7);
  expect(() => numberOf('')).toThrow(UnexpectedReplyError);
  expect(() => numberOf(undefined)).toThrow(UnexpectedReplyError);
});

it.each(strange)('finds %p unexpected, whichever verb was answered so', (reply) => {
  const request = {
    ...{ saleId: 'autumn', productId: 'shoe', orderId: 'o', shopperId: 'ann' },
    ...{ quantity: 1, fingerprint: 'f', saleNamed: false },
  };
  const decoders = [
    codec.decodeOpen,
    codec.decodeTransition,
    codec.decodeRetire,
    codec.decodeAdjust,
    codec.decodeLease,
    codec.decodeReadItem,
    orderCodec.decodeRelease,
    orderCodec.decodeRetake,
    orderCodec.decodeSettle,
    orderCodec.decodeForget,
    (text: unknown) => orderCodec.decodeCancel('o', text),
    (text: unknown) => orderCodec.decodeReadOrders(['o'], text),
    (text: unknown) => decodeReserveReply(text, 1),
    (text: unknown) => decodeReserveOutcome(request, text, 1),
  ];
  for (const decode of decoders) expect(() => decode(reply)).toThrow(UnexpectedReplyError);
});
