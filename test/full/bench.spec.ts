import { expectMeasured, expectRatios, smokeBenchmarks } from '../e2e/support/bench-smoke';

const NAMES = 'drain durability expiry gate latency price refuse scale shields sustained'.split(' ');

/** Those that `npm test` leaves out. */
it('npm run bench -- --smoke measures what takes longer, too', async () => {
  const smoke = await smokeBenchmarks(...NAMES);
  expectMeasured(smoke, ...NAMES);
  expectRatios(smoke, 'drain', 'drain/bare');
  expectRatios(smoke, 'sustained', 'sustained/bare');
  expectRatios(smoke, 'price', 'accepted, now/before');
  expectRatios(smoke, 'refuse', 'refuse/bare');
  expectRatios(smoke, 'shields', 'shielded/unshielded', 'good shoppers, flood/calm');
}, 600_000);
