import { setTimeout as pause } from 'node:timers/promises';
import type { Installation } from './installation';

/** Holds of the brief sale, the slowest back-off of a process, and a consumer's session that must run out first. */
const PATIENCE_MS = 90_000;

/** Waits until nothing is under way any more. @returns what still is when the patience has ended; empty at rest */
export async function comeToRest(world: Installation): Promise<string[]> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const unrest = await underWay(world).catch((error: unknown) => [`cannot look: ${String(error)}`]);
    if (unrest.length === 0 || Date.now() > deadline) return unrest;
    await pause(200);
  }
}

async function underWay(world: Installation): Promise<string[]> {
  const gates = await world.gate.counters();
  const waiting = gates.flatMap(({ productId, watermark, sequence, outboxLength, isCompared }) => {
    if (watermark === undefined) return [`${productId}: the gate is not whole`];
    if (!isCompared) return [`${productId}: the gate was not compared since Redis was started`];
    const unsettled = sequence - watermark;
    return unsettled === 0 && outboxLength === 0
      ? []
      : [`${productId}: ${unsettled} unsettled, ${outboxLength} entries in the outbox`];
  });
  const [ledger] = await world.database.dataSource.query<
    { suspended: string[] | null; running: string; untold: string; unfinished: string }[]
  >(
    `SELECT (SELECT array_agg(product_id || ': ' || suspended_reason) FROM ledger WHERE suspended_reason IS NOT NULL)
              AS suspended,
            (SELECT count(*) FROM orders WHERE sale_id = 'brief' AND state = 'confirmed') AS running,
            (SELECT count(*) FROM orders WHERE gate_epoch IS NOT NULL) AS untold,
            (SELECT count(*) FROM payments WHERE state = 'pending' OR give_back_units IS NOT NULL) AS unfinished`,
  );
  const counts = [
    [ledger?.running, 'holds of the brief sale run'],
    [ledger?.untold, 'orders whose end the gate has not heard of'],
    [ledger?.unfinished, 'payments half done'],
  ] as const;
  return [
    ...waiting,
    ...(ledger?.suspended ?? []),
    ...counts.flatMap(([count, what]) => (Number(count) > 0 ? [`${count ?? '?'} ${what}`] : [])),
  ];
}
