import { createHash, hash } from 'node:crypto';

/** The lines of an audit, in their order. The names are stable: scripts and dashboards may rely on them. */
export const AUDIT_STATEMENTS = {
  'at-rest': 'nothing is under way: outbox empty, consumer lag 0, two samples equal',
  conservation: 'initial = available + unsettled + held + sold + parked, by the rows',
  'ledger-counters': "the ledger's counters equal its rows",
  'no-oversell': 'live units never exceed the initial ones, and the database enforces it',
  'gate-equals-ledger':
    'gate and ledger agree on available units, epoch, watermark, sequence, limit and hold',
  'accepted-recorded':
    'every order and wish to cancel the gate accepted is in PostgreSQL once, or in the outbox',
  'events-applied':
    'every order and wish to cancel in Kafka is the same in PostgreSQL, or its message is parked',
  'no-unexpected-orders': 'every order in PostgreSQL is known to the gate or to Kafka',
  statuses: 'gate and ledger say the same of every order: status, units, shopper, payload',
  shoppers: "shoppers' counts equal their live units, and nobody is over the limit",
  passes: 'no pass has more than one accepted order of an item, and the gate knows which were redeemed',
  sequences: "no sequence for two orders in the ledger's epoch, none missing up to the watermark",
  lives: 'every order lived by the life-cycle: held exactly while confirmed, ended once',
  releases: 'every ended order gave its units back to the gate once, every late payment took its own',
  payments: 'a paid order has one payment of its price; every other one is refunded once',
  'statuses-published': "every change of an order's status was published in its order, and no other",
  'ledger-published':
    'every transaction of the ledger was published in its order, and the last ones are its rows',
  'clients-nothing-lost': 'every order a client got a 202 for is in PostgreSQL or the outbox',
  'clients-order-ids': 'every order id follows from sale, product, shopper and key, and Location leads to it',
  'clients-one-order-per-key': 'one key, one order',
  'clients-equal-answers':
    'all 202 of one key are equal to the byte, only one is not marked a replay, and no 409 follows',
  'clients-rows': 'item, shopper, units and time of every 202 are those of its row',
  'clients-asked': 'every order in PostgreSQL was asked for, and not only refused',
} as const;

export type AuditLineName = keyof typeof AUDIT_STATEMENTS;

export interface AuditLine {
  readonly name: AuditLineName;
  readonly statement: string;
  /** `unchecked` where the evidence is not there any more or was not given; `reason` says which. */
  readonly holds: boolean | 'unchecked';
  readonly reason?: string;
  /** How many things were looked at. */
  readonly checked: number;
  /** The first offenders, each beginning with its id. */
  readonly offenders: readonly string[];
  readonly offendersTotal: number;
  readonly numbers: Readonly<Record<string, number>>;
}

/**
 * `proved`: at rest, and no line is refuted (a line may be `unchecked`: the lines say so). `not-at-rest` wins over
 * `refuted`, for what moves can look wrong.
 */
export type AuditVerdict = 'proved' | 'refuted' | 'not-at-rest';

export interface AuditReport {
  readonly saleId: string;
  readonly verdict: AuditVerdict;
  /** RFC 3339 */
  readonly auditedAt: string;
  readonly lines: readonly AuditLine[];
  /** SHA-256 over the evidence: equal evidence gives an equal fingerprint, whatever the order it was read in. */
  readonly fingerprint: string;
}

export const MAX_OFFENDERS = 20;

/** Collects what one line finds. Memory stays bounded: only the first offenders are kept, the rest are counted. */
export class LineFindings {
  readonly numbers: Record<string, number> = {};
  private checked = 0;
  private readonly offenders = new Set<string>();
  private offendersTotal = 0;
  private reason: string | undefined;

  constructor(private readonly name: AuditLineName) {}

  look(count = 1): void {
    this.checked += count;
  }

  /** @param offender begins with the id of what is wrong */
  offend(offender: string): void {
    if (this.offenders.has(offender)) return;
    this.offendersTotal += 1;
    if (this.offenders.size < MAX_OFFENDERS) this.offenders.add(offender);
  }

  /** A part of the evidence is missing: without an offender the line is then not proved but unchecked. */
  leaveOut(reason: string): void {
    this.reason ??= reason;
  }

  add(number: string, value: number): void {
    this.numbers[number] = (this.numbers[number] ?? 0) + value;
  }

  line(): AuditLine {
    const refuted = this.offendersTotal > 0;
    return {
      name: this.name,
      statement: AUDIT_STATEMENTS[this.name],
      holds: refuted ? false : this.reason === undefined ? true : 'unchecked',
      ...(this.reason === undefined ? {} : { reason: this.reason }),
      checked: this.checked,
      offenders: [...this.offenders],
      offendersTotal: this.offendersTotal,
      numbers: this.numbers,
    };
  }
}

export type Findings = Readonly<Record<AuditLineName, LineFindings>>;

export function newFindings(): Findings {
  const names = Object.keys(AUDIT_STATEMENTS) as AuditLineName[];
  return Object.fromEntries(names.map((name) => [name, new LineFindings(name)])) as Findings;
}

/** A digest of a set of facts that does not depend on the order in which they come. */
export class FactDigest {
  private readonly sum = new Uint32Array(8);
  private count = 0;

  add(fact: string): void {
    const digest = hash('sha256', fact, 'buffer');
    // Addition, not XOR: a fact that comes twice must not cancel itself.
    for (let lane = 0; lane < 8; lane++)
      this.sum[lane] = (this.sum[lane] ?? 0) + digest.readUInt32LE(lane * 4);
    this.count += 1;
  }

  hex(): string {
    return createHash('sha256').update(this.sum).update(String(this.count)).digest('hex');
  }
}

export function reportOf(saleId: string, findings: Findings, digest: FactDigest): AuditReport {
  const lines = Object.values(findings).map((line) => line.line());
  const atRest = lines.find(({ name }) => name === 'at-rest')?.holds === true;
  const refuted = lines.some(({ holds }) => holds === false);
  return {
    saleId,
    verdict: !atRest ? 'not-at-rest' : refuted ? 'refuted' : 'proved',
    auditedAt: new Date().toISOString(),
    lines,
    fingerprint: digest.hex(),
  };
}
