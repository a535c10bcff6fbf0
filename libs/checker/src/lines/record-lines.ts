import type { FactDigest, Findings, LineFindings } from '../audit-report';
import { gateAbsence, type Evidence, type ItemEvidence } from '../evidence';
import { shopperHashOf, type GateRecord } from '../gate-record';
import { isOldEpoch, type LedgerRow } from '../ledger-row';
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
    if (present && !row.inGate && !isOldEpoch(row))
      findings['statuses'].offend(`${row.orderId}: the gate does not know it`);
  }
}

async function itemRecords(
  { productId, reader, gate }: ItemEvidence,
  { rows, outbox, intents }: Evidence,
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
    const { orderId, content } = record;
    const epoch = gate.facts.epoch ?? 0;
    const sequence = content?.sequence ?? 0;
    if (sequence > 0) book.note({ productId, epoch, sequence, orderId }, row, 'the gate');
    epochOfRecord(record, row, { epoch, line: findings['sequences'] });
    const cancel = content?.cancelSequence;
    if (cancel !== undefined) {
      book.note({ productId, epoch, sequence: cancel, orderId, isCancel: true }, row, 'the gate');
    }
    if (row !== undefined) {
      row.inGate = true;
      compare(record, row, findings);
      wishes(record, row, { epoch, isWaiting: intents.has(orderId), findings });
    } else if (!outbox.has(orderId)) {
      recorded.offend(`${orderId}: accepted by the gate, neither in PostgreSQL nor in the outbox`);
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

/** An epoch begins with a rebuild, which writes what older ones left without a sequence. */
function epochOfRecord(
  { orderId, content }: GateRecord,
  row: LedgerRow | undefined,
  { epoch, line }: { readonly epoch: number; readonly line: LineFindings },
): void {
  if (content === undefined || row === undefined || isOldEpoch(row)) return;
  const { sequence } = content;
  if (sequence === 0 && row.epoch >= epoch) {
    line.offend(`${orderId}: no sequence in the gate, and accepted in its epoch ${epoch}`);
  }
  if (sequence > 0 && row.epoch !== epoch) {
    line.offend(
      `${orderId}: sequence ${sequence} of epoch ${epoch} in the gate, epoch ${row.epoch} in its row`,
    );
  }
}

/** The wish to cancel an order, as gate and ledger have it of this epoch. */
function wishes(
  { orderId, content }: GateRecord,
  row: LedgerRow,
  {
    epoch,
    isWaiting,
    findings,
  }: { readonly epoch: number; readonly isWaiting: boolean; readonly findings: Findings },
): void {
  if (content === undefined) return;
  const inLedger = row.cancelEpoch === epoch ? row.cancelSequence : undefined;
  if (content.cancelSequence !== undefined && inLedger === undefined && !isWaiting) {
    findings['accepted-recorded'].offend(
      `${orderId}: the wish to cancel it was accepted, neither in PostgreSQL nor in the outbox`,
    );
  }
  if (content.cancelSequence === undefined && inLedger !== undefined) {
    findings['statuses'].offend(`${orderId}: the gate does not know that its shopper wished to cancel it`);
  }
}

function idOf({ orderId }: { readonly orderId: string }): string {
  return orderId;
}
