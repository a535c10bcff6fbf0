import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { Body, Controller, ForbiddenException, Get, Module, Param, Post } from '@nestjs/common';
import { ProblemError, type Problem } from '@flux/contracts';
import { Health, Metrics, createLog } from '@flux/telemetry';
import { waitUntil } from '@flux/testing';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createHttpApp } from './http-app';
import { RawBody } from './raw-body';

const SECRET = 'postgres://flux:canary@10.0.0.1';

@Controller('probe')
class ProbeController {
  @Get('breaks')
  breaks(): never {
    throw new Error(SECRET);
  }

  @Get('forbids')
  forbids(): never {
    throw new ForbiddenException(SECRET);
  }

  @Get('waits')
  waits(): never {
    throw new ProblemError('not-ready', 'Not yet.', { retryAfterSeconds: 7 });
  }

  @Get('of/:id')
  of(@Param('id') id: string): { readonly id: string } {
    return { id };
  }

  @Post()
  echo(@Body() body: unknown): unknown {
    return body;
  }

  @Post('raw')
  @RawBody(8_192)
  digest(@Body() body: unknown): { readonly bytes: number; readonly sha256: string } {
    if (!Buffer.isBuffer(body)) throw new Error('the body is not what came');
    return { bytes: body.length, sha256: hash('sha256', body, 'hex') };
  }
}

@Module({ controllers: [ProbeController] })
class ProbeModule {}

// The first import compiles much, on a machine that others use too.
jest.setTimeout(30_000);

describe('the HTTP edge', () => {
  const lines: string[] = [];
  const log = createLog({ FLUX_LOG_LEVEL: 'error' }, 'probe', {
    write: (line: string) => void lines.push(line),
  });
  const metrics = new Metrics('probe');
  const health = new Health();
  let app: NestFastifyApplication;
  let base: string;
  let port: number;

  beforeAll(async () => {
    const telemetry = { log, metrics, health };
    app = await createHttpApp({
      module: ProbeModule,
      telemetry,
      bodyLimitBytes: 4_096,
      connections: { perProcess: 100, perAddress: 100 },
    });
    await app.listen(0, '127.0.0.1');
    base = await app.getUrl();
    port = Number(new URL(base).port);
  });

  afterAll(() => app.close());

  async function expectProblem(answer: Response, status: number, code: string): Promise<Problem> {
    expect(answer.status).toBe(status);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const problem = (await answer.json()) as Problem;
    expect(problem).toMatchObject({ status, code, type: `https://flux-gate.dev/errors/${code}` });
    expect(problem.requestId).toBe(answer.headers.get('x-request-id'));
    expect(problem.requestId).not.toBe('');
    return problem;
  }

  const post = (
    body: RequestInit['body'],
    headers: Record<string, string> = { 'content-type': 'application/json' },
  ) => fetch(`${base}/probe`, { method: 'POST', body, headers });

  /** Sends bytes as they are and reads until the server closes. */
  const raw = (text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => void socket.write(text));
      const chunks: Buffer[] = [];
      socket.on('data', (chunk) => void chunks.push(chunk));
      socket.on('error', reject).on('close', () => {
        resolve(Buffer.concat(chunks).toString());
      });
    });

  it('tells an unknown path from a wrong method', async () => {
    await expectProblem(await fetch(`${base}/nowhere`), 404, 'not-found');
    const wrong = await fetch(`${base}/probe`, { method: 'DELETE' });
    expect(wrong.headers.get('allow')).toBe('OPTIONS, POST');
    await expectProblem(wrong, 405, 'method-not-allowed');
    await expectProblem(await fetch(`${base}/probe/of/7`, { method: 'PUT' }), 405, 'method-not-allowed');
  });

  it('answers OPTIONS with the methods, and HEAD like GET without a body', async () => {
    const options = await fetch(`${base}/probe/of/7`, { method: 'OPTIONS' });
    expect(options.status).toBe(204);
    expect(options.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
    const head = await fetch(`${base}/probe/of/7`, { method: 'HEAD' });
    expect(head.status).toBe(200);
    expect(await head.text()).toBe('');
  });

  it.each([
    ['malformed', '{"a":'],
    ['empty', ''],
    ['a key twice', '{"a":1,"a":2}'],
    ['NUL', '{"a":"\\u0000"}'],
    ['half a surrogate pair', '{"a":"\\ud800"}'],
    ['__proto__', '{"__proto__":{"a":1}}'],
    ['constructor.prototype', '{"constructor":{"prototype":{"a":1}}}'],
  ])('answers 400 to JSON that is hostile: %s', async (_name, body) => {
    await expectProblem(await post(body), 400, 'invalid-request');
  });

  it('answers 413 above the limit and takes what is just below', async () => {
    await expectProblem(await post(JSON.stringify('x'.repeat(4_095))), 413, 'payload-too-large');
    expect((await post(JSON.stringify('x'.repeat(4_094)))).status).toBe(201);
  });

  it('hands over the bytes as they came where a route asks for them, up to its own limit', async () => {
    const send = (body: Buffer) =>
      fetch(`${base}/probe/raw`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
    // No JSON, no UTF-8, above the app's limit.
    const bytes = Buffer.concat([Buffer.from('{"a": 1,"a":\xff'), randomBytes(8_000)]);
    const answer = await send(bytes);
    expect(await answer.json()).toEqual({ bytes: bytes.length, sha256: hash('sha256', bytes, 'hex') });
    await expectProblem(await send(Buffer.alloc(8_193)), 413, 'payload-too-large');
  });

  it.each([
    ['text', { 'content-type': 'text/plain' }],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['multipart', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['a tab in the type', { 'content-type': 'application/json\ta' }],
    ['gzip', { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
  ])('answers 415 to %s', async (_name, headers) => {
    await expectProblem(await post('{}', headers), 415, 'unsupported-media-type');
  });

  it('answers what breaks with 500, says nothing of it, and logs it once with the request id', async () => {
    const problem = await expectProblem(await fetch(`${base}/probe/breaks`), 500, 'internal-error');
    expect(JSON.stringify(problem)).not.toContain('canary');
    const logged = lines.filter((line) => line.includes(problem.requestId));
    expect(logged).toHaveLength(1);
    expect(logged[0]).toContain('canary');
  });

  it('takes no notice of a client that leaves while it sends', async () => {
    const before = lines.length;
    const open = async () =>
      Number(/^flux_http_connections\{.*\} (\d+)$/m.exec((await metrics.render()).text)?.[1]);
    const socket = connect(port, '127.0.0.1');
    socket.write(
      'POST /probe HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    await once(socket, 'connect');
    // What comes after it on another connection is answered when the first has been read.
    await fetch(`${base}/probe/of/7`);
    const openBefore = await open();
    socket.destroy();
    await waitUntil('it is noticed', async () => (await open()) < openBefore);
    expect(lines.slice(before)).toEqual([]);
  });

  it("renders Nest's exceptions without their text", async () => {
    const problem = await expectProblem(await fetch(`${base}/probe/forbids`), 403, 'forbidden');
    expect(JSON.stringify(problem)).not.toContain('canary');
  });

  it('sends Retry-After as given', async () => {
    const answer = await fetch(`${base}/probe/waits`);
    expect(answer.headers.get('retry-after')).toBe('7');
    await expectProblem(answer, 503, 'not-ready');
  });

  it('keeps a harmless request id and replaces any other', async () => {
    const ask = async (id: string) =>
      (await fetch(`${base}/probe/of/7`, { headers: { 'x-request-id': id } })).headers.get('x-request-id');
    expect(await ask('trace-42_A')).toBe('trace-42_A');
    expect(await ask('a b')).toMatch(/^[0-9a-f-]{36}$/);
    expect(await ask('x'.repeat(65))).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['a bad escape in the path', 400, 'invalid-request', '/probe/of/%zz'],
    ['a long parameter', 414, 'uri-too-long', `/probe/of/${'x'.repeat(200)}`],
    ['a long address', 414, 'uri-too-long', `/probe/of/7?${'x'.repeat(2_048)}`],
  ])('answers %s with %i', async (_name, status, code, path) => {
    await expectProblem(await fetch(`${base}${path}`), status, code);
  });

  it('answers 431 to many headers', async () => {
    const headers = Object.fromEntries(Array.from({ length: 70 }, (_, index) => [`x-${index}`, '1']));
    await expectProblem(await fetch(`${base}/probe/of/7`, { headers }), 431, 'headers-too-large');
  });

  it.each([
    ['no HTTP', 'garbage\r\n\r\n', 400],
    [
      'two lengths',
      'POST /probe HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
      400,
    ],
    [
      'a length and chunks',
      'POST /probe HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['an unknown method', 'BUY /probe HTTP/1.1\r\nHost: a\r\n\r\n', 405],
    ['a long header', `GET /probe/of/7 HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(9_000)}\r\n\r\n`, 431],
  ])('answers %s as problem+json and closes', async (_name, text, status) => {
    const answer = await raw(text);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toMatch(/\r\ncontent-type: application\/problem\+json\r\n/);
    expect(answer).toMatch(/\r\nconnection: close\r\n/);
    const problem = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n'))) as Problem;
    expect(problem.status).toBe(status);
  });

  it('serves 10,000 requests on a connection, says so with the last answer, and refuses those that come still', async () => {
    const request = 'GET /probe/of/7 HTTP/1.1\r\nHost: a\r\n\r\n';
    const last = 'GET /probe/of/7 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';
    const answers = await raw(request.repeat(10_000) + last);
    expect(answers.match(/HTTP\/1.1 200 /g)).toHaveLength(10_000);
    expect(answers).toMatch(/\r\nConnection: close\r\n\r\n\{"id":"7"\}HTTP\/1.1 503 /);
  });

  it('answers TRACE with 405', async () => {
    expect(await raw('TRACE /probe/of/7 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(
      /^HTTP\/1.1 405 /,
    );
  });

  it('answers 408 to a request that trickles, within its limits', async () => {
    const answer = await raw(
      'POST /probe HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Le',
    );
    expect(answer).toMatch(/^HTTP\/1.1 408 /);
  }, 15_000);

  it('measures requests by route template', async () => {
    const { text } = await metrics.render();
    expect(text).toMatch(
      /^flux_http_request_seconds_count\{.*method="GET",route="\/probe\/of\/:id",status="200"/m,
    );
    expect(text).toMatch(/^flux_http_request_seconds_count\{.*method="GET",route="none",status="404"/m);
    expect(text).not.toContain('nowhere');
  });

  it('keeps connections, until the process is told to stop: then each answer is the last on its own', async () => {
    expect((await fetch(`${base}/nowhere`)).headers.get('connection')).toBe('keep-alive');
    health.drain();
    expect((await fetch(`${base}/nowhere`)).headers.get('connection')).toBe('close');
    expect((await post('{}')).headers.get('connection')).toBe('close');
  });
});
