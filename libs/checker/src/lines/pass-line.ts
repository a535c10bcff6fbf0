import type { LineFindings } from '../audit-report';
import { gateAbsence, type Evidence, type ItemEvidence } from '../evidence';
import { isForgotten } from '../ledger-row';

/**
 * Passes of the waiting room, each good for one accepted order of an item: who redeemed which, by rows and outbox, against
 * the set that keeps the gate from taking one twice. An order that the ledger refused gives its pass back with the
 * shopper's count: the gate that accepted it may still keep the pass, one that was rebuilt does not.
 */
export async function passLine(item: ItemEvidence, evidence: Evidence, line: LineFindings): Promise<void> {
  const { productId, reader, gate } = item;
  const { accepted, refused, isIncomplete } = redeemedBy(productId, evidence, line);
  line.add('passes', accepted.size);
  if (gate.kind !== 'present') {
    const absence = gateAbsence(item);
    if (absence !== undefined) line.leaveOut(absence);
    return;
  }
  const unseen = new Map(accepted);
  for await (const passId of reader.passes()) {
    line.look();
    unseen.delete(passId);
    if (!isIncomplete && !accepted.has(passId) && !refused.has(passId)) {
      line.offend(`${passId}: redeemed in the gate, and no order of ${productId} has it`);
    }
  }
  for (const [passId, orderId] of unseen) {
    line.offend(`${passId}: redeemed by ${orderId}, and the gate would take it again`);
  }
}

interface Redeemed {
  /** Pass -> the order that it was good for. */
  readonly accepted: ReadonlyMap<string, string>;
  /** Passes of orders that the ledger refused. */
  readonly refused: ReadonlySet<string>;
  /** Some orders' shoppers were forgotten, and their passes with them. */
  readonly isIncomplete: boolean;
}

function redeemedBy(productId: string, { rows, outbox }: Evidence, line: LineFindings): Redeemed {
  const accepted = new Map<string, string>();
  const refused = new Set<string>();
  const redeem = (passId: string, orderId: string): void => {
    line.look();
    const other = accepted.get(passId);
    if (other === undefined) accepted.set(passId, orderId);
    else line.offend(`${passId}: redeemed by ${other} and by ${orderId}`);
  };
  let isIncomplete = false;
  for (const row of rows.values()) {
    if (row.productId !== productId) continue;
    isIncomplete ||= isForgotten(row);
    if (row.passId === undefined) continue;
    if (row.state === 'rejected') refused.add(row.passId);
    else redeem(row.passId, row.orderId);
  }
  for (const order of outbox.values()) {
    const isNew = order.productId === productId && !rows.has(order.orderId);
    if (isNew && order.passId !== undefined) redeem(order.passId, order.orderId);
  }
  return { accepted, refused, isIncomplete };
}
