import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AuditImpossible } from './audit-impossible';

/**
 * One attempt and its answer, a line of the history file. Without a `status` there was no answer: the outcome is
 * unknown to the client. `body` is the answer's text as it came.
 */
export const historyAnswerSchema = z.object({
  /** When the answer had come. */
  at: z.string(),
  /** When the attempt was sent; without it, what came first is not known. */
  sentAt: z.iso.datetime().optional(),
  method: z.literal('POST'),
  saleId: z.string().optional(),
  productId: z.string(),
  shopperId: z.string(),
  idempotencyKey: z.string(),
  quantity: z.number(),
  status: z.number().optional(),
  outcome: z.literal('unknown').optional(),
  replayed: z.boolean().default(false),
  location: z.string().optional(),
  body: z.string().default(''),
});
export type HistoryAnswer = z.input<typeof historyAnswerSchema>;

/**
 * The last line of a complete history: nobody else bought in the sale, and `attempts` lines came before it. A file
 * that was cut off has none, and so claims nothing about orders it does not mention.
 */
export const historyEndSchema = z.object({
  complete: z.literal(true),
  saleId: z.string(),
  attempts: z.number(),
});
export type HistoryEnd = z.infer<typeof historyEndSchema>;

/** A 202 in its parts; `digest` stands for status, Location and body, byte for byte. */
export interface Accepted {
  /** Units asked for. */
  readonly asked: number;
  readonly location: string;
  /** Empty where the 202 names no order: then every line about it fails. */
  readonly orderId: string;
  readonly saleId: string | undefined;
  readonly productId: string;
  readonly quantity: number;
  readonly acceptedAtMs: number;
  readonly digest: string;
}

/** All that one key of one shopper for one item of the sale was answered. */
export interface ClientKey {
  readonly productId: string;
  readonly shopperId: string;
  /** Different 202 only: equal ones to equal questions are counted in `answers`. */
  readonly accepted: readonly Accepted[];
  readonly answers: number;
  /** 202 without the mark of a replay. */
  readonly firsts: number;
  /** Attempts that may have had an effect although no 202 came: no answer, or a 5xx. */
  readonly doubtful: number;
  /** When its first 202 had come; Infinity for never. */
  readonly acceptedAtMs: number;
  /** When the last attempt was sent that was refused by the state of the sale; -Infinity for none that says so. */
  readonly refusedSentAtMs: number;
}

export interface ClientHistory {
  /** By the order id that the checker computes from sale, product, shopper and key. */
  readonly keys: ReadonlyMap<string, ClientKey>;
  readonly attempts: number;
  /** undefined where the history claims to be complete; else why it is not. */
  readonly incomplete: string | undefined;
  readonly digest: string;
}

const acceptedBodySchema = z.object({
  orderId: z.string(),
  status: z.literal('accepted'),
  productId: z.string(),
  saleId: z.string(),
  quantity: z.number(),
  acceptedAt: z.iso.datetime(),
});

/**
 * The clients' own record of the sale, by key. An attempt that names another sale is left out; one that names none
 * and got no 202 may have been for this one.
 * @throws AuditImpossible for a line that is no answer: a history half understood would prove nothing
 */
export async function readHistory(
  lines: AsyncIterable<string> | Iterable<string>,
  saleId: string,
): Promise<ClientHistory> {
  const keys = new Map<string, ClientKey>();
  const digest = createHash('sha256');
  let number = 0;
  let attempts = 0;
  let end: HistoryEnd | undefined;
  for await (const line of lines) {
    number += 1;
    if (line.trim() === '') continue;
    digest.update(`${line}\n`);
    const entry = parseLine(line, number);
    if ('complete' in entry) {
      end = entry;
      continue;
    }
    attempts += 1;
    end = undefined;
    note(keys, entry, saleId);
  }
  return { keys, attempts, incomplete: whyIncomplete(end, saleId, attempts), digest: digest.digest('hex') };
}

/** The order id as every client can compute it: SHA-256 over the length-prefixed fields. */
export function expectedOrderId(fields: {
  readonly saleId: string;
  readonly productId: string;
  readonly shopperId: string;
  readonly idempotencyKey: string;
}): string {
  const { saleId, productId, shopperId, idempotencyKey } = fields;
  const hash = createHash('sha256');
  for (const field of [saleId, productId, shopperId, idempotencyKey]) {
    hash.update(`${Buffer.byteLength(field)}:${field}`);
  }
  return `${saleId}.${productId}.${hash.digest('base64url').slice(0, 22)}`;
}

function parseLine(line: string, number: number): z.output<typeof historyAnswerSchema> | HistoryEnd {
  let json: unknown;
  try {
    json = JSON.parse(line);
  } catch {
    throw new AuditImpossible(`line ${number} of the history is not JSON`);
  }
  const entry = z.union([historyEndSchema, historyAnswerSchema]).safeParse(json);
  if (!entry.success) throw new AuditImpossible(`line ${number} of the history is not an answer`);
  return entry.data;
}

function note(
  keys: Map<string, ClientKey>,
  answer: z.output<typeof historyAnswerSchema>,
  saleId: string,
): void {
  const accepted = answer.status === 202 ? acceptedOf(answer) : undefined;
  if ((accepted?.saleId ?? answer.saleId ?? saleId) !== saleId) return;
  const { productId, shopperId, idempotencyKey } = answer;
  const id = expectedOrderId({ saleId, productId, shopperId, idempotencyKey });
  const before = keys.get(id);
  const known = before?.accepted.some(
    ({ digest, asked }) => digest === accepted?.digest && asked === answer.quantity,
  );
  keys.set(id, {
    productId,
    shopperId,
    accepted: [...(before?.accepted ?? []), ...(accepted === undefined || known === true ? [] : [accepted])],
    answers: (before?.answers ?? 0) + (accepted === undefined ? 0 : 1),
    firsts: (before?.firsts ?? 0) + (accepted === undefined || answer.replayed ? 0 : 1),
    doubtful: (before?.doubtful ?? 0) + (answer.status === undefined || answer.status >= 500 ? 1 : 0),
    acceptedAtMs: Math.min(
      before?.acceptedAtMs ?? Infinity,
      accepted === undefined ? Infinity : Date.parse(answer.at),
    ),
    refusedSentAtMs: Math.max(before?.refusedSentAtMs ?? -Infinity, refusedSentAtMs(answer)),
  });
}

const SALE_STATE = 409;

function refusedSentAtMs({ status, sentAt }: z.output<typeof historyAnswerSchema>): number {
  return status === SALE_STATE && sentAt !== undefined ? Date.parse(sentAt) : -Infinity;
}

function acceptedOf(answer: z.output<typeof historyAnswerSchema>): Accepted {
  const { location = '', body, status, quantity: asked } = answer;
  const digest = createHash('sha256')
    .update(`${String(status)}\n${location}\n${body}`)
    .digest('base64url');
  const parsed = acceptedBodySchema.safeParse(parseJson(body));
  const given = { asked, location, digest };
  if (!parsed.success)
    return { ...given, orderId: '', saleId: undefined, productId: '', quantity: 0, acceptedAtMs: 0 };
  const { orderId, saleId, productId, quantity, acceptedAt } = parsed.data;
  return { ...given, orderId, saleId, productId, quantity, acceptedAtMs: Date.parse(acceptedAt) };
}

function whyIncomplete(end: HistoryEnd | undefined, saleId: string, attempts: number): string | undefined {
  if (end === undefined) return 'the history does not end with a line that says it is complete';
  if (end.saleId !== saleId) return 'the history is that of another sale';
  if (end.attempts !== attempts) return `the history says ${end.attempts} attempts and has ${attempts}`;
  return undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
