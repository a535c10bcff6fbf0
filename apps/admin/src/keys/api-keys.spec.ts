import { hash } from 'node:crypto';
import { operatorKeysSetting, ownerOfDigest, serviceKeysSetting } from './api-keys';

const digest = (key: string) => hash('sha256', key, 'hex');
const buffer = (key: string) => hash('sha256', key, 'buffer');
const SETTINGS = [
  ['operator', operatorKeysSetting],
  ['service', serviceKeysSetting],
] as const;

describe.each(SETTINGS)('%s keys', (_, setting) => {
  const keys = setting.parse(
    `anna:${digest('key-of-anna')},ben:${digest('key-of-ben')}, anna:${digest('next-key-of-anna')}`,
  );

  it('names the owner of a key, also of the second one while a key is replaced', () => {
    expect(ownerOfDigest(keys, buffer('key-of-anna'))?.name).toBe('anna');
    expect(ownerOfDigest(keys, buffer('next-key-of-anna'))?.name).toBe('anna');
    expect(ownerOfDigest(keys, buffer('key-of-ben'))?.name).toBe('ben');
  });

  it.each(['', 'key-of-carl', digest('key-of-anna'), 'key-of-anna '])('knows nobody by %j', (presented) => {
    expect(ownerOfDigest(keys, buffer(presented))).toBeUndefined();
  });

  it.each([
    'anna',
    `anna:${digest('k').slice(1)}`,
    `anna:${digest('k').toUpperCase()}`,
    `:${digest('k')}`,
    `anna:${digest('k')},`,
    `system:${digest('k')}`,
    `an na:${digest('k')}`,
    `anna:${digest('k')}:admin`,
    `anna:${digest('k')}:`,
    `anna:${digest('k')}:service`,
  ])('refuses the setting %j without repeating it', (text) => {
    const result = setting.safeParse(text);
    expect(result.success).toBe(false);
    expect(result.error?.message).toContain('must be <name>:<sha256 hex of the key>');
    expect(result.error?.message).not.toContain(digest('k'));
  });
});

describe('the roles of keys', () => {
  const [k1, k2, k3, k4] = ['a', 'b', 'c', 'd'].map(digest);

  it('are those that the setting names, owner by default', () => {
    const keys = operatorKeysSetting.parse(`a:${k1},b:${k2}:viewer,c:${k3}:operator,d:${k4}:owner`);
    expect(keys.map(({ name, role }) => `${name} ${role}`)).toEqual([
      'a owner',
      'b viewer',
      'c operator',
      'd owner',
    ]);
  });

  it('include one owner', () => {
    expect(operatorKeysSetting.safeParse(`a:${k1}:viewer,b:${k2}:operator`).success).toBe(false);
  });

  it('are service for every service', () => {
    expect(serviceKeysSetting.parse(`shop:${k1}`)).toMatchObject([{ name: 'shop', role: 'service' }]);
    expect(serviceKeysSetting.safeParse(`shop:${k1}:owner`).success).toBe(false);
  });
});

describe('without any key', () => {
  it.each([undefined, ''])('the operator API does not start (%j)', (text) => {
    expect(operatorKeysSetting.safeParse(text).success).toBe(false);
  });

  it.each([undefined, ''])('the environment opens the shop-service API to nobody (%j)', (text) => {
    expect(serviceKeysSetting.parse(text)).toEqual([]);
    expect(ownerOfDigest([], buffer(''))).toBeUndefined();
  });
});
