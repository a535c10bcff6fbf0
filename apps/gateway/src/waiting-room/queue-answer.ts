import type { Halt, Likelihood, QueueAnswer } from '@flux/contracts';
import type { RoomConfig, RoomStanding, VisitOutcome } from '@flux/waiting-room';
import { askAgainMs } from './poll-interval';
import type { Room } from './room';

/** At the end of a sale somebody in line looks this often, and all together so often. */
const SOON_MS = 1_000;
const LOOKS_PER_SECOND = 5_000;

type InLine = Extract<VisitOutcome, { outcome: 'waiting' }>;

/** What the room says to somebody in its line. Ticket, pass and addresses are the caller's to add. */
export function waitingAnswer(
  room: Room,
  { config, standing }: { readonly config: RoomConfig; readonly standing: RoomStanding | undefined },
  { ahead, atMs }: InLine,
): QueueAnswer {
  const { saleId } = room;
  const { longestPollMs, opensAtMs, ratePerSecond } = config;
  if (atMs < opensAtMs) {
    return {
      saleId,
      status: 'lobby',
      opensAt: new Date(opensAtMs).toISOString(),
      askAgainMs: askAgainMs(opensAtMs - atMs, longestPollMs),
    };
  }
  const halted = haltOf(config, standing, atMs) ?? room.stock?.halted;
  const estimatedWait = room.drain.wait(ahead, ratePerSecond);
  return {
    saleId,
    status: 'waiting',
    ...(halted === 'drawing' ? {} : { place: ahead + 1, ahead, estimatedWait }),
    ...(room.stock?.halted === undefined ? { likelihood: likelihoodOf(room, standing, ahead) } : {}),
    ...(halted === undefined ? {} : { halted }),
    askAgainMs:
      halted === undefined
        ? nextLookMs(room, standing, config, estimatedWait.fromMs)
        : askAgainMs(Infinity, longestPollMs),
  };
}

/**
 * While nothing is available the line may end, or a unit come back, at any moment: then looks come as often as the line's
 * length allows, whatever the place.
 */
function nextLookMs(
  { stock }: Room,
  standing: RoomStanding | undefined,
  { longestPollMs }: RoomConfig,
  waitMs: number,
): number {
  if (stock?.available !== 0) return askAgainMs(waitMs, longestPollMs);
  const paced = ((standing?.waiting ?? 0) * 1_000) / LOOKS_PER_SECOND;
  return askAgainMs(Infinity, Math.min(longestPollMs, Math.max(SOON_MS, paced)));
}

/** Nothing is left, and nothing can come back: nobody waits in vain. */
export function soldOutAnswer(saleId: string, { longestPollMs }: RoomConfig): QueueAnswer {
  return { saleId, status: 'soldOut', likelihood: 'soldOut', askAgainMs: longestPollMs };
}

/** No room is in front of the sale: whoever wants to buy just does. */
export function openAnswer(saleId: string, { longestPollMs }: RoomConfig): QueueAnswer {
  return { saleId, status: 'open', askAgainMs: longestPollMs };
}

function haltOf(config: RoomConfig, standing: RoomStanding | undefined, atMs: number): Halt | undefined {
  if (standing === undefined || atMs < standing.pausedUntilMs) return 'recovering';
  if (standing.state === 'closed') return 'closed';
  const isDrawn = config.lobbyOpensAtMs >= config.opensAtMs || config.draw?.result !== undefined;
  return isDrawn ? undefined : 'drawing';
}

/** `likely`: there is a unit for everybody inside, everybody ahead, and this one. */
function likelihoodOf({ stock }: Room, standing: RoomStanding | undefined, ahead: number): Likelihood {
  const before = ahead + (standing?.inside ?? 0);
  return stock === undefined || stock.available > before ? 'likely' : 'unlikely';
}
