import { startProcess } from '@flux/telemetry';
import { relaySettings } from './relay.config';
import { startRelay } from './start-relay';

void startProcess({
  name: 'relay',
  settings: relaySettings,
  managementPort: (config) => config.FLUX_RELAY_MANAGEMENT_PORT,
  run: async (context) => {
    const app = await startRelay({
      ...context,
      onFatal: (error) => {
        context.log.fatal({ err: error }, 'a server is not safe: the relay does not start');
        process.exit(1);
      },
    });
    // The sends in flight end and the positions are stored before Kafka and Redis are let go.
    return [{ name: 'relay', stop: () => app.close() }];
  },
});
