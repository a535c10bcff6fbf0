import { memoryStore } from '../test/memory-store';
import { takeIdentity } from './identity';

describe('takeIdentity', () => {
  it.each([
    ['#token=a.b.c', { authorization: 'Bearer a.b.c' }],
    ['#sale=x&shopper=ann', { 'x-shopper-id': 'ann' }],
  ])('reads %s, keeps it for the tab and has it taken out of the address bar', (fragment, headers) => {
    const store = memoryStore();
    const cleanUp = jest.fn();
    expect(takeIdentity(fragment, store, cleanUp)).toEqual(headers);
    expect(cleanUp).toHaveBeenCalledTimes(1);
    expect(takeIdentity('', store, cleanUp)).toEqual(headers);
    expect(cleanUp).toHaveBeenCalledTimes(1);
  });

  it('knows nobody without one, and lets a later one win', () => {
    const store = memoryStore();
    expect(takeIdentity('#top', store, jest.fn())).toEqual({});
    takeIdentity('#shopper=ann', store, jest.fn());
    expect(takeIdentity('#shopper=bob', store, jest.fn())).toEqual({ 'x-shopper-id': 'bob' });
  });
});
