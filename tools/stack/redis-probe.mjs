import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';

import { encodeCommand } from './redis-command.mjs';

const TIMEOUT_MS = 2_000;

/**
 * Writes a key and reads it back, or only pings a server that is not ours.
 *
 * @param {{ url: string, write: boolean }} options
 * @throws {Error} with what the server said, or why it was not reached
 */
export function probeRedis({ url, write }) {
  const { protocol, hostname, port, username, password } = new URL(url);
  const value = randomUUID();
  const commands = password
    ? [['AUTH', ...(username ? [decodeURIComponent(username)] : []), decodeURIComponent(password)]]
    : [];
  if (write) commands.push(['SET', 'flux-stack-probe', value, 'EX', '60'], ['GET', 'flux-stack-probe']);
  else commands.push(['PING']);
  const last = write ? `$${value.length}\r\n${value}\r\n` : '+PONG\r\n';

  return new Promise((resolve, reject) => {
    const where = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 6379) };
    const socket = protocol === 'rediss:' ? connectTls({ ...where, servername: hostname }) : connect(where);
    /** @param {Error} [error] */
    const end = (error) => {
      socket.destroy();
      if (error) reject(error);
      else resolve(undefined);
    };
    let answer = '';
    socket.setEncoding('utf8').setTimeout(TIMEOUT_MS, () => end(new Error('no answer')));
    socket.on('error', end).on('close', () => end(new Error('connection closed')));
    socket.on('data', (chunk) => {
      answer += chunk;
      const refusal = /^-(.*)\r\n/m.exec(answer);
      if (refusal) end(new Error(refusal[1]));
      else if (answer.endsWith(last)) end();
    });
    socket.write(commands.map(encodeCommand).join(''));
  });
}
