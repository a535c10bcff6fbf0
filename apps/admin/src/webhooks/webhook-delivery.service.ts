import { setMaxListeners } from 'node:events';
import { backoffMs } from '@flux/background';
import { ProblemError } from '@flux/contracts';
import { WebhookEndpointEntity, describeFailure } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { DataSource, IsNull } from 'typeorm';
import { SYSTEM_ACTOR } from '../keys/api-keys';
import { type ClaimedDelivery, Deliveries } from './deliveries.repository';
import { WebhookConnections } from './send-webhook';
import { signedWebhook } from './webhook-secret';
import { type SendOutcome, WebhookSender } from './webhook-sender';
import { type DeliveryOutcome, WebhookMetrics } from './webhook.metrics';
import { MAX_ENDPOINTS, removeEndpoint } from './webhooks.service';

const SENDS_AT_ONCE = 8;
const CLAIMED_AT_ONCE = 32;
/** About 34 attempts in a day. */
const BACKOFF = { firstMs: 5_000, maxMs: 3_600_000 };

/**
 * Brings events to the shop's endpoints, at least once each. Every endpoint has a lane of its own with a few sends at a
 * time, so that a slow one holds up no other. Any number of processes may do it.
 */
@Injectable()
export class WebhookDelivery implements OnModuleDestroy {
  private readonly lanes = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly dataSource: DataSource,
    private readonly deliveries: Deliveries,
    private readonly sender: WebhookSender,
    private readonly metrics: WebhookMetrics,
    @Inject(LOG) private readonly log: Log,
  ) {
    // Each send under way listens; Node would take more than ten for a leak.
    setMaxListeners(MAX_ENDPOINTS * SENDS_AT_ONCE, this.stopping.signal);
  }

  /**
   * Starts a lane for each endpoint that has something due and no lane; does not wait for them.
   * @throws where PostgreSQL fails
   */
  async deliverDue(): Promise<void> {
    for (const endpointId of await this.deliveries.dueEndpoints()) {
      if (this.lanes.has(endpointId) || this.stopping.signal.aborted) continue;
      this.lanes.set(endpointId, this.lane(endpointId));
    }
  }

  /** Ends the sends that are under way; they are due again at once. */
  async onModuleDestroy(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.lanes.values());
  }

  private async lane(endpointId: string): Promise<void> {
    const connections = new WebhookConnections(SENDS_AT_ONCE);
    try {
      let more = true;
      while (more && !this.stopping.signal.aborted) more = await this.batch(endpointId, connections);
    } catch (error) {
      this.log.warn({ endpointId, reason: describeFailure(error) }, 'deliveries to an endpoint ended early');
    } finally {
      connections.close();
      this.lanes.delete(endpointId);
    }
  }

  /** @returns whether there may be more, and the endpoint takes it */
  private async batch(endpointId: string, connections: WebhookConnections): Promise<boolean> {
    const endpoint = await this.dataSource.manager.findOneBy(WebhookEndpointEntity, {
      id: endpointId,
      removedAt: IsNull(),
    });
    if (endpoint === null) return false;
    const claimed = await this.deliveries.claim(endpointId, CLAIMED_AT_ONCE);
    const waiting = [...claimed];
    const outcomes = new Set<DeliveryOutcome>();
    const work = async (): Promise<void> => {
      while (!this.stopping.signal.aborted) {
        const next = waiting.shift();
        if (next === undefined) return;
        const outcome = await this.deliver(endpoint, next, connections);
        if (outcome !== undefined) outcomes.add(outcome);
      }
    };
    await allOf(Array.from({ length: SENDS_AT_ONCE }, () => work()));
    if (waiting.length > 0) await this.deliveries.unclaim(waiting.map(({ id }) => id));
    return claimed.length === CLAIMED_AT_ONCE && outcomes.has('delivered') && !outcomes.has('gone');
  }

  /** undefined where the process stopped meanwhile: whether the endpoint has it is not known. */
  private async deliver(
    endpoint: WebhookEndpointEntity,
    { id, event, attempts }: ClaimedDelivery,
    connections: WebhookConnections,
  ): Promise<DeliveryOutcome | undefined> {
    const { signal } = this.stopping;
    const webhook = signedWebhook(event, endpoint.secrets);
    const startedMs = performance.now();
    const sent = await this.sender.send(connections, { url: endpoint.url, webhook, signal });
    const seconds = (performance.now() - startedMs) / 1_000;
    if (sent.outcome === 'failed' && signal.aborted) {
      await this.deliveries.unclaim([id]);
      return undefined;
    }
    const outcome = await this.note(endpoint.id, { id, attempts, sent });
    this.metrics.attempted(outcome, seconds);
    return outcome;
  }

  private async note(
    endpointId: string,
    { id, attempts, sent }: { readonly id: string; readonly attempts: number; readonly sent: SendOutcome },
  ): Promise<DeliveryOutcome> {
    switch (sent.outcome) {
      case 'delivered':
        await this.deliveries.delivered(id);
        return 'delivered';
      case 'gone':
        await this.remove(endpointId);
        return 'gone';
      case 'failed': {
        const { failure } = sent;
        const parked = await this.deliveries.failed(id, { failure, pauseMs: backoffMs(attempts, BACKOFF) });
        this.log[parked ? 'warn' : 'debug'](
          { endpointId, deliveryId: id, failure, attempts, parked },
          'not delivered',
        );
        return parked ? 'parked' : 'failed';
      }
    }
  }

  private async remove(id: string): Promise<void> {
    try {
      await this.dataSource.transaction((manager) =>
        removeEndpoint(manager, { id, actor: SYSTEM_ACTOR, reason: 'answered 410' }),
      );
      this.log.warn({ endpointId: id }, 'an endpoint answered 410 and is removed');
    } catch (error) {
      // An operator, or another send, was faster.
      if (!(error instanceof ProblemError)) throw error;
    }
  }
}

/** Waits for all of them also where one fails, so that nothing goes on behind. */
async function allOf(work: readonly Promise<void>[]): Promise<void> {
  const ended = await Promise.allSettled(work);
  const failed = ended.find(({ status }) => status === 'rejected');
  if (failed?.status === 'rejected') throw failed.reason;
}
