import { setTimeout as pause } from 'node:timers/promises';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { GateUnavailableError, Shares, slicesOf, type ShareKind } from '@flux/gate';
import { clientIpOf } from '@flux/http';
import { LOG, RepeatedWarning, type Log } from '@flux/telemetry';
import type { FastifyRequest } from 'fastify';
import { GATEWAY_CONFIG, type GatewayConfig } from '../gateway.config';
import { SaleDirectory } from '../sales/sale-directory';
import { deviceHintIn, hashedSource, networkOf } from './source-of';

/** How long the last counts may take when the gateway ends. */
const LAST_FLUSH_MS = 1_000;
const FLUSH_MS = 1_000;
/** Long enough to read the report after a sale, should it not leave Redis soon. */
const KEPT_AFTER_END_MS = 7 * 24 * 3_600_000;
/** Sources kept between two flushes; units of any more are not counted. */
const MAX_SOURCES = 100_000;
/** Sources hashed at a time: they take about 1 ms, and purchases wait no longer. */
const SOURCES_PER_TURN = 500;

type Units = Map<string, number>;

/** What was bought in a sale since the last flush, by what was seen of the buyers. */
interface Seen {
  readonly address: Units;
  readonly device: Units;
}

/**
 * Counts the units of accepted orders by address, network and device, for the report on concentration; adds them up in
 * Redis once a second and at the end. Units that come back stay counted: who took them is the question. Best effort: a
 * gateway that dies takes a second's counts with it.
 */
@Injectable()
export class ShareCounts implements OnApplicationBootstrap, OnApplicationShutdown {
  private seen = new Map<string, Seen>();
  private sources = 0;
  private timer: NodeJS.Timeout | undefined;
  private flushing: Promise<void> | undefined;
  private readonly failing: RepeatedWarning;

  constructor(
    private readonly shares: Shares,
    private readonly directory: SaleDirectory,
    @Inject(GATEWAY_CONFIG) private readonly config: GatewayConfig,
    @Inject(LOG) log: Log,
  ) {
    this.failing = new RepeatedWarning(log, 'units were not counted by their source');
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      this.flushing ??= this.flush().finally(() => {
        this.flushing = undefined;
      });
    }, FLUSH_MS).unref();
  }

  /** After the last answer and before Redis is left. A Redis that stalls does not hold up the end. */
  async onApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    const last = (this.flushing ?? Promise.resolve()).then(() => this.flush());
    await Promise.race([last, pause(LAST_FLUSH_MS, undefined, { ref: false })]);
  }

  /** Of an order that was accepted now; a replay was counted before. */
  count(saleId: string, request: FastifyRequest, units: number): void {
    if (this.sources >= MAX_SOURCES) return;
    const seen = this.seen.get(saleId) ?? { address: new Map(), device: new Map() };
    this.seen.set(saleId, seen);
    this.add(seen.address, clientIpOf(request), units);
    const hint = deviceHintIn(request.headers['x-device-hint']);
    if (hint !== undefined) this.add(seen.device, hint, units);
  }

  private add(counts: Units, source: string, units: number): void {
    const before = counts.get(source);
    if (before === undefined) this.sources += 1;
    counts.set(source, (before ?? 0) + units);
  }

  private async flush(): Promise<void> {
    const { seen } = this;
    this.seen = new Map();
    this.sources = 0;
    for (const [saleId, ofSale] of seen) {
      await this.flushSale(saleId, ofSale).catch((error: unknown) => {
        this.failing.warn({
          saleId,
          reason: error instanceof GateUnavailableError ? error.reason : String(error),
        });
      });
    }
  }

  private async flushSale(saleId: string, { address, device }: Seen): Promise<void> {
    const sale = await this.directory.find(saleId);
    if (sale === undefined) return;
    const endsAtMs = Date.parse(sale.closesAt) + KEPT_AFTER_END_MS;
    const salt = await this.shares.salt(saleId, endsAtMs);
    const shown = (source: string): string =>
      this.config.FLUX_CONCENTRATION_ADDRESSES === 'clear' ? source : hashedSource(salt, source);
    const add = async (kind: ShareKind, counts: Units, nameOf: (source: string) => string): Promise<void> => {
      for (const slice of slicesOf([...counts], SOURCES_PER_TURN)) {
        await this.shares.add({ saleId, kind, units: renamed(slice, nameOf), endsAtMs });
      }
    };
    await add('address', address, shown);
    await add('network', address, (ip) => shown(networkOf(ip)));
    await add('device', device, (hint) => hashedSource(salt, hint));
  }
}

/** Sources that get the same name are one. */
function renamed(counts: readonly (readonly [string, number])[], nameOf: (source: string) => string): Units {
  const named: Units = new Map();
  for (const [source, units] of counts) {
    const name = nameOf(source);
    named.set(name, (named.get(name) ?? 0) + units);
  }
  return named;
}
