import { saleIdSchema } from '@flux/contracts';
import { ApiProblems, openApiSchema, parseInput } from '@flux/http';
import { Get, Headers, Param, Res } from '@nestjs/common';
import { ApiOperation, ApiProduces, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { preferredType } from '../accept';
import { OperatorController } from '../keys/operator-controller';
import { ApiSaleId } from '../sales/sale-docs';
import { type SaleReport, saleReportSchema } from './report-answer';
import { REPORT_EXAMPLE } from './report-example';
import { PAGE_POLICY, reportPage } from './report-page';
import { SaleReporter } from './sale-reporter';

const saleParams = z.strictObject({ id: saleIdSchema });
const FORMS = ['application/json', 'text/html'] as const;

@OperatorController('sales', 'audit')
export class ReportController {
  constructor(private readonly reporter: SaleReporter) {}

  @Get(':id/report')
  @ApiOperation({
    summary: 'Read what a sale came to',
    description:
      'As JSON, or with `Accept: text/html` as a page to print. Runs the checker, and so takes as long as an audit. ' +
      'Figures may change while orders of a closed sale are still paid, expire or are cancelled.',
  })
  @ApiSaleId()
  @ApiProduces(...FORMS)
  @ApiResponse({
    status: 200,
    description: 'The report, whatever the verdict',
    content: {
      'application/json': { schema: openApiSchema(saleReportSchema), example: REPORT_EXAMPLE },
      'text/html': { schema: { type: 'string' }, example: '<!doctype html>...' },
    },
  })
  @ApiProblems('invalid-request', 'unknown-sale', 'sale-running', 'temporarily-unavailable')
  async report(
    @Param() params: unknown,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<SaleReport | string> {
    const report = await this.reporter.report(parseInput(saleParams, params).id);
    reply.header('Vary', 'Accept');
    if (preferredType(accept, FORMS) === 'application/json') return report;
    reply.type('text/html; charset=utf-8');
    reply.header('Content-Security-Policy', PAGE_POLICY);
    reply.header('X-Content-Type-Options', 'nosniff');
    return reportPage(report);
  }
}
