import { classifyError } from './classify-error';

function reply(message: string): Error {
  return Object.assign(new Error(message), { name: 'ReplyError' });
}

it.each(['NOSCRIPT No matching script', 'MOVED 1 127.0.0.1:1', 'ASK 1 127.0.0.1:1', 'TRYAGAIN'])(
  '%s: again',
  (text) => {
    expect(classifyError(reply(text))).toEqual({ outcome: 'again', reason: text });
  },
);

it.each(['OOM', 'MISCONF', 'BUSY', 'LOADING', 'READONLY', 'CLUSTERDOWN', 'WRONGTYPE', 'NOPERM', 'ERR'])(
  '%s: certainly without effect',
  (code) => {
    expect(classifyError(reply(`${code} text`))).toEqual({ outcome: 'unavailable', reason: `${code} text` });
  },
);

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
