import { checkRedisSettings, RedisConnection } from '@flux/gate';
import { graceStep, startProcess } from '@flux/telemetry';
import { createGateway } from './create-gateway';
import { gatewaySettings } from './gateway.config';

void startProcess({
  name: 'gateway',
  settings: gatewaySettings,
  managementPort: (config) => config.FLUX_GATEWAY_MANAGEMENT_PORT,
  run: async ({ config, ...telemetry }) => {
    const app = await createGateway(config, telemetry);
    if (config.FLUX_TOKEN_KEYS.length === 0) {
      telemetry.log.info('FLUX_TOKEN_KEYS is not set: tickets are good on this gateway alone, until it ends');
    }
    await checkRedisSettings(app.get(RedisConnection), config);
    await app.listen(config.FLUX_GATEWAY_PORT, config.FLUX_GATEWAY_HOST);
    telemetry.log.info(
      { host: config.FLUX_GATEWAY_HOST, port: config.FLUX_GATEWAY_PORT },
      'shop API listens',
    );
    // Closing the app ends the listener first and Redis last.
    return [graceStep(config), { name: 'shop API', stop: () => app.close() }];
  },
});
