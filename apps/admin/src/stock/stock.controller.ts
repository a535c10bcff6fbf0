import { productIdSchema, saleIdSchema, stockChangeSchema } from '@flux/contracts';
import { ApiProblems, openApiSchema, parseInput } from '@flux/http';
import { Body, Headers, HttpCode, HttpStatus, Param, Post, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiParam, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { ApiIdempotencyKey, KEY_HEADER, parseIdempotencyKey } from '../idempotency-key';
import { Operator, OperatorController } from '../keys/operator-controller';
import { ApiSaleId } from '../sales/sale-docs';
import { type StockChangeAnswer, stockChangeAnswerSchema } from './stock-answer';
import { StockService } from './stock.service';

const itemParams = z.strictObject({ id: saleIdSchema, productId: productIdSchema });
const EXAMPLE: StockChangeAnswer = {
  id: 'u8rZ0f4bq1mXn2Yp7sKdLw',
  saleId: 'autumn-drop',
  productId: 'sneaker-42',
  delta: 20,
  reason: 'Found a box',
  state: 'applied',
  createdAt: '2026-01-01T10:15:00.000Z',
};

@OperatorController('sales', 'stock')
export class StockController {
  constructor(private readonly stock: StockService) {}

  @Post(':id/items/:productId/stock')
  @HttpCode(200)
  @ApiOperation({
    summary: "Add units to an item's stock, or withdraw them",
    description:
      'With an `Idempotency-Key` a repeat never applies twice and answers the same; without one every call is another ' +
      'change. Units are added in the ledger first and withdrawn at the gate first, so that a crash leaves too few units ' +
      'for sale for a moment, never too many.',
  })
  @ApiSaleId()
  @ApiParam({ name: 'productId', example: 'sneaker-42' })
  @ApiIdempotencyKey()
  @ApiBody({
    schema: openApiSchema(stockChangeSchema, 'input'),
    examples: {
      add: { value: { delta: 20, reason: 'Found a box' } },
      withdraw: { value: { delta: -5, reason: 'Damaged' } },
    },
  })
  @ApiResponse({
    status: 200,
    description: 'Applied',
    standardSchema: stockChangeAnswerSchema,
    example: EXAMPLE,
  })
  @ApiResponse({
    status: 202,
    description: 'Added in the ledger; the gate gets the units as soon as Redis answers',
    standardSchema: stockChangeAnswerSchema,
    example: { ...EXAMPLE, state: 'pending' },
  })
  @ApiProblems('invalid-request', 'invalid-idempotency-key', 'unknown-sale', 'unknown-product')
  @ApiProblems('insufficient-stock', 'sale-closed', 'payload-too-large', 'unsupported-media-type')
  @ApiProblems('idempotency-key-reused', 'not-ready', 'temporarily-unavailable', 'outcome-unknown')
  async change(
    @Operator() operator: string,
    @Param() params: unknown,
    @Headers(KEY_HEADER) key: string | undefined,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StockChangeAnswer> {
    const { id: saleId, productId } = parseInput(itemParams, params);
    const idempotencyKey = parseIdempotencyKey(key);
    const { delta, reason } = parseInput(stockChangeSchema, body);
    const answer = await this.stock.change({
      saleId,
      productId,
      delta,
      reason,
      actor: operator,
      idempotencyKey,
    });
    if (answer.state === 'pending') reply.status(HttpStatus.ACCEPTED);
    return answer;
  }
}
