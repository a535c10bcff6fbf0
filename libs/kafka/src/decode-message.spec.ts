import type { KafkaMessage as KafkajsMessage } from 'kafkajs';
import { decodeMessage, messageBytes } from './decode-message';

const raw: KafkajsMessage = {
  key: Buffer.from('sneaker'),
  value: Buffer.from([0xff, 0x00]),
  timestamp: '1700000000000',
  attributes: 0,
  offset: '9007199254740993',
  headers: {},
};
const place = { topic: 'orders', partition: 3 };

describe('decodeMessage', () => {
  it('keeps the bytes of the value and the exact offset', () => {
    expect(decodeMessage(place, raw)).toEqual({
      topic: 'orders',
      partition: 3,
      offset: 9007199254740993n,
      key: 'sneaker',
      value: Buffer.from([0xff, 0x00]),
      headers: {},
      timestampMs: 1_700_000_000_000,
    });
  });

  it('takes a null key and a null value', () => {
    expect(decodeMessage(place, { ...raw, key: null, value: null })).toMatchObject({
      key: undefined,
      value: undefined,
    });
  });

  it('takes the first of repeated headers, and any name', () => {
    const headers = {
      sale: [Buffer.from('a'), Buffer.from('b')],
      none: undefined,
      ['__proto__']: Buffer.from('p'),
    };
    const decoded = decodeMessage(place, { ...raw, headers }).headers;
    expect(Object.entries(decoded)).toEqual([
      ['sale', 'a'],
      ['none', ''],
      ['__proto__', 'p'],
    ]);
  });
});

describe('messageBytes', () => {
  it('counts key, value and headers', () => {
    expect(messageBytes({ ...raw, headers: { abc: Buffer.from('de') } })).toBe(7 + 2 + 3 + 2);
  });
});
