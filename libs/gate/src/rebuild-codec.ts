import { UnexpectedReplyError } from './gate-error';
import { encodeRecord, shopperHashOf } from './order-record';
import type {
  GateComparisonOutcome,
  GateLook,
  RebuildBeginOutcome,
  RebuildCloseOutcome,
  RebuildEndOutcome,
  RebuildPage,
  RebuildPageOutcome,
  RebuiltOrder,
  Vouching,
} from './rebuild-outcomes';
import { numberOf, wordsOf } from './reply';
import { itemState } from './verb-codec';

/** Arguments and replies of the verbs of a rebuild. Decoders throw UnexpectedReplyError. */

export function decodeLook(reply: unknown): GateLook {
  const [word = '', epoch, ...rest] = wordsOf(reply);
  if (word === 'whole') {
    const [state, watermark] = rest;
    return {
      outcome: word,
      epoch: numberOf(epoch),
      state: itemState(state),
      watermark: numberOf(watermark),
      isOutboxReadable: true,
    };
  }
  if (word !== 'broken') throw new UnexpectedReplyError('rebuild-look');
  const [what = '', readable] = rest;
  return { outcome: word, epoch: numberOf(epoch), what, isOutboxReadable: readable === '1' };
}

export function decodeVouching(reply: unknown): Vouching {
  const [word = '', epoch, run = '', sequence] = wordsOf(reply);
  switch (word) {
    case 'vouched':
    case 'gone':
      return { outcome: word };
    case 'unproven':
      return { outcome: word, epoch: numberOf(epoch), run, sequence: numberOf(sequence) };
    case 'uncompared':
      return { outcome: word, epoch: numberOf(epoch), run };
    default:
      throw new UnexpectedReplyError('vouch');
  }
}

export function decodeComparison(reply: unknown): GateComparisonOutcome {
  const [word = '', detail = ''] = wordsOf(reply);
  switch (word) {
    case 'equal':
      return { outcome: word };
    case 'behind':
    case 'unsettled':
      return { outcome: word, orderId: detail };
    case 'otherEpoch':
      return { outcome: word, epoch: numberOf(detail) };
    default:
      throw new UnexpectedReplyError('compare');
  }
}

export function decodeClose(reply: unknown): RebuildCloseOutcome {
  const [word = '', epoch] = wordsOf(reply);
  switch (word) {
    case 'closed':
    case 'gone':
      return { outcome: word };
    case 'otherEpoch':
      return { outcome: word, epoch: numberOf(epoch) };
    default:
      throw new UnexpectedReplyError('rebuild-close');
  }
}

export function decodeBegin(reply: unknown): RebuildBeginOutcome {
  const [word = '', epoch] = wordsOf(reply);
  switch (word) {
    case 'begun':
    case 'otherGate':
      return { outcome: word };
    case 'otherEpoch':
      return { outcome: word, epoch: numberOf(epoch) };
    default:
      throw new UnexpectedReplyError('rebuild-begin');
  }
}

/** Records without a sequence, each with its state written out, what they add to each shopper's count, and their passes. */
export function pageArgs({ epoch, after, orders }: RebuildPage): readonly (string | number)[] {
  const counts = new Map<string, number>();
  for (const { shopperId, liveUnits } of orders) {
    counts.set(shopperId, (counts.get(shopperId) ?? 0) + liveUnits);
  }
  return [
    ...[epoch, after, orders.at(-1)?.orderId ?? '', orders.length, counts.size],
    ...orders.flatMap((order) => [order.orderId, recordOf(order)]),
    ...[...counts].flat(),
    ...orders.flatMap(({ passId }) => passId ?? []),
  ];
}

function recordOf({ status, quantity, acceptedAtMs, fingerprint, shopperId, changedAtMs }: RebuiltOrder) {
  return encodeRecord({
    state: status,
    sequence: 0,
    quantity,
    acceptedAtMs,
    fingerprint,
    shopperHash: shopperHashOf(shopperId),
    changedAtMs,
    cancelSequence: undefined,
  });
}

export function decodePage(reply: unknown): RebuildPageOutcome {
  const [word = '', epoch] = wordsOf(reply);
  switch (word) {
    case 'written':
    case 'repeated':
    case 'outOfStep':
      return { outcome: word };
    case 'otherEpoch':
      return { outcome: word, epoch: numberOf(epoch) };
    default:
      throw new UnexpectedReplyError('rebuild-page');
  }
}

export function decodeEnd(reply: unknown): RebuildEndOutcome {
  const [word = '', epoch] = wordsOf(reply);
  switch (word) {
    case 'finished':
    case 'repeated':
    case 'outOfStep':
    case 'otherGate':
      return { outcome: word };
    case 'otherEpoch':
      return { outcome: word, epoch: numberOf(epoch) };
    default:
      throw new UnexpectedReplyError('rebuild-end');
  }
}
