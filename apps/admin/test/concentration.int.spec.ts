import { loadConfig } from '@flux/config';
import { type ItemRef, ORDERS_ACCEPTED_TOPIC } from '@flux/contracts';
import { RedisConnection, redisSettings, type ShareKind, Shares, shareKeys } from '@flux/gate';
import { ensureTopics } from '@flux/kafka';
import { createLog, Metrics } from '@flux/telemetry';
import { asRedisUser, deleteTopics, kafkaBrokers, topicPrefix, waitUntil } from '@flux/testing';
import { Kafka } from 'kafkajs';
import { DataSource } from 'typeorm';
import type { ConcentrationAnswer } from '../src/concentration/concentration-docs';
import { ConcentrationWatch } from '../src/concentration/concentration-watch.service';
import { Concentrations } from '../src/concentration/concentration.service';
import { AdminWorld, statusAndCode } from './admin.world';

jest.setTimeout(60_000);

describe('the report on concentration', () => {
  const prefix = topicPrefix();
  let world: AdminWorld;
  let gateway: RedisConnection;
  beforeAll(async () => {
    world = await AdminWorld.start({
      settings: {
        KAFKA_BROKERS: kafkaBrokers(),
        FLUX_TOPIC_PREFIX: prefix,
        FLUX_KAFKA_REPLICATION: '1',
        FLUX_KAFKA_PARTITIONS: '1',
      },
    });
    const url = asRedisUser(world.redis.url, 'gateway');
    gateway = new RedisConnection(loadConfig(redisSettings, { REDIS_URL: url }));
    await gateway.whenReady();
    const kafka = world.app.get(Kafka);
    await ensureTopics({ kafka, settings: world.config, topics: [ORDERS_ACCEPTED_TOPIC] });
  });
  afterAll(async () => {
    gateway.close();
    await world.stop();
    await deleteTopics(prefix);
  });

  /** As gateways do: `many` sources with a unit each, and one with more. */
  const bought = async ({ saleId }: ItemRef, kind: ShareKind, largest: number, many = 0): Promise<void> => {
    const units = new Map<string, number>();
    for (let index = 0; index < many; index += 1) units.set(`${kind}-${index}`, 1);
    if (largest > 0) units.set(`${kind}-largest`, largest);
    await new Shares(gateway).add({ saleId, kind, units, endsAtMs: Date.now() + 3_600_000 });
  };
  const report = async ({ saleId }: ItemRef): Promise<ConcentrationAnswer> => {
    const answer = await world.call('GET', `/admin/v1/sales/${saleId}/concentration`);
    expect(answer.status).toBe(200);
    return answer.body as ConcentrationAnswer;
  };

  it('has sums, shares and alarms of each kind, of a sale that runs', async () => {
    const item = await world.openSale();
    const nothing = { units: 0, sources: 0, topPercentShare: 0, top: [], alarm: false };
    expect(await report(item)).toEqual({
      saleId: item.saleId,
      network: nothing,
      address: nothing,
      device: nothing,
    });
    await bought(item, 'network', 10, 90);
    await bought(item, 'address', 5, 95);
    await bought(item, 'device', 3);
    const { network, address, device } = await report(item);
    expect(network).toMatchObject({ units: 100, sources: 91, topPercentShare: 0.1, alarm: true });
    expect(network.top).toHaveLength(10);
    expect(network.top[0]).toEqual({ source: 'network-largest', units: 10, share: 0.1 });
    expect(address).toMatchObject({ units: 100, sources: 96, topPercentShare: 0.05, alarm: false });
    expect(device).toMatchObject({ units: 3, sources: 1, alarm: false, top: [{ share: 1 }] });
  });

  it('is kept as it was when the sale leaves Redis, and the counts with their salt are gone', async () => {
    const item = await world.openSale();
    const { saleId } = item;
    await bought(item, 'address', 7, 3);
    await new Shares(gateway).salt(saleId, Date.now() + 3_600_000);
    const before = await report(item);
    await world.act(item, 'close');
    await waitUntil('it is retired', async () => {
      // Where Kafka does not say how far the group has come, the next round goes on.
      await world.maintenance.retire().catch(() => undefined);
      return (await world.readSale(item)).state === 'retired';
    });
    expect(await world.redis.client.exists(...Object.values(shareKeys(saleId)))).toBe(0);
    expect(before.address.units).toBe(10);
    expect(await report(item)).toEqual(before);
  });

  it('is of no sale that nobody defined', async () => {
    const answer = await world.call('GET', '/admin/v1/sales/no-such-sale/concentration');
    expect(statusAndCode(answer)).toEqual([404, 'unknown-sale']);
  });

  it('raises an alarm in the metrics, and says in the log once which sale it is', async () => {
    const item = await world.openSale();
    await bought(item, 'device', 30, 90);
    const lines: string[] = [];
    const log = createLog({ FLUX_LOG_LEVEL: 'warn' }, 'admin', {
      write: (line: string) => {
        lines.push(line);
      },
    });
    const metrics = new Metrics('admin');
    const watch = new ConcentrationWatch(
      world.app.get(DataSource),
      world.app.get(Concentrations),
      20,
      log,
      metrics,
    );
    const gauges = async () => {
      const { text } = await metrics.render();
      return text.match(/^flux_concentration_(?:alarms|top_share)\{kind="device",.*$/gm);
    };
    expect(await gauges()).toEqual([
      'flux_concentration_top_share{kind="device",process="admin"} 0',
      'flux_concentration_alarms{kind="device",process="admin"} 0',
    ]);
    for (let round = 0; round < 2; round += 1) await watch.watch();
    expect(await gauges()).toEqual([
      'flux_concentration_top_share{kind="device",process="admin"} 0.25',
      'flux_concentration_alarms{kind="device",process="admin"} 1',
    ]);
    const told = lines.filter((line) => line.includes(item.saleId));
    expect(told).toHaveLength(1);
    expect(told[0]).not.toContain('device-largest');
  });
});
