/**
 * Walks a JSON text without recursion, so that no nesting can exhaust the stack, and finds what `JSON.parse` lets
 * pass: an object with the same key twice (the parsers along the way might take different ones), and strings with
 * NUL or half a surrogate pair (PostgreSQL and UTF-8 have no place for them). Says nothing of the text's syntax:
 * `JSON.parse` does.
 */
export function jsonHazardOf(text: string): 'duplicate-key' | 'unsafe-string' | undefined {
  /** The keys seen in each open object; undefined stands for an array. */
  const open: (Set<string> | undefined)[] = [];
  let keyExpected = false;
  for (let at = 0; at < text.length; at += 1) {
    switch (text.charCodeAt(at)) {
      case OPEN_OBJECT:
        open.push(new Set());
        keyExpected = true;
        break;
      case OPEN_ARRAY:
        open.push(undefined);
        keyExpected = false;
        break;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        open.pop();
        keyExpected = false;
        break;
      case COMMA:
        keyExpected = open.at(-1) !== undefined;
        break;
      case QUOTE: {
        const end = endOfString(text, at);
        const value = decoded(text.slice(at, end + 1));
        if (UNSAFE.test(value)) return 'unsafe-string';
        const keys = open.at(-1);
        if (keyExpected && keys !== undefined) {
          if (keys.has(value)) return 'duplicate-key';
          keys.add(value);
          keyExpected = false;
        }
        at = end;
        break;
      }
      default:
    }
  }
  return undefined;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const BACKSLASH = 0x5c;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const UNSAFE = /[\0\p{Surrogate}]/u;

/** Index of the closing quote, or of the text's end where there is none. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return Math.min(at, text.length);
}

function decoded(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1);
  try {
    return JSON.parse(token) as string;
  } catch {
    return ''; // Not JSON: JSON.parse of the whole will say so.
  }
}
