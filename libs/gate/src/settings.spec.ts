import { redisSettings } from './settings';

it('has safe defaults', () => {
  expect(redisSettings.parse({})).toEqual({
    REDIS_URL: 'redis://127.0.0.1:6379',
    FLUX_REDIS_CA_FILE: '',
    FLUX_REDIS_CERT_FILE: '',
    FLUX_REDIS_KEY_FILE: '',
    FLUX_REDIS_MODE: 'single',
    FLUX_REDIS_COMMAND_TIMEOUT_MS: 1_000,
    FLUX_DURABILITY: 'strict',
    FLUX_WAIVE_REDIS_PASSWORD: false,
    FLUX_WAIVE_REDIS_APPENDONLY: false,
    FLUX_WAIVE_REDIS_EVICTION: false,
  });
});

it.each(['redis://a:1', 'rediss://user:pass@a', 'redis://a:1/2', 'redis://a:1,redis://b:2'])(
  'takes %s',
  (url) => {
    expect(redisSettings.safeParse({ REDIS_URL: url }).success).toBe(true);
  },
);

it.each(['a:1', 'http://a', 'redis://', 'redis://a,', 'redis://a b', 'redis://a/x'])('refuses %s', (url) => {
  expect(redisSettings.safeParse({ REDIS_URL: url }).success).toBe(false);
});

it('knows three durability modes', () => {
  for (const mode of ['strict', 'replicated', 'fast']) {
    expect(redisSettings.safeParse({ FLUX_DURABILITY: mode }).success).toBe(true);
  }
  expect(redisSettings.safeParse({ FLUX_DURABILITY: 'none' }).success).toBe(false);
});
