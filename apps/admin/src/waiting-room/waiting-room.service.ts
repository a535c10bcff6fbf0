import { isDeepStrictEqual } from 'node:util';
import { type AdmissionChange, admissionConflicts, changedAdmission, ProblemError } from '@flux/contracts';
import { GateUnavailableError } from '@flux/gate';
import { noteSale, type SaleEntity } from '@flux/ledger';
import { RoomClient } from '@flux/waiting-room';
import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import type { OperatorSale } from '../sales/sale-answer';
import { SaleView } from '../sales/sale-view';
import { lockSale, readSale } from '../sales/sale.repository';
import { RoomPublisher } from './room-publisher';

export interface RoomOrder<What> {
  /** The operator's name. */
  readonly actor: string;
  readonly saleId: string;
  readonly what: What;
}

/** What operators do with a sale's waiting room. PostgreSQL first, then Redis; maintenance completes what is cut. */
@Injectable()
export class WaitingRoomService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly rooms: RoomClient,
    private readonly publisher: RoomPublisher,
    private readonly view: SaleView,
  ) {}

  /**
   * Changes settings. What they are already is not written again, so a repeat after a 503 completes it.
   * @throws ProblemError `unknown-sale`, `invalid-transition`, `invalid-request` where they do not go together, or 503
   *   where PostgreSQL has them and Redis does not answer
   */
  async change({ actor, saleId, what }: RoomOrder<AdmissionChange>): Promise<OperatorSale> {
    await this.dataSource.transaction(async (manager) => {
      const sale = await lockSale(manager, saleId, 'change');
      refuseUnlessRunning(sale);
      const admission = changedAdmission(sale.admission, what);
      refuseConflicts(admission, sale);
      if (isDeepStrictEqual(admission, sale.admission)) return;
      await manager.query('UPDATE sales SET admission = $2, room_version = room_version + 1 WHERE id = $1', [
        saleId,
        JSON.stringify(admission),
      ]);
      await noteRoom(manager, saleId);
      await recordAudit(manager, {
        actor,
        action: 'sale.waiting-room',
        subject: saleId,
        before: { admission: sale.admission },
        after: { admission },
      });
    });
    await this.follow(saleId);
    return this.view.of(await readSale(this.dataSource.manager, saleId));
  }

  /**
   * Says what the public beacon said, once. Not before the opening by the room's clock: while people still join, whoever
   * knows seed and value could choose among lists.
   * @throws ProblemError `unknown-sale`, `invalid-transition`, or 503 where Redis does not answer
   */
  async setBeacon({ actor, saleId, what: value }: RoomOrder<string>): Promise<OperatorSale> {
    const nowMs = await this.rooms.nowMs(saleId);
    await this.dataSource.transaction(async (manager) => {
      const sale = await lockSale(manager, saleId, 'change');
      if (sale.admission.beacon === undefined) {
        throw new ProblemError('invalid-transition', 'No beacon was named when the sale was defined.');
      }
      if (sale.beaconValue === value) return;
      if (sale.beaconValue !== null) {
        throw new ProblemError(
          'invalid-transition',
          'The beacon has another value already; it never changes.',
        );
      }
      refuseUnlessRunning(sale);
      if (nowMs < sale.opensAt.getTime()) {
        throw new ProblemError(
          'invalid-transition',
          'Too early: the beacon is set once the sale has opened.',
        );
      }
      await manager.query('UPDATE sales SET beacon_value = $2 WHERE id = $1', [saleId, value]);
      await noteRoom(manager, saleId);
      await recordAudit(manager, {
        actor,
        action: 'sale.beacon',
        subject: saleId,
        before: { beaconValue: null },
        after: { beaconValue: value },
      });
    });
    return this.view.of(await readSale(this.dataSource.manager, saleId));
  }

  private async follow(saleId: string): Promise<void> {
    try {
      await this.publisher.publish(saleId);
    } catch (error) {
      if (!(error instanceof GateUnavailableError)) throw error;
      throw new ProblemError(
        'temporarily-unavailable',
        'The settings are stored and Redis follows as soon as it answers; repeat them to wait for that.',
      );
    }
  }
}

/** So that they are in the events of the ledger. */
async function noteRoom(manager: EntityManager, saleId: string): Promise<void> {
  await noteSale(manager, saleId, { causes: ['saleChanged'], written: { sale: true } });
}

function refuseUnlessRunning({ state }: SaleEntity): void {
  if (state !== 'closed' && state !== 'retired') return;
  throw new ProblemError(
    'invalid-transition',
    `The waiting room of a sale that is ${state} does not change.`,
  );
}

function refuseConflicts(admission: SaleEntity['admission'], { opensAt }: SaleEntity): void {
  const conflicts = admissionConflicts(admission, { opensAt: opensAt.toISOString() });
  if (conflicts.length === 0) return;
  throw new ProblemError('invalid-request', 'A field of the request is not valid.', {
    errors: conflicts.map(({ field, message }) => ({ pointer: `/${field}`, detail: message })),
  });
}
