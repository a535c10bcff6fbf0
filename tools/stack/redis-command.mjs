import { connect } from 'node:net';

const TIMEOUT_MS = 2_000;

/** What the server says to user and password, before it answers the command. */
const WELCOME = '+OK\r\n';

/** @param {string[]} words */
export function encodeCommand(words) {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

/**
 * Sends one command to a server of this machine, on a connection of its own. Written out here because the client
 * library of this repository is not yet installed when the stack comes up.
 *
 * @param {string} url with its user and password
 * @param {(string | number)[]} words
 * @returns {Promise<string>} a status, a number or a text; other shapes of answer are not understood
 * @throws {Error} with what the server said, or why it was not reached
 */
export function redisCommand(url, ...words) {
  const { hostname, port, username, password } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    const fail = (/** @type {Error} */ error) => {
      socket.destroy();
      reject(error);
    };
    let received = '';
    socket.setEncoding('utf8').setTimeout(TIMEOUT_MS, () => fail(new Error('no answer')));
    socket.on('error', fail).on('close', () => fail(new Error('connection closed')));
    socket.on('data', (chunk) => {
      received += chunk;
      const answer = decode(received.startsWith(WELCOME) ? received.slice(WELCOME.length) : received);
      if (answer === undefined) return;
      if (isRefusal(received)) return fail(new Error(answer));
      resolve(answer);
      socket.destroy();
    });
    socket.write(encodeCommand(['AUTH', username, password]) + encodeCommand(words.map(String)));
  });
}

/** @param {string} received of the user or of the command */
function isRefusal(received) {
  return received.startsWith('-') || received.startsWith(`${WELCOME}-`);
}

/**
 * @param {string} received
 * @returns {string | undefined} nothing while the answer is not complete
 */
function decode(received) {
  const end = received.indexOf('\r\n');
  if (end === -1) return undefined;
  const line = received.slice(1, end);
  if (!received.startsWith('$')) return line;
  const text = Buffer.from(received.slice(end + 2));
  const length = Number(line);
  return text.length < length + 2 ? undefined : text.subarray(0, Math.max(0, length)).toString('utf8');
}
