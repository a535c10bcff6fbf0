import { queueAnswerSchema, type ItemRef, type QueueAnswer } from '@flux/contracts';
import { waitUntil } from '@flux/testing';

interface Base {
  readonly base: string;
}

export interface QueueReply {
  readonly status: number;
  readonly headers: Headers;
  readonly answer: QueueAnswer;
}

interface Visit {
  readonly shopper?: string;
  readonly ticket?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function visit(
  { base }: Base,
  method: 'POST' | 'GET' | 'DELETE',
  { saleId, shopper, ticket, headers }: Visit & { readonly saleId: string },
): Promise<Response> {
  return fetch(`${base}/v1/sales/${saleId}/queue`, {
    method,
    headers: {
      ...(shopper === undefined ? {} : { 'x-shopper-id': shopper }),
      ...(ticket === undefined ? {} : { 'x-ticket': ticket }),
      ...headers,
    },
  });
}

async function read(response: Response): Promise<QueueReply> {
  const body: unknown = await response.json();
  if (!response.ok) throw new Error(`the queue answers ${response.status}: ${JSON.stringify(body)}`);
  return { status: response.status, headers: response.headers, answer: queueAnswerSchema.parse(body) };
}

export async function join(
  gateway: Base,
  { saleId }: ItemRef,
  shopper: string,
  ticket?: string,
): Promise<QueueReply> {
  return read(await visit(gateway, 'POST', { saleId, shopper, ...(ticket === undefined ? {} : { ticket }) }));
}

export async function look(gateway: Base, { saleId }: ItemRef, ticket: string): Promise<QueueReply> {
  return read(await visit(gateway, 'GET', { saleId, ticket }));
}

/** Joins, and looks until something else than waiting is answered. */
export async function waitForTurn(gateway: Base, item: ItemRef, shopper: string): Promise<QueueAnswer> {
  let { answer } = await join(gateway, item, shopper);
  const ticket = answer.ticket ?? '';
  await waitUntil('it is the turn', async () => {
    if (answer.status !== 'waiting' && answer.status !== 'lobby') return true;
    const response = await visit(gateway, 'GET', { saleId: item.saleId, ticket });
    if (response.status !== 429) ({ answer } = await read(response));
    return false;
  });
  return { ...answer, ticket };
}

export async function passOf(gateway: Base, item: ItemRef, shopper: string): Promise<string> {
  const { pass } = await waitForTurn(gateway, item, shopper);
  if (pass === undefined) throw new Error('the turn came without a pass');
  return pass;
}
