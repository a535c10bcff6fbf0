import { createServer } from 'node:net';

/**
 * Ports of this machine on which nobody listens now, each another.
 *
 * @param {number} amount
 * @returns {Promise<number[]>}
 */
export async function freePorts(amount) {
  const servers = await Promise.all(Array.from({ length: amount }, listening));
  const ports = servers.map(
    (server) => /** @type {import('node:net').AddressInfo} */ (server.address()).port,
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** @returns {Promise<import('node:net').Server>} */
function listening() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject).listen(0, '127.0.0.1', () => resolve(server));
  });
}
