import { connect } from 'node:net';

/** @typedef {(status: number, replayed: boolean) => void} OnAnswer status 0 where there was none */

/**
 * One kept connection that carries one request at a time, with as little work as HTTP/1.1 allows: whoever uses it
 * shares the cores with what it measures.
 */
export class Connection {
  #socket;
  #received = '';
  /** @type {OnAnswer | undefined} of the request under way */
  #onAnswer;
  /** Said with the last answer: the server ends the connection. */
  #isLast = false;

  /** @param {URL} url @returns {Promise<Connection>} once it is open */
  static open(url) {
    return new Promise((resolve, reject) => {
      const connection = new Connection(url, () => resolve(connection));
      connection.#socket.once('error', reject);
    });
  }

  /** @param {URL} url @param {() => void} onOpen */
  constructor({ hostname, port }, onOpen) {
    const onread = {
      buffer: Buffer.allocUnsafe(4_096),
      callback: (/** @type {number} */ bytes, /** @type {any} */ buffer) => {
        this.#received += buffer.latin1Slice(0, bytes);
        this.#read();
        return true;
      },
    };
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true, onread }, onOpen);
    // `close` follows.
    this.#socket.on('error', () => {}).once('close', () => this.#answer(0, false));
  }

  get isOpen() {
    return !this.#isLast && !this.#socket.destroyed;
  }

  /** @param {string} request @param {OnAnswer} onAnswer called once, when the answer's last byte is there */
  send(request, onAnswer) {
    this.#onAnswer = onAnswer;
    this.#socket.write(request, 'latin1');
  }

  close() {
    this.#socket.destroy();
  }

  #read() {
    const text = this.#received;
    const bodyAt = text.indexOf('\r\n\r\n') + 4;
    if (bodyAt < 4) return;
    const length = /\r\ncontent-length: (\d+)/i.exec(text)?.[1];
    // The gateway gives the length of every answer to a purchase.
    if (length === undefined) return this.close();
    if (text.length < bodyAt + Number(length)) return;
    this.#received = '';
    if (/\r\nconnection: close\r\n/i.test(text)) this.#isLast = true;
    this.#answer(Number(text.slice(9, 12)), /\r\nidempotency-replayed:/i.test(text));
  }

  #answer(/** @type {number} */ status, /** @type {boolean} */ replayed) {
    const onAnswer = this.#onAnswer;
    this.#onAnswer = undefined;
    onAnswer?.(status, replayed);
  }
}
