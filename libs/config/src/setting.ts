import { accessSync, constants, statSync } from 'node:fs';
import { z } from 'zod';

interface SettingText {
  readonly description: string;
}

interface IntegerSetting extends SettingText {
  readonly default: number;
  readonly min: number;
  readonly max: number;
  readonly unit: string;
}

/** A whole number from a variable; never coerced from an empty or half-numeric text. */
export function integerSetting({ default: fallback, min, max, unit, description }: IntegerSetting) {
  const range = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^-?\d+$/, range)
    .transform(Number)
    .refine((value) => value >= min && value <= max, range)
    .prefault(String(fallback))
    .meta({ description, unit, example: String(fallback) });
}

/** A TCP port. */
export function portSetting({ default: fallback, description }: SettingText & { readonly default: number }) {
  return integerSetting({ default: fallback, min: 1, max: 65_535, unit: 'port', description });
}

/** On with `1`, off with `0`. */
export function flagSetting({ default: fallback, description }: SettingText & { readonly default: boolean }) {
  return z
    .enum(['0', '1'], 'must be 0 or 1')
    .prefault(fallback ? '1' : '0')
    .transform((value) => value === '1')
    .meta({ description, unit: '0 or 1', example: fallback ? '1' : '0' });
}

/** A text with a default; `unit` says its form in a word. */
export function textSetting({
  default: fallback,
  unit,
  description,
}: SettingText & { readonly default: string; readonly unit: string }) {
  return z.string().prefault(fallback).meta({ description, unit, example: fallback });
}

/** A file that a library of ours reads, a certificate say; empty: none. */
export function fileSetting({ description }: SettingText) {
  return textSetting({ default: '', unit: 'file', description }).refine(
    (file) => file === '' || isReadable(file),
    'must name a readable file',
  );
}

function isReadable(file: string): boolean {
  try {
    accessSync(file, constants.R_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

export function choiceSetting<const Choices extends readonly [string, ...string[]]>({
  choices,
  default: fallback,
  description,
}: SettingText & { readonly choices: Choices; readonly default: Choices[number] }) {
  return z
    .enum(choices, `must be one of ${choices.join(', ')}`)
    .prefault(fallback)
    .meta({ description, unit: choices.join(' | '), example: fallback });
}

/** One variable as `.env.example` and the docs show it. */
export interface SettingDescription {
  readonly name: string;
  readonly default: string;
  readonly unit: string;
  readonly description: string;
}

/** Every variable of a schema made of the settings above, in its order. */
export function describeSettings(schema: z.ZodObject): readonly SettingDescription[] {
  return Object.entries(schema.shape).map(([name, setting]) => {
    const meta = (setting as z.ZodType).meta() ?? {};
    return {
      name,
      default: textOf(meta['example']),
      unit: textOf(meta['unit']),
      description: textOf(meta.description),
    };
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
