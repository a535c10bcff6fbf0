import type { AuditLineName, AuditReport } from '@flux/checker';
import { Findings } from './invariant';

/** The invariants of which the checker's lines are the proof. */
const GROUPS = [
  {
    name: 'no oversell',
    statement: 'live units never exceed the initial ones, and the database enforces it',
    lines: ['no-oversell'],
  },
  {
    name: 'lost = ∅',
    statement: 'every order and wish to cancel that was accepted is in PostgreSQL',
    lines: ['clients-nothing-lost', 'accepted-recorded', 'events-applied'],
  },
  {
    name: 'unexpected = ∅',
    statement: 'every order in PostgreSQL was asked for, accepted, and is as its client knows it',
    lines: ['no-unexpected-orders', 'clients-asked', 'clients-rows'],
  },
  {
    name: 'duplicated effect = ∅',
    statement: 'every order took, held, gave back and was paid for its units once',
    lines: ['releases', 'payments', 'shoppers', 'sequences'],
  },
  {
    name: 'one order per key',
    statement: 'one key, one order, whose id follows from it; all its 202 are equal to the byte',
    lines: ['clients-one-order-per-key', 'clients-order-ids', 'clients-equal-answers'],
  },
  {
    name: 'ledger = rows = Redis',
    statement: 'the accounts agree between the ledger, its rows and the gate',
    lines: ['conservation', 'ledger-counters', 'gate-equals-ledger', 'statuses'],
  },
  {
    name: 'lives',
    statement: 'every order lived by the life-cycle, and every change was published in its order',
    lines: ['lives', 'statuses-published'],
  },
] as const satisfies readonly { name: string; statement: string; lines: readonly AuditLineName[] }[];

/** The checker's lines over all sales, as the invariants of the run. A line that was not checked counts as violated. */
export function auditInvariants(audits: readonly AuditReport[], isDestroyed: boolean): Findings[] {
  return GROUPS.map(({ name, statement, lines }) => {
    const findings = new Findings(name, statement);
    for (const { saleId, lines: all } of audits) {
      for (const line of all.filter((each) => lines.some((wanted) => wanted === each.name))) {
        findings.look(line.checked);
        for (const offender of line.offenders) {
          // Redis that went back gives its sequences again: that is how it is found out.
          if (isDestroyed && line.name === 'sequences') findings.add('sequences given again after a cut');
          else findings.violate(`${saleId} ${line.name}: ${offender}`);
        }
        if (line.holds === 'unchecked')
          findings.violate(`${saleId} ${line.name}: not checked: ${line.reason ?? ''}`);
      }
    }
    return findings;
  });
}

/** Whether the system came to rest, by the run's own look and by the checker's. */
export function cameToRest(audits: readonly AuditReport[], unrest: readonly string[]): Findings {
  const findings = new Findings(
    'comes to rest',
    'when every fault is healed, all that was under way ends by itself',
  );
  findings.look(1);
  for (const reason of unrest) findings.violate(reason);
  for (const { saleId, lines } of audits) {
    const line = lines.find(({ name }) => name === 'at-rest');
    findings.look(line?.checked ?? 0);
    for (const offender of line?.offenders ?? []) findings.violate(`${saleId}: ${offender}`);
  }
  return findings;
}
