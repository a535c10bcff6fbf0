import { setTimeout as pause } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { AuditImpossible } from './audit-impossible';
import { gateSide } from './evidence';
import type { EventReader } from './event-reader';
import type { GateFacts, GateReader } from './gate-reader';
import type { LedgerFacts, SaleFacts } from './ledger-facts';
import type { LedgerReader } from './ledger-reader';

/** Long enough for an order under way to change something, short against anybody's patience. */
const SAMPLE_EVERY_MS = 250;

export interface RestTools {
  readonly saleId: string;
  readonly admin: Admin;
  readonly ledger: LedgerReader;
  readonly events: EventReader;
  readonly readerOf: (productId: string) => GateReader;
}

/** All counters of the sale at one moment. */
export interface Sample {
  readonly sale: SaleFacts;
  /** Equal keys: nothing of the sale changed in between. */
  readonly key: string;
  /** What is visibly under way. */
  readonly busy: readonly string[];
  readonly ends: readonly bigint[];
  readonly committed: readonly bigint[];
}

export interface Rest {
  readonly sample: Sample;
  /** Why the sale is not at rest; empty where it is. */
  readonly unrest: readonly string[];
}

export async function takeSample({ saleId, admin, ledger, events, readerOf }: RestTools): Promise<Sample> {
  const sale = await ledger.sale();
  if (sale === undefined) throw new AuditImpossible(`there is no sale ${saleId}`);
  const gates = await Promise.all(sale.items.map((item) => gateSide(readerOf(item.productId), item)));
  const busy = sale.items.flatMap((item, index) => {
    const gate = gates[index];
    return underWay(item, gate?.kind === 'present' ? gate.facts : undefined);
  });
  return { sale, key: JSON.stringify([sale, gates]), busy, ...(await events.progress(admin)) };
}

function underWay(item: LedgerFacts, gate: GateFacts | undefined): string[] {
  const { productId, suspendedReason, pendingChanges, untold, unfinishedPayments, unpublished } = item;
  const counts = [
    [gate?.outboxLength ?? 0, 'entries in the outbox'],
    [pendingChanges, 'stock changes half done'],
    [untold, 'orders whose end or payment the gate has not heard of'],
    [unfinishedPayments, 'late payments half done'],
    [unpublished, 'transactions whose changes are not published'],
  ] as const;
  const reasons = counts.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  if (suspendedReason !== undefined) reasons.push(`waits for its rebuild: ${suspendedReason}`);
  if (gate?.isUnfinished === true) reasons.push('its gate is being rebuilt');
  return reasons.map((reason) => `${productId}: ${reason}`);
}

/**
 * Two samples that agree, with nothing under way and every message consumed that the first one saw: a topic that is
 * busy with other sales comes to rest for this one all the same. Gives up at `deadlineMs`.
 */
export async function waitForRest(tools: RestTools, deadlineMs: number): Promise<Rest> {
  let before = await takeSample(tools);
  for (;;) {
    await pause(SAMPLE_EVERY_MS);
    const sample = await takeSample(tools);
    const unrest = [...sample.busy, ...changes(before, sample), ...lag(before, sample)];
    if (unrest.length === 0 || Date.now() >= deadlineMs) return { sample, unrest };
    before = sample;
  }
}

export function changes(before: Sample, after: Sample): string[] {
  return before.key === after.key ? [] : ['the sale: its counters changed between two samples'];
}

function lag(before: Sample, { committed }: Sample): string[] {
  return before.ends.flatMap((end, partition) => {
    const behind = end - (committed[partition] ?? 0n);
    return behind > 0n ? [`partition ${partition}: ${behind.toString()} messages not yet consumed`] : [];
  });
}
