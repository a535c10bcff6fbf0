import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { LIMITS } from './limits';

interface Unread {
  /** Bytes that the kernel had taken when it was looked last. */
  readonly taken: number;
  readonly sinceMs: number;
}

/**
 * Closes connections on which an answer stands that nobody reads: not a byte of it left for `LIMITS.unreadMs`. Node's own
 * time limit for a silent socket begins anew once for what is still to be written, and so takes twice as long.
 */
export function closeUnread(server: Server): void {
  const sockets = new Set<Socket>();
  const unread = new Map<Socket, Unread>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      unread.delete(socket);
    });
  });
  const look = (): void => {
    const nowMs = performance.now();
    for (const socket of sockets) {
      if (socket.writableLength === 0) {
        unread.delete(socket);
        continue;
      }
      const taken = socket.bytesWritten - socket.writableLength;
      const known = unread.get(socket);
      if (known?.taken !== taken) unread.set(socket, { taken, sinceMs: nowMs });
      else if (nowMs - known.sinceMs >= LIMITS.unreadMs) socket.destroy();
    }
  };
  const timer = setInterval(look, LIMITS.checkingIntervalMs).unref();
  server.once('close', () => {
    clearInterval(timer);
  });
}
