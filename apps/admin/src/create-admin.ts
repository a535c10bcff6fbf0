import { ORDERS_ACCEPTED_TOPIC } from '@flux/contracts';
import { createHttpApp, serveDocs } from '@flux/http';
import { KafkaAdmin, prefixed } from '@flux/kafka';
import { LedgerConnection } from '@flux/ledger';
import { Catalogue } from '@flux/gate';
import type { Telemetry } from '@flux/telemetry';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { AdminConfig } from './admin-settings';
import { AdminModule } from './admin.module';
import { OPERATOR_AUTH } from './keys/operator-controller';
import { SERVICE_AUTH } from './keys/service-controller';

/** A sale of the most items that a sale may have, each with the longest names. */
const BODY_LIMIT_BYTES = 1_048_576;

/** Operators, the shop's backend and probes, all of them few. */
const CONNECTIONS = { perProcess: 1_000, perAddress: 250 };

/** The admin process, complete but for listening. `close` answers what is under way, then leaves the servers. */
export async function createAdmin(
  config: AdminConfig,
  telemetry: Telemetry,
): Promise<NestFastifyApplication> {
  const module = AdminModule.forRoot(config, telemetry);
  const app = await createHttpApp({
    module,
    telemetry,
    bodyLimitBytes: BODY_LIMIT_BYTES,
    trustedProxies: config.FLUX_TRUSTED_PROXIES,
    connections: CONNECTIONS,
  });
  serveDocs(app, {
    info: {
      title: 'Flux-Gate operator API',
      version: '1',
      description:
        'Under `/admin/v1` operators define sales and run them; every change is audited. Under `/shop/v1` the ' +
        "shop's own backend works with its orders. Each has keys of its own. With the key of a `viewer` operators read, " +
        'an `operator` runs sales as well, and an `owner` gives out keys and denies or allows as well. Errors are ' +
        'RFC 9457 problem+json.',
    },
    components: {
      securitySchemes: {
        [OPERATOR_AUTH]: { type: 'http', scheme: 'bearer' },
        [SERVICE_AUTH]: { type: 'http', scheme: 'bearer' },
      },
    },
  });
  const ledger = app.get(LedgerConnection);
  const catalogue = app.get(Catalogue);
  const kafka = app.get(KafkaAdmin);
  telemetry.health.register('postgresql', () => ledger.answers());
  telemetry.health.register('redis', async () => {
    await catalogue.isWritten();
    return true;
  });
  telemetry.health.register('kafka', () => kafka.isReachable(prefixed(config, ORDERS_ACCEPTED_TOPIC)));
  return app;
}
