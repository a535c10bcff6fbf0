import type { History } from '../clients/history';
import type { Random } from '../random';
import type { World } from '../world/world';

/** What a fault breaks. Two faults that break the same thing never overlap. */
export type Target = 'redis' | 'kafka' | 'postgres' | 'gateways' | 'relays' | 'orders' | 'admin';

export interface StrikeContext<Place = World> {
  readonly world: Place;
  readonly history: History;
  readonly random: Random;
  /** Says that the product did something wrong: what a fault sees at once and no history shows. */
  readonly accuse: (what: string) => void;
  /** How long it lasts, its heal not included. */
  readonly lastsMs: number;
}

/** What a plan needs to know of a fault. */
export interface Breakage {
  /** Its number in the list of faults, such as `F12`. */
  readonly id: string;
  /** Unique: a fault may come in several forms. */
  readonly name: string;
  readonly breaks: readonly Target[];
  /** The least and the most time between injection and heal. */
  readonly lastsMs: readonly [least: number, most: number];
  /** It takes data of Redis away: orders that were not relayed yet may be lost with it, and are then reported. */
  readonly destroysData?: true;
}

/** One way to break something in a place of this kind. */
export interface Fault<Place = World> extends Breakage {
  /** Why it cannot be made here; undefined where it can. */
  readonly impossible?: (world: Place) => string | undefined;
  /** Injects it, waits, heals it. @returns what shows that it really struck; undefined where it did not */
  readonly strike: (context: StrikeContext<Place>) => Promise<string | undefined>;
}
