import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CaptchaProviderServer, TcpProxy } from '@flux/testing';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchBrowser } from './browser';
import { ShopFront } from './shop-front';
import { startWorld, type World } from './world';

const STOCK = 10;

/** Shoppers look every second or so; who falls silent is not passed over while a test looks elsewhere. */
const ADMISSION = { longestPollMs: 1_000, silentMs: 60_000, passMs: 60_000, ratePerSecond: 100 };

const CAPTCHA_SECRET = 'secret-of-the-site-with-enough-bytes';

interface Parts {
  readonly world: World;
  readonly browser: Browser;
  readonly shop: ShopFront;
  readonly captcha: CaptchaProviderServer;
  readonly proxy: TcpProxy;
  readonly folder: string;
}

/** A gateway behind a proxy, a shop, and a browser whose shoppers come through the waiting room. */
export class WaitingRoomWorld {
  private sales = 0;

  private constructor(private readonly parts: Parts) {}

  static async start(): Promise<WaitingRoomWorld> {
    const shop = await ShopFront.start();
    const captcha = await CaptchaProviderServer.start(CAPTCHA_SECRET);
    const folder = mkdtempSync(join(tmpdir(), 'flux-page-'));
    const world = await startWorld({ gateways: 0, relays: 0, orders: 0 });
    try {
      const gateway = await world.start('gateway', {
        FLUX_WAITING_ROOM_CONFIG: configFile(folder, shop),
        FLUX_CORS_ORIGINS: shop.origin,
        FLUX_CAPTCHA_PROVIDER: 'turnstile',
        FLUX_CAPTCHA_SITE_KEY: 'site-key',
        FLUX_CAPTCHA_SECRET: CAPTCHA_SECRET,
        FLUX_CAPTCHA_HOSTNAMES: '127.0.0.1',
        FLUX_CAPTCHA_VERIFY_URL: captcha.verifyUrl,
        FLUX_CAPTCHA_SCRIPT_URL: captcha.scriptUrl,
      });
      shop.apiUrl = gateway.baseUrl;
      const { port } = new URL(gateway.baseUrl);
      const proxy = await TcpProxy.start({ host: '127.0.0.1', port: Number(port) });
      return new WaitingRoomWorld({ world, shop, captcha, folder, proxy, browser: await launchBrowser() });
    } catch (error) {
      await shop.stop();
      await captcha.stop();
      await world.stop();
      throw error;
    }
  }

  /** Between the browser and the gateway. */
  get proxy(): TcpProxy {
    return this.parts.proxy;
  }

  /** Who shows captchas, and checks them. */
  get captcha(): CaptchaProviderServer {
    return this.parts.captcha;
  }

  get shop(): ShopFront {
    return this.parts.shop;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.proxy.port}`;
  }

  pageUrl(saleId: string, query = ''): string {
    return `${this.origin}/waiting-room/${saleId}${query}`;
  }

  /** An open sale behind a room. */
  async openSale(admission: Readonly<Record<string, unknown>>, opensInMs = -60_000): Promise<string> {
    const saleId = `drop-${(this.sales += 1)}`;
    await this.operate(201, '/admin/v1/sales', {
      id: saleId,
      name: 'Friday drop',
      opensAt: new Date(Date.now() + opensInMs).toISOString(),
      closesAt: new Date(Date.now() + 3_600_000).toISOString(),
      holdMs: 600_000,
      items: [
        {
          productId: productOf(saleId),
          name: 'Sneaker',
          priceMinor: 12_900,
          currency: 'EUR',
          stock: STOCK,
          perShopperLimit: 1,
        },
      ],
      admission: { ...ADMISSION, ...admission },
    });
    await this.operate(200, `/admin/v1/sales/${saleId}/open`);
    return saleId;
  }

  async switchRoom(saleId: string, change: Readonly<Record<string, unknown>>): Promise<void> {
    await this.operate(200, `/admin/v1/sales/${saleId}/waiting-room`, change);
  }

  /** The operator takes every unit out of the sale. */
  async withdrawStock(saleId: string): Promise<void> {
    await this.operate(200, `/admin/v1/sales/${saleId}/items/${productOf(saleId)}/stock`, {
      delta: -STOCK,
      reason: 'damaged',
    });
  }

  /** Somebody who comes without a browser; answers the ticket. */
  async join(saleId: string, shopper: string): Promise<string> {
    const answer = await fetch(`${this.origin}/v1/sales/${saleId}/queue`, {
      method: 'POST',
      headers: { 'x-shopper-id': shopper },
    });
    if (!answer.ok) throw new Error(`joining answered ${answer.status}`);
    return ((await answer.json()) as { ticket: string }).ticket;
  }

  async leave(saleId: string, ticket: string): Promise<void> {
    const url = `${this.origin}/v1/sales/${saleId}/queue`;
    const answer = await fetch(url, { method: 'DELETE', headers: { 'x-ticket': ticket } });
    if (answer.status !== 204) throw new Error(`leaving answered ${answer.status}`);
  }

  /** A browser of its own, so that nothing of one test is kept for another. Fails on what the page's policy forbids. */
  async visit(options: BrowserContextOptions = {}): Promise<{ page: Page; complaints: string[] }> {
    const context = await this.parts.browser.newContext({ locale: 'en-GB', ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('console', (message) => {
      // A request that fails is part of a test.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
        complaints.push(message.text());
      }
    });
    return { page, complaints };
  }

  async stop(): Promise<void> {
    const { browser, proxy, shop, captcha, world, folder } = this.parts;
    await browser.close();
    await proxy.stop();
    await shop.stop();
    await captcha.stop();
    await world.stop();
    rmSync(folder, { recursive: true });
  }

  private async operate(expected: number, path: string, body?: unknown): Promise<void> {
    const { status, body: answer } = await this.parts.world.operator.call('POST', path, body);
    if (status !== expected) throw new Error(`${path} answered ${status}: ${JSON.stringify(answer)}`);
  }
}

/** The shipped looks and texts, with this shop's name and address. */
function configFile(folder: string, shop: ShopFront): string {
  const shipped = JSON.parse(readFileSync('dist/apps/web/waiting-room/config.json', 'utf8')) as object;
  const file = join(folder, 'config.json');
  const own = { shopName: 'Northwind Sneakers', shopUrl: `${shop.origin}/drop` };
  writeFileSync(file, JSON.stringify({ ...shipped, ...own }));
  return file;
}

/** A product is in one open sale at most. */
function productOf(saleId: string): string {
  return saleId.replace('drop', 'sneaker');
}
