import type { OutboxIntent, OutboxOrder } from './gate-record';
import type { GateFacts, GateReader } from './gate-reader';
import type { FactDigest, Findings } from './audit-report';
import type { LedgerFacts, SaleFacts } from './ledger-facts';
import type { LedgerReader, PaymentRow, RefundRow } from './ledger-reader';
import type { LedgerRow } from './ledger-row';

/** The gate's side of an item: its counters, or why there are none. */
export type GateSide =
  | { readonly kind: 'present'; readonly facts: GateFacts }
  /** Never opened: nothing to compare. */
  | { readonly kind: 'unopened' }
  /** The sale was retired and its keys have ended. */
  | { readonly kind: 'retired' }
  /** The keys should be there. */
  | { readonly kind: 'missing' };

/** One item as both sides have it, with the sums of its rows. */
export interface ItemEvidence {
  readonly productId: string;
  readonly reader: GateReader;
  readonly gate: GateSide;
  readonly ledger: LedgerFacts;
  /** Units by the rows. */
  readonly rows: {
    held: number;
    sold: number;
    /** Booked for parked orders. */
    parked: number;
    /**
     * Of orders of the ledger's epoch that it refused for the shopper's limit: the gate has not got them back. A rebuild
     * has counted those of older epochs.
     */
    limitRejected: number;
  };
  /** Units in the outbox that have no row yet. */
  unsettled: number;
}

/** What is held in memory: rows, money, counters and the outbox. Records and messages are streamed past it. */
export interface Evidence {
  readonly saleId: string;
  readonly sale: SaleFacts;
  readonly items: ReadonlyMap<string, ItemEvidence>;
  readonly rows: ReadonlyMap<string, LedgerRow>;
  readonly outbox: ReadonlyMap<string, OutboxOrder & { readonly productId: string }>;
  /** Wishes to cancel in the outbox, by order. */
  readonly intents: ReadonlyMap<string, OutboxIntent>;
  readonly payments: ReadonlyMap<string, PaymentRow>;
  readonly refunds: ReadonlyMap<string, RefundRow>;
}

/** Why the gate's records of an item cannot be asked; undefined where they can. */
export function gateAbsence({ gate, productId }: ItemEvidence): string | undefined {
  switch (gate.kind) {
    case 'present':
    case 'unopened':
      return undefined;
    case 'retired':
      return `the keys of ${productId} have ended: the item is retired`;
    case 'missing':
      return `the gate has no keys of ${productId}`;
  }
}

export async function gateSide(reader: GateReader, ledger: LedgerFacts): Promise<GateSide> {
  const facts = await reader.facts();
  if (facts !== undefined) return { kind: 'present', facts };
  if (!ledger.opened) return { kind: 'unopened' };
  return { kind: ledger.retired ? 'retired' : 'missing' };
}

/** Reads counters, rows, money and outboxes of the sale. A row that comes twice is an order that is in PostgreSQL twice. */
export async function gather(options: {
  readonly saleId: string;
  readonly sale: SaleFacts;
  readonly ledger: LedgerReader;
  readonly readerOf: (productId: string) => GateReader;
  readonly findings: Findings;
  readonly digest: FactDigest;
}): Promise<Evidence> {
  const { saleId, sale, ledger, readerOf, findings, digest } = options;
  const items = new Map<string, ItemEvidence>();
  for (const facts of sale.items) {
    const reader = readerOf(facts.productId);
    const gate = await gateSide(reader, facts);
    digest.add(JSON.stringify(['item', facts, gate]));
    const rows = { held: 0, sold: 0, parked: 0, limitRejected: 0 };
    items.set(facts.productId, {
      productId: facts.productId,
      reader,
      gate,
      ledger: facts,
      rows,
      unsettled: 0,
    });
  }

  const rows = new Map<string, LedgerRow>();
  for await (const row of ledger.orders()) {
    digest.add(JSON.stringify(['row', row]));
    const item = items.get(row.productId);
    if (item === undefined)
      findings['no-unexpected-orders'].offend(`${row.orderId}: the sale has no such item`);
    else addRow(item, row);
    if (rows.has(row.orderId)) findings['accepted-recorded'].offend(`${row.orderId}: two rows in PostgreSQL`);
    rows.set(row.orderId, row);
  }

  const payments = new Map<string, PaymentRow>();
  for await (const payment of ledger.payments()) {
    digest.add(JSON.stringify(['payment', payment]));
    payments.set(payment.paymentId, payment);
  }
  const refunds = new Map<string, RefundRow>();
  for await (const refund of ledger.refunds()) {
    digest.add(JSON.stringify(['refund', refund]));
    refunds.set(refund.paymentId, refund);
  }

  const outbox = new Map<string, OutboxOrder & { readonly productId: string }>();
  const intents = new Map<string, OutboxIntent>();
  for (const item of items.values()) {
    for await (const entry of item.reader.outbox()) {
      digest.add(JSON.stringify(['outbox', entry]));
      if (entry.kind === 'intent') {
        intents.set(entry.orderId, entry);
        continue;
      }
      if (!rows.has(entry.orderId) && !outbox.has(entry.orderId)) item.unsettled += entry.quantity;
      outbox.set(entry.orderId, { ...entry, productId: item.productId });
    }
  }
  return { saleId, sale, items, rows, outbox, intents, payments, refunds };
}

function addRow({ rows, ledger }: ItemEvidence, row: LedgerRow): void {
  const { state, reason, quantity, booked, epoch } = row;
  switch (state) {
    case 'confirmed':
      rows.held += quantity;
      return;
    case 'paid':
      rows.sold += quantity;
      return;
    case 'parked':
      rows.parked += booked;
      return;
    case 'rejected':
      if (reason === 'shopper-limit' && epoch === ledger.epoch) rows.limitRejected += quantity;
      return;
    case 'cancelled':
    case 'expired':
      return;
  }
}
