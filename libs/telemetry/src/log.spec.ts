import { createLog } from './log';
import { NestLog } from './nest-log';

function capture(level: 'info' | 'debug' = 'info') {
  const lines: string[] = [];
  const log = createLog({ FLUX_LOG_LEVEL: level }, 'probe', {
    write: (line: string) => void lines.push(line),
  });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

describe('log', () => {
  it('writes JSON lines with the process, a word for the level and an ISO time', () => {
    const { log, last } = capture();
    log.info({ orderId: 'o-1' }, 'accepted');
    expect(last()).toMatchObject({ process: 'probe', level: 'info', orderId: 'o-1', msg: 'accepted' });
    expect(last()['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  it('never writes a token, a key or a cookie, wherever an object carries it', () => {
    const { log, lines } = capture();
    const secret = 'canary-5f1d';
    const headers = {
      authorization: secret,
      cookie: secret,
      'set-cookie': secret,
      'idempotency-key': secret,
      'x-idempotency-key': secret,
      'x-challenge': secret,
      'x-pass': secret,
    };
    log.info({ headers, token: secret, secret, password: secret, apiKey: secret, idempotencyKey: secret });
    log.info({ req: { headers } });
    log.info(headers);
    expect(lines).toHaveLength(3);
    expect(lines.join()).not.toContain(secret);
  });
});

describe('NestLog', () => {
  it("keeps an error's stack and context", () => {
    const { log, last } = capture();
    new NestLog(log).error('broke', 'Error: broke\n    at there', 'ExceptionsHandler');
    expect(last()).toMatchObject({
      level: 'error',
      msg: 'broke',
      context: 'ExceptionsHandler',
      stack: 'Error: broke\n    at there',
    });
  });

  it('writes the start-up chatter as debug only', () => {
    const { log, lines } = capture('info');
    new NestLog(log).log('AppModule dependencies initialized', 'InstanceLoader');
    expect(lines).toEqual([]);
  });
});
