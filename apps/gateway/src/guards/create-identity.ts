import type { IncomingHttpHeaders } from 'node:http';
import { shopperIdSchema } from '@flux/contracts';
import type { Log } from '@flux/telemetry';
import type { Identity } from './identity';
import type { IdentityConfig } from './identity.settings';
import { JwtIdentity } from './jwt-identity';

/** Tells shoppers apart as FLUX_AUTH says. */
export function createIdentity(config: IdentityConfig, log: Log): Identity {
  return config.FLUX_AUTH === 'demo' ? new DemoIdentity() : new JwtIdentity(config, log);
}

/** For demonstrations: the header `x-shopper-id` is believed. */
class DemoIdentity implements Identity {
  claimed(headers: IncomingHttpHeaders): string | undefined {
    return shopperIdSchema.safeParse(headers['x-shopper-id']).data;
  }

  verified(headers: IncomingHttpHeaders): string | undefined {
    return this.claimed(headers);
  }
}
