/** The keys of one sale's waiting room. All share one hash tag, so one script may touch them all in Redis Cluster. */
export interface RoomKeys {
  /** hash: the operator's settings, and how the room stands: since, state, stamp, head, called, tat, pausedUntil, server */
  readonly state: string;
  /** string: the settings as JSON, with what only gateways need: salt and draw */
  readonly config: string;
  /** hash: tenth of a second -> purchase attempts */
  readonly attempts: string;
  /** sorted set: ticket id -> place, a rank of the draw or the microsecond in which it joined */
  readonly line: string;
  /** sorted set: ticket id -> from when its pass is good; called, and not come yet */
  readonly called: string;
  /** sorted set: ticket id -> from when its pass is good; has the pass */
  readonly inside: string;
  /** sorted set: ticket id -> until when it may return to the front */
  readonly absent: string;
  /** hash: ticket id -> place, of those called and inside */
  readonly places: string;
  /** strings: filters of who has looked in an even, and in an odd window of time */
  readonly seenEven: string;
  readonly seenOdd: string;
  /** list: the ticket ids that were drawn, in byte order, a thousand to an entry */
  readonly drawn: string;
}

/** The only place that spells a key of the room. Sale ids hold neither braces nor colons (contracts/ids). */
export function roomKeys(saleId: string): RoomKeys {
  const room = `{room:${saleId}}`;
  return {
    state: `${room}:state`,
    config: `${room}:config`,
    attempts: `${room}:attempts`,
    line: `${room}:line`,
    called: `${room}:called`,
    inside: `${room}:inside`,
    absent: `${room}:absent`,
    places: `${room}:places`,
    seenEven: `${room}:seen-even`,
    seenOdd: `${room}:seen-odd`,
    drawn: `${room}:drawn`,
  };
}
