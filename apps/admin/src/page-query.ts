import { applyDecorators } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { z } from 'zod';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

/** `?after=&limit=` of a list: a page begins behind the one whose `next` is `after`. */
export function pageQuery<Cursor extends z.ZodType<string>>(cursor: Cursor) {
  return z.strictObject({
    after: cursor.optional(),
    limit: z
      .string()
      .regex(/^\d{1,3}$/, `must be a number from 1 to ${MAX_LIMIT}`)
      .transform(Number)
      .refine((limit) => limit >= 1 && limit <= MAX_LIMIT, `must be a number from 1 to ${MAX_LIMIT}`)
      .default(DEFAULT_LIMIT),
  });
}

/** A cursor of lists whose rows have growing numbers. */
export const numberCursor = z.string().regex(/^\d{1,18}$/, 'must be the `next` of an earlier page');

/** The cursor of the next page, or null where this one was not full. */
export function nextCursor(rows: readonly { readonly id: string }[], limit: number): string | null {
  return rows.length < limit ? null : (rows.at(-1)?.id ?? null);
}

/** Documents `?after=&limit=`. */
export function ApiPage(): MethodDecorator {
  return applyDecorators(
    ApiQuery({ name: 'after', required: false, description: 'The `next` of the page before' }),
    ApiQuery({
      name: 'limit',
      required: false,
      schema: { type: 'integer', minimum: 1, maximum: MAX_LIMIT, default: DEFAULT_LIMIT },
    }),
  );
}
