import { readFileSync } from 'node:fs';
import { textsIn, type PageConfig } from './page-config';
import { viewOf } from './place-view';
import { coloursCss, renderPlace } from './render-place';
import type { Situation } from './situation';
import { Words } from './words';

const template = readFileSync('apps/web/waiting-room/page.html', 'utf8');
const shipped = JSON.parse(readFileSync('apps/web/waiting-room/config.json', 'utf8')) as PageConfig;

interface Rendering {
  readonly situation: Situation;
  readonly config?: PageConfig;
  readonly refresh?: { readonly seconds: number; readonly href?: string };
}

function rendered({ situation, config = shipped, refresh }: Rendering): string {
  const words = new Words('en', textsIn('en', config, shipped), 'UTC');
  const { shopName } = config;
  const view = viewOf({ words, shopName, nowMs: 0, situation, carrying: false });
  const links = { shopHref: '/back"to', goHref: 'https://shop.example/?pass=a&sale=b' };
  const contentSecurityPolicy = "default-src 'none'";
  return renderPlace(template, view, {
    language: 'en',
    words,
    config,
    refresh,
    contentSecurityPolicy,
    ...links,
  });
}

const waiting: Situation = {
  kind: 'answered',
  answer: { saleId: 'drop', status: 'waiting', place: 7, ahead: 6, likelihood: 'likely', askAgainMs: 1_000 },
};

/** The opening tag and text of the only element with such an attribute. */
function element(html: string, attribute: string): string {
  const found = [...html.matchAll(new RegExp(`<[^<>]* ${attribute}[^<>]*>[^<]*`, 'g'))];
  expect(found).toHaveLength(1);
  return found[0]?.[0] ?? '';
}

describe('renderPlace', () => {
  it('fills in what there is and hides the rest', () => {
    const html = rendered({ situation: waiting });
    expect(element(html, 'data-text="place"')).toBe('<p class="number" data-text="place">7');
    expect(element(html, 'data-text="ahead"')).toContain('6 people are ahead of you.');
    expect(element(html, 'data-text="until"')).toContain(' hidden');
    expect(element(html, 'data-show="countdown"')).toContain(' hidden');
    expect(element(html, 'data-show="place"')).not.toContain(' hidden');
    expect(html).toContain('<title>7 · You are in the line – The shop</title>');
  });

  it('has no script, nothing that needs one, and reloads by itself', () => {
    const html = rendered({ situation: waiting, refresh: { seconds: 4 } });
    expect(html).not.toMatch(/<script|<noscript|<dialog|<select|Leave the line/);
    expect(html).toContain('<meta http-equiv="refresh" content="4" />');
    expect(html).toContain('This page reloads by itself.');
    expect(rendered({ situation: waiting })).not.toMatch(/http-equiv="refresh"|reloads by itself/);
  });

  it('carries to the shop', () => {
    const turn: Situation = {
      kind: 'answered',
      answer: { saleId: 'drop', status: 'turn', pass: 'a', askAgainMs: 1_000 },
    };
    const refresh = { seconds: 3, href: 'https://shop.example/?pass=a&sale=b' };
    const html = rendered({ situation: turn, refresh });
    const address = 'https://shop.example/?pass=a&amp;sale=b';
    expect(element(html, 'data-text="go"')).toContain(` href="${address}">Continue to the shop`);
    expect(html).toContain(`<meta http-equiv="refresh" content="3; url=${address}" />`);
  });

  it('offers a form to those outside', () => {
    const html = rendered({ situation: { kind: 'outside' } });
    expect(element(html, 'data-show="join"').trim()).toBe('<form method="post" data-show="join">');
    expect(element(html, 'data-text="join"')).toContain('Join the line');
  });

  it('escapes every text and address', () => {
    const evil = '</p><script>alert("1" + \'$&\')</script>';
    const config: PageConfig = {
      ...shipped,
      shopName: evil,
      logoUrl: 'https://x.example/"onerror="alert(1)',
      texts: { en: { ...shipped.texts['en'], 'waiting.lead': evil, updated: evil } },
      colours: { light: { accent: 'red;}</style><script>' } },
    };
    const html = rendered({ situation: waiting, config, refresh: { seconds: 1, href: '"><script>' } });
    expect(html).not.toMatch(/<script|"onerror|<\/style><script/);
    expect(html).toContain('&lt;/p&gt;&lt;script&gt;alert(&quot;1&quot; + &#39;$&amp;&#39;)&lt;/script&gt;');
    expect(html).toContain('href="/back&quot;to"');
  });
});

describe('coloursCss', () => {
  it('takes hexadecimal colours, by scheme', () => {
    const colours = { light: { accent: '#0a0', text: 'url(//x)' }, dark: { accent: '#AABBCC' } };
    expect(coloursCss({ colours })).toBe(
      '@media (prefers-color-scheme:light){:root{--accent:#0a0;}}@media (prefers-color-scheme:dark){:root{--accent:#AABBCC;}}',
    );
    expect(coloursCss({})).toBe('');
  });
});
