import { planCrowd } from './crowd-plan';

const OPTIONS = { amount: 1_000, perSecond: 500, classes: 8, seed: 'a' };

it('is the same for the same seed, and another for another one', () => {
  expect(planCrowd(OPTIONS)).toEqual(planCrowd(OPTIONS));
  expect(planCrowd({ ...OPTIONS, seed: 'b' })).not.toEqual(planCrowd(OPTIONS));
});

it('comes in order, at exactly this rate, with every class in every row', () => {
  const crowd = planCrowd(OPTIONS);
  expect(crowd.map(({ atMs }) => atMs)).toEqual(crowd.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  expect(crowd.at(-1)?.atMs).toBeCloseTo(2_000, 6);
  for (let at = 0; at < crowd.length; at += OPTIONS.classes) {
    expect(new Set(crowd.slice(at, at + OPTIONS.classes).map(({ classIndex }) => classIndex)).size).toBe(8);
  }
});
