import { deviceHintIn, hashedSource, networkOf } from './source-of';

it.each([
  ['203.0.113.7', '203.0.113.7'],
  ['2001:db8:1:2ff:a:b:c:d', '2001:db8:1:200::/56'],
  ['2001:db8:1:200::', '2001:db8:1:200::/56'],
  ['2001:db8:1:300::', '2001:db8:1:300::/56'],
  ['::1', '::/56'],
  ['', ''],
])('%j counts for the network %j', (ip, network) => {
  expect(networkOf(ip)).toBe(network);
});

it.each([
  ['a-browser_1', 'a-browser_1'],
  ['x'.repeat(64), 'x'.repeat(64)],
  ['x'.repeat(65), undefined],
  ['short', undefined],
  ['with a space', undefined],
  ['device-1, device-2', undefined],
  [['a-browser_1'], undefined],
  [undefined, undefined],
])('of the header %j, %j is a hint', (header, hint) => {
  expect(deviceHintIn(header)).toBe(hint);
});

it('a source has one hash in a sale, and another in the next', () => {
  const hash = hashedSource('salt', '203.0.113.7');
  expect(hash).toMatch(/^[A-Za-z0-9_-]{16}$/);
  expect(hashedSource('salt', '203.0.113.7')).toBe(hash);
  expect(hashedSource('salt', '203.0.113.8')).not.toBe(hash);
  expect(hashedSource('other', '203.0.113.7')).not.toBe(hash);
});
