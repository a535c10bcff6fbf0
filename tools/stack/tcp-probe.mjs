import { connect } from 'node:net';

/**
 * @param {{ host: string, port: number, timeoutMs?: number }} options
 * @throws {Error} when nothing accepts a connection there
 */
export function probeTcp({ host, port, timeoutMs = 3_000 }) {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    const fail = (/** @type {Error} */ error) => {
      socket.destroy();
      reject(error);
    };
    socket.setTimeout(timeoutMs, () => fail(new Error('no answer')));
    socket.on('error', fail);
    socket.on('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
  });
}
