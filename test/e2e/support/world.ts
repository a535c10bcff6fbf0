import { createDatabase, deleteTopics, kafkaBrokers, startRedis, topicPrefix } from '@flux/testing';
import { appEnvironment, appOptions, newCredentials, type App } from './app-environment';
import { AppProcess } from './app-process';
import { Operator } from './operator';
import { ShopBackend } from './shop-backend';

interface WorldSize {
  readonly gateways: number;
  readonly relays: number;
  readonly orders: number;
}

/**
 * All processes of Flux-Gate as they run in production, on a private Redis, a fresh database and topics of their
 * own. Nothing is shared with another world but the brokers and the database server.
 *
 * @param env variables of every process, besides the usual ones
 */
export async function startWorld(size: WorldSize, env: Readonly<Record<string, string>> = {}) {
  const [redis, database] = await Promise.all([startRedis(), createDatabase()]);
  const credentials = newCredentials();
  const prefix = topicPrefix();
  const servers = {
    redisUrl: redis.url,
    kafkaBrokers: kafkaBrokers(),
    databaseUrl: database.config.DATABASE_URL,
    topicPrefix: prefix,
  };
  const shared = { ...appEnvironment(servers, credentials), ...env };

  const launched: AppProcess[] = [];
  const launch = async (app: App, own: Record<string, string> = {}, dist?: string): Promise<AppProcess> => {
    const process = AppProcess.launch({ ...(await appOptions(app, { ...shared, ...own })), dist });
    launched.push(process);
    return process;
  };
  const start = async (app: App, own: Record<string, string> = {}, dist?: string): Promise<AppProcess> => {
    const process = await launch(app, own, dist);
    await process.ready();
    return process;
  };
  const many = (app: App, count: number) => Promise.all(Array.from({ length: count }, () => start(app)));

  const stop = async (): Promise<void> => {
    await Promise.all(launched.map((process) => process.stop()));
    await redis.remove();
    await deleteTopics(prefix);
    await database.drop();
  };

  // All at once: the order in which processes start must not matter.
  const [admin, gateways, relays, orders] = await Promise.all([
    start('admin'),
    many('gateway', size.gateways),
    many('relay', size.relays),
    many('orders', size.orders),
  ]).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const operator = new Operator(admin.baseUrl, credentials.operatorKey);
  const shop = new ShopBackend(admin.baseUrl, credentials.serviceKey);

  return {
    redis,
    database,
    topicPrefix: prefix,
    credentials,
    /** The variables of every process. */
    env: shared,
    admin,
    gateways,
    relays,
    orders,
    operator,
    shop,
    /** Every process that was started and has not ended. */
    running: () => launched.filter(({ end }) => end === undefined),
    /** One more process of an app, which need not become ready; `dist` is the folder of another build. */
    launch,
    /** One more process of an app, ready. */
    start,
    /** Ends every process that was started, and forgets the data. */
    stop,
  };
}

export type World = Awaited<ReturnType<typeof startWorld>>;
