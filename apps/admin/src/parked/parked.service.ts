import { ProblemError } from '@flux/contracts';
import { type DiscardOutcome, ParkingResolution, type RetryOutcome, type Unresolvable } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import type { DiscardAnswer, RetryAnswer } from './parked-answer';

/** What operators decide about messages that were put aside. The audit log hears of it in the same transaction. */
@Injectable()
export class ParkedService {
  constructor(private readonly resolution: ParkingResolution) {}

  /** @throws ProblemError `unknown-message`, `message-resolved`, `still-unprocessable` */
  async retry(actor: string, id: string): Promise<RetryAnswer> {
    const retried = await this.resolution.retry(id, async (manager, outcome) => {
      if (outcome.outcome === 'retried' && hasEffect(outcome)) {
        await audit(manager, { actor, action: 'parked.retry', answer: retryAnswer(id, outcome) });
      }
    });
    switch (retried.outcome) {
      case 'retried':
        return retryAnswer(id, retried);
      case 'stillUnprocessable':
        throw new ProblemError('still-unprocessable', `It stays put aside: ${retried.reason}.`);
      case 'unknownMessage':
      case 'resolved':
        throw unresolvable(retried);
    }
  }

  /** @throws ProblemError `unknown-message`, `message-resolved` */
  async discard(actor: string, id: string): Promise<DiscardAnswer> {
    const discarded = await this.resolution.discard(id, actor, async (manager, outcome) => {
      if (outcome.outcome !== 'discarded') return;
      await audit(manager, { actor, action: 'parked.discard', answer: discardAnswer(id, outcome) });
    });
    switch (discarded.outcome) {
      case 'discarded':
        return discardAnswer(id, discarded);
      case 'unknownMessage':
      case 'resolved':
        throw unresolvable(discarded);
    }
  }
}

type Retried = Extract<RetryOutcome, { readonly outcome: 'retried' }>;

/** All orders may have to wait as before. */
function hasEffect({ confirmed, waiting }: Retried): boolean {
  return confirmed > 0 || waiting === 0;
}

function retryAnswer(id: string, { confirmed, waiting }: Retried): RetryAnswer {
  return { id, state: waiting === 0 ? 'retried' : 'parked', confirmed, waiting };
}

function discardAnswer(id: string, { cancelled }: DiscardOutcome): DiscardAnswer {
  return { id, state: 'discarded', cancelled };
}

async function audit(
  manager: EntityManager,
  change: { readonly actor: string; readonly action: string; readonly answer: RetryAnswer | DiscardAnswer },
): Promise<void> {
  const { actor, action, answer } = change;
  const { id, ...after } = answer;
  await recordAudit(manager, { actor, action, subject: `parked.${id}`, before: { state: 'parked' }, after });
}

function unresolvable(found: Unresolvable): ProblemError {
  switch (found.outcome) {
    case 'unknownMessage':
      return new ProblemError('unknown-message', 'There is no parked message with this id.');
    case 'resolved':
      return new ProblemError('message-resolved', `It was ${found.state} before.`);
  }
}
