import { ProblemError, type Refusal } from '@flux/contracts';
import type { ExecutionContext } from '@nestjs/common';
import fastify, { type FastifyRequest } from 'fastify';
import { CheckGuard, hookOf } from './check.guard';

const REFUSAL: Refusal = { code: 'sold-out', detail: 'Gone.', extra: { retryAfterSeconds: 7 } };

class FixedGuard extends CheckGuard {
  constructor(private readonly answer: () => Refusal | undefined | Promise<Refusal | undefined>) {
    super();
  }

  override check(): Refusal | undefined | Promise<Refusal | undefined> {
    return this.answer();
  }
}

const REFUSING = [
  ['at once', new FixedGuard(() => REFUSAL)],
  ['later', new FixedGuard(() => Promise.resolve(REFUSAL))],
] as const;
const PASSING = [
  ['at once', new FixedGuard(() => undefined)],
  ['later', new FixedGuard(() => Promise.resolve(undefined))],
] as const;
const BREAKING = [
  [
    'at once',
    new FixedGuard(() => {
      throw new Error('broken');
    }),
  ],
  ['later', new FixedGuard(() => Promise.reject(new Error('broken')))],
] as const;

describe('a guard as a hook', () => {
  async function asked(guard: CheckGuard) {
    const handled: FastifyRequest[] = [];
    const app = fastify();
    app.post('/', { preHandler: [hookOf(guard)] }, (request) => {
      handled.push(request);
      return 'sold';
    });
    const { statusCode, headers, body } = await app.inject({ method: 'POST', url: '/' });
    return { statusCode, retryAfter: headers['retry-after'], body, handled: handled.length };
  }

  it.each(REFUSING)('refuses %s, and the handler is never reached', async (_name, guard) => {
    const { statusCode, retryAfter, body, handled } = await asked(guard);
    expect([statusCode, retryAfter, handled]).toEqual([409, '7', 0]);
    expect(JSON.parse(body)).toMatchObject({ code: 'sold-out', detail: 'Gone.' });
  });

  it.each(PASSING)('lets pass %s', async (_name, guard) => {
    expect(await asked(guard)).toMatchObject({ statusCode: 200, handled: 1 });
  });

  it.each(BREAKING)('that breaks %s lets nothing through', async (_name, guard) => {
    expect(await asked(guard)).toMatchObject({ statusCode: 500, handled: 0 });
  });
});

describe('a guard of a controller', () => {
  const context = { switchToHttp: () => ({ getRequest: () => ({}) }) } as unknown as ExecutionContext;

  it.each(REFUSING)('refuses %s', async (_name, guard) => {
    await expect(guard.canActivate(context)).rejects.toEqual(
      new ProblemError(REFUSAL.code, REFUSAL.detail, REFUSAL.extra),
    );
    await expect(guard.canActivate(context)).rejects.toMatchObject({ ...REFUSAL });
  });

  it.each(PASSING)('lets pass %s', async (_name, guard) => {
    expect(await guard.canActivate(context)).toBe(true);
  });
});
