import { UnexpectedReplyError } from './gate-error';
import type {
  AdjustOutcome,
  ExhaustOutcome,
  GateItem,
  GateRoom,
  ItemState,
  LeaseOutcome,
  OpenOutcome,
  RepairOutcome,
  RetireOutcome,
  TransitionOutcome,
} from './outcomes';
import { ROOM_STATES } from './outcomes';
import { numberOf, wordsOf } from './reply';

/** Replies of the verbs on items, as words, decoded once. All throw UnexpectedReplyError. */

const ITEM_STATES = ['open', 'paused', 'closed', 'suspended'] as const satisfies readonly ItemState[];

export function itemState(text: string | undefined): ItemState {
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

export function decodeRepair(reply: unknown): RepairOutcome {
  const [word = '', delta, available] = wordsOf(reply);
  switch (word) {
    case 'applied':
      return { outcome: word, delta: numberOf(delta), available: numberOf(available) };
    case 'done':
      return { outcome: word, delta: numberOf(delta) };
    case 'changed':
      return { outcome: word };
    default:
      throw new UnexpectedReplyError('repair');
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

export function decodeReadItem(reply: unknown): GateItem | undefined {
  const [word = '', epoch, state, opens, closes, limit, sequence, watermark, version, ...rest] =
    wordsOf(reply);
  if (word === 'gone') return undefined;
  if (word !== 'item') throw new UnexpectedReplyError('read-item');
  const [outboxLength, stock, room, exhausted] = rest;
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
    room: decodeRoom(room),
    isExhausted: stock === '0' && exhausted === version,
  };
}

/** `<since> <state>`; undefined for anything else. */
function decodeRoom(text = ''): GateRoom | undefined {
  const [, since, word] = /^(\d+) ([a-z]+)$/.exec(text) ?? [];
  const state = ROOM_STATES.find((known) => known === word);
  return state === undefined ? undefined : { since: Number(since), state };
}

export function decodeExhaust(reply: unknown): ExhaustOutcome {
  const [word = ''] = wordsOf(reply);
  switch (word) {
    case 'done':
    case 'changed':
      return { outcome: word };
    default:
      throw new UnexpectedReplyError('exhaust');
  }
}
