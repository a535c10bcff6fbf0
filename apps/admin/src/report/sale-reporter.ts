import { isDeepStrictEqual } from 'node:util';
import { ProblemError, type SaleState } from '@flux/contracts';
import type { AuditReport } from '@flux/checker';
import { Refusals } from '@flux/gate';
import { SaleEntity } from '@flux/ledger';
import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { SaleAuditor } from '../audit/sale-auditor';
import type { SaleReport } from './report-answer';
import { type Figures, readFigures } from './report-figures';

/** How often the evidence is read anew where the figures changed while it was. */
const ATTEMPTS = 3;

/** Writes the report of a sale that has ended. Changes nothing. */
@Injectable()
export class SaleReporter {
  constructor(
    private readonly dataSource: DataSource,
    private readonly refusals: Refusals,
    private readonly auditor: SaleAuditor,
  ) {}

  /** @throws ProblemError `unknown-sale`, `sale-running`, `temporarily-unavailable` while an audit runs */
  async report(saleId: string): Promise<SaleReport> {
    let figures = await this.figures(saleId);
    refuseWhileRunning(figures.state);
    for (let attempt = 1; ; attempt += 1) {
      const audit = await this.auditor.audit(saleId);
      const after = await this.figures(saleId);
      const same = isDeepStrictEqual(figures, after);
      figures = after;
      if (!same && attempt < ATTEMPTS) continue;
      return {
        ...figures,
        writtenAt: new Date().toISOString(),
        refusals: await this.refusalsOf(saleId),
        // What moves is not what the evidence says.
        audit: same ? auditPart(audit) : { ...auditPart(audit), verdict: 'not-at-rest' },
      };
    }
  }

  private async figures(saleId: string): Promise<Figures> {
    return this.dataSource.transaction('REPEATABLE READ', (manager) => readFigures(manager, saleId));
  }

  /** From Redis while the sale is there, then as they were copied. */
  private async refusalsOf(saleId: string): Promise<Record<string, number>> {
    const { refusals } = await this.dataSource.manager.findOneByOrFail(SaleEntity, { id: saleId });
    return refusals ?? { ...(await this.refusals.read(saleId)) };
  }
}

function refuseWhileRunning(state: SaleState): void {
  switch (state) {
    case 'scheduled':
    case 'open':
    case 'paused':
      throw new ProblemError('sale-running', 'The report is written when the sale is closed.');
    case 'closed':
    case 'retired':
  }
}

function auditPart({ verdict, auditedAt, fingerprint, lines }: AuditReport): SaleReport['audit'] {
  return {
    verdict,
    auditedAt,
    fingerprint,
    lines: lines.map(({ name, statement, holds }) => ({ name, statement, holds })),
  };
}
