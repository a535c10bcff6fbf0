import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';

const VALID_SECONDS = 3_600;

/**
 * A fresh HS256 token for each shopper, one a line.
 *
 * @param {{ file: string, secret: string, seed: string, amount: number }} options
 */
export function writeTokens({ file, secret, seed, amount }) {
  const encode = (/** @type {unknown} */ value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = encode({ alg: 'HS256', typ: 'JWT' });
  const exp = Math.floor(Date.now() / 1_000) + VALID_SECONDS;
  const lines = Array.from({ length: amount }, (_, index) => {
    const signed = `${header}.${encode({ sub: `${seed}-${index + 1}`, exp })}`;
    return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
  });
  writeFileSync(file, `${lines.join('\n')}\n`);
}
