import 'reflect-metadata';
import { startProcess } from '@flux/telemetry';
import { ordersSettings } from './orders.config';
import { startOrders } from './start-orders';

void startProcess({
  name: 'orders',
  settings: ordersSettings,
  managementPort: (config) => config.FLUX_ORDERS_MANAGEMENT_PORT,
  run: async (context) => {
    const app = await startOrders({
      ...context,
      onFatal: (error) => {
        context.log.fatal({ err: error }, 'the consumer has ended: exits for a fresh start');
        process.exit(1);
      },
    });
    return [{ name: 'orders', stop: () => app.close() }];
  },
});
