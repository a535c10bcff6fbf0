import { graceStep, startProcess } from '@flux/telemetry';
import { adminSettings } from './admin-settings';
import { createAdmin } from './create-admin';
import { Startup } from './startup';

void startProcess({
  name: 'admin',
  settings: adminSettings,
  run: async ({ config, ...telemetry }) => {
    const { log } = telemetry;
    const app = await createAdmin(config, telemetry);
    const startup = new Startup(app, config, telemetry);
    await app.listen(config.FLUX_ADMIN_PORT, config.FLUX_ADMIN_HOST);
    log.info({ host: config.FLUX_ADMIN_HOST, port: config.FLUX_ADMIN_PORT }, 'operator API listens');
    startup.begin((error) => {
      log.fatal({ err: error }, 'a server is not safe, or the start failed');
      process.exit(1);
    });
    return [
      graceStep(config),
      { name: 'maintenance', stop: () => startup.stop() },
      { name: 'operator API', stop: () => app.close() },
    ];
  },
});
