import type { RoomConfig, RoomStanding } from '@flux/waiting-room';
import { DrainMeter } from './drain-meter';
import type { StockStanding } from './room-stock';

/** A standing is believed for so long, counted from when Redis was asked. */
const FRESH_MS = 1_000;

/** Nobody has come to a room for so long: it is not looked after any more. */
const IDLE_MS = 15_000;

/** What one gateway knows of one sale's waiting room. Times are `performance.now()` unless told otherwise. */
export class Room {
  readonly drain = new DrainMeter();
  config: RoomConfig | undefined;
  /** Undefined until it was read: nobody is called by a gateway that does not know what there is. */
  stock: StockStanding | undefined;
  stockReadAtMs = -Infinity;
  private last: { readonly standing: RoomStanding | undefined; readonly askedAtMs: number } | undefined;
  /** When Redis last had it; also where it has lost it since. */
  wasOn = false;
  private attempts = 0;
  /** More is bought than the installation can take: the next tick puts the room on, if that is up to the crowd. */
  private hasOverflown = false;
  private bought: string[] = [];
  private usedAtMs: number;

  constructor(
    readonly saleId: string,
    nowMs: number,
  ) {
    this.usedAtMs = nowMs;
  }

  /** Somebody comes. */
  use(nowMs: number): void {
    this.usedAtMs = nowMs;
  }

  attempt(nowMs: number): void {
    this.attempts += 1;
    this.usedAtMs = nowMs;
  }

  /** Somebody was turned away since too much is bought in all sales together. */
  overflow(nowMs: number): void {
    this.attempt(nowMs);
    this.hasOverflown = true;
  }

  /** The shopper with this ticket has bought: their place inside is free. */
  buy(ticketId: string): void {
    this.bought.push(ticketId);
  }

  /** What is to be told with the next tick; it is given back where that fails. */
  take(): { readonly attempts: number; readonly bought: readonly string[] } {
    const least = this.hasOverflown ? (this.config?.ratePerSecond ?? 0) + 1 : 0;
    const taken = { attempts: Math.max(this.attempts, least), bought: this.bought };
    this.hasOverflown = false;
    this.attempts = 0;
    this.bought = [];
    return taken;
  }

  giveBack({ attempts, bought }: { readonly attempts: number; readonly bought: readonly string[] }): void {
    this.attempts += attempts;
    this.bought.unshift(...bought);
  }

  /** @param standing undefined: Redis does not have the room */
  learn(standing: RoomStanding | undefined, askedAtMs: number): void {
    this.last = { standing, askedAtMs };
    if (standing !== undefined) this.wasOn = standing.state === 'on';
    if (standing === undefined || standing.state === 'off') this.stock = undefined;
    if (standing !== undefined) this.drain.add(standing.atMs, standing.called);
  }

  /** Redis has told of it, be it that there is none. */
  get isKnown(): boolean {
    return this.last !== undefined;
  }

  /** What everybody in line is told anew when it changes. */
  get phase(): string {
    return `${this.last?.standing?.state ?? 'none'} ${this.stock?.isExhausted === true ? 'over' : 'selling'}`;
  }

  /** How it stands, as far as that may be relied on. */
  standing(nowMs: number): RoomStanding | undefined {
    return this.last !== undefined && nowMs - this.last.askedAtMs < FRESH_MS ? this.last.standing : undefined;
  }

  isIdle(nowMs: number): boolean {
    return nowMs - this.usedAtMs >= IDLE_MS && this.attempts === 0 && this.bought.length === 0;
  }
}
