import type { ColumnOptions, ValueTransformer } from 'typeorm';

/**
 * int8 as a number: sequences, watermarks and money stay below 2^53 (contracts/sale, contracts/events).
 * @throws RangeError where PostgreSQL holds more, rather than round it
 */
export const safeInteger: ValueTransformer = {
  to: (value: unknown): unknown => value,
  from: (value: string | null): number | null => (value === null ? null : toSafeInteger(value)),
};

export function toSafeInteger(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a column holds more than 2^53');
  return value;
}

/** Ids compare by bytes: faster, the same on every server, and the orders of a sale are one range of the key. */
export const ID_COLUMN = { type: 'text', collation: 'C' } as const satisfies ColumnOptions;

export const INT8_COLUMN = { type: 'bigint', transformer: safeInteger } as const satisfies ColumnOptions;
