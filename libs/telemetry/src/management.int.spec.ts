import { once } from 'node:events';
import { connect } from 'node:net';
import { freePort, waitUntil } from '@flux/testing';
import { Health } from './health';
import { createLog } from './log';
import { startManagement } from './management';
import { Metrics } from './metrics';

// The first import compiles much, on a machine that others use too.
jest.setTimeout(30_000);

describe('management port', () => {
  const metrics = new Metrics('probe');
  const health = new Health();
  const log = createLog({ FLUX_LOG_LEVEL: 'fatal' }, 'probe');
  let close: () => Promise<void>;
  let base: string;
  let redisAnswers = true;

  beforeAll(async () => {
    health.register('redis', () => redisAnswers);
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    close = await startManagement({ log, metrics, health }, { host: '127.0.0.1', port });
  });

  afterAll(() => close());

  it("serves the process's own and Node's metrics", async () => {
    metrics
      .counter({ name: 'probe_total', help: 'Of this test', labels: ['outcome'] })
      .inc({ outcome: 'ok' }, 3);
    metrics.gauge({
      name: 'probe_now',
      help: 'Of this test',
      collect: (gauge) => {
        gauge.set(7);
      },
    });
    const answer = await fetch(`${base}/metrics`);
    expect(answer.headers.get('content-type')).toContain('text/plain');
    const text = await answer.text();
    expect(text).toContain('flux_probe_total{outcome="ok",process="probe"} 3');
    expect(text).toContain('flux_probe_now{process="probe"} 7');
    expect(text).toContain('nodejs_eventloop_lag_seconds');
  });

  it('is live while it runs, and ready as long as its dependencies answer', async () => {
    expect((await fetch(`${base}/health/live`)).status).toBe(200);
    expect((await fetch(`${base}/health/ready`)).status).toBe(200);
    redisAnswers = false;
    const answer = await fetch(`${base}/health/ready`);
    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('1');
    expect(await answer.json()).toEqual({ ready: false, checks: { redis: 'failed' } });
    expect((await fetch(`${base}/health/live`)).status).toBe(200);
  });

  it('keeps no more than 100 connections', async () => {
    const port = Number(new URL(base).port);
    const sockets = Array.from({ length: 100 }, () => connect(port, '127.0.0.1'));
    await Promise.all(sockets.map((socket) => once(socket, 'connect')));
    const oneMore = connect(port, '127.0.0.1').resume();
    await once(oneMore, 'close');
    for (const socket of sockets) socket.destroy();
    await waitUntil('there is room again', async () => {
      return (await fetch(`${base}/health/live`).catch(() => undefined))?.status === 200;
    });
  });
});
