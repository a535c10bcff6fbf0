import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the verifier does instead of what its protocol says. */
export type VerifierTrouble = 'silent' | 'status-500' | 'garbage' | 'redirect' | 'endless' | 'cut';

/** What an answer of the widget was given for. */
export interface MetCaptcha {
  readonly hostname: string;
  readonly action: string;
  readonly ageMs?: number;
}

export interface Question {
  readonly secret: string | null;
  readonly response: string | null;
  readonly remoteip: string | null;
}

/**
 * A captcha provider on this machine: `siteverify` as Turnstile and hCaptcha document it, with answers that are good once,
 * and a script whose widget is one button.
 */
export class CaptchaProviderServer {
  trouble: VerifierTrouble | undefined;
  readonly questions: Question[] = [];
  private readonly met = new Map<string, MetCaptcha>();
  private answers = 0;

  private constructor(
    private readonly server: Server,
    private readonly secret: string,
  ) {}

  static async start(secret: string): Promise<CaptchaProviderServer> {
    const server = createServer();
    const provider = new CaptchaProviderServer(server, secret);
    server.on('request', (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const url = request.url ?? '';
        if (url === '/siteverify') provider.verify(Buffer.concat(chunks).toString(), response);
        else if (url === '/api.js') provider.script(response);
        else provider.meet(new URLSearchParams(url.split('?')[1]), response);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return provider;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  get verifyUrl(): string {
    return `${this.origin}/siteverify`;
  }

  get scriptUrl(): string {
    return `${this.origin}/api.js`;
  }

  /** An answer of the widget, as if somebody had met the captcha now. */
  answer(met: MetCaptcha): string {
    const answer = `answer.${(this.answers += 1)}-${'x'.repeat(300)}`;
    this.met.set(answer, met);
    return answer;
  }

  /** Ends every question that has no answer yet. */
  hangUp(): void {
    this.server.closeAllConnections();
  }

  stop(): Promise<void> {
    this.hangUp();
    return new Promise((resolve) => {
      this.server.close(() => {
        resolve();
      });
    });
  }

  private verify(body: string, response: ServerResponse): void {
    const form = new URLSearchParams(body);
    const question = {
      secret: form.get('secret'),
      response: form.get('response'),
      remoteip: form.get('remoteip'),
    };
    this.questions.push(question);
    if (this.trouble === undefined) send(response, this.verdict(question));
    else this.disturb(this.trouble, response);
  }

  private verdict({ secret, response }: Question): object {
    if (secret !== this.secret) return { success: false, 'error-codes': ['invalid-input-secret'] };
    const met = this.met.get(response ?? '');
    if (met === undefined) {
      const isSeen = /^answer\.\d+-/.test(response ?? '');
      return { success: false, 'error-codes': [isSeen ? 'timeout-or-duplicate' : 'invalid-input-response'] };
    }
    this.met.delete(response ?? '');
    const { hostname, action, ageMs = 0 } = met;
    const metAt = new Date(Date.now() - ageMs).toISOString();
    return { success: true, hostname, action, challenge_ts: metAt, 'error-codes': [] };
  }

  private disturb(trouble: VerifierTrouble, response: ServerResponse): void {
    switch (trouble) {
      case 'silent':
        return;
      case 'status-500':
        response.writeHead(500).end();
        return;
      case 'garbage':
        response.end('<html>');
        return;
      case 'redirect':
        response.writeHead(307, { location: this.verifyUrl }).end();
        return;
      case 'endless':
        response.end(' '.repeat(1_000_000));
        return;
      case 'cut':
        response.destroy();
    }
  }

  /** `GET /meet?hostname=...&action=...`: what the widget does when its button is pressed. */
  private meet(query: URLSearchParams, response: ServerResponse): void {
    response.setHeader('access-control-allow-origin', '*');
    const met = { hostname: query.get('hostname') ?? '', action: query.get('action') ?? '' };
    response.end(this.answer(met));
  }

  private script(response: ServerResponse): void {
    response.setHeader('content-type', 'text/javascript');
    response.end(`globalThis.turnstile = {
      render(element, { sitekey, action, callback }) {
        const button = document.createElement('button');
        button.type = 'button';
        button.textContent = 'I am a person';
        button.onclick = async () => {
          const query = new URLSearchParams({ hostname: location.hostname, action });
          callback(await (await fetch('${this.origin}/meet?' + query)).text());
        };
        element.replaceChildren(button);
        element.dataset.sitekey = sitekey;
        return 'widget-1';
      },
      remove() {},
    };`);
  }
}

function send(response: ServerResponse, body: object): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}
