import { ApiProblems, parseInput } from '@flux/http';
import { Get, Query } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { OperatorController } from '../keys/operator-controller';
import { ApiPage, nextCursor, numberCursor, pageQuery } from '../page-query';
import { listAudit } from './audit-log.repository';

const listQuery = pageQuery(numberCursor);

const auditLogSchema = z.object({
  entries: z.array(
    z.object({
      id: z.string(),
      at: z.iso.datetime(),
      actor: z.string().meta({ description: "The operator's name, or `system`" }),
      action: z.string(),
      subject: z
        .string()
        .meta({ description: 'Id of a sale, `<saleId>.<productId>`, or id of a webhook endpoint' }),
      before: z.unknown().meta({ description: 'null where there was nothing' }),
      after: z.unknown(),
    }),
  ),
  next: z.string().nullable(),
});

const EXAMPLE = {
  entries: [
    {
      id: '17',
      at: '2026-01-01T10:15:00.000Z',
      actor: 'anna',
      action: 'sale.pause',
      subject: 'autumn-drop',
      before: { state: 'open' },
      after: { state: 'paused' },
    },
  ],
  next: null,
};

@OperatorController('audit-log', 'audit log')
export class AuditLogController {
  constructor(private readonly dataSource: DataSource) {}

  @Get()
  @ApiOperation({ summary: 'Who changed what, before and after; newest first' })
  @ApiPage()
  @ApiResponse({ status: 200, description: 'A page', standardSchema: auditLogSchema, example: EXAMPLE })
  @ApiProblems('invalid-request', 'temporarily-unavailable')
  async list(@Query() query: unknown): Promise<z.infer<typeof auditLogSchema>> {
    const page = parseInput(listQuery, query);
    const rows = await listAudit(this.dataSource.manager, page);
    return {
      entries: rows.map(({ at, ...entry }) => ({ ...entry, at: at.toISOString() })),
      next: nextCursor(rows, page.limit),
    };
  }
}
