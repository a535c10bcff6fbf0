import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { renderProblem } from './answer-problem';
import { REQUEST_ID_HEADER } from './request-id';
import { problemOfStatus } from './to-problem';

interface ParserError extends NodeJS.ErrnoException {
  /** The bytes that had come, whatever Fastify's types say. */
  readonly rawPacket?: unknown;
}

/** Those that any address of ours has. */
const METHODS = 'DELETE, GET, HEAD, OPTIONS, POST';

/** A request line that is right but for a method that HTTP does not have. */
const OTHER_METHOD = /^[A-Z]{1,32} \/\S* HTTP\/1\.1\r\n/;

/** Answers what Node's parser refuses, before there is a request: 400, 405, 408 or 431, and closes the connection. */
export function answerClientError(error: ParserError, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const requestId = randomUUID();
  const { status, headers, body } = renderProblem(problemOfStatus(statusOf(error)), requestId);
  const lines = Object.entries({
    ...headers,
    ...(status === 405 ? { allow: METHODS } : {}),
    [REQUEST_ID_HEADER]: requestId,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}`);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('\r\n')}\r\n\r\n${body}`,
    () => {
      socket.destroy();
    },
  );
}

function statusOf({ code, rawPacket }: ParserError): number {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return 408;
  if (code === 'HPE_HEADER_OVERFLOW') return 431;
  if (code !== 'HPE_INVALID_METHOD' || !Buffer.isBuffer(rawPacket)) return 400;
  return OTHER_METHOD.test(rawPacket.toString('latin1')) ? 405 : 400;
}
