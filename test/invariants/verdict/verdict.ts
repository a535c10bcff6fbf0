import { auditInvariants, cameToRest } from './audit';
import {
  answersKnown,
  historyIsSound,
  paymentsKept,
  replaysEqual,
  statesMonotone,
  wishesHonoured,
} from './clients';
import type { Evidence } from './evidence';
import type { Destruction, Failover } from '../world/installation';
import { Findings, type Invariant } from './invariant';
import { lostAreReported, lostOrders } from './lost';

/** Every invariant, in the order in which a report names them. */
export function judge(evidence: Evidence): Invariant[] {
  const { history, lastWords, rows, destructions, failovers, audits, unrest } = evidence;
  const { ids: lost } = lostOrders(history, rows, destructions);
  return [
    ...auditInvariants(audits, destructions.length > 0),
    lostAreReported(lost, lastWords, rows),
    statesMonotone(history, lost, [...failovers, ...destructions.map(momentOf)]),
    replaysEqual(lastWords, rows),
    wishesHonoured(history, rows, destructions),
    paymentsKept(history, rows),
    answersKnown(history, lost),
    cameToRest(audits, unrest),
    processesBehaved(evidence),
    historyIsSound(history),
  ].map((findings) => findings.invariant());
}

function momentOf({ atMs }: Destruction): Failover {
  return { fromMs: atMs, toMs: atMs };
}

function processesBehaved({ stops, deaths, accusations }: Evidence): Findings {
  const findings = new Findings(
    'processes',
    'an orderly stop ends in time, no process ends by itself, and what a fault must be answered with it is',
  );
  findings.look(stops.count);
  if (stops.cutOff > 0) findings.add('stops that ended at their own deadline', stops.cutOff);
  for (const what of [...stops.bad, ...deaths, ...accusations]) findings.violate(what);
  return findings;
}
