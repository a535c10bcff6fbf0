import { connect } from 'node:net';

export interface RawAnswer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const PATIENCE_MS = 20_000;

/**
 * Sends bytes as they are (latin1), where `fetch` would tidy them, and reads until the server closes the connection.
 * @returns every answer that came, in order
 */
export function sendRaw(base: string, text: string): Promise<readonly RawAnswer[]> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let received = '';
    socket.setTimeout(PATIENCE_MS, () => {
      socket.destroy(new Error(`the connection stays open after ${JSON.stringify(received)}`));
    });
    socket.setEncoding('latin1').on('data', (chunk: string) => (received += chunk));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A server that refuses a body ends the connection while some of it is under way.
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => {
      resolve(answersIn(received));
    });
    socket.write(text, 'latin1');
  });
}

/** The only answer. */
export async function askRaw(base: string, text: string): Promise<RawAnswer> {
  const answers = await sendRaw(base, text);
  const [answer] = answers;
  if (answer === undefined || answers.length > 1) throw new Error(`${answers.length} answers came`);
  return answer;
}

/** A request on a connection that ends with it. Without a given length, a body gets its own. */
export function request(line: string, headers: Readonly<Record<string, string>> = {}, body?: string): string {
  const sent = {
    Host: 'shop',
    Connection: 'close',
    ...(body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body, 'latin1')) }),
    ...headers,
  };
  const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n${body ?? ''}`;
}

function answersIn(text: string): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  let rest = text;
  while (rest !== '') {
    const bodyAt = rest.indexOf('\r\n\r\n') + 4;
    const [statusLine = '', ...lines] = rest.slice(0, bodyAt - 4).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => {
        const [name = '', ...value] = line.split(':');
        return [name.toLowerCase(), value.join(':').trim()];
      }),
    );
    const end = bodyAt + Number(headers['content-length'] ?? rest.length);
    answers.push({ status: Number(statusLine.split(' ')[1]), headers, body: rest.slice(bodyAt, end) });
    rest = rest.slice(end);
  }
  return answers;
}
