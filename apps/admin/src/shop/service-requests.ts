import {
  ERRORS,
  type ErrorCode,
  ProblemError,
  type ShopOrder,
  digestOfFields,
  shopOrderSchema,
} from '@flux/contracts';
import { OrderEntity, ServiceRequestEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource, IsNull } from 'typeorm';
import type { z } from 'zod';
import type { MaintenanceRound } from '../maintenance/maintenance-round';

/** How a request of a service ended. */
export type ServiceResult =
  | { readonly outcome: 'order'; readonly order: ShopOrder }
  | {
      readonly outcome: 'refused';
      readonly problem: ProblemError;
      /** Decided: the same request would never be answered otherwise. */
      readonly final: boolean;
    };

/** One request of a service: the same one again has all of this the same. */
export interface ServiceRequest {
  readonly service: string;
  readonly action: 'paid' | 'cancel';
  readonly orderId: string;
  /** Validated, in a fixed order. */
  readonly fields: readonly string[];
  /** undefined: every call is a request of its own. */
  readonly idempotencyKey: string | undefined;
}

export interface ServiceAnswer {
  readonly result: ServiceResult;
  /** The answer was given before. */
  readonly replayed: boolean;
}

const OK = 200;
const KEPT_DAYS = 7;
/** Rows that one statement deletes. */
const DELETED_AT_ONCE = 1_000;
const PRUNING_PAUSE_MS = 600_000;

/**
 * Requests of services, once per key. The key is bound to its request before that is carried out, and the answer is
 * stored after it: what a crash cuts in between is carried out again, so it must be harmless to repeat.
 */
@Injectable()
export class ServiceRequests {
  constructor(private readonly dataSource: DataSource) {}

  get rounds(): readonly MaintenanceRound[] {
    return [{ task: 'pruning', pauseMs: PRUNING_PAUSE_MS, work: () => this.prune() }];
  }

  /** @throws ProblemError `idempotency-key-reused` where the key belongs to another request */
  async once(request: ServiceRequest, carryOut: () => Promise<ServiceResult>): Promise<ServiceAnswer> {
    if (request.idempotencyKey === undefined) return { result: await carryOut(), replayed: false };
    const id = digestOfFields(['service', request.service, request.action, request.idempotencyKey]);
    const earlier = await this.begin(id, digestOfFields([request.orderId, ...request.fields]));
    if (earlier !== undefined) return { result: earlier, replayed: true };
    const result = await carryOut();
    if (result.outcome === 'refused' && !result.final) return { result, replayed: false };
    if (await this.store(id, result)) return { result, replayed: false };
    // Another one under this key was faster: both give its answer.
    const first = await this.answerIn(await this.rowOf(id));
    return first === undefined ? { result, replayed: false } : { result: first, replayed: true };
  }

  /** Forgets keys that were first used more than a week ago: such a request is carried out once more, harmlessly. */
  async prune(): Promise<void> {
    let deleted = DELETED_AT_ONCE;
    while (deleted === DELETED_AT_ONCE) {
      [, deleted] = await this.dataSource.query<[unknown, number]>(
        `DELETE FROM service_requests WHERE id IN (
           SELECT id FROM service_requests WHERE created_at < now() - $1 * interval '1 day' LIMIT $2
         )`,
        [KEPT_DAYS, DELETED_AT_ONCE],
      );
    }
  }

  /** The answer that was given before, if one was. */
  private async begin(id: string, fingerprint: string): Promise<ServiceResult | undefined> {
    const insert = this.dataSource.createQueryBuilder().insert().into(ServiceRequestEntity);
    await insert.values({ id, fingerprint }).orIgnore().execute();
    const row = await this.rowOf(id);
    if (row.fingerprint === fingerprint) return this.answerIn(row);
    throw new ProblemError('idempotency-key-reused', 'This key belongs to another request.');
  }

  private async rowOf(id: string): Promise<ServiceRequestEntity> {
    return this.dataSource.manager.findOneByOrFail(ServiceRequestEntity, { id });
  }

  /** Answers false, and has stored nothing, where an answer is stored already. */
  private async store(id: string, result: ServiceResult): Promise<boolean> {
    const { affected } = await this.dataSource.manager.update(
      ServiceRequestEntity,
      { id, status: IsNull() },
      storedOf(result),
    );
    return affected === 1;
  }

  private async answerIn({ status, body }: ServiceRequestEntity): Promise<ServiceResult | undefined> {
    if (status === null) return undefined;
    const stored = body as StoredBody;
    if ('code' in stored) {
      return { outcome: 'refused', problem: new ProblemError(stored.code, stored.detail), final: true };
    }
    const { orderId } = stored;
    const { shopperId } = await this.dataSource.manager.findOneByOrFail(OrderEntity, { orderId });
    // The schema gives the fields their order back, which jsonb does not keep.
    return { outcome: 'order', order: shopOrderSchema.parse({ ...stored, shopperId }) };
  }
}

/** Without the shopper, who may be removed from the orders: no copy of the name stays here. */
const storedOrderSchema = shopOrderSchema.omit({ shopperId: true });
type StoredBody = z.infer<typeof storedOrderSchema> | { readonly code: ErrorCode; readonly detail: string };

function storedOf(result: ServiceResult): { readonly status: number; readonly body: StoredBody } {
  switch (result.outcome) {
    case 'order':
      return { status: OK, body: storedOrderSchema.parse(result.order) };
    case 'refused': {
      const { code, detail } = result.problem;
      return { status: ERRORS[code].status, body: { code, detail } };
    }
  }
}
