/** The digest of HMAC-SHA256. */
const SIGNATURE_BYTES = 32;

/** What one byte can count. */
const MAX_FIELD_BYTES = 255;

/** The longest token of ours has about 400 characters; no longer text is looked at. */
const MAX_TEXT_LENGTH = 1_024;

const TEXT_PATTERN = /^[A-Za-z0-9_-]+$/;

export interface DecodedToken {
  readonly fields: readonly string[];
  /** The bytes that are signed. */
  readonly content: Buffer;
  readonly signature: Buffer;
}

/**
 * Fields, each behind its length in one byte: no two lists share their bytes.
 * @throws RangeError for a field of more than 255 bytes
 */
export function encodeFields(fields: readonly string[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = Buffer.from(field);
      if (bytes.length > MAX_FIELD_BYTES) throw new RangeError('a field of a token is too long');
      return [Buffer.of(bytes.length), bytes];
    }),
  );
}

export function encodeToken(content: Buffer, signature: Buffer): string {
  return Buffer.concat([content, signature]).toString('base64url');
}

/** The parts of a token, not yet verified; undefined for a text that no encoding could have made. */
export function decodeToken(text: string): DecodedToken | undefined {
  if (text.length > MAX_TEXT_LENGTH || !TEXT_PATTERN.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  // Spare bits at the end would give one token several texts.
  if (bytes.toString('base64url') !== text || bytes.length < SIGNATURE_BYTES) return undefined;
  const content = bytes.subarray(0, -SIGNATURE_BYTES);
  const fields = decodeFields(content);
  return fields && { fields, content, signature: bytes.subarray(-SIGNATURE_BYTES) };
}

function decodeFields(content: Buffer): readonly string[] | undefined {
  const fields: string[] = [];
  let at = 0;
  while (at < content.length) {
    const end = at + 1 + content.readUInt8(at);
    if (end > content.length) return undefined;
    fields.push(content.toString('utf8', at + 1, end));
    at = end;
  }
  return fields;
}
