import { HEX_COLOUR, TEXT_KEYS, type PageConfig } from '@flux/waiting-room-page';
import { z } from 'zod';

const MAX_TEXT = 500;
/** A logo in the file itself. */
const MAX_URL = 50_000;

const colourSchema = z.string().regex(HEX_COLOUR, 'must be a colour such as #1d4ed8').optional();
const coloursSchema = z.strictObject({
  accent: colourSchema,
  onAccent: colourSchema,
  background: colourSchema,
  surface: colourSchema,
  text: colourSchema,
  muted: colourSchema,
});

/** `config.json` of the waiting room's page. Strict: a name that nobody reads is a typing error. */
export const pageConfigSchema: z.ZodType<PageConfig> = z.strictObject({
  $schema: z.string().optional(),
  shopName: z.string().trim().min(1).max(80),
  shopUrl: z.string().max(2_000).refine(isWebAddress, 'must be an http or https address, or a path'),
  apiUrl: z
    .string()
    .refine(isOriginOrEmpty, 'must be an origin such as https://api.shop.example, or empty')
    .default(''),
  logoUrl: z
    .string()
    .max(MAX_URL)
    .refine(
      (text) => isWebAddress(text) || text.startsWith('data:image/'),
      'must be an http or https address, a path, or data:image/',
    )
    .optional(),
  colours: z.strictObject({ light: coloursSchema.optional(), dark: coloursSchema.optional() }).optional(),
  texts: z
    .record(
      z.string().refine(isLanguage, 'must be a language tag such as en or pt-BR'),
      z.partialRecord(z.enum(TEXT_KEYS), z.string().trim().min(1).max(MAX_TEXT)),
    )
    .refine((texts) => Object.keys(texts).length > 0, 'must have a language'),
});

function isWebAddress(text: string): boolean {
  if (text.startsWith('/')) return !text.startsWith('//');
  return URL.canParse(text) && ['http:', 'https:'].includes(new URL(text).protocol);
}

function isOriginOrEmpty(text: string): boolean {
  return text === '' || (URL.canParse(text) && new URL(text).origin === text);
}

function isLanguage(tag: string): boolean {
  try {
    return Intl.getCanonicalLocales(tag).length === 1;
  } catch {
    return false;
  }
}
