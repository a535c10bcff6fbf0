/** How much a handler gets at once. */
export interface ChunkLimits {
  readonly messages: number;
  readonly bytes: number;
}

export interface Sized {
  readonly offset: bigint;
  readonly bytes: number;
}

/**
 * How many of the messages, from `from` on, the next handler call gets: as many as the limits allow (a larger one
 * stands alone), or, while a culprit is known to be before `suspectUntil`, half of those up to there. Halving finds
 * one culprit among n messages in about log2(n) calls, and everything before it is done on the way.
 */
export function nextChunk(
  messages: readonly Sized[],
  from: number,
  { limits, suspectUntil }: { readonly limits: ChunkLimits; readonly suspectUntil: bigint | undefined },
): number {
  let count = 0;
  let bytes = 0;
  let suspects = 0;
  for (const message of messages.slice(from, from + limits.messages)) {
    bytes += message.bytes;
    if (count > 0 && bytes > limits.bytes) break;
    count += 1;
    if (suspectUntil !== undefined && message.offset < suspectUntil) suspects += 1;
  }
  return suspects === 0 ? count : Math.ceil(suspects / 2);
}
