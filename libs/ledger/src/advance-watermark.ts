/** Sequences from `from` to `to`, both included, that were applied beyond a gap. */
export interface SequenceRange {
  readonly from: number;
  readonly to: number;
  /** The order with the sequence `to`: the watermark's order, should the watermark come to rest there. */
  readonly lastOrderId: string;
}

/** Which sequences of an item's epoch have been applied. */
export interface AppliedSequences {
  /** Every sequence from 1 to here is applied. */
  readonly watermark: number;
  /** The order with the watermark's sequence; empty while the watermark is 0. */
  readonly watermarkOrderId: string;
  /** What is applied beyond the first gap: ascending, disjoint, never adjacent. */
  readonly ahead: readonly SequenceRange[];
}

export function isApplied({ watermark, ahead }: AppliedSequences, sequence: number): boolean {
  return sequence <= watermark || ahead.some(({ from, to }) => from <= sequence && sequence <= to);
}

/**
 * Marks one sequence as applied. The watermark moves over it and over everything that it connects; a sequence beyond
 * a gap waits in `ahead`. A sequence that was applied before changes nothing: its first order keeps it.
 */
export function advanceWatermark(
  applied: AppliedSequences,
  sequence: number,
  orderId: string,
): AppliedSequences {
  if (isApplied(applied, sequence)) return applied;
  const { watermark, watermarkOrderId, ahead } = applied;
  // Nearly every order: one after the other, and nothing beyond a gap.
  if (ahead.length === 0 && sequence === watermark + 1) {
    return { watermark: sequence, watermarkOrderId: orderId, ahead };
  }
  const place = ahead.findIndex(({ from }) => from > sequence);
  const at = place === -1 ? ahead.length : place;
  const before = ahead[at - 1];
  const after = ahead[at];
  const joinsBefore = before?.to === sequence - 1;
  const joinsAfter = after?.from === sequence + 1;
  const range: SequenceRange = {
    from: joinsBefore ? before.from : sequence,
    to: joinsAfter ? after.to : sequence,
    lastOrderId: joinsAfter ? after.lastOrderId : orderId,
  };
  const rest = [
    ...ahead.slice(0, joinsBefore ? at - 1 : at),
    range,
    ...ahead.slice(joinsAfter ? at + 1 : at),
  ];
  return range.from === watermark + 1
    ? { watermark: range.to, watermarkOrderId: range.lastOrderId, ahead: rest.slice(1) }
    : { watermark, watermarkOrderId, ahead: rest };
}
