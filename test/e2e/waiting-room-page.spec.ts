import type { Page } from 'playwright-core';
import { accessibilityProblems } from './support/browser';
import { WaitingRoomWorld } from './support/waiting-room-world';

/** Longer than the page takes to hear of a change on a busy machine. */
const SOON = { timeout: 30_000 };
const AS_ANN = '#shopper=ann';
const PHONE = { width: 375, height: 740 };
const SMALL_PHONE = { width: 320, height: 640 };
const DESKTOP = { width: 1_200, height: 800 };

/** In the page: how long the longest time between two frames was while the page said that it solves something. */
const NOTE_FRAMES = `
  globalThis.longestFrameMs = 0;
  let last = performance.now();
  const frame = (now) => {
    const lead = document.querySelector('[data-text="lead"]')?.textContent ?? '';
    if (lead.includes('keeps robots out')) longestFrameMs = Math.max(longestFrameMs, now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
`;

let room: WaitingRoomWorld;

beforeAll(async () => {
  room = await WaitingRoomWorld.start();
});

afterAll(async () => {
  await room.stop();
});

function heading(page: Page, text: string): Promise<void> {
  return page.getByRole('heading', { level: 1, name: text, exact: true }).waitFor(SOON);
}

function shown(page: Page, text: string | RegExp): Promise<void> {
  return page.locator('main, footer').getByText(text).first().waitFor(SOON);
}

/** What the page shows in one of its places. */
function slot(page: Page, name: string): Promise<string | null> {
  return page.locator(`[data-text="${name}"]`).textContent();
}

describe('the way through the line', () => {
  it('waits, is carried to the shop with the pass at the turn, and buys there', async () => {
    const saleId = await room.openSale({ mode: 'closed' });
    const bob = await room.join(saleId, 'bob');
    const { page, complaints } = await room.visit();
    await page.goto(room.pageUrl(saleId, AS_ANN));
    await heading(page, 'You are in the line');
    expect(await slot(page, 'place')).toBe('2');
    expect(await slot(page, 'ahead')).toBe('1 person is ahead of you.');
    expect(await page.title()).toBe('2 · You are in the line – Northwind Sneakers');
    await shown(page, 'The shop lets nobody in at the moment. Your place is kept.');
    // Whoever copies the address does not copy the shopper.
    expect(new URL(page.url()).hash).toBe('');

    await room.leave(saleId, bob);
    await shown(page, 'You are next.');
    expect(await page.getByRole('progressbar').getAttribute('value')).toBe('50');

    await room.switchRoom(saleId, { mode: 'on' });
    await page.waitForURL(`${room.shop.origin}/drop#pass=*&sale=${saleId}`, SOON);
    await page.getByRole('button', { name: 'Buy' }).click();
    await page.locator('#outcome', { hasText: '202' }).waitFor(SOON);
    expect(complaints).toEqual([]);
  });

  it('carries to the shop once: whoever comes back finds a button', async () => {
    const saleId = await room.openSale({ mode: 'on' });
    const { page } = await room.visit();
    await page.goto(room.pageUrl(saleId, AS_ANN));
    await page.waitForURL(`${room.shop.origin}/drop#pass=*`, SOON);
    await page.goto(room.pageUrl(saleId));
    await heading(page, 'It is your turn');
    await shown(page, 'Continue to the shop when you are ready.');
    expect(await slot(page, 'until')).toMatch(/^Your turn is kept until \d\d:\d\d:\d\d\.$/);
    // Two more looks, and the page is still here.
    await page.waitForResponse((answer) => answer.url().endsWith('/queue'), SOON);
    await page.waitForResponse((answer) => answer.url().endsWith('/queue'), SOON);
    await page.getByRole('link', { name: 'Continue to the shop' }).click();
    await page.waitForURL(`${room.shop.origin}/drop#pass=*`, SOON);
  });

  it('is led back to a page of the shop, and nowhere else', async () => {
    const saleId = await room.openSale({ mode: 'on' });
    const { page } = await room.visit();
    await page.goto(room.pageUrl(saleId, `?return=%2Fcart%3Fstep%3D2${AS_ANN}`));
    await page.waitForURL(`${room.shop.origin}/cart?step=2#pass=*`, SOON);
    const { page: other } = await room.visit();
    await other.goto(room.pageUrl(saleId, '?return=https%3A%2F%2Fevil.example%2F#shopper=eve'));
    await other.waitForURL(`${room.shop.origin}/drop#pass=*`, SOON);
  });

  it('says that everything is sold while somebody waits, and ends', async () => {
    const saleId = await room.openSale({ mode: 'closed' });
    const { page } = await room.visit();
    await page.goto(room.pageUrl(saleId, AS_ANN));
    await heading(page, 'You are in the line');
    await room.withdrawStock(saleId);
    await heading(page, 'Sold out');
    expect(await page.getByRole('button', { name: 'Leave the line' }).isVisible()).toBe(false);
    const back = page.getByRole('link', { name: 'Back to the shop' });
    expect(await back.getAttribute('href')).toBe(`${room.shop.origin}/drop`);
  });

  it('counts down in the lobby', async () => {
    const lobbyOpensAt = new Date(Date.now() - 60_000).toISOString();
    const saleId = await room.openSale({ mode: 'on', lobbyOpensAt }, 900_000);
    const { page } = await room.visit();
    await page.goto(room.pageUrl(saleId, AS_ANN));
    await heading(page, 'You are in the draw');
    expect(await slot(page, 'countdown')).toMatch(/^00:1[45]:\d\d$/);
  });

  it('is left by a button that asks first, with the keyboard alone, and joined again', async () => {
    const saleId = await room.openSale({ mode: 'closed' });
    const { page } = await room.visit({ reducedMotion: 'reduce' });
    await page.goto(room.pageUrl(saleId, AS_ANN));
    await heading(page, 'You are in the line');
    await page.getByRole('button', { name: 'Leave the line' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Leave the line?' }).waitFor(SOON);
    await page.keyboard.press('Escape');
    expect(await page.getByRole('dialog').isVisible()).toBe(false);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await heading(page, 'You have left the line');
    await page.getByRole('button', { name: 'Join again' }).press('Enter');
    await heading(page, 'You are in the line');
  });

  it('keeps its place over a reload and in another tab', async () => {
    const saleId = await room.openSale({ mode: 'closed' });
    const { page } = await room.visit();
    await page.goto(room.pageUrl(saleId, AS_ANN));
    await heading(page, 'You are in the line');
    await room.join(saleId, 'bob');
    const tab = await page.context().newPage();
    await tab.goto(room.pageUrl(saleId));
    await page.reload();
    for (const each of [page, tab]) {
      await heading(each, 'You are in the line');
      expect(await slot(each, 'place')).toBe('1');
    }
  });
});

describe('where the sale asks for a challenge', () => {
  it('does the work beside the page, which goes on meanwhile, and joins', async () => {
    const saleId = await room.openSale({ mode: 'closed', challenge: 'pow', challengeBits: 18 });
    const { page, complaints } = await room.visit();
    await page.addInitScript({ content: NOTE_FRAMES });
    const startedAt = performance.now();
    await page.goto(room.pageUrl(saleId, AS_ANN));
    await shown(page, /^Your device is solving a small task that keeps robots out\./);
    // Said once to those who hear the page.
    await page.getByRole('status').getByText('Your device is solving a small task').waitFor(SOON);
    expect(await accessibilityProblems(page)).toEqual([]);
    await heading(page, 'You are in the line');
    const tookMs = performance.now() - startedAt;
    const longestFrameMs = await page.evaluate('longestFrameMs');
    expect(longestFrameMs).toBeGreaterThan(0);
    expect(longestFrameMs).toBeLessThan(tookMs / 2);
    // The ticket stands for the challenge: a reload does no work.
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.reload();
    await heading(page, 'You are in the line');
    expect(asked.filter((url) => url.includes('/challenge'))).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('shows the captcha of the provider, and joins with its answer', async () => {
    const saleId = await room.openSale({ mode: 'closed', challenge: 'captcha' });
    const { page, complaints } = await room.visit();
    await page.goto(room.pageUrl(saleId, AS_ANN));
    await heading(page, 'One short check');
    await page.getByRole('button', { name: 'I am a person' }).waitFor(SOON);
    expect(await accessibilityProblems(page)).toEqual([]);
    await page.getByRole('button', { name: 'I am a person' }).click();
    await heading(page, 'You are in the line');
    expect(await page.locator('#captcha').isVisible()).toBe(false);
    expect(complaints).toEqual([]);
  });

  it('lets people join by work while the captchas cannot be checked', async () => {
    const saleId = await room.openSale({ mode: 'closed', challenge: 'captcha', challengeBits: 10 });
    room.captcha.trouble = 'status-500';
    try {
      const { page } = await room.visit();
      await page.goto(room.pageUrl(saleId, AS_ANN));
      await page.getByRole('button', { name: 'I am a person' }).click(SOON);
      await heading(page, 'You are in the line');
    } finally {
      room.captcha.trouble = undefined;
    }
  });

  it('says to browsers without JavaScript what is missing', async () => {
    const saleId = await room.openSale({ mode: 'closed', challenge: 'pow' });
    const { page } = await room.visit({ javaScriptEnabled: false });
    await page.context().addCookies([{ name: 'flux-shopper', value: 'ann', url: room.origin }]);
    await page.goto(room.pageUrl(saleId));
    await page.getByRole('button', { name: 'Join the line' }).click(SOON);
    await heading(page, 'Please switch on JavaScript');
    // Back to the page that runs scripts, for who has switched them on.
    const again = page.getByRole('link', { name: 'Try again' });
    expect(await again.getAttribute('href')).toBe('./');
    await page.getByRole('link', { name: 'Back to the shop' }).waitFor(SOON);
  });
});

describe('when things go wrong', () => {
  it('stays truthful while the server is gone, and comes back by itself', async () => {
    const saleId = await room.openSale({ mode: 'closed' });
    const { page } = await room.visit();
    await page.goto(room.pageUrl(saleId, AS_ANN));
    await heading(page, 'You are in the line');
    const updated = await slot(page, 'updated');
    room.proxy.set('cut');
    try {
      await shown(
        page,
        /^We cannot reach the shop at the moment\. Your place is kept; we try again in \d+ seconds?\.$/,
      );
      expect(await slot(page, 'place')).toBe('1');
      // Said once to those who hear the page.
      await page.getByRole('status').getByText('We cannot reach the shop at the moment.').waitFor(SOON);
    } finally {
      room.proxy.set('pass');
    }
    await page
      .getByText('We cannot reach the shop at the moment.')
      .first()
      .waitFor({ state: 'hidden', ...SOON });
    expect(await slot(page, 'place')).toBe('1');
    expect(await slot(page, 'updated')).not.toBe(updated);
  });

  it('asks strangers to come in through the shop', async () => {
    const saleId = await room.openSale({ mode: 'on' });
    const { page } = await room.visit();
    await page.goto(room.pageUrl(saleId));
    await heading(page, 'Please come in through the shop');
  });

  it('knows no sale that is not there', async () => {
    const { page } = await room.visit();
    await page.goto(room.pageUrl('nowhere', AS_ANN));
    await heading(page, 'We do not know this sale');
  });
});

describe('without JavaScript', () => {
  it('joins, waits and is carried to the shop with the pass', async () => {
    const saleId = await room.openSale({ mode: 'closed' });
    const { page, complaints } = await room.visit({ javaScriptEnabled: false });
    await page.context().addCookies([{ name: 'flux-shopper', value: 'ann', url: room.origin }]);
    await page.goto(room.pageUrl(saleId));
    await page.getByRole('button', { name: 'Join the line' }).click(SOON);
    await heading(page, 'You are in the line');
    expect(await slot(page, 'place')).toBe('1');
    await shown(page, 'This page reloads by itself.');
    await room.switchRoom(saleId, { mode: 'on' });
    await heading(page, 'It is your turn');
    await page.waitForURL(`${room.shop.origin}/drop?pass=*&sale=${saleId}`, SOON);
    await page.goto(room.pageUrl(saleId));
    await shown(page, 'Continue to the shop when you are ready.');
    expect(complaints).toEqual([]);
  });
});

describe('for everybody', () => {
  it.each([
    ['light', PHONE, 'en-GB'],
    ['dark', SMALL_PHONE, 'de-DE'],
    ['light', DESKTOP, 'en-GB'],
  ] as const)(
    'has nothing for axe-core to complain about: %s, %j, %s',
    async (colorScheme, viewport, locale) => {
      const saleId = await room.openSale({ mode: 'closed' });
      const { page, complaints } = await room.visit({ colorScheme, viewport, locale });
      const checked = async (state: string): Promise<void> => {
        expect([state, await accessibilityProblems(page)]).toEqual([state, []]);
        const width = await page.evaluate('document.documentElement.scrollWidth');
        expect([state, width]).toEqual([state, viewport.width]);
      };
      const tone = (name: string) => page.locator(`body[data-tone="${name}"]`).waitFor(SOON);

      await page.goto(room.pageUrl(saleId));
      await page.locator('[data-text="go"]').waitFor(SOON);
      await checked('stranger');
      await page.goto(room.pageUrl(saleId, AS_ANN));
      await page.reload();
      await page.locator('[data-text="place"]').waitFor(SOON);
      await checked('waiting');
      await page.locator('#leave').click();
      await checked('leaving');
      await page.locator('#leaving-no').click();
      room.proxy.set('cut');
      await page.locator('body[data-stale]').waitFor(SOON);
      await checked('unreachable');
      room.proxy.set('pass');
      await page.locator('body:not([data-stale])').waitFor(SOON);
      await room.withdrawStock(saleId);
      await tone('ended');
      await checked('sold out');

      const other = await room.openSale({ mode: 'on' });
      await page.goto(room.pageUrl(other, AS_ANN));
      await page.waitForURL(`${room.shop.origin}/**`, SOON);
      await page.goto(room.pageUrl(other));
      await tone('good');
      await checked('turn');
      expect(complaints).toEqual([]);
    },
  );
});
