import { classifyError, effectOf } from './classify-error';

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}

it.each([
  ['NOSCRIPT No matching script', { outcome: 'noScript' }],
  ['MOVED 3999 127.0.0.1:6381', { outcome: 'moved', slot: 3_999, address: '127.0.0.1:6381' }],
  ['ASK 3999 ::1:6381', { outcome: 'ask', address: '::1:6381' }],
  ['TRYAGAIN Multiple keys request during rehashing of slot', { outcome: 'tryAgain' }],
])('%s: refused before it ran, and what to do', (text, expected) => {
  expect(classifyError(reply(text))).toEqual({ ...expected, reason: text });
});

it.each([
  'OOM',
  'MISCONF',
  'BUSY',
  'LOADING',
  'READONLY',
  'CLUSTERDOWN',
  'WRONGTYPE',
  'NOPERM',
  'ERR',
  'MOVED',
])('%s: certainly without effect', (code) => {
  expect(classifyError(reply(`${code} text`))).toEqual({ outcome: 'unavailable', reason: `${code} text` });
});

it('knows what the client library never wrote', () => {
  const message = "Stream isn't writeable and enableOfflineQueue options is false";
  expect(classifyError(new Error(message)).outcome).toBe('unavailable');
});

it.each([new Error('Command timed out'), new Error('Connection is closed.'), 'no error at all'])(
  '%s: not known',
  (error) => {
    expect(classifyError(error).outcome).toBe('unknown');
  },
);

it('quotes a server no longer than it takes to tell the kind', () => {
  expect(classifyError(reply(`ERR ${'x'.repeat(1_000)}`)).reason).toHaveLength(120);
});

it('says whether a command that is not sent again can have had an effect', () => {
  expect(effectOf(classifyError(reply('MOVED 1 127.0.0.1:1')))).toBe('none');
  expect(effectOf(classifyError(reply('OOM')))).toBe('none');
  expect(effectOf(classifyError(new Error('Command timed out')))).toBe('unknown');
});
