import { hash } from 'node:crypto';
import { operatorKeysSetting, ownerOfKey, serviceKeysSetting } from './api-keys';

const digest = (key: string) => hash('sha256', key, 'hex');
const SETTINGS = [
  ['operator', operatorKeysSetting],
  ['service', serviceKeysSetting],
] as const;

describe.each(SETTINGS)('%s keys', (_, setting) => {
  const keys = setting.parse(
    `anna:${digest('key-of-anna')},ben:${digest('key-of-ben')}, anna:${digest('next-key-of-anna')}`,
  );

  it('names the owner of a key, also of the second one while a key is replaced', () => {
    expect(ownerOfKey(keys, 'key-of-anna')).toBe('anna');
    expect(ownerOfKey(keys, 'next-key-of-anna')).toBe('anna');
    expect(ownerOfKey(keys, 'key-of-ben')).toBe('ben');
  });

  it.each(['', 'key-of-carl', digest('key-of-anna'), 'key-of-anna '])('knows nobody by %j', (presented) => {
    expect(ownerOfKey(keys, presented)).toBeUndefined();
  });

  it.each([
    'anna',
    `anna:${digest('k').slice(1)}`,
    `anna:${digest('k').toUpperCase()}`,
    `:${digest('k')}`,
    `anna:${digest('k')},`,
    `system:${digest('k')}`,
    `an na:${digest('k')}`,
  ])('refuses the setting %j without repeating it', (text) => {
    const result = setting.safeParse(text);
    expect(result.success).toBe(false);
    expect(result.error?.message).toContain('must be <name>:<sha256 hex of the key>');
    expect(result.error?.message).not.toContain(digest('k'));
  });
});

describe('without any key', () => {
  it.each([undefined, ''])('the operator API does not start (%j)', (text) => {
    expect(operatorKeysSetting.safeParse(text).success).toBe(false);
  });

  it.each([undefined, ''])('the shop-service API knows nobody (%j)', (text) => {
    expect(serviceKeysSetting.parse(text)).toEqual([]);
    expect(ownerOfKey([], '')).toBeUndefined();
  });
});
