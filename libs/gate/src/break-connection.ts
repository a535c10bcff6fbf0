import type { Redis } from 'ioredis';

const broken = new WeakSet<Redis>();

/**
 * Ends a connection that is not made again, once: a frozen server does not close its end for two seconds, and ioredis
 * leaves a listener and a timer at the socket with each call.
 */
export function breakConnection(client: Redis): void {
  if (broken.has(client)) return;
  broken.add(client);
  client.disconnect();
}
