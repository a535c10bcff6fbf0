import type { LineFindings } from '../audit-report';
import { gateAbsence, type Evidence, type ItemEvidence } from '../evidence';
import { isOldEpoch } from '../ledger-row';

/** The gate's counts of one item against the units of live orders, shopper by shopper. */
export async function shopperLine(item: ItemEvidence, evidence: Evidence, line: LineFindings): Promise<void> {
  const { productId, ledger, reader, gate } = item;
  const units = unitsByShopper(productId, evidence);
  line.add('shoppers', units.size);
  for (const [shopperId, live] of units) {
    line.look();
    if (live > ledger.limit)
      line.offend(`${shopperId}: ${live} live units of ${productId}, the limit is ${ledger.limit}`);
  }
  if (gate.kind !== 'present') {
    const absence = gateAbsence(item);
    if (absence !== undefined) line.leaveOut(absence);
    return;
  }
  const unseen = new Set(units.keys());
  for await (const { shopperId, units: counted } of reader.shoppers()) {
    line.look();
    unseen.delete(shopperId);
    const live = units.get(shopperId) ?? 0;
    if (counted !== live) {
      line.offend(
        `${shopperId}: ${counted ?? 'no number of'} units of ${productId} in the gate, ${live} by the orders`,
      );
    }
  }
  // Ended orders keep their shopper at 0: the set that a sold-out refusal asks must never lack a buyer.
  for (const shopperId of unseen)
    line.offend(`${shopperId}: has an order of ${productId}, and no count in the gate`);
}

function unitsByShopper(productId: string, { rows, outbox }: Evidence): Map<string, number> {
  const units = new Map<string, number>();
  const add = (shopperId: string, quantity: number): void => {
    units.set(shopperId, (units.get(shopperId) ?? 0) + quantity);
  };
  for (const row of rows.values()) {
    if (row.productId !== productId || isOldEpoch(row)) continue;
    const live = row.state === 'confirmed' || row.state === 'paid' || row.state === 'parked';
    add(row.shopperId, live ? row.quantity : 0);
  }
  for (const order of outbox.values()) {
    if (order.productId === productId && !rows.has(order.orderId)) add(order.shopperId, order.quantity);
  }
  return units;
}
