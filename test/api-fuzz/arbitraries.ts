import fc, { type Arbitrary } from 'fast-check';
import type { Operation, Parameter, Schema } from './document';

/** A request as it goes over the wire. */
export interface FuzzedRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

const EXTREMES = fc.constantFrom<unknown>(
  ...[
    null,
    true,
    0,
    -0,
    -1,
    1.5,
    2 ** 53,
    1e308,
    '',
    ' ',
    '\u0000',
    '\ud800',
    'é'.repeat(50),
    '𝒳',
    '__proto__',
  ],
  ...[
    '{a}',
    'a:b',
    'a\r\nb',
    '../../etc/passwd',
    '%00',
    '1',
    'x'.repeat(300),
    [],
    {},
    [[]],
    { __proto__: null },
  ],
);

/** Values that a schema allows, and with them the extremes of what it says. */
export function valueOf(schema: Schema, known: Known = {}): Arbitrary<unknown> {
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map((choice) => valueOf(choice, known)));
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema.const !== undefined) return fc.constant(schema.const);
  switch (schema.type) {
    case 'object':
      return objectOf(schema, known);
    case 'array':
      return fc.array(valueOf(schema.items ?? {}, known), { minLength: schema.minItems ?? 0, maxLength: 3 });
    case 'integer':
    case 'number':
      return integerOf(schema);
    case 'boolean':
      return fc.boolean();
    case 'string':
      return textOf(schema);
    case undefined:
    default:
      return EXTREMES;
  }
}

function objectOf({ properties = {}, required = [] }: Schema, known: Known): Arbitrary<unknown> {
  const fields = Object.fromEntries(
    Object.entries(properties).map(([name, field]) => {
      const there = known[name] ?? [];
      const value = valueOf(field, known);
      if (there.length === 0) return [name, value];
      return [
        name,
        fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...there) }, { weight: 1, arbitrary: value }),
      ];
    }),
  );
  return fc.record(fields, { requiredKeys: required.filter((name) => name in fields) });
}

function integerOf({ minimum = -1_000, maximum = 1_000_000 }: Schema): Arbitrary<number> {
  return fc.oneof(fc.integer({ min: minimum, max: maximum }), fc.constantFrom(minimum, maximum));
}

function textOf({ pattern, format, minLength = 0, maxLength = 60 }: Schema): Arbitrary<string> {
  if (format === 'date-time') {
    const [min, max] = [new Date('2020-01-01T00:00:00Z'), new Date('2040-01-01T00:00:00Z')];
    return fc.date({ min, max, noInvalidDate: true }).map((date) => date.toISOString());
  }
  if (format === 'uri') return fc.webUrl();
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern, 'u'));
  return fc.string({ minLength, maxLength: Math.max(minLength, Math.min(maxLength, 80)), unit: 'binary' });
}

/** Bodies: valid, with one field changed, lacking or too many, or anything at all. */
function bodyOf(schema: Schema, known: Known): Arbitrary<string> {
  const valid = valueOf(schema, known);
  const changed = fc.tuple(valid, fc.nat(), EXTREMES).map(([value, at, extreme]) => {
    if (typeof value !== 'object' || value === null) return extreme;
    const names = [...Object.keys(schema.properties ?? {}), 'unknown'];
    return { ...value, [names[at % names.length] ?? 'unknown']: extreme };
  });
  const lacking = fc.tuple(valid, fc.nat()).map(([value, at]) => {
    if (typeof value !== 'object' || value === null) return null;
    const entries = Object.entries(value);
    return Object.fromEntries(entries.filter((_, index) => index !== at % Math.max(1, entries.length)));
  });
  return fc.oneof(
    {
      weight: 4,
      arbitrary: fc.oneof(valid, changed, lacking, EXTREMES).map((value) => JSON.stringify(value)),
    },
    {
      weight: 1,
      arbitrary: fc.oneof(fc.json(), fc.string(), fc.constantFrom('{', '[', '{"a":1,"a":2}', '1e999')),
    },
  );
}

/** What names things: those that are there, what the schema allows, and what it does not. */
function parameterOf({ schema = {}, example, name }: Parameter, known: Known): Arbitrary<string> {
  const there = known[name] ?? [];
  return fc
    .oneof(
      ...(there.length > 0 ? [{ weight: 4, arbitrary: fc.constantFrom(...there) }] : []),
      { weight: 2, arbitrary: valueOf({ type: 'string', ...schema }) },
      { weight: 1, arbitrary: EXTREMES },
      { weight: 1, arbitrary: fc.constant(example ?? 'x') },
    )
    .map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
}

/** Values of parameters that name something, by the parameter's name. */
export type Known = Readonly<Record<string, readonly string[]>>;

const CREDENTIALS = fc.constantFrom('good', 'good', 'good', 'good', 'none', 'bad');

/** Requests of one operation, made from its documented parameters and its body's schema. */
export function requestOf(
  operation: Operation,
  { known, credentials }: { readonly known: Known; readonly credentials: Readonly<Record<string, string>> },
): Arbitrary<FuzzedRequest> {
  const { parameters, path, body } = operation;
  const given = (place: Parameter['in']) => parameters.filter((parameter) => parameter.in === place);
  const values = (place: Parameter['in']) =>
    fc.record(
      Object.fromEntries(given(place).map((parameter) => [parameter.name, parameterOf(parameter, known)])),
      place === 'path' ? {} : { requiredKeys: [] },
    ) as Arbitrary<Record<string, string>>;
  return fc
    .record({
      inPath: values('path'),
      inQuery: values('query'),
      inHeaders: values('header'),
      who: CREDENTIALS,
      type: fc.constantFrom('application/json', 'application/json', 'application/json', 'text/plain'),
      sent: body?.schema === undefined ? fc.constant(undefined) : bodyOf(body.schema, known),
    })
    .map(({ inPath, inQuery, inHeaders, who, type, sent }) => ({
      path: withQuery(filled(path, inPath), inQuery),
      headers: {
        ...headersOf(inHeaders),
        ...(sent === undefined ? {} : { 'content-type': type }),
        ...(who === 'good' ? credentials : {}),
        ...(who === 'bad' ? { authorization: 'Bearer nobody-has-this-key-0123456789' } : {}),
      },
      ...(sent === undefined ? {} : { body: sent }),
    }));
}

export function filled(path: string, values: Readonly<Record<string, string>>): string {
  // A part that is empty, or dots, would be another path.
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encoded(values[name] ?? 'x').replace(/^\.*$/, 'x'));
}

function withQuery(path: string, query: Readonly<Record<string, string>>): string {
  const text = Object.entries(query)
    .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
    .join('&');
  return (text === '' ? path : `${path}?${text}`).slice(0, 2_000).replace(/%.?$/, '');
}

function encoded(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, ''))
    .slice(0, 100)
    .replace(/%.?$/, '');
}

/** Fetch sends no others. */
function headersOf(headers: Readonly<Record<string, string>>): Record<string, string> {
  const sendable = Object.entries(headers).map(([name, value]) => [
    name,
    value.replace(/[^\x20-\x7e]/g, '').trim(),
  ]);
  return Object.fromEntries(sendable) as Record<string, string>;
}
