import { EpochFloors } from './epoch-floors';

it('remembers the highest epoch of each item', () => {
  const floors = new EpochFloors();
  expect(floors.of('a')).toBe(0);
  floors.saw('a', 2);
  floors.saw('a', 1);
  floors.saw('b', 1);
  expect(floors.of('a')).toBe(2);
  expect(floors.of('b')).toBe(1);
});

it('keeps no more items than told, and forgets the oldest', () => {
  const floors = new EpochFloors(2);
  for (const item of ['a', 'b', 'c']) floors.saw(item, 1);
  expect([floors.of('a'), floors.of('b'), floors.of('c')]).toEqual([0, 1, 1]);
});
