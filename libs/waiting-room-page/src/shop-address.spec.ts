import { carryingAddress, carryingQueryAddress, shopAddress } from './shop-address';

const pageUrl = 'https://wait.example/waiting-room/drop/?return=x';
const shopUrl = 'https://shop.example/drop';

describe('shopAddress', () => {
  it.each([
    ['/cart?step=2', 'https://shop.example/cart?step=2'],
    ['https://shop.example/cart', 'https://shop.example/cart'],
    ['https://user:secret@shop.example/cart', 'https://shop.example/cart'],
  ])('goes back to %s', (wanted, href) => {
    expect(shopAddress({ shopUrl, pageUrl, wanted }).href).toBe(href);
  });

  it.each([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    '\\\\evil.example',
    'https://shop.example.evil.example/',
    'https://shop.example@evil.example/',
    'http://shop.example/',
    'https://shop.example:8443/',
    'javascript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'blob:https://shop.example/0a1b',
    'https://',
    '',
    null,
    undefined,
  ])('is not led away by %j', (wanted) => {
    const { origin, protocol } = shopAddress({ shopUrl, pageUrl, wanted });
    expect([origin, protocol]).toEqual(['https://shop.example', 'https:']);
  });

  it('is on the page’s own origin where the shop’s address is relative, or no web address', () => {
    expect(shopAddress({ shopUrl: '/shop', pageUrl }).href).toBe('https://wait.example/shop');
    expect(shopAddress({ shopUrl: 'javascript:alert(1)', pageUrl }).href).toBe('https://wait.example/');
  });
});

describe('what is carried to the shop', () => {
  const shop = new URL('https://shop.example/drop?lang=de#top');

  it('stands in the fragment, encoded', () => {
    expect(carryingAddress(shop, 'friday', 'a.b+c&d')).toBe(
      'https://shop.example/drop?lang=de#pass=a.b%2Bc%26d&sale=friday',
    );
    expect(carryingAddress(shop, 'friday')).toBe('https://shop.example/drop?lang=de#sale=friday');
  });

  it('stands in the query for a shop without scripts', () => {
    expect(carryingQueryAddress(shop, 'friday', 'p')).toBe(
      'https://shop.example/drop?lang=de&pass=p&sale=friday#top',
    );
  });
});
