import { classifyFailure, describeFailure } from './classify-failure';

function pgError(code: string): Error {
  return Object.assign(new Error('value (secret) broke it'), { name: 'QueryFailedError', code });
}

describe('classifyFailure', () => {
  it.each([
    ['08006', 'connection failure'],
    ['53300', 'too many connections'],
    ['57P01', 'server shuts down'],
    ['57014', 'statement timeout'],
    ['40001', 'serialization failure'],
    ['40P01', 'deadlock'],
    ['55P03', 'lock timeout'],
    ['25P03', 'idle in transaction'],
    ['58030', 'disk error'],
    ['42P01', 'schema not migrated'],
    ['XX000', 'internal error'],
  ])('%s (%s) is transient', (code) => {
    expect(classifyFailure(pgError(code))).toBe('transient');
  });

  it.each([
    ['22003', 'out of range'],
    ['22P05', 'untranslatable character'],
    ['23514', 'check violation'],
    ['23505', 'unique violation'],
    ['54000', 'row too big'],
  ])('%s (%s) is data', (code) => {
    expect(classifyFailure(pgError(code))).toBe('data');
  });

  it('takes system errors and the client’s own errors for outages', () => {
    expect(classifyFailure(Object.assign(new Error(), { code: 'ECONNREFUSED' }))).toBe('transient');
    expect(classifyFailure(Object.assign(new Error(), { code: 'EPIPE' }))).toBe('transient');
    expect(classifyFailure(new Error('Connection terminated unexpectedly'))).toBe('transient');
    expect(classifyFailure(new Error('Query read timeout'))).toBe('transient');
  });

  it('takes values that the code cannot handle for data', () => {
    expect(classifyFailure(new RangeError('a column holds more than 2^53'))).toBe('data');
    expect(classifyFailure(new TypeError('x is not iterable'))).toBe('data');
  });

  it('is described without the values', () => {
    expect(describeFailure(pgError('23514'))).toBe('QueryFailedError 23514');
    expect(describeFailure(new Error('Query read timeout'))).toBe('Error: Query read timeout');
    expect(describeFailure('text')).toBe('string');
  });
});
