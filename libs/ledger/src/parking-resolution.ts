import { GateClient, GateUnavailableError } from '@flux/gate';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { classifyFailure, describeFailure } from './classify-failure';
import {
  discardIn,
  lockMessage,
  retryIn,
  type DiscardOutcome,
  type LockedMessage,
  type Resolution,
  type RetryOutcome,
  type Unresolvable,
} from './resolve-parked';
import { TellGate } from './tell-gate';

export type { DiscardOutcome, RetryOutcome, Unresolvable } from './resolve-parked';

/** Runs in the transaction of a resolution that is decided: what it writes exists with that or not at all. */
export type Alongside<Outcome> = (manager: EntityManager, outcome: Outcome | Unresolvable) => Promise<void>;

const MESSAGE_ID = /^\d{1,18}$/;

/** Ends the wait of messages that were put aside, by an operator's decision. */
@Injectable()
export class ParkingResolution {
  constructor(
    private readonly dataSource: DataSource,
    private readonly tellGate: TellGate,
    private readonly gate: GateClient,
  ) {}

  /**
   * Processes a message anew. Its orders that are still parked become confirmed, each with its booking and with what
   * it lacks, as far as free units and the shopper's limit allow; their holds begin now. A wish to cancel ends its
   * order where the life-cycle allows that. A message that had booked nothing is applied as if it came only now. In
   * any number of processes at once, and beside redeliveries and intents, each order is confirmed or ended once.
   * @throws where PostgreSQL fails; never because of the gate
   */
  async retry(messageId: string, alongside?: Alongside<RetryOutcome>): Promise<RetryOutcome | Unresolvable> {
    try {
      return await this.resolve(messageId, retryIn, alongside);
    } catch (error) {
      if (classifyFailure(error) === 'transient') throw error;
      return { outcome: 'stillUnprocessable', reason: describeFailure(error) };
    }
  }

  /**
   * Gives a message up: its orders that are still parked become cancelled, and what was booked for them is free again.
   * @param actor who decided it: the orders' reason says so
   * @throws where PostgreSQL fails; never because of the gate
   */
  async discard(
    messageId: string,
    actor: string,
    alongside?: Alongside<DiscardOutcome>,
  ): Promise<DiscardOutcome | Unresolvable> {
    return this.resolve(messageId, (locked) => discardIn(locked, actor), alongside);
  }

  private async resolve<Outcome>(
    messageId: string,
    decide: (locked: LockedMessage) => Promise<Resolution<Outcome>>,
    alongside?: Alongside<Outcome>,
  ): Promise<Outcome | Unresolvable> {
    if (!MESSAGE_ID.test(messageId)) return { outcome: 'unknownMessage' };
    const resolution = await this.dataSource.transaction(
      async (manager): Promise<Resolution<Outcome | Unresolvable>> => {
        const locked = await lockMessage(manager, messageId);
        const decided = 'outcome' in locked ? { outcome: locked } : await decide(locked);
        await alongside?.(manager, decided.outcome);
        return decided;
      },
    );
    await this.tell(resolution);
    return resolution.outcome;
  }

  /** What the gate does not hear now, the loops of the orders processes tell it later. */
  private async tell({ item, untold = [], settlement }: Resolution<unknown>): Promise<void> {
    try {
      if (item !== undefined && untold.length > 0) await this.tellGate.tell(item, untold);
      if (settlement !== undefined) await this.gate.settle(settlement);
    } catch (error) {
      if (!(error instanceof GateUnavailableError)) throw error;
    }
  }
}
