import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join as pathOf } from 'node:path';
import type { ItemRef } from '@flux/contracts';
import type { RoomConfig } from '@flux/waiting-room';
import { waitUntil } from '@flux/testing';
import { readPageConfig } from '../src/waiting-room-page/page-files';
import { join } from './queue.world';
import { startGateway, useWorld } from './world';

const world = useWorld();
const folder = mkdtempSync(pathOf(tmpdir(), 'flux-page-'));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function configFile(config: unknown): string {
  const file = pathOf(folder, `${Math.random()}.json`);
  writeFileSync(file, JSON.stringify(config));
  return file;
}

function get(
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Response> {
  return fetch(`${world.gateway.base}/waiting-room/${path}`, { method, headers, redirect: 'manual' });
}

async function guarded(options: Partial<RoomConfig> = {}): Promise<ItemRef> {
  const item = await world.shop.open();
  await world.shop.putRoom(item, options);
  return item;
}

describe('the page', () => {
  it('is found in its folder, with the query that it was asked with', async () => {
    const answer = await get('drop?return=%2Fcart');
    expect([answer.status, answer.headers.get('location')]).toEqual([302, 'drop/?return=%2Fcart']);
    expect((await get('no%20sale')).status).toBe(404);
    expect((await get('no%20sale/')).status).toBe(404);
  });

  it('may be kept for a minute, and is not sent again to whoever has it', async () => {
    const answer = await get('drop/');
    const etag = answer.headers.get('etag') ?? '';
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cache-control')).toBe('public, max-age=60');
    expect(await answer.text()).toMatch(/^<!doctype html>/);
    const again = await get('another/', { 'if-none-match': `"x", W/${etag}` });
    expect([again.status, await again.text()]).toEqual([304, '']);
  });

  it('allows its own script and style by their hashes, and nothing else', async () => {
    const { headers } = await get('drop/');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(/default-src 'none'; script-src 'sha256-[^ ;]+'; style-src 'sha256-[^ ;]+';/);
    expect(policy).toContain("connect-src 'self';");
    expect(policy).toContain('worker-src blob:;');
    expect(policy).not.toContain('frame-src');
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  it.each([
    ['turnstile', 'https://challenges.cloudflare.com'],
    ['hcaptcha', 'https://js.hcaptcha.com https://hcaptcha.com https://*.hcaptcha.com'],
  ])('allows the widget of %s where captchas are set up', async (provider, sources) => {
    const gateway = await startGateway(world.redis.url, {
      FLUX_CAPTCHA_PROVIDER: provider,
      FLUX_CAPTCHA_SITE_KEY: 'site-key',
      FLUX_CAPTCHA_SECRET: 'a-secret-of-the-site-with-enough-bytes',
      FLUX_CAPTCHA_HOSTNAMES: 'shop.example',
    });
    const page = await fetch(`${gateway.base}/waiting-room/drop/`);
    const policy = page.headers.get('content-security-policy') ?? '';
    for (const directive of ['script-src', 'style-src', 'connect-src', 'frame-src']) {
      expect(policy).toMatch(new RegExp(`${directive} [^;]*${sources.replaceAll('*', '\\*')}`));
    }
    expect(policy).not.toMatch(/unsafe|img-src[^;]*https/);
    // A policy in the page itself counts too.
    expect(await page.text()).toContain(`frame-src ${sources}`);
    await gateway.close();
  });

  it('has the shipped looks without a file of the shop', async () => {
    const answer = await get('config.json');
    expect(answer.headers.get('content-type')).toMatch(/^application\/json/);
    expect(Object.keys(((await answer.json()) as { texts: object }).texts)).toEqual(['en', 'de']);
  });
});

describe("the shop's own file", () => {
  const own = {
    shopName: 'Northwind <b>',
    shopUrl: 'https://shop.example/drop',
    apiUrl: 'https://api.example',
    logoUrl: 'https://cdn.example/logo.svg',
    colours: { light: { accent: '#0a7f5a' } },
    texts: { fr: { 'outside.heading': 'La file' } },
  };

  it('is served, widens the policy to its origins, and fills in the page without scripts', async () => {
    const gateway = await startGateway(world.redis.url, { FLUX_WAITING_ROOM_CONFIG: configFile(own) });
    const at = (path: string) => fetch(`${gateway.base}/waiting-room/${path}`);
    expect(await (await at('config.json')).json()).toEqual(own);
    const page = await at('drop/');
    const policy = page.headers.get('content-security-policy') ?? '';
    expect(policy).toContain("connect-src 'self' https://api.example;");
    expect(policy).toContain("img-src 'self' data: https://cdn.example;");
    // A policy in the page itself counts too.
    expect(await page.text()).toContain("connect-src 'self' https://api.example;");
    const { saleId } = await guarded();
    const place = await fetch(`${gateway.base}/waiting-room/${saleId}/place`, {
      headers: { cookie: 'flux-shopper=ann', 'accept-language': 'fr-CH, en;q=0.5' },
    });
    const html = await place.text();
    expect(html).toContain('<html lang="fr">');
    expect(html).toContain('>La file<');
    expect(html).toContain('Northwind &lt;b&gt;');
    expect(html).toContain('<style>@media (prefers-color-scheme:light){:root{--accent:#0a7f5a;}}</style>');
    expect(html).toContain(' href="https://shop.example/drop"');
    await gateway.close();
  });

  it.each([
    ['an unknown name', { ...own, shopname: 'x' }, 'the file: '],
    ['a script as the shop', { ...own, shopUrl: 'javascript:alert(1)' }, 'shopUrl'],
    ['another origin as a path', { ...own, shopUrl: '//evil.example' }, 'shopUrl'],
    ['a path in the API', { ...own, apiUrl: 'https://api.example/v1' }, 'apiUrl'],
    ['a colour that is none', { ...own, colours: { dark: { accent: 'red;}' } } }, 'colours.dark.accent'],
    ['an unknown text', { ...own, texts: { en: { heading: 'x' } } }, 'texts.en'],
    ['a language that is none', { ...own, texts: { 'no language': {} } }, 'texts'],
    ['no language', { ...own, texts: {} }, 'texts'],
  ])('is refused for %s, by its place', (_name, config, place) => {
    expect(() => readPageConfig(configFile(config))).toThrow(`  ${place}`);
  });

  it('keeps a gateway from starting when it is wrong', async () => {
    const starting = startGateway(world.redis.url, { FLUX_WAITING_ROOM_CONFIG: pathOf(folder, 'none.json') });
    await expect(starting).rejects.toThrow('FLUX_WAITING_ROOM_CONFIG');
  });
});

describe('the page without scripts', () => {
  const ann = { cookie: 'flux-shopper=ann' };
  const ticketOf = (answer: Response) => (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';

  it('asks strangers to come through the shop, and shoppers to join', async () => {
    const { saleId } = await guarded();
    expect(await (await get(`${saleId}/place`)).text()).toContain('Please come in through the shop');
    const outside = await get(`${saleId}/place`, ann);
    expect(outside.headers.get('cache-control')).toBe('no-store');
    expect(await outside.text()).toContain('>Join the line<');
  });

  it('joins by a form, and is led back to the page with the ticket in a cookie', async () => {
    const { saleId } = await guarded({ mode: 'closed' });
    await join(world.gateway, { saleId, productId: 'x' }, 'bob');
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    const joined = await get(`${saleId}/place?return=%2Fcart`, { ...ann, ...type }, 'POST');
    expect([joined.status, joined.headers.get('location')]).toEqual([303, 'place?return=%2Fcart']);
    const cookie = ticketOf(joined);
    expect(cookie).toMatch(new RegExp(`^flux-ticket-${saleId}=.`));
    const html = await (await get(`${saleId}/place`, { cookie })).text();
    expect(html).toContain('data-text="place">2<');
    expect(html).toContain('1 person is ahead of you.');
    expect(html).toContain('The shop lets nobody in at the moment. Your place is kept.');
    expect(html).toMatch(/<meta http-equiv="refresh" content="\d+" \/>/);
    expect(html).not.toContain('<script');
  });

  it('carries to the shop once for a turn, with the pass in the query', async () => {
    const { saleId } = await guarded();
    const cookie = ticketOf(await get(`${saleId}/place`, ann, 'POST'));
    let cookies: readonly string[] = [];
    const html = await waitUntil('it is the turn', async () => {
      const answer = await get(`${saleId}/place`, { cookie });
      cookies = answer.headers.getSetCookie();
      const text = await answer.text();
      return text.includes('It is your turn') && text;
    });
    expect(html).toMatch(/content="3; url=\/\?pass=[^"]+&amp;sale=/);
    const carried = cookies.find((text) => text.startsWith('flux-carried-'))?.split(';')[0] ?? '';
    const again = await (await get(`${saleId}/place`, { cookie: `${cookie}; ${carried}` })).text();
    expect(again).not.toContain('content="3; url=');
    expect(again).toContain('Continue to the shop when you are ready.');
  });

  it('says when the ticket is not good, and forgets it', async () => {
    const { saleId } = await guarded();
    const answer = await get(`${saleId}/place`, { cookie: `flux-ticket-${saleId}=forged` });
    expect(await answer.text()).toContain('You are no longer in the line');
    expect(answer.headers.get('set-cookie')).toMatch(new RegExp(`^flux-ticket-${saleId}=;.*Max-Age=0`));
  });

  it('knows no sale that is not there', async () => {
    expect((await get('nowhere/place', { cookie: 'flux-ticket-nowhere=x' })).status).toBe(200);
    const answer = await get('nowhere/place', ann, 'POST');
    expect([answer.status, await answer.text()]).toEqual([
      404,
      expect.stringContaining('We do not know this sale'),
    ]);
  });

  it('says that the line cannot be seen while Redis is gone, and tries again by itself', async () => {
    const { saleId } = await guarded({ mode: 'closed' });
    const cookie = ticketOf(await get(`${saleId}/place`, ann, 'POST'));
    await world.redis.stop();
    try {
      const gone = await waitUntil('the place is not to be seen', async () => {
        const answer = await get(`${saleId}/place`, { cookie });
        return answer.status === 503 && answer;
      });
      const html = await gone.text();
      expect(html).toContain('Your place is kept; we try again in');
      expect(html).toContain(`content="${gone.headers.get('retry-after') ?? ''}" />`);
    } finally {
      await world.redis.restart();
    }
    await waitUntil('the place is seen again', async () => {
      return (await (await get(`${saleId}/place`, { cookie })).text()).includes('data-text="place">1<');
    });
  });
});
