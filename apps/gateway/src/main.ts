import { checkRedisSettings, RedisConnection } from '@flux/gate';
import { startProcess } from '@flux/telemetry';
import { createGateway } from './create-gateway';
import { gatewaySettings } from './gateway.config';

void startProcess({
  name: 'gateway',
  settings: gatewaySettings,
  managementPort: (config) => config.FLUX_GATEWAY_MANAGEMENT_PORT,
  run: async ({ config, ...telemetry }) => {
    const app = await createGateway(config, telemetry);
    await checkRedisSettings(app.get(RedisConnection), config);
    await app.listen(config.FLUX_GATEWAY_PORT, config.FLUX_GATEWAY_HOST);
    telemetry.log.info(
      { host: config.FLUX_GATEWAY_HOST, port: config.FLUX_GATEWAY_PORT },
      'shop API listens',
    );
    // Closing the app ends the listener first and Redis last.
    return [{ name: 'shop API', stop: () => app.close() }];
  },
});
