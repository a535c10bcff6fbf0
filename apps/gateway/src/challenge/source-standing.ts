/** Injection token of what the difficulty of a challenge rises with. */
export const SOURCE_STANDING = Symbol('gateway.source-standing');

export interface SourceStanding {
  /** How often this address was refused lately: 0 for a good one. */
  strikesOf(ip: string): number;
  /** Share of the global ceiling that is in use: 0 to 1. */
  load(): number;
}
