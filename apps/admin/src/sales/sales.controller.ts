import { newSaleSchema, saleIdSchema } from '@flux/contracts';
import { ApiProblems, openApiSchema, parseInput } from '@flux/http';
import { Body, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Operator, OperatorController } from '../keys/operator-controller';
import { ApiPage, pageQuery } from '../page-query';
import { type OperatorSale, operatorSaleListSchema, operatorSaleSchema } from './sale-answer';
import { ApiSaleId, ApiTransition, NEW_SALE_EXAMPLE, operatorSaleExample } from './sale-docs';
import type { SaleAction } from './sale-life-cycle';
import { SalesService } from './sales.service';

const saleParams = z.strictObject({ id: saleIdSchema });
const listQuery = pageQuery(saleIdSchema);

@OperatorController('sales', 'sales')
export class SalesController {
  constructor(private readonly sales: SalesService) {}

  @Post()
  @ApiOperation({
    summary: 'Define a sale',
    description:
      'It is `scheduled`: shown to shoppers, and sells nothing until it is opened and `opensAt` has come.',
  })
  @ApiBody({ schema: openApiSchema(newSaleSchema, 'input'), examples: { sale: { value: NEW_SALE_EXAMPLE } } })
  @ApiResponse({
    status: 201,
    description: 'The sale; `Location` leads to it',
    standardSchema: operatorSaleSchema,
    example: operatorSaleExample('scheduled'),
    headers: { Location: { schema: { type: 'string' } } },
  })
  @ApiProblems('invalid-request', 'sale-exists', 'temporarily-unavailable')
  @ApiProblems('payload-too-large', 'unsupported-media-type')
  async create(
    @Operator() operator: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OperatorSale> {
    const sale = await this.sales.create(operator, parseInput(newSaleSchema, body));
    reply.header('Location', `/admin/v1/sales/${sale.id}`);
    return sale;
  }

  @Get()
  @ApiOperation({ summary: 'List sales, newest first' })
  @ApiPage()
  @ApiResponse({
    status: 200,
    description: 'A page of sales',
    standardSchema: operatorSaleListSchema,
    example: { sales: [operatorSaleExample('open')], next: null },
  })
  @ApiProblems('invalid-request', 'temporarily-unavailable')
  async list(@Query() query: unknown): Promise<z.infer<typeof operatorSaleListSchema>> {
    const { after, limit } = parseInput(listQuery, query);
    const { sales, next } = await this.sales.list({ after, limit });
    return { sales: [...sales], next };
  }

  @Get(':id')
  @ApiOperation({ summary: "Read a sale, with the gate's and the ledger's counters side by side" })
  @ApiSaleId()
  @ApiResponse({
    status: 200,
    description: 'The sale',
    standardSchema: operatorSaleSchema,
    example: operatorSaleExample('open'),
  })
  @ApiProblems('invalid-request', 'unknown-sale', 'temporarily-unavailable')
  async get(@Param() params: unknown): Promise<OperatorSale> {
    return this.sales.get(parseInput(saleParams, params).id);
  }

  @Post(':id/open')
  @HttpCode(200)
  @ApiTransition({
    summary: 'Open a scheduled sale',
    description: 'Its units go to the gate, which sells from `opensAt` to `closesAt` by the clock of Redis.',
  })
  @ApiProblems('invalid-transition', 'product-on-sale', 'insufficient-memory', 'gate-unsafe')
  async open(@Operator() operator: string, @Param() params: unknown): Promise<OperatorSale> {
    return this.act(operator, params, 'open');
  }

  @Post(':id/pause')
  @HttpCode(200)
  @ApiTransition({
    summary: 'Pause an open sale',
    description: 'Nobody buys until it is resumed; repeated keys and reads are answered.',
  })
  @ApiProblems('invalid-transition')
  async pause(@Operator() operator: string, @Param() params: unknown): Promise<OperatorSale> {
    return this.act(operator, params, 'pause');
  }

  @Post(':id/resume')
  @HttpCode(200)
  @ApiTransition({
    summary: 'Resume a paused sale',
    description: 'An item that waits for its rebuild stays as it is.',
  })
  @ApiProblems('invalid-transition')
  async resume(@Operator() operator: string, @Param() params: unknown): Promise<OperatorSale> {
    return this.act(operator, params, 'resume');
  }

  @Post(':id/close')
  @HttpCode(200)
  @ApiTransition({
    summary: 'Close a sale for good',
    description: 'Happens by itself at `closesAt`. A scheduled sale is called off.',
  })
  @ApiProblems('invalid-transition')
  async close(@Operator() operator: string, @Param() params: unknown): Promise<OperatorSale> {
    return this.act(operator, params, 'close');
  }

  private async act(operator: string, params: unknown, action: SaleAction): Promise<OperatorSale> {
    return this.sales.act({ actor: operator, saleId: parseInput(saleParams, params).id, action });
  }
}
