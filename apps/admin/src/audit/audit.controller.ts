import { saleIdSchema } from '@flux/contracts';
import { ApiProblems, parseInput } from '@flux/http';
import type { AuditReport } from '@flux/checker';
import { HttpCode, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { OperatorController } from '../keys/operator-controller';
import { ApiSaleId } from '../sales/sale-docs';
import { SalesService } from '../sales/sales.service';
import { SaleAuditor } from './sale-auditor';

const saleParams = z.strictObject({ id: saleIdSchema });

const auditReportSchema = z.object({
  saleId: z.string(),
  verdict: z.enum(['proved', 'refuted', 'not-at-rest']),
  auditedAt: z.iso.datetime(),
  lines: z.array(
    z.object({
      name: z.string(),
      statement: z.string(),
      holds: z.union([z.boolean(), z.literal('unchecked')]),
      reason: z.string().optional(),
      checked: z.number().int(),
      offenders: z.array(z.string()).meta({ description: 'The first of them, each beginning with its id' }),
      offendersTotal: z.number().int(),
      numbers: z.record(z.string(), z.number()),
    }),
  ),
  fingerprint: z.string().meta({ description: 'Equal evidence gives an equal fingerprint' }),
});

@OperatorController('sales', 'audit')
export class AuditController {
  constructor(
    private readonly auditor: SaleAuditor,
    private readonly sales: SalesService,
  ) {}

  @Post(':id/audit')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Run the checker over a sale',
    description:
      'Reads Redis, Kafka and PostgreSQL and changes nothing. What moves can look wrong, so a sale that is not at rest ' +
      'is answered as `not-at-rest`. One audit at a time; `npm run audit` also takes the clients’ own record.',
  })
  @ApiSaleId()
  @ApiResponse({
    status: 200,
    description: 'The report, whatever the verdict',
    standardSchema: auditReportSchema,
  })
  @ApiProblems('invalid-request', 'unknown-sale', 'temporarily-unavailable')
  async audit(@Param() params: unknown): Promise<AuditReport> {
    const { id } = parseInput(saleParams, params);
    await this.sales.get(id);
    return this.auditor.audit(id);
  }
}
