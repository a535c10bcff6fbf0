import type { ItemRef } from '@flux/contracts';
import { GateClient, Outboxes } from '@flux/gate';
import { LedgerReader } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { rewindProof } from './rewind-proof';
import { SettleService } from './settle.service';

/** Compares a gate with the ledger while both are at work. */
@Injectable()
export class RewindCheckService {
  constructor(
    private readonly gate: GateClient,
    private readonly outboxes: Outboxes,
    private readonly reader: LedgerReader,
    private readonly settles: SettleService,
  ) {}

  /**
   * Suspends the item where its gate has provably gone back in time, and where the ledger had found that and the gate
   * has not heard of it. An item without gate, or in another epoch there, is not judged.
   * @throws where the gate or the ledger cannot be asked
   */
  async check(item: ItemRef): Promise<void> {
    const before = await this.reader.ledger(item);
    const gate = await this.gate.readItem(item);
    if (before === undefined || before.epoch !== gate?.epoch) return;
    const { epoch } = before;
    if (before.suspendedReason !== null) {
      if (gate.state !== 'suspended') await this.gate.suspend({ ...item, epoch });
      return;
    }
    const [oldest] = await this.outboxes.read(item, { after: '0-0', count: 1 });
    if (oldest?.outcome === 'unreadable') return;
    const later = await this.gate.readItem(item);
    const after = await this.reader.ledger(item);
    if (later?.epoch !== epoch || after?.epoch !== epoch) return;
    const proof = rewindProof({
      before,
      gateSequence: gate.sequence,
      oldestSequence: oldest?.event.firstSequence,
      gateWatermark: later.watermark,
      after,
    });
    if (proof !== undefined) await this.settles.suspend({ ...item, epoch }, proof);
  }
}
