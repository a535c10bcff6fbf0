import type { Findings } from '../audit-report';
import { gateAbsence, type Evidence, type ItemEvidence } from '../evidence';

/** The lines about units as a whole: one look at each item. */
export function accountLines({ items }: Evidence, oversellCheckPresent: boolean, findings: Findings): void {
  for (const item of items.values()) {
    conservation(item, findings);
    ledgerCounters(item, findings);
    noOversell(item, findings);
    gateEqualsLedger(item, findings);
  }
  if (!oversellCheckPresent)
    findings['no-oversell'].offend('ledger: the check held + sold + parked <= initial is gone');
}

function conservation(item: ItemEvidence, findings: Findings): void {
  const line = findings['conservation'];
  const { productId, ledger, gate, rows, unsettled } = item;
  if (gate.kind === 'unopened') return;
  const available = gate.kind === 'present' ? gate.facts.available : undefined;
  if (available === undefined) {
    line.leaveOut(gateAbsence(item) ?? `the gate has no stock of ${productId}`);
    return;
  }
  line.look();
  const { held, sold, parked, limitRejected } = rows;
  const accounted = available + unsettled + held + sold + parked;
  for (const [number, value] of Object.entries({
    initial: ledger.initial,
    available,
    unsettled,
    held,
    sold,
    parked,
  })) {
    line.add(number, value);
  }
  if (accounted === ledger.initial) return;
  const sum = `${available} available + ${unsettled} unsettled + ${held} held + ${sold} sold + ${parked} parked`;
  const left = limitRejected > 0 ? `; ${limitRejected} of limit rejections are not back at the gate` : '';
  line.offend(`${productId}: ${ledger.initial} initial, but ${sum} = ${accounted}${left}`);
}

function ledgerCounters({ productId, ledger, rows }: ItemEvidence, findings: Findings): void {
  const line = findings['ledger-counters'];
  for (const counter of ['held', 'sold', 'parked'] as const) {
    line.look();
    line.add(counter, ledger[counter]);
    if (ledger[counter] !== rows[counter]) {
      line.offend(
        `${productId}: ${counter} is ${ledger[counter]} in the ledger, ${rows[counter]} by the rows`,
      );
    }
  }
}

function noOversell({ productId, ledger, rows }: ItemEvidence, findings: Findings): void {
  const line = findings['no-oversell'];
  line.look();
  const live = rows.held + rows.sold + rows.parked;
  line.add('live', live);
  line.add('initial', ledger.initial);
  if (live > ledger.initial) line.offend(`${productId}: ${live} live units of ${ledger.initial}`);
  const counted = ledger.held + ledger.sold + ledger.parked;
  if (counted > ledger.initial)
    line.offend(`${productId}: ${counted} units counted in the ledger of ${ledger.initial}`);
}

function gateEqualsLedger(item: ItemEvidence, findings: Findings): void {
  const line = findings['gate-equals-ledger'];
  const { productId, ledger, gate, unsettled } = item;
  switch (gate.kind) {
    case 'unopened':
      return;
    case 'retired':
      line.leaveOut(gateAbsence(item) ?? '');
      return;
    case 'missing':
      line.offend(`${productId}: its keys are gone from the gate`);
      return;
    case 'present':
      break;
  }
  const free = ledger.initial - ledger.held - ledger.sold - ledger.parked - unsettled;
  const pairs = [
    ['available', gate.facts.available, free],
    ['epoch', gate.facts.epoch, ledger.epoch],
    ['watermark', gate.facts.watermark, ledger.watermark],
    // At rest everything the gate numbered has been applied.
    ['sequence', gate.facts.sequence, ledger.watermark],
    ['limit', gate.facts.limit, ledger.limit],
    ['hold', gate.facts.holdMs, ledger.holdMs],
  ] as const;
  for (const [name, inGate, inLedger] of pairs) {
    line.look();
    if (inGate !== inLedger) {
      line.offend(`${productId}: ${name} is ${inGate ?? 'missing'} in the gate, ${inLedger} in the ledger`);
    }
  }
}
