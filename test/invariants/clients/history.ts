import type { OrderStatus } from '@flux/contracts';
import { orderIdOf, purchase, type Answer, type Attempt } from '../../e2e/support/crowd';

/** A call as its client saw it: when it was made, when it ended, and with what; without `answer` its outcome is unknown. */
export interface Call<Asked, Answered> {
  readonly asked: Asked;
  readonly invokedAt: number;
  readonly endedAt: number;
  readonly answer?: Answered;
}

export interface OrderOf {
  readonly orderId: string;
  readonly shopperId: string;
}

export interface StatusAnswer {
  readonly status: number;
  readonly code: string | undefined;
  /** What the order is, where the answer says it. */
  readonly orderStatus: OrderStatus | undefined;
  readonly holdUntil: number | undefined;
}

export interface PaymentAsked {
  readonly orderId: string;
  readonly paymentId: string;
  readonly amountMinor: number;
  /** It was sent in the moment in which the hold was to end. */
  readonly isAtHoldEnd: boolean;
}

export interface CodeAnswer {
  readonly status: number;
  readonly code: string | undefined;
}

/** A client that waits longer than this gives up: then it does not know. Longer than any answer may take. */
const PATIENCE_MS = 8_000;

/** Everything that all clients did and heard. */
export class History {
  readonly purchases: Call<Attempt, Answer>[] = [];
  readonly looks: Call<OrderOf, StatusAnswer>[] = [];
  readonly cancels: Call<OrderOf, CodeAnswer>[] = [];
  readonly payments: Call<PaymentAsked, CodeAnswer>[] = [];
  /** Calls whose answer is not there yet. */
  open = 0;

  async buy(baseUrl: string, attempt: Attempt): Promise<Answer | undefined> {
    return this.record(this.purchases, attempt, () => purchase(baseUrl, attempt, { timeoutMs: PATIENCE_MS }));
  }

  async look(baseUrl: string, order: OrderOf): Promise<StatusAnswer | undefined> {
    return this.record(this.looks, order, async () => {
      const answer = await ask(`${baseUrl}/v1/orders/${order.orderId}`, { shopperId: order.shopperId });
      const { status: orderStatus, holdUntil } = answer.body as { status?: OrderStatus; holdUntil?: string };
      return {
        ...answer,
        orderStatus: answer.status === 200 ? orderStatus : undefined,
        holdUntil: holdUntil === undefined ? undefined : Date.parse(holdUntil),
      };
    });
  }

  async cancel(baseUrl: string, order: OrderOf): Promise<CodeAnswer | undefined> {
    return this.record(this.cancels, order, () =>
      ask(`${baseUrl}/v1/orders/${order.orderId}/cancel`, { shopperId: order.shopperId, method: 'POST' }),
    );
  }

  /** @param send sends it, and rejects where there was no answer */
  async pay(payment: PaymentAsked, send: () => Promise<CodeAnswer>): Promise<CodeAnswer | undefined> {
    return this.record(this.payments, payment, send);
  }

  /** The last 202 of every key that got one, by order id. */
  accepted(): ReadonlyMap<string, Answer> {
    const accepted = new Map<string, Answer>();
    for (const { answer } of this.purchases) {
      if (answer?.status === 202) accepted.set(orderIdOf(answer), answer);
    }
    return accepted;
  }

  private async record<Asked, Answered>(
    calls: Call<Asked, Answered>[],
    asked: Asked,
    send: () => Promise<Answered>,
  ): Promise<Answered | undefined> {
    const invokedAt = Date.now();
    this.open += 1;
    // A connection that broke: whether the call had its effect is not known.
    const answer = await send().catch(() => undefined);
    this.open -= 1;
    calls.push({ asked, invokedAt, endedAt: Date.now(), ...(answer === undefined ? {} : { answer }) });
    return answer;
  }
}

async function ask(
  url: string,
  { shopperId, method = 'GET' }: { readonly shopperId: string; readonly method?: 'GET' | 'POST' },
): Promise<CodeAnswer & { readonly body: unknown }> {
  const answer = await fetch(url, {
    method,
    headers: { 'x-shopper-id': shopperId },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  const body: unknown = await answer.json();
  return { status: answer.status, code: (body as { code?: string }).code, body };
}
