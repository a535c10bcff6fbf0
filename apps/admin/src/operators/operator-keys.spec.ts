import { hash } from 'node:crypto';
import { operatorKeysSetting, operatorOfKey } from './operator-keys';

const digest = (key: string) => hash('sha256', key, 'hex');

describe('operator keys', () => {
  const keys = operatorKeysSetting.parse(
    `anna:${digest('key-of-anna')},ben:${digest('key-of-ben')}, anna:${digest('next-key-of-anna')}`,
  );

  it('names the operator of a key, also of the second one while a key is replaced', () => {
    expect(operatorOfKey(keys, 'key-of-anna')).toBe('anna');
    expect(operatorOfKey(keys, 'next-key-of-anna')).toBe('anna');
    expect(operatorOfKey(keys, 'key-of-ben')).toBe('ben');
  });

  it.each(['', 'key-of-carl', digest('key-of-anna'), 'key-of-anna '])('knows nobody by %j', (presented) => {
    expect(operatorOfKey(keys, presented)).toBeUndefined();
  });

  it.each([
    undefined,
    '',
    'anna',
    `anna:${digest('k').slice(1)}`,
    `anna:${digest('k').toUpperCase()}`,
    `:${digest('k')}`,
    `anna:${digest('k')},`,
    `system:${digest('k')}`,
    `an na:${digest('k')}`,
  ])('refuses the setting %j without repeating it', (text) => {
    const result = operatorKeysSetting.safeParse(text);
    expect(result.success).toBe(false);
    expect(result.error?.message).toContain('must be <name>:<sha256 hex of the key>');
    expect(result.error?.message).not.toContain(digest('k'));
  });
});
