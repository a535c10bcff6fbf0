import { type RequestListener, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import { parseAllowList } from '../src/webhooks/allow-list';
import { EgressPolicy, type Resolve } from '../src/webhooks/egress-policy';
import { WebhookConnections } from '../src/webhooks/send-webhook';
import { newSecret, signedWebhook } from '../src/webhooks/webhook-secret';
import { type SendOutcome, WebhookSender } from '../src/webhooks/webhook-sender';
import { WebhookReceiver, newEvent } from './webhook-receiver';

jest.setTimeout(30_000);

describe('the answer to a delivery', () => {
  const secret = newSecret();

  /** Sends to a server that answers as `listener` does, with little patience. */
  async function sendTo(listener: RequestListener): Promise<SendOutcome> {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const connections = new WebhookConnections(1, 500);
    try {
      const policy = new EgressPolicy(parseAllowList('127.0.0.1') ?? []);
      return await new WebhookSender(policy).send(connections, {
        url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
        webhook: signedWebhook(newEvent(), [secret]),
        signal: new AbortController().signal,
      });
    } finally {
      connections.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
  const TIMED_OUT = { outcome: 'failed', failure: 'no answer in time' };

  it('has to come in time', async () => {
    expect(await sendTo(() => undefined)).toEqual(TIMED_OUT);
  });

  it('has to be whole in time', async () => {
    expect(
      await sendTo((_request, response) => {
        response.writeHead(200, { 'content-length': '10' });
        response.write('x');
      }),
    ).toEqual(TIMED_OUT);
  });

  it('is read up to 16 kB, however much more there is', async () => {
    let sent = 0;
    const outcome = await sendTo((_request, response) => {
      response.writeHead(200);
      const pour = (): void => {
        sent += 65_536;
        if (!response.destroyed) response.write(Buffer.alloc(65_536), () => setImmediate(pour));
      };
      pour();
    });
    expect(outcome).toEqual({ outcome: 'delivered' });
    expect(sent).toBeLessThan(67_108_864);
  });

  it('may break off', async () => {
    expect(await sendTo((_request, response) => response.destroy())).toEqual({
      outcome: 'failed',
      failure: 'ECONNRESET',
    });
  });
});

describe('the address of a delivery', () => {
  const connections = new WebhookConnections(1);
  let shop: WebhookReceiver;
  beforeAll(async () => {
    shop = await WebhookReceiver.start();
  });
  afterAll(async () => {
    connections.close();
    await shop.stop();
  });

  const secret = newSecret();
  const send = (resolve: Resolve, allow: string) =>
    new WebhookSender(new EgressPolicy(parseAllowList(allow) ?? [], resolve)).send(connections, {
      url: `http://shop.invalid:${shop.port}/hook`,
      webhook: signedWebhook(newEvent(), [secret]),
      signal: new AbortController().signal,
    });

  it('is the one that was checked: the name is not looked up again', async () => {
    let looked = 0;
    const resolve: Resolve = () => {
      looked += 1;
      return Promise.resolve([{ address: '127.0.0.1', family: 4 }]);
    };
    expect(await send(resolve, `127.0.0.1:${shop.port}`)).toEqual({ outcome: 'delivered' });
    expect(looked).toBe(1);
    const [request] = shop.received;
    expect(request?.headers.host).toBe(`shop.invalid:${shop.port}`);
    new Webhook(secret).verify(request?.body ?? '', request?.headers as Record<string, string>);
  });

  it('is checked before each send: a name that has moved inside is not called', async () => {
    const answers = ['93.184.215.14', '127.0.0.1'];
    const resolve: Resolve = () => Promise.resolve([{ address: answers.shift() ?? '', family: 4 }]);
    const policy = new EgressPolicy([], resolve);
    expect((await policy.check('https://shop.invalid/hook')).outcome).toBe('allowed');
    const before = shop.received.length;
    const sent = await new WebhookSender(policy).send(connections, {
      url: 'https://shop.invalid/hook',
      webhook: signedWebhook(newEvent(), [secret]),
      signal: new AbortController().signal,
    });
    expect(sent).toEqual({ outcome: 'failed', failure: 'the address must lead to public addresses only' });
    expect(shop.received).toHaveLength(before);
  });
});
