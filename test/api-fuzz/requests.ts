import type { AppProcess } from '../e2e/support/app-process';
import type { Credentials } from '../e2e/support/app-environment';
import { filled, type FuzzedRequest, type Known } from './arbitraries';
import type { Operation } from './document';

/** What a request says beside its address and its key. */
export interface Sent {
  /** Of the things in the path, those that are not the example's. */
  readonly at?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** The headers of whoever may call the operation; shoppers name themselves as each request needs it. */
export function keyFor(
  { path }: Operation,
  { operatorKey, serviceKey }: Credentials,
): Readonly<Record<string, string>> {
  if (path.startsWith('/admin/')) return { authorization: `Bearer ${operatorKey}` };
  if (path.startsWith('/shop/')) return { authorization: `Bearer ${serviceKey}` };
  return {};
}

/** The documented example, of things that are there. @param key the headers that say who asks */
export function exampleOf(
  { path, parameters, body }: Operation,
  known: Known,
  key: Readonly<Record<string, string>>,
): FuzzedRequest {
  const value = ofThings(body?.example ?? Object.values(body?.examples ?? {})[0]?.value, known);
  const given = Object.fromEntries(
    parameters.map(({ name, example, schema }) => [
      name,
      known[name]?.[0] ?? example ?? schema?.example ?? 'x',
    ]),
  );
  const headers = parameters.filter(
    ({ in: place, name, required }) => place === 'header' && (required === true || name in known),
  );
  return {
    path: filled(path, given),
    headers: {
      ...Object.fromEntries(headers.map(({ name }) => [name, given[name] ?? ''])),
      ...key,
      ...typeOf(value),
    },
    ...(value === undefined ? {} : { body: JSON.stringify(value) }),
  };
}

/** A body whose fields name what is there. */
function ofThings(body: unknown, known: Known): unknown {
  if (typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(Object.entries(body).map(([name, value]) => [name, known[name]?.[0] ?? value]));
}

/** A request of one's own, of things that are there unless it names others. */
export function requestSaying(
  operation: Operation,
  { at = {}, query = '', headers = {}, body }: Sent,
  { known, key }: { readonly known: Known; readonly key: Readonly<Record<string, string>> },
): FuzzedRequest {
  const named = Object.fromEntries(Object.entries(at).map(([name, value]) => [name, [value]]));
  const { path } = exampleOf(operation, { ...known, ...named }, {});
  return {
    path: `${path}${query}`,
    headers: { ...key, ...headers, ...typeOf(body) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

export function typeOf(body: unknown): Readonly<Record<string, string>> {
  return body === undefined ? {} : { 'content-type': 'application/json' };
}

export function send(
  app: AppProcess,
  { method }: Operation,
  { path, headers, body }: FuzzedRequest,
): Promise<Response> {
  return fetch(`${app.baseUrl}${path}`, {
    method,
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
  });
}
