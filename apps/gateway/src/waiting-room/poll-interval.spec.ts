import { askAgainMs } from './poll-interval';

it.each([
  ['at the front', 0, 0, 500],
  ['at the front, at the earliest', 0, 0.999, 350],
  ['near', 8_000, 0, 2_000],
  ['far', 3_600_000, 0, 10_000],
  ['far, at the earliest', 3_600_000, 0.999, 7_003],
  ['while nobody is called', Infinity, 0, 10_000],
])('whoever is %s looks again in time', (_name, waitMs, random, expected) => {
  expect(askAgainMs(waitMs, 10_000, () => random)).toBe(expected);
});
