import type { FactDigest, Findings } from '../audit-report';
import { gateAbsence, type Evidence, type ItemEvidence } from '../evidence';
import { shopperHashOf, type GateRecord } from '../gate-reader';
import type { LedgerRow } from '../ledger-reader';
import type { SequenceBook } from './sequence-lines';

export interface RecordTools {
  readonly book: SequenceBook;
  readonly findings: Findings;
  readonly digest: FactDigest;
}

/** The lines about the gate's records, which are streamed past the rows. */
export async function recordLines(evidence: Evidence, tools: RecordTools): Promise<void> {
  const { findings } = tools;
  for (const item of evidence.items.values()) {
    const absence = gateAbsence(item);
    if (absence !== undefined) {
      findings['accepted-recorded'].leaveOut(absence);
      findings['statuses'].leaveOut(absence);
    }
    if (item.gate.kind === 'present') await itemRecords(item, evidence, tools);
  }
  for (const row of evidence.rows.values()) {
    const present = evidence.items.get(row.productId)?.gate.kind === 'present';
    if (present && !row.inGate) findings['statuses'].offend(`${row.orderId}: the gate does not know it`);
  }
}

async function itemRecords(
  { productId, reader, gate }: ItemEvidence,
  { rows, outbox }: Evidence,
  { book, findings, digest }: RecordTools,
): Promise<void> {
  if (gate.kind !== 'present') return;
  const recorded = findings['accepted-recorded'];
  const unrecorded = new Set([...outbox.values()].filter((order) => order.productId === productId).map(idOf));
  for await (const record of reader.records(gate.facts.watermark ?? 0)) {
    const row = rows.get(record.orderId);
    // A walk may give a record twice.
    if (row?.inGate === true) continue;
    digest.add(JSON.stringify(['record', record]));
    recorded.look();
    unrecorded.delete(record.orderId);
    const sequence = record.content?.sequence ?? 0;
    if (sequence > 0) {
      const place = { productId, epoch: gate.facts.epoch ?? 0, sequence, orderId: record.orderId };
      book.note(place, row, 'the gate');
    }
    if (row !== undefined) {
      row.inGate = true;
      compare(record, row, findings);
    } else if (!outbox.has(record.orderId)) {
      recorded.offend(`${record.orderId}: accepted by the gate, neither in PostgreSQL nor in the outbox`);
    }
  }
  for (const orderId of unrecorded)
    recorded.offend(`${orderId}: in the outbox, but the gate has no record of it`);
}

function compare({ orderId, content }: GateRecord, row: LedgerRow, findings: Findings): void {
  const line = findings['statuses'];
  line.look();
  if (content === undefined) {
    line.offend(`${orderId}: its record in the gate cannot be read`);
    return;
  }
  const pairs = [
    ['status', content.status, row.state === 'parked' ? 'accepted' : row.state],
    ['quantity', content.quantity, row.quantity],
    ['fingerprint', content.fingerprint, row.fingerprint],
    ['time of acceptance', content.acceptedAtMs, row.acceptedAtMs],
    ['shopper', content.shopperHash, shopperHashOf(row.shopperId)],
  ] as const;
  for (const [name, inGate, inLedger] of pairs) {
    if (inGate !== inLedger)
      line.offend(`${orderId}: ${name} is ${inGate} in the gate, ${inLedger} in the ledger`);
  }
}

function idOf({ orderId }: { readonly orderId: string }): string {
  return orderId;
}
