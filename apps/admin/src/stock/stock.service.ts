import { randomBytes } from 'node:crypto';
import { type ItemRef, ProblemError, type StockChange, digestOfFields } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { type StockChangeAnswer, stockChangeAnswer } from './stock-answer';
import { type CompletionOutcome, StockChangeCompletion } from './stock-change-completion';
import { type StartOutcome, StockChangeStart } from './stock-change-start';

export interface StockChangeOrder extends ItemRef, StockChange {
  readonly actor: string;
  /** undefined: the change has a key of its own, so that a repeat is another change. */
  readonly idempotencyKey: string | undefined;
}

/** Changes an item's stock once per key, in ledger and gate (DESIGN.md, decision 17). */
@Injectable()
export class StockService {
  constructor(
    private readonly start: StockChangeStart,
    private readonly completion: StockChangeCompletion,
  ) {}

  /** @throws ProblemError for every outcome but `applied` and `pending` */
  async change({ idempotencyKey, ...order }: StockChangeOrder): Promise<StockChangeAnswer> {
    const key = idempotencyKey ?? randomBytes(16).toString('base64url');
    // Hashed: a raw key has no business in tables and logs.
    const id = digestOfFields(['stock', order.saleId, order.productId, key]).slice(0, 22);
    const started = await this.start.start({ ...order, id });
    refuseUnlessStarted(started);
    return answerOf(await this.completion.complete(id, started.outcome === 'started' ? 'first' : 'later'));
  }
}

function refuseUnlessStarted(started: StartOutcome): void {
  switch (started.outcome) {
    case 'started':
    case 'repeated':
    case 'decided':
      return;
    case 'reused':
      throw new ProblemError('idempotency-key-reused', 'This key belongs to another change of this stock.');
    case 'closed':
      throw new ProblemError('sale-closed', 'The sale has ended; its stock does not change any more.');
    case 'notReady':
      throw new ProblemError('not-ready', 'The gate of this item is being opened or waits for its rebuild.');
    case 'tooMany':
      throw new ProblemError('invalid-request', 'A field of the request is not valid.', {
        errors: [{ pointer: '/delta', detail: 'gives the item more units than an item may have' }],
      });
  }
}

function answerOf(completed: CompletionOutcome): StockChangeAnswer {
  switch (completed.outcome) {
    case 'applied':
    case 'pending':
      return stockChangeAnswer(completed.change, completed.outcome);
    case 'refused':
      throw new ProblemError('insufficient-stock', 'Fewer units are available than were to be withdrawn.');
    case 'unknown':
      throw new ProblemError(
        'outcome-unknown',
        'Redis did not answer. The withdrawal is completed as soon as it does; repeat it only under the same key.',
      );
    case 'unavailable':
      throw new ProblemError('temporarily-unavailable', 'Redis does not answer; nothing was withdrawn.');
    case 'notReady':
      throw new ProblemError('not-ready', 'The gate does not have this item; nothing was withdrawn.');
  }
}
