import type { ItemRef } from '@flux/contracts';
import { UnexpectedReplyError } from './gate-error';
import { decodeRecord, gateOrder, shopperHashOf, stateLetter } from './order-record';
import type {
  AdjustOutcome,
  GateItem,
  ItemState,
  LeaseOutcome,
  OpenOutcome,
  ReadOrderOutcome,
  ReleaseOutcome,
  RetireOutcome,
  SettleOutcome,
  StateWrite,
  TransitionOutcome,
} from './outcomes';
import { numberOf, wordsOf } from './reply';

/** Replies of every verb but reserve, as words, decoded once. All throw UnexpectedReplyError. */

const ITEM_STATES = ['open', 'paused', 'closed', 'suspended'] as const satisfies readonly ItemState[];

function itemState(text: string | undefined): ItemState {
  const state = ITEM_STATES.find((known) => known === text);
  if (state === undefined) throw new UnexpectedReplyError('not an item state');
  return state;
}

export function decodeOpen(reply: unknown): OpenOutcome {
  const [word = '', detail] = wordsOf(reply);
  switch (word) {
    case 'opened':
      return { outcome: word };
    case 'alreadyOpened':
      return { outcome: word, state: itemState(detail) };
    case 'otherEpoch':
      return { outcome: word, epoch: numberOf(detail) };
    case 'unsafe':
      return { outcome: word, key: detail ?? '' };
    default:
      throw new UnexpectedReplyError('open');
  }
}

export function decodeTransition(reply: unknown): TransitionOutcome {
  const [word = '', state] = wordsOf(reply);
  switch (word) {
    case 'done':
    case 'gone':
      return { outcome: word };
    case 'refused':
      return { outcome: word, state: itemState(state) };
    default:
      throw new UnexpectedReplyError('transition');
  }
}

export function decodeRetire(reply: unknown): RetireOutcome {
  const [word = '', state, outboxLength] = wordsOf(reply);
  switch (word) {
    case 'retired':
    case 'gone':
      return { outcome: word };
    case 'refused':
      return { outcome: word, state: itemState(state), outboxLength: numberOf(outboxLength) };
    default:
      throw new UnexpectedReplyError('retire');
  }
}

export function decodeAdjust(reply: unknown): AdjustOutcome {
  const [word = '', available] = wordsOf(reply);
  switch (word) {
    case 'done':
    case 'notReady':
      return { outcome: word };
    case 'applied':
    case 'insufficient':
      return { outcome: word, available: numberOf(available) };
    default:
      throw new UnexpectedReplyError('adjust');
  }
}

export function decodeRelease(reply: unknown): ReleaseOutcome {
  const [word = '', available] = wordsOf(reply);
  switch (word) {
    case 'done':
    case 'notReady':
      return { outcome: word };
    case 'released':
      return { outcome: word, available: numberOf(available) };
    default:
      throw new UnexpectedReplyError('release');
  }
}

/** ARGV of settle's states. */
export function settleStateArgs(states: readonly StateWrite[]): readonly (string | number)[] {
  return states.flatMap(({ orderId, status, shopperId, quantity, changedAtMs }) => [
    orderId,
    stateLetter(status),
    shopperId,
    quantity,
    changedAtMs,
  ]);
}

export function decodeSettle(reply: unknown): SettleOutcome {
  const [word = '', detail] = wordsOf(reply);
  switch (word) {
    case 'settled':
      return { outcome: word, trimmed: numberOf(detail) };
    case 'otherEpoch':
      return { outcome: word, epoch: numberOf(detail) };
    case 'behind':
      return { outcome: word, watermark: numberOf(detail) };
    case 'gone':
    case 'rewound':
      return { outcome: word };
    default:
      throw new UnexpectedReplyError('settle');
  }
}

export function decodeLease(reply: unknown): LeaseOutcome {
  const [word = '', detail] = wordsOf(reply);
  switch (word) {
    case 'held':
      return { outcome: word, position: detail ?? '0-0' };
    case 'taken':
      return { outcome: word, remainingMs: numberOf(detail) };
    case 'gone':
      return { outcome: word };
    default:
      throw new UnexpectedReplyError('lease');
  }
}

/** The order with what it was read from; `epoch` for the floor. */
export function decodeReadOrder(
  orderId: string,
  reply: unknown,
): { readonly outcome: ReadOrderOutcome; readonly epoch: number } {
  const [word = '', epoch, record = '', watermark, timelineEntry = ''] = wordsOf(reply);
  switch (word) {
    case 'notReady':
      return { outcome: { outcome: word }, epoch: 0 };
    case 'unknownOrder':
      return { outcome: { outcome: word }, epoch: numberOf(epoch) };
    case 'order': {
      const decoded = decodeRecord(record);
      const [, settledAt] = timelineEntry.split(':');
      const settledAtMs = settledAt === undefined ? undefined : numberOf(settledAt);
      return {
        epoch: numberOf(epoch),
        outcome: {
          outcome: word,
          order: gateOrder(orderId, decoded, { watermark: numberOf(watermark), settledAtMs }),
          belongsTo: (shopperId) => shopperHashOf(shopperId) === decoded.shopperHash,
        },
      };
    }
    default:
      throw new UnexpectedReplyError('read-order');
  }
}

export function decodeReadItem(reply: unknown): GateItem | undefined {
  const [word = '', epoch, state, opens, closes, limit, sequence, watermark, version, outboxLength, stock] =
    wordsOf(reply);
  if (word === 'gone') return undefined;
  if (word !== 'item') throw new UnexpectedReplyError('read-item');
  return {
    epoch: numberOf(epoch),
    state: itemState(state),
    opensAtMs: numberOf(opens),
    closesAtMs: numberOf(closes),
    perShopperLimit: numberOf(limit),
    sequence: numberOf(sequence),
    watermark: numberOf(watermark),
    version: numberOf(version),
    available: stock === '' ? undefined : numberOf(stock),
    outboxLength: numberOf(outboxLength),
  };
}

/** `<saleId>.<productId>`, as members of `outboxes` spell an item. */
export function itemName({ saleId, productId }: ItemRef): string {
  return `${saleId}.${productId}`;
}
