/** A message as a producer hands it over. */
export interface OutgoingMessage {
  readonly key: string;
  readonly value: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * One kafkajs send to a partition is one record batch, and over the broker's `max.message.bytes` (1,048,588 by
 * default) it fails for good. An outbox entry of 64 orders with the longest ids is 28 kB, so only a foreign message
 * could ever exceed this alone.
 */
export const MAX_RECORD_BATCH_BYTES = 900_000;
/** kafkajs copies its list for each message that it adds to a partition: quadratic, so the number has a cap too. */
export const MAX_RECORD_BATCH_MESSAGES = 1_000;

/** Attributes, timestamps, lengths; generous. */
const RECORD_OVERHEAD_BYTES = 40;
const HEADER_OVERHEAD_BYTES = 10;

/** An upper bound of what the message takes in a record batch. */
export function recordBytes({ key, value, headers }: OutgoingMessage): number {
  let bytes = RECORD_OVERHEAD_BYTES + Buffer.byteLength(key) + Buffer.byteLength(value);
  for (const [name, text] of Object.entries(headers)) {
    bytes += HEADER_OVERHEAD_BYTES + Buffer.byteLength(name) + Buffer.byteLength(text);
  }
  return bytes;
}

/** The messages in their order, cut so that each part fits in a record batch; a larger one stands alone. */
export function splitByBytes(
  messages: readonly OutgoingMessage[],
  { maxBytes = MAX_RECORD_BATCH_BYTES, maxMessages = MAX_RECORD_BATCH_MESSAGES } = {},
): readonly OutgoingMessage[][] {
  const parts: OutgoingMessage[][] = [];
  let part: OutgoingMessage[] = [];
  let partBytes = 0;
  for (const message of messages) {
    const bytes = recordBytes(message);
    if (part.length > 0 && (partBytes + bytes > maxBytes || part.length >= maxMessages)) {
      parts.push(part);
      part = [];
      partBytes = 0;
    }
    part.push(message);
    partBytes += bytes;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}
