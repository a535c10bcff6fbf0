import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import type { Log, Metrics } from '@flux/telemetry';
import ipaddr from 'ipaddr.js';
import { isTrusted, plainIp, type TrustedProxies } from './client-ip';

/** How many connections a listener keeps open. Whoever comes beyond that is closed at once, unanswered. */
export interface ConnectionCaps {
  readonly perProcess: number;
  /** Of one IPv4 address or one IPv6 /64. A listed proxy brings many clients: it has no such cap. */
  readonly perAddress: number;
}

interface CapOptions {
  readonly caps: ConnectionCaps;
  readonly trustedProxies: TrustedProxies;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Descriptors of the process that are no client's: servers, files, the management port, Node itself. */
const OWN_DESCRIPTORS = 256;

/** The caps on a listener that does not listen yet. Costs a connection one lookup, and a request nothing. */
export function capConnections(server: Server, { caps, trustedProxies, metrics, log }: CapOptions): void {
  const refused = metrics.counter({
    name: 'http_connections_refused_total',
    help: 'Connections that were closed at once: the process, or the address, has as many as it may have',
    labels: ['reason'],
  });
  const openOf = new Map<string, number>();
  let open = 0;
  metrics.gauge({
    name: 'http_connections',
    help: 'Connections of clients that are open',
    collect: (gauge) => {
      gauge.set(open);
    },
  });
  server.maxConnections = affordable(caps.perProcess, log);
  server.on('drop', () => {
    refused.inc({ reason: 'process' });
  });
  server.on('connection', (socket: Socket) => {
    const source = isTrusted(socket.remoteAddress, trustedProxies) ? undefined : sourceOf(socket);
    const count = source === undefined ? 1 : (openOf.get(source) ?? 0) + 1;
    if (count > caps.perAddress) {
      refused.inc({ reason: 'address' });
      socket.destroy();
      return;
    }
    open += 1;
    if (source !== undefined) openOf.set(source, count);
    socket.once('close', () => {
      open -= 1;
      if (source === undefined) return;
      const left = (openOf.get(source) ?? 1) - 1;
      if (left === 0) openOf.delete(source);
      else openOf.set(source, left);
    });
  });
}

/** The IPv4 address, or the /64: whoever has one IPv6 address of a network has all of them. */
function sourceOf({ remoteAddress }: Socket): string {
  const ip = plainIp(remoteAddress ?? '') ?? '';
  return isIPv6(ip) ? ipaddr.parse(ip).toByteArray().slice(0, 8).join('.') : ip;
}

/** Without a descriptor left, Node could not even refuse a connection, nor reach Redis. */
function affordable(wanted: number, log: Log): number {
  const limit = descriptorLimit();
  if (limit === undefined || wanted + OWN_DESCRIPTORS <= limit) return wanted;
  const affordable = Math.max(1, limit - OWN_DESCRIPTORS);
  log.warn({ wanted, affordable, limit }, 'the limit of open files allows fewer connections than are set');
  return affordable;
}

/** Open files that this process may have; undefined where the system does not say it in Linux' way. */
function descriptorLimit(): number | undefined {
  try {
    const soft = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
