import type { QueueAnswer } from '@flux/contracts';
import { hasPlace, type Situation, type Trouble } from './situation';
import type { Words } from './words';

/** Places of the page that hold a text, by the names that `page.html` gives them in `data-text` and `data-show`. */
export const SLOTS = [
  'heading',
  'lead',
  'notice',
  'captcha',
  'countdownLabel',
  'countdown',
  'placeLabel',
  'place',
  'ahead',
  'progressLabel',
  'waitLabel',
  'wait',
  'chanceLabel',
  'chance',
  'sinceLabel',
  'since',
  'until',
  'go',
  'join',
  'back',
  'leave',
  'updated',
] as const;
export type Slot = (typeof SLOTS)[number];

type Slots = Readonly<Partial<Record<Slot, string | undefined>>>;

/** All that the page shows, as plain texts: the script puts them into the page, and so does the gateway without scripts. */
export interface PlaceView {
  readonly tone: 'calm' | 'good' | 'ended';
  /** The document's title. */
  readonly title: string;
  /** What stays away is not shown. */
  readonly slots: Slots;
  /** 0 to 100. */
  readonly progress: number | undefined;
  /** What is shown is the last that was known, and may be true no more. */
  readonly stale: boolean;
  /** For who cannot see the page, to be said once for each `milestone`. */
  readonly announcement: string;
  /** Changes when something happened that is worth interrupting for: not at each place. */
  readonly milestone: string;
}

export interface Circumstances {
  readonly words: Words;
  readonly shopName: string;
  /** By the server's clock, as well as it is known. */
  readonly nowMs: number;
  readonly situation: Situation;
  readonly trouble?: Trouble | undefined;
  /** When the last answer came. */
  readonly updatedAtMs?: number | undefined;
  /** Whether the page is about to open the shop by itself. */
  readonly carrying: boolean;
}

type Scene = Pick<PlaceView, 'slots'> & {
  readonly tone?: PlaceView['tone'];
  readonly progress?: number | undefined;
  readonly key: string;
};

/** What the page shows in a situation. */
export function viewOf(circumstances: Circumstances): PlaceView {
  const { words, shopName, situation, trouble, updatedAtMs } = circumstances;
  const scene = sceneOf(circumstances);
  const slots: Slots = {
    ...scene.slots,
    notice: trouble === undefined ? scene.slots.notice : troubleText(words, situation, trouble),
    updated: updatedAtMs === undefined ? undefined : words.say('updated', { time: words.time(updatedAtMs) }),
  };
  const { place, heading = '' } = slots;
  return {
    tone: scene.tone ?? 'calm',
    title: `${place === undefined ? heading : `${place} · ${heading}`} – ${shopName}`,
    slots,
    progress: scene.progress,
    stale: trouble?.kind === 'unreachable',
    announcement: trouble === undefined ? announcementOf(slots) : (slots.notice ?? ''),
    milestone: `${scene.key} ${trouble?.kind ?? ''}`,
  };
}

function sceneOf(circumstances: Circumstances): Scene {
  const { words, situation } = circumstances;
  const { kind } = situation;
  if (kind === 'answered') return answeredScene(circumstances, situation.answer, situation.firstPlace);
  const join = words.say(kind === 'outside' ? 'join' : 'joinAgain');
  const back = words.say('backToShop');
  const slots = headed(words, kind);
  switch (kind) {
    case 'connecting':
    case 'checking':
      return { key: kind, slots };
    case 'captcha':
      // The place that the widget fills.
      return { key: kind, slots: { ...slots, captcha: '' } };
    case 'scriptNeeded':
      return { key: kind, slots: { ...slots, go: words.say('tryAgain'), back } };
    case 'outside':
    case 'lost':
    case 'left':
      return { key: kind, slots: { ...slots, join, back } };
    case 'notYet':
      return { key: kind, slots: { ...slots, back } };
    case 'over':
    case 'unknownSale':
      return { key: kind, tone: 'ended', slots: { ...slots, back } };
    case 'stranger':
      return { key: kind, slots: { ...slots, go: words.say('goToShop') } };
  }
}

function answeredScene(
  circumstances: Circumstances,
  answer: QueueAnswer,
  firstPlace: number | undefined,
): Scene {
  const { words } = circumstances;
  const { status } = answer;
  const slots = { ...headed(words, status), ...haltedNotice(words, answer) };
  const leave = words.say('leave');
  switch (status) {
    case 'lobby':
      return {
        key: `${status} ${answer.halted ?? ''}`,
        slots: { ...slots, ...countdown(circumstances, answer), leave },
      };
    case 'waiting':
      return waitingScene(words, answer, firstPlace, { ...slots, leave });
    case 'turn':
      return turnScene(circumstances, answer, { ...slots, leave });
    case 'soldOut':
      return { key: status, tone: 'ended', slots: { ...slots, back: words.say('backToShop') } };
    case 'open':
      return { key: status, tone: 'good', slots: { ...slots, go: words.say('goToShop') } };
  }
}

function countdown({ words, nowMs }: Circumstances, { opensAt }: QueueAnswer): Slots {
  if (opensAt === undefined) return {};
  const leftMs = Date.parse(opensAt) - nowMs;
  return {
    countdownLabel: words.say('opensIn'),
    countdown: leftMs > 0 ? words.countdown(leftMs) : words.say('opensNow'),
  };
}

function waitingScene(
  words: Words,
  answer: QueueAnswer,
  firstPlace: number | undefined,
  slots: Slots,
): Scene {
  const { place, halted, likelihood, estimatedWait, joinedAt } = answer;
  return {
    key: ['waiting', halted, likelihood, place === undefined ? '' : halvings(place)].join(' '),
    progress: place === undefined || firstPlace === undefined ? undefined : progressOf(place, firstPlace),
    slots: {
      ...slots,
      ...(place === undefined ? {} : placeSlots(words, place, answer.ahead ?? place - 1)),
      progressLabel: words.say('progress'),
      waitLabel: words.say('wait'),
      // While nobody is called, no measurement says how long it will take.
      wait: words.interval(halted === undefined ? estimatedWait : undefined),
      chanceLabel: words.say('chance'),
      chance: likelihood && words.say(`chance.${likelihood}`),
      sinceLabel: words.say('since'),
      since: joinedAt && words.time(joinedAt),
    },
  };
}

function turnScene({ words, carrying }: Circumstances, { passExpiresAt }: QueueAnswer, slots: Slots): Scene {
  return {
    tone: 'good',
    key: 'turn',
    slots: {
      ...slots,
      lead: words.say(carrying ? 'turn.lead' : 'turnAgain'),
      until: passExpiresAt && words.say('turnUntil', { time: words.time(passExpiresAt) }),
      go: words.say('goToShop'),
    },
  };
}

function headed(words: Words, kind: Exclude<Situation['kind'], 'answered'> | QueueAnswer['status']): Slots {
  return { heading: words.say(`${kind}.heading`), lead: words.say(`${kind}.lead`) };
}

function haltedNotice(words: Words, { halted }: QueueAnswer): Slots {
  return { notice: halted && words.say(`halted.${halted}`) };
}

function placeSlots(words: Words, place: number, ahead: number): Slots {
  const many = (): string => words.say('manyAhead', { count: words.number(ahead) });
  return {
    placeLabel: words.say('yourPlace'),
    place: words.number(place),
    ahead: ahead === 0 ? words.say('next') : ahead === 1 ? words.say('oneAhead') : many(),
  };
}

function troubleText(words: Words, situation: Situation, { kind, retryInMs }: Trouble): string {
  const key = kind === 'unreachable' && !hasPlace(situation) ? 'unreachableNoPlace' : kind;
  return words.say(key, { time: words.seconds(retryInMs) });
}

/** How far the shopper has come from the first place shown: 0 to 100. A line that was re-formed may set it back. */
function progressOf(place: number, firstPlace: number): number {
  return Math.max(0, Math.round((1 - place / firstPlace) * 100));
}

/** How often the place can be halved: who hears the page is told at 1024, 512, ... 2, 1 and not a thousand times. */
function halvings(place: number): number {
  return Math.floor(Math.log2(place));
}

function announcementOf(slots: Slots): string {
  const { heading, lead, notice, placeLabel, place, ahead, waitLabel, wait, chance, until } = slots;
  return [
    heading,
    place === undefined ? lead : `${placeLabel ?? ''}: ${place}`,
    ahead,
    wait === undefined ? undefined : `${waitLabel ?? ''}: ${wait}`,
    chance,
    notice,
    until,
  ]
    .filter((sentence) => sentence !== undefined)
    .map((sentence) => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`))
    .join(' ');
}
