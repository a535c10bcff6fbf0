import type { LineFindings } from '../audit-report';
import { gateAbsence, type Evidence, type ItemEvidence } from '../evidence';
import { statusesOf, type LedgerRow } from '../ledger-row';
import type { PaymentRow } from '../ledger-reader';

/**
 * What the gate says it gave back and took again, against the orders that ended and the payments that came late. Of
 * orders and payments of an older epoch nothing is known: the rebuild has counted them.
 */
export async function releaseLine(item: ItemEvidence, evidence: Evidence, line: LineFindings): Promise<void> {
  const { gate, productId, reader } = item;
  if (gate.kind !== 'present') {
    const absence = gateAbsence(item);
    if (absence !== undefined) line.leaveOut(absence);
    return;
  }
  const changes = new Map<string, number | undefined>();
  for await (const { changeId, units } of reader.changes()) changes.set(changeId, units);
  const { epoch } = gate.facts;
  for (const row of evidence.rows.values()) {
    if (row.productId === productId) ended(row, { changes, isOld: row.epoch !== epoch, line });
  }
  for (const payment of evidence.payments.values()) {
    if (evidence.rows.get(payment.orderId)?.productId === productId) {
      paidLate(payment, { changes, isOld: payment.epoch !== epoch, line });
    }
  }
  for (const changeId of changes.keys()) {
    if (/^(release|pay|back):/.test(changeId)) line.offend(`${changeId}: the ledger knows of no such change`);
  }
}

interface Context {
  /** What is accounted for is taken out. */
  readonly changes: Map<string, number | undefined>;
  readonly isOld: boolean;
  readonly line: LineFindings;
}

function ended(row: LedgerRow, { changes, isOld, line }: Context): void {
  const { orderId, quantity, isUntold } = row;
  const statuses = statusesOf(row);
  const end = statuses.findIndex((status) => status === 'cancelled' || status === 'expired');
  const changeId = `release:${orderId}`;
  const given = changes.has(changeId);
  const units = changes.get(changeId);
  changes.delete(changeId);
  if (end === -1) {
    if (given) line.offend(`${orderId}: the gate got its units back, and it has not ended`);
    return;
  }
  line.look();
  if (isOld || isUntold) return;
  if (!given) {
    line.offend(`${orderId}: it is ${statuses[end] ?? ''}, and the gate has not got its units back`);
    return;
  }
  line.add('released', units ?? 0);
  // A parked order gives back what was booked for it.
  const wasHeld = statuses[end - 1] === 'confirmed';
  if (units === undefined || units > quantity || (wasHeld && units !== quantity)) {
    line.offend(`${orderId}: the gate got ${units ?? 'no number of'} units back, it has ${quantity}`);
  }
}

function paidLate({ paymentId, state, epoch }: PaymentRow, { changes, isOld, line }: Context): void {
  const taken = changes.delete(`pay:${paymentId}`);
  const back = changes.delete(`back:${paymentId}`);
  if (!taken && !back && epoch === undefined) return;
  line.look();
  if (isOld && !taken && !back) return;
  if (back && !taken) line.offend(`${paymentId}: the gate got units back that this payment did not take`);
  if (state === 'applied' && back)
    line.offend(`${paymentId}: it counts, and its units went back to the gate`);
  if (isOld) return;
  if (state === 'applied' && !taken) line.offend(`${paymentId}: it counts, and took no units from the gate`);
  if (state === 'refund-due' && taken && !back) {
    line.offend(`${paymentId}: it is refunded, and the gate has not got its units back`);
  }
}
