import { pageAddressOf } from './page-address';

describe('pageAddressOf', () => {
  it.each([
    ['https://s.example/waiting-room/drop/', 'drop', 'https://s.example/waiting-room/config.json'],
    ['https://s.example/wait/index.html?sale=drop', 'drop', 'https://s.example/wait/config.json'],
    ['https://s.example/', '', 'https://s.example/config.json'],
  ])('%s is the page of sale %j', (href, saleId, configUrl) => {
    expect(pageAddressOf(href)).toEqual({ saleId, configUrl, wanted: null });
  });

  it('has where the shopper wants to go back to', () => {
    expect(pageAddressOf('https://s.example/w/drop/?return=%2Fcart%3Fa%3D1').wanted).toBe('/cart?a=1');
  });
});
