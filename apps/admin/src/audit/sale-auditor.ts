/** What the checker found, line by line. */
export interface AuditReport {
  readonly saleId: string;
  readonly verdict: 'proved' | 'refuted' | 'not-at-rest';
  readonly auditedAt: string;
  readonly lines: readonly {
    readonly name: string;
    readonly statement: string;
    readonly holds: boolean | 'unchecked';
    readonly reason?: string;
    readonly checked: number;
    readonly offenders: readonly string[];
    readonly offendersTotal: number;
    readonly numbers: Readonly<Record<string, number>>;
  }[];
  readonly fingerprint: string;
}

/** Proves or refutes that a sale's accounts are sound, from Redis, Kafka and PostgreSQL; changes nothing. */
export abstract class SaleAuditor {
  abstract audit(saleId: string): Promise<AuditReport>;
}
