import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { RedisConnection } from '@flux/gate';
import {
  type Charge,
  LimitBook,
  Limiter,
  type Policy,
  shareMs,
  sourceOf,
  type Taking,
} from '@flux/rate-limit';
import { Metrics } from '@flux/telemetry';
import type { SourceStanding } from '../challenge/source-standing';
import { GATEWAY_CONFIG, type GatewayConfig } from '../gateway.config';

/** Principals that one gateway remembers: about 25 MB. */
const MAX_METERS = 100_000;

/** Redis Cluster spreads the keys over its shards in so many parts. */
const CLUSTER_PARTS = 16;

/** The shortest time for which Redis keeps what is owed. */
const LEAST_MS = 60_000;

/** 72 bits of a shopper's id: a key in Redis names nobody. */
const SHOPPER_LENGTH = 12;

type Charges = readonly [Charge, ...Charge[]];

/** Who may ask for how much: the policies of the configuration, over all gateways. */
@Injectable()
export class RateLimits implements SourceStanding {
  private readonly limiter: Limiter;
  private readonly routes: ReadonlyMap<string, Policy>;

  constructor(
    @Inject(GATEWAY_CONFIG) private readonly config: GatewayConfig,
    connection: RedisConnection,
    metrics: Metrics,
  ) {
    const refusals = metrics.counter({
      name: 'rate_limit_refusals_total',
      help: 'Requests over a limit, by policy; those of a dry run were let through',
      labels: ['policy', 'mode'],
    });
    const parts = config.FLUX_REDIS_MODE === 'cluster' ? CLUSTER_PARTS : 1;
    const longestMs = longestOf(config);
    this.limiter = new Limiter(
      new LimitBook(connection, { maxKeys: config.FLUX_LIMIT_KEYS, longestMs, parts }),
      {
        maxMeters: MAX_METERS,
        shareAlone: config.FLUX_LIMIT_SHARE_ALONE / 100,
        onRefusal: ({ name, isDryRun }) => {
          refusals.inc({ policy: name, mode: isDryRun ? 'dry-run' : 'enforced' });
        },
      },
    );
    metrics.gauge({
      name: 'rate_limit_principals',
      help: 'Addresses, networks, shoppers and routes whose requests this gateway remembers',
      collect: (gauge) => {
        gauge.set(this.limiter.size);
      },
    });
    metrics.gauge({
      name: 'rate_limit_alone',
      help: '1 while Redis cannot be reached, so that this gateway gives away its share alone',
      collect: (gauge) => {
        gauge.set(this.limiter.isAlone ? 1 : 0);
      },
    });
    this.routes = new Map(
      config.FLUX_ROUTE_LIMITS.map(({ method, path, policy }) => [`${method} ${path}`, policy]),
    );
  }

  /** A request from an address to a route, if any; undefined where no policy applies. */
  ofRequest(ip: string, method: string, route: string | undefined): Taking | undefined {
    const charges = this.sourceCharges(ip);
    const policy = this.routes.size === 0 ? undefined : this.routes.get(`${method} ${route ?? ''}`);
    if (policy !== undefined) charges.push({ policy, principal: `${method} ${route ?? ''}` });
    return this.take(charges);
  }

  ofShopper(shopperId: string): Taking | undefined {
    const { FLUX_SHOPPER_LIMIT: policy } = this.config;
    return this.take(policy === undefined ? [] : [{ policy, principal: shopperKey(shopperId) }]);
  }

  /** A shopper's purchase in a sale that has a pace of its own. */
  ofBuyer(saleId: string, shopperId: string, policy: Policy): Taking | undefined {
    return this.take([{ policy, principal: `${saleId}:${shopperKey(shopperId)}` }]);
  }

  get hasCeiling(): boolean {
    return this.config.FLUX_PURCHASE_CEILING !== undefined;
  }

  /** A purchase on its way to the gate without a pass. */
  ofPurchase(): Taking | undefined {
    return this.take(this.ceiling());
  }

  strikesOf(ip: string): number {
    return Math.max(0, ...this.sourceCharges(ip).map((charge) => this.limiter.refusalsOf(charge)));
  }

  load(): number {
    const [ceiling] = this.ceiling();
    return ceiling === undefined ? 0 : Math.min(1, this.limiter.useOf(ceiling));
  }

  private take(charges: readonly Charge[]): Taking | undefined {
    return charges.length === 0 ? undefined : this.limiter.take(charges as Charges);
  }

  private ceiling(): readonly Charge[] {
    const { FLUX_PURCHASE_CEILING: policy } = this.config;
    return policy === undefined ? [] : [{ policy, principal: 'all' }];
  }

  private sourceCharges(ip: string): Charge[] {
    const {
      FLUX_ADDRESS_LIMIT: address,
      FLUX_NETWORK_56_LIMIT: network56,
      FLUX_NETWORK_48_LIMIT: network48,
    } = this.config;
    const source = sourceOf(ip);
    const charges: Charge[] = [];
    if (address !== undefined) {
      charges.push({ policy: address, principal: 'ipv4' in source ? source.ipv4 : source.ipv6[64] });
    }
    if ('ipv4' in source) return charges;
    if (network56 !== undefined) charges.push({ policy: network56, principal: source.ipv6[56] });
    if (network48 !== undefined) charges.push({ policy: network48, principal: source.ipv6[48] });
    return charges;
  }
}

function shopperKey(shopperId: string): string {
  return hash('sha256', shopperId, 'base64url').slice(0, SHOPPER_LENGTH);
}

/** Twice the longest share, since several gateways may give one away at once. */
function longestOf(config: GatewayConfig): number {
  const policies = [
    config.FLUX_ADDRESS_LIMIT,
    config.FLUX_NETWORK_56_LIMIT,
    config.FLUX_NETWORK_48_LIMIT,
    config.FLUX_SHOPPER_LIMIT,
    config.FLUX_PURCHASE_CEILING,
    ...config.FLUX_ROUTE_LIMITS.map(({ policy }) => policy),
  ];
  return Math.max(LEAST_MS, ...policies.map((policy) => (policy === undefined ? 0 : 2 * shareMs(policy))));
}
