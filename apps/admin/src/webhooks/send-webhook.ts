import type { LookupFunction } from 'node:net';
import * as http from 'node:http';
import * as https from 'node:https';
import type { Target } from './egress-policy';

/** Read so that the connection can serve again; an endpoint has nothing to say that is longer. */
const MAX_ANSWER_BYTES = 16_384;
/** From the connection to the last byte of the answer. */
const SEND_TIMEOUT_MS = 10_000;

export interface WebhookRequest {
  readonly target: Target;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly signal: AbortSignal;
}

/** Why no whole answer came, in words for whoever looks after the endpoint. */
export class SendFailure extends Error {}

/** Connections to one endpoint, kept open between its deliveries. */
export class WebhookConnections {
  private readonly http: http.Agent;
  private readonly https: https.Agent;

  constructor(
    maxSockets: number,
    private readonly timeoutMs: number = SEND_TIMEOUT_MS,
  ) {
    this.http = new http.Agent({ keepAlive: true, maxSockets });
    this.https = new https.Agent({ keepAlive: true, maxSockets });
  }

  /**
   * Posts to the checked addresses and nowhere else: names are not resolved again, and redirects are answers like
   * any other.
   * @returns the status; the answer's body is thrown away
   * @throws where no whole answer comes in time
   */
  async post({ target, headers, body, signal }: WebhookRequest): Promise<number> {
    const { url } = target;
    const secure = url.protocol === 'https:';
    const options: https.RequestOptions = {
      method: 'POST',
      headers: { ...headers, 'content-length': String(Buffer.byteLength(body)) },
      lookup: pinnedTo(target),
      agent: secure ? this.https : this.http,
      // Also where the environment says otherwise.
      rejectUnauthorized: true,
    };
    return new Promise((resolve, reject) => {
      const request = (secure ? https : http).request(url, options);
      const giveUp = (failure: SendFailure): void => {
        reject(failure);
        request.destroy();
      };
      const onAbort = (): void => {
        giveUp(new SendFailure('the process stops'));
      };
      // A timer of its own: Node 20 may collect a signal made of others, and its time-out with it.
      const timer = setTimeout(() => {
        giveUp(new SendFailure('no answer in time'));
      }, this.timeoutMs);
      signal.addEventListener('abort', onAbort);
      request.on('error', reject);
      request.on('response', (response) => {
        response.on('error', reject);
        readAway(response, () => {
          resolve(response.statusCode ?? 0);
        });
      });
      request.on('close', () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        // Nothing more can come; where there was an answer, this changes nothing.
        reject(new SendFailure('the connection broke'));
      });
      if (signal.aborted) onAbort();
      else request.end(body);
    });
  }

  close(): void {
    this.http.destroy();
    this.https.destroy();
  }
}

/** Answers with what was checked, whatever the name leads to by now. */
function pinnedTo({ addresses }: Target): LookupFunction {
  return (_hostname, options, done) => {
    const [first] = addresses;
    if (options.all === true || first === undefined) done(null, [...addresses]);
    else done(null, first.address, first.family);
  };
}

function readAway(response: http.IncomingMessage, done: () => void): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_ANSWER_BYTES) return;
    done();
    response.destroy();
  });
  response.on('end', done);
}
