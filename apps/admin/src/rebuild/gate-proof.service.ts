import { itemName } from '@flux/contracts';
import { GateRebuild } from '@flux/gate';
import { RebuildLedger, Suspensions } from '@flux/ledger';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import type { MaintenanceRound } from '../maintenance/maintenance-round';
import { KafkaTail } from './kafka-tail.service';
import { isAtWork } from './rebuild-need';
import { RebuildMetrics } from './rebuild.metrics';
import { type GateInDoubt, gatesInDoubt } from './gates-in-doubt';

/** As long as a Redis that was started anew sells nothing more than it has to. */
const LOOK_EVERY_MS = 250;

/**
 * Lets a gate sell again after a start of its Redis or a failover. What Redis has is the beginning of what it had: where
 * neither the ledger nor Kafka knows a sequence that the gate has not given, the gate remembers every order that
 * was relayed. A gate that does not is suspended, and with that rebuilt. Harmless in any number of processes.
 */
@Injectable()
export class GateProof {
  constructor(
    private readonly gateRebuild: GateRebuild,
    private readonly ledger: RebuildLedger,
    private readonly suspensions: Suspensions,
    private readonly kafkaTail: KafkaTail,
    private readonly metrics: RebuildMetrics,
    @Inject(LOG) private readonly log: Log,
  ) {}

  get rounds(): readonly MaintenanceRound[] {
    return [{ task: 'proving', pauseMs: LOOK_EVERY_MS, work: () => this.proveAll() }];
  }

  /**
   * One round over all gates.
   * @throws where Redis or PostgreSQL cannot be asked, nor Kafka where a gate waits for it; the next round goes on
   */
  async proveAll(): Promise<void> {
    const { ledger, gateRebuild } = this;
    const unproven = await gatesInDoubt('unproven', { ledger, gateRebuild });
    this.metrics.unproven(unproven.length);
    if (unproven.length === 0) return;
    const inKafka = await this.kafkaTail.lastSequences(unproven);
    for (const gate of unproven) await this.prove(gate, inKafka.get(itemName(gate)) ?? 0);
  }

  private async prove(
    { epoch, run, sequence, ...item }: GateInDoubt<'unproven'>,
    inKafka: number,
  ): Promise<void> {
    // After the offsets: what they have passed is in the ledger by the time of this read.
    const ledger = await this.ledger.subject(item);
    if (ledger?.epoch !== epoch || !isAtWork(ledger)) return;
    const known = Math.max(ledger.lastSequence, inKafka);
    const fields = { item: itemName(item), epoch };
    if (known > sequence) {
      const reason = `Redis went back in time: the gate is at ${sequence}, the ledger or Kafka knows ${known}`;
      await this.suspensions.suspend({ ...item, epoch }, reason);
      this.log.error({ ...fields, reason }, 'Redis has forgotten orders that it had accepted');
      return;
    }
    const { outcome } = await this.gateRebuild.vouch(item, { epoch, run }, 'server');
    if (outcome === 'uncompared') this.log.info(fields, 'sells again after a start of Redis or a failover');
  }
}
