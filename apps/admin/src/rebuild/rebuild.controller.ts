import { productIdSchema, saleIdSchema } from '@flux/contracts';
import { ApiProblems, parseInput } from '@flux/http';
import { Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { Operator, OperatorController } from '../keys/operator-controller';
import { ApiSaleId } from '../sales/sale-docs';
import {
  REBUILD_EXAMPLE,
  type RebuildAnswer,
  rebuildAnswer,
  rebuildAnswerSchema,
  rebuildListSchema,
} from './rebuild-answer';
import { RebuildRequests } from './rebuild-requests';

const itemParams = z.strictObject({ id: saleIdSchema, productId: productIdSchema });
const LISTED = 20;

@OperatorController('sales', 'rebuild')
export class RebuildController {
  constructor(private readonly requests: RebuildRequests) {}

  @Post(':id/items/:productId/rebuild')
  @HttpCode(202)
  @ApiOperation({
    summary: "Rebuild an item's gate from the database",
    description:
      'Closes the item at once (shoppers get 503 `not-ready`), brings what its gate still holds into the database, and ' +
      'writes the gate anew. Gates that lost data are rebuilt without being asked. A repeat joins the rebuild that is ' +
      'running; where the gate is ahead of the database nothing is closed, and `replay-first` says so.',
  })
  @ApiSaleId()
  @ApiParam({ name: 'productId', example: 'sneaker-42' })
  @ApiResponse({
    status: 202,
    description: 'Asked for; GET shows how far it has come',
    standardSchema: rebuildAnswerSchema,
    example: {
      ...REBUILD_EXAMPLE,
      ...{ state: 'running', phase: 'asked', kind: 'asked', reason: 'asked for by anna', actor: 'anna' },
      ...{ attempts: 0, epoch: null, orders: 0, available: null, doneAt: null, durationMs: null },
    } satisfies RebuildAnswer,
  })
  @ApiProblems('invalid-request', 'unknown-sale', 'unknown-product', 'sale-not-open', 'sale-closed')
  @ApiProblems('replay-first', 'temporarily-unavailable', 'outcome-unknown')
  async ask(@Operator() operator: string, @Param() params: unknown): Promise<RebuildAnswer> {
    const { id: saleId, productId } = parseInput(itemParams, params);
    return rebuildAnswer(await this.requests.ask({ saleId, productId }, operator));
  }

  @Get(':id/items/:productId/rebuild')
  @ApiOperation({ summary: "An item's rebuilds: the one that is running and those before it" })
  @ApiSaleId()
  @ApiParam({ name: 'productId', example: 'sneaker-42' })
  @ApiResponse({
    status: 200,
    description: 'Newest first',
    standardSchema: rebuildListSchema,
    example: { rebuilds: [REBUILD_EXAMPLE] },
  })
  @ApiProblems('invalid-request', 'unknown-sale', 'unknown-product', 'temporarily-unavailable')
  async list(@Param() params: unknown): Promise<z.output<typeof rebuildListSchema>> {
    const { id: saleId, productId } = parseInput(itemParams, params);
    const rebuilds = await this.requests.list({ saleId, productId }, LISTED);
    return { rebuilds: rebuilds.map(rebuildAnswer) };
  }
}
