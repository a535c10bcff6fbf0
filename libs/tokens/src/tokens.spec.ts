import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { parseTokenKeys, type TokenKey } from './token-keys';
import { Tokens } from './tokens';

const OLD_SECRET = 'the-old-secret-of-thirty-two-bytes-or-more';
const OLD = `old:${OLD_SECRET}`;
const NEW = 'new:the-new-secret-of-thirty-two-bytes-or-more';

function keysOf(text: string): readonly TokenKey[] {
  const keys = parseTokenKeys(text);
  if (keys === undefined) throw new Error('not keys');
  return keys;
}

const tokens = new Tokens(keysOf(OLD));
const newToken = { type: 'ticket', fields: ['order-1', ''], lifetimeMs: 60_000 };

/** A token as its description says, built by hand. */
function handmade(fields: readonly string[], secret = OLD_SECRET): string {
  const content = Buffer.concat(
    fields.map((field) => Buffer.from(String.fromCharCode(field.length) + field)),
  );
  const signature = createHmac('sha256', secret).update(content).digest();
  return Buffer.concat([content, signature]).toString('base64url');
}

describe('tokens', () => {
  it('are key id, type, expiry and fields, each behind its length, and the HMAC of all', () => {
    const at = new Tokens(keysOf(OLD), () => 1_000);
    expect(at.sign(newToken)).toBe(handmade(['old', 'ticket', '61000', 'order-1', '']));
  });

  it('come back as they were signed, whatever the fields', () => {
    const field = fc
      .string({ unit: 'grapheme', maxLength: 60 })
      .filter((text) => Buffer.byteLength(text) <= 255);
    fc.assert(
      fc.property(fc.string({ maxLength: 20 }), fc.array(field, { maxLength: 3 }), (type, fields) => {
        const verified = tokens.verify(tokens.sign({ type, fields, lifetimeMs: 1_000 }), type);
        expect(verified).toMatchObject({ outcome: 'valid', fields });
      }),
    );
  });

  it('differ where their fields differ, also where the fields joined would be the same text', () => {
    const at = new Tokens(keysOf(OLD), () => 1_000);
    const texts = [['ab', 'c'], ['a', 'bc'], ['abc'], ['abc', '']].map((fields) =>
      at.sign({ ...newToken, fields }),
    );
    expect(new Set(texts).size).toBe(texts.length);
  });

  it('are worth nothing with any bit changed', () => {
    const token = tokens.sign(newToken);
    const bytes = Buffer.from(token, 'base64url');
    fc.assert(
      fc.property(fc.nat(bytes.length * 8 - 1), (bit) => {
        const changed = Buffer.from(bytes);
        changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
        expect(['forged', 'unknownKey', 'malformed']).toContain(
          tokens.verify(changed.toString('base64url'), 'ticket').outcome,
        );
      }),
      { numRuns: 2_000 },
    );
  });

  it('are worth nothing with any byte of the signature changed: forged', () => {
    const bytes = Buffer.from(tokens.sign(newToken), 'base64url');
    for (let index = bytes.length - 32; index < bytes.length; index += 1) {
      const changed = Buffer.from(bytes);
      changed.writeUInt8(changed.readUInt8(index) ^ 0xff, index);
      expect(tokens.verify(changed.toString('base64url'), 'ticket')).toEqual({ outcome: 'forged' });
    }
  });

  it('have one text each: the spare bits of the last character are no second one', () => {
    const token = handmade(['old', 'ticket', '9999999999999', 'x']);
    const spare = token.slice(0, -1) + String.fromCharCode(token.charCodeAt(token.length - 1) + 1);
    expect(Buffer.from(spare, 'base64url')).toEqual(Buffer.from(token, 'base64url'));
    expect(tokens.verify(token, 'ticket').outcome).toBe('valid');
    for (const text of [spare, `${token}=`, ` ${token}`, `${token}\n`]) {
      expect(tokens.verify(text, 'ticket')).toEqual({ outcome: 'malformed' });
    }
  });

  it.each([
    ['nothing', ''],
    ['10 kB', 'A'.repeat(10_240)],
    ['10 kB behind a good one', tokens.sign(newToken).padEnd(10_240, 'A')],
    ['other characters', 'a.b.c'],
    ['a path as the key id', handmade(['../../x', 'ticket', '9999999999999'])],
    ['no key id', handmade(['', 'ticket', '9999999999999'])],
    ['a long key id', handmade(['k'.repeat(17), 'ticket', '9999999999999'])],
    ['no fields', handmade([])],
    ['no expiry', handmade(['old', 'ticket'])],
    ['an expiry that is no number', handmade(['old', 'ticket', '1e99'])],
    ['a negative expiry', handmade(['old', 'ticket', '-1'])],
    ['fewer bytes than a signature', 'AAAA'],
    ['a length beyond the end', Buffer.concat([Buffer.of(200), Buffer.alloc(40)]).toString('base64url')],
  ])('say malformed to %s', (_name, text) => {
    expect(tokens.verify(text, 'ticket')).toEqual({ outcome: 'malformed' });
  });

  it('never throw, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 300 }), fc.base64String({ maxLength: 300 })), (text) => {
        expect(tokens.verify(text, 'ticket').outcome).not.toBe('valid');
      }),
    );
  });

  it('are good for one type only', () => {
    expect(tokens.verify(tokens.sign(newToken), 'pass')).toEqual({ outcome: 'otherType' });
  });

  it('expire, with a few seconds for clocks that differ', () => {
    let nowMs = 1_000_000;
    const at = new Tokens(keysOf(OLD), () => nowMs);
    const token = at.sign(newToken);
    nowMs += 60_000 + 4_999;
    expect(at.verify(token, 'ticket')).toEqual({
      outcome: 'valid',
      fields: newToken.fields,
      expiresAtMs: 1_060_000,
      isSignedByFirstKey: true,
    });
    nowMs += 1;
    expect(at.verify(token, 'ticket')).toEqual({ outcome: 'expired', fields: newToken.fields });
  });

  it('say forged before anything about a type or time that nobody signed', () => {
    const token = handmade(['old', 'pass', '1'], 'another-secret-of-thirty-two-bytes-or-more');
    expect(tokens.verify(token, 'ticket')).toEqual({ outcome: 'forged' });
  });

  it('outlive the rotation of their key: the first signs, both verify, one that left does not', () => {
    const [before, during, after] = [OLD, `${NEW},${OLD}`, NEW].map((text) => new Tokens(keysOf(text)));
    const [first, second] = [before?.sign(newToken) ?? '', during?.sign(newToken) ?? ''];
    expect(during?.verify(first, 'ticket').outcome).toBe('valid');
    expect(after?.verify(second, 'ticket').outcome).toBe('valid');
    expect(after?.verify(first, 'ticket')).toEqual({ outcome: 'unknownKey' });
    expect(before?.verify(second, 'ticket')).toEqual({ outcome: 'unknownKey' });
  });

  it('of a process without a key are good in that process alone', () => {
    const [one, other] = [new Tokens([]), new Tokens([])];
    const token = one.sign(newToken);
    expect(one.verify(token, 'ticket').outcome).toBe('valid');
    expect(other.verify(token, 'ticket')).toEqual({ outcome: 'unknownKey' });
  });

  it('take no field that its length could not tell', () => {
    expect(() => tokens.sign({ ...newToken, fields: ['x'.repeat(256)] })).toThrow(RangeError);
    expect(tokens.verify(tokens.sign({ ...newToken, fields: ['x'.repeat(255)] }), 'ticket').outcome).toBe(
      'valid',
    );
  });
});
