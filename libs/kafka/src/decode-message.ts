import type { IHeaders, KafkaMessage as KafkajsMessage } from 'kafkajs';
import type { KafkaMessage } from './batch-handler';

interface Place {
  readonly topic: string;
  readonly partition: number;
}

export function decodeMessage({ topic, partition }: Place, message: KafkajsMessage): KafkaMessage {
  return {
    topic,
    partition,
    offset: BigInt(message.offset),
    key: message.key?.toString('utf8'),
    value: message.value ?? undefined,
    // Of most messages nobody reads them, and they are as long as the body.
    get headers() {
      return decodeHeaders(message.headers);
    },
    timestampMs: Number(message.timestamp),
  };
}

/** Key, value and headers; what a batch's size is measured by. */
export function messageBytes({ key, value, headers }: KafkajsMessage): number {
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const [name, text] of Object.entries(headers ?? {})) {
    const first = Array.isArray(text) ? text[0] : text;
    bytes += name.length + (first?.length ?? 0);
  }
  return bytes;
}

function decodeHeaders(headers: IHeaders | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => {
      const first = Array.isArray(value) ? value[0] : value;
      return [name, first?.toString() ?? ''];
    }),
  );
}
