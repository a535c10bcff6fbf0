import { UnexpectedReplyError } from './gate-error';
import { decodeRecord, gateOrder, shopperHashOf, stateLetter, type OrderRecord } from './order-record';
import type {
  CancelOutcome,
  CancelRequest,
  ForgetOutcome,
  ForgetRequest,
  ReleaseOutcome,
  ReleaseRequest,
  RetakeOutcome,
  SettleOutcome,
  SettleRequest,
} from './order-outcomes';
import type { GateOrder, ReadOrderOutcome } from './outcomes';
import { numberOf, wordsOf } from './reply';

/** Arguments and replies of the verbs on orders but reserve. Decoders throw UnexpectedReplyError. */

type Args = readonly (string | number)[];

export function settleArgs(request: SettleRequest, channel: string): Args {
  const { epoch, watermark, watermarkOrderId, runs, states, statesAfter = -1 } = request;
  return [
    ...[epoch, watermark, watermarkOrderId, statesAfter, channel, runs.length],
    ...runs.flatMap(({ upTo, atMs }) => [upTo, atMs]),
    ...states.flatMap(({ orderId, status, shopperId, quantity, changedAtMs }) => [
      orderId,
      stateLetter(status),
      shopperId,
      quantity,
      changedAtMs,
    ]),
  ];
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
    case 'notReady':
    case 'rewound':
      return { outcome: word };
    default:
      throw new UnexpectedReplyError('settle');
  }
}

/** @param epochFloor the highest epoch seen of the item */
export function cancelArgs({ orderId, shopperId }: CancelRequest, epochFloor: number): Args {
  return [epochFloor, orderId, shopperId, shopperHashOf(shopperId)];
}

/** The outcome with the epoch for the floor. */
export function decodeCancel(
  orderId: string,
  reply: unknown,
): { readonly outcome: CancelOutcome; readonly epoch: number } {
  const [word = '', epoch, record = '', watermark, hold, timelineEntry] = wordsOf(reply);
  switch (word) {
    case 'notReady':
      return { outcome: { outcome: word }, epoch: 0 };
    case 'unknownOrder':
      return { outcome: { outcome: word }, epoch: numberOf(epoch) };
    case 'requested':
    case 'repeated':
    case 'notCancellable': {
      const order = orderOf(orderId, decodeRecord(record), { watermark, hold, timelineEntry });
      return { outcome: { outcome: word, order }, epoch: numberOf(epoch) };
    }
    default:
      throw new UnexpectedReplyError('cancel');
  }
}

export function releaseArgs({ epoch, releases }: ReleaseRequest, channel: string): Args {
  return [
    ...[epoch, channel],
    ...releases.flatMap(({ changeId, orderId, status, shopperId, units, counted, changedAtMs }) => [
      changeId,
      orderId,
      status === undefined ? '' : stateLetter(status),
      shopperId,
      units,
      counted,
      changedAtMs,
    ]),
  ];
}

export function decodeRelease(reply: unknown): ReleaseOutcome {
  const [word = '', released] = wordsOf(reply);
  switch (word) {
    case 'released':
      return { outcome: word, released: numberOf(released) };
    case 'done':
    case 'notReady':
      return { outcome: word };
    default:
      throw new UnexpectedReplyError('release');
  }
}

export function decodeRetake(reply: unknown): RetakeOutcome {
  const [word = ''] = wordsOf(reply);
  switch (word) {
    case 'taken':
    case 'done':
    case 'insufficient':
    case 'shopperLimit':
    case 'notReady':
    case 'gone':
      return { outcome: word };
    default:
      throw new UnexpectedReplyError('retake');
  }
}

export function forgetArgs({ shopperId, pseudonym, orderIds }: ForgetRequest): Args {
  return [shopperId, shopperHashOf(shopperId), pseudonym, shopperHashOf(pseudonym), ...orderIds];
}

export function decodeForget(reply: unknown): ForgetOutcome {
  const [word = ''] = wordsOf(reply);
  if (word !== 'forgotten' && word !== 'gone') throw new UnexpectedReplyError('forget');
  return { outcome: word };
}

/** In a record's place: there is none, on a gate that may have gone back in time. */
const MAYBE_FORGOTTEN = '?';

/** One outcome per order id, in order, with what they were read from; `epoch` for the floor. */
export function decodeReadOrders(
  orderIds: readonly string[],
  reply: unknown,
): { readonly outcomes: readonly ReadOrderOutcome[]; readonly epoch: number } {
  const [word = '', epoch, watermark, hold, ...fields] = wordsOf(reply);
  if (word === 'notReady') return { outcomes: orderIds.map(() => ({ outcome: word })), epoch: 0 };
  if (word !== 'orders' || fields.length !== orderIds.length * 2)
    throw new UnexpectedReplyError('read-order');
  const outcomes = orderIds.map((orderId, index): ReadOrderOutcome => {
    const text = fields[index * 2] ?? '';
    if (text === '') return { outcome: 'unknownOrder' };
    if (text === MAYBE_FORGOTTEN) return { outcome: 'notReady' };
    const record = decodeRecord(text);
    return {
      outcome: 'order',
      order: orderOf(orderId, record, { watermark, hold, timelineEntry: fields[index * 2 + 1] }),
      shopperHash: record.shopperHash,
      belongsTo: (shopperId) => shopperHashOf(shopperId) === record.shopperHash,
    };
  });
  return { outcomes, epoch: numberOf(epoch) };
}

/** Words of a reply that an order's status and times follow from. */
interface ContextWords {
  readonly watermark: string | undefined;
  readonly hold: string | undefined;
  /** `<watermark>:<settledAtMs>` */
  readonly timelineEntry: string | undefined;
}

function orderOf(
  orderId: string,
  record: OrderRecord,
  { watermark, hold, timelineEntry = '' }: ContextWords,
): GateOrder {
  const [, settledAt] = timelineEntry.split(':');
  return gateOrder(orderId, record, {
    watermark: numberOf(watermark),
    settledAtMs: settledAt === undefined ? undefined : numberOf(settledAt),
    holdMs: hold === '' ? undefined : numberOf(hold),
  });
}
