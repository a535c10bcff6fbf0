import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';

const TOPIC = 'flux-stack-probe';
const CLIENT = 'flux-stack';
const TIMEOUT_MS = 3_000;
const UNKNOWN_TOPIC = 3;
const TOPIC_EXISTS = 36;

/*
 * Four requests of Kafka's wire protocol (https://kafka.apache.org/protocol), each in the oldest version that Kafka 4
 * takes. Written out here because the kafkajs of this repository is not yet installed when the stack comes up, and a
 * JVM with Kafka's own tools costs seconds at every start.
 */
const PRODUCE = { key: 0, version: 3 };
const FETCH = { key: 1, version: 4 };
const CREATE_TOPICS = { key: 19, version: 2 };
const DELETE_TOPICS = { key: 20, version: 1 };

/** @param {number} value */
const int8 = (value) => Buffer.from([value & 0xff]);
/** @param {number} value */
const int16 = (value) => Buffer.from([(value >> 8) & 0xff, value & 0xff]);
/** @param {number} value */
const int32 = (value) => {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
};
/** @param {number | bigint} value */
const int64 = (value) => {
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(BigInt(value));
  return buffer;
};
/** @param {Buffer} value */
const bytes = (value) => Buffer.concat([int32(value.length), value]);
/** @param {string} value */
const string = (value) => Buffer.concat([int16(value.length), Buffer.from(value)]);
/** @param {Buffer[]} items */
const array = (...items) => Buffer.concat([int32(items.length), ...items]);
/** @param {Buffer[]} parts */
const struct = (...parts) => Buffer.concat(parts);
/** One zigzag byte holds -64 to 63, which is all that is needed here. @param {number} value */
const varint = (value) => int8((value << 1) ^ (value >> 31));

/** CRC-32C (Castagnoli); zlib's is another polynomial. @param {Buffer} data */
function crc32c(data) {
  let crc = 0xffffffff;
  for (const byte of data) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc | 0;
}

/** A batch of one record without a key. @param {Buffer} value at most 48 bytes */
function recordBatch(value) {
  const body = struct(int8(0), varint(0), varint(0), varint(-1), varint(value.length), value, varint(0));
  const record = struct(varint(body.length), body);
  const now = int64(Date.now());
  const noProducer = struct(int64(-1), int16(-1), int32(-1));
  const checked = struct(int16(0), int32(0), now, now, noProducer, array(record));
  const rest = struct(int32(-1), int8(2), int32(crc32c(checked)), checked);
  return struct(int64(0), bytes(rest));
}

/**
 * One broker's connection, one request at a time.
 *
 * @param {{ host: string, port: number }} broker
 */
function openConnection({ host, port }) {
  const socket = connect({ host, port });
  let received = Buffer.alloc(0);
  /** @type {{ resolve: (answer: Buffer) => void, reject: (error: Error) => void } | undefined} */
  let waiting;
  /** @type {Error | undefined} */
  let broken;
  const fail = (/** @type {Error} */ error) => {
    broken ??= error;
    socket.destroy();
    waiting?.reject(broken);
  };
  socket.setTimeout(TIMEOUT_MS, () => fail(new Error('no answer')));
  socket.on('error', fail).on('close', () => fail(new Error('connection closed')));
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
    // After the length comes the correlation id, which tells nothing with one request at a time.
    const answer = received.subarray(8, 4 + received.readInt32BE(0));
    received = Buffer.alloc(0);
    waiting?.resolve(answer);
  });
  return {
    /**
     * @param {{ key: number, version: number }} api
     * @param {Buffer} body
     * @returns {Promise<Buffer>}
     */
    request: ({ key, version }, body) =>
      new Promise((resolve, reject) => {
        if (broken) return reject(broken);
        waiting = { resolve, reject };
        socket.write(bytes(struct(int16(key), int16(version), int32(1), string(CLIENT), body)));
      }),
    close: () => socket.destroy(),
  };
}

/**
 * Writes a record to a topic of its own and reads it back, so that a broker counts as ready only when it can do what
 * it is there for. The topic has one partition, on this broker alone, and is deleted again: while the broker is down it
 * has no leader, and clients that ask for all topics at once, such as kafkajs, take that for an error of the cluster.
 * Without TLS, as the stack starts them.
 *
 * @param {{ host: string, port: number, brokerId: number }} broker
 * @throws {Error} when the broker cannot be reached, refuses or forgets
 */
export async function probeKafka({ brokerId, ...address }) {
  const connection = openConnection(address);
  const value = randomBytes(16);
  const name = `${TOPIC}-${brokerId}`;
  try {
    const here = array(struct(int32(0), array(int32(brokerId))));
    const config = array(struct(string('min.insync.replicas'), string('1')));
    const topic = struct(string(name), int32(-1), int16(-1), here, config);
    const created = await connection.request(CREATE_TOPICS, struct(array(topic), int32(TIMEOUT_MS), int8(0)));
    refuse('create a topic', created.readInt16BE(4 + 4 + 2 + name.length), [TOPIC_EXISTS]);

    const partition = struct(int32(0), bytes(recordBatch(value)));
    const written = await connection.request(
      PRODUCE,
      struct(int16(-1), int16(-1), int32(TIMEOUT_MS), array(struct(string(name), array(partition)))),
    );
    const at = 4 + 2 + name.length + 4 + 4;
    refuse('write', written.readInt16BE(at));

    const wanted = struct(int32(0), int64(written.readBigInt64BE(at + 2)), int32(1_000_000));
    const read = await connection.request(
      FETCH,
      struct(
        int32(-1),
        int32(TIMEOUT_MS / 2),
        int32(1),
        int32(1_000_000),
        int8(0),
        array(struct(string(name), array(wanted))),
      ),
    );
    if (!read.includes(value)) throw new Error('the record that was written cannot be read');

    const deleted = await connection.request(DELETE_TOPICS, struct(array(string(name)), int32(TIMEOUT_MS)));
    refuse('delete a topic', deleted.readInt16BE(4 + 4 + 2 + name.length), [UNKNOWN_TOPIC]);
  } finally {
    connection.close();
  }
}

/**
 * @param {string} what
 * @param {number} code https://kafka.apache.org/protocol#protocol_error_codes
 * @param {number[]} [expected]
 */
function refuse(what, code, expected = []) {
  if (code !== 0 && !expected.includes(code)) throw new Error(`cannot ${what} yet (error code ${code})`);
}
