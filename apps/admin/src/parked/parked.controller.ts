import { ApiProblems, parseInput } from '@flux/http';
import { LedgerReader } from '@flux/ledger';
import { Get, HttpCode, Param, Post, Query, applyDecorators } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { Operator, OperatorController } from '../keys/operator-controller';
import { ApiPage, nextCursor, numberCursor, pageQuery } from '../page-query';
import {
  type DiscardAnswer,
  PARKED_MESSAGE_EXAMPLE,
  type RetryAnswer,
  discardAnswerSchema,
  parkedListSchema,
  parkedMessage,
  retryAnswerSchema,
} from './parked-answer';
import { ParkedService } from './parked.service';

const listQuery = pageQuery(numberCursor);
const messageParams = z.strictObject({ id: z.string().regex(/^\d{1,18}$/, 'is not the id of a message') });

@OperatorController('parked', 'parked messages')
export class ParkedController {
  constructor(
    private readonly ledger: LedgerReader,
    private readonly parked: ParkedService,
  ) {}

  @Get()
  @ApiOperation({ summary: 'Messages that could not be processed, with their reason; newest first' })
  @ApiPage()
  @ApiResponse({
    status: 200,
    description: 'A page',
    standardSchema: parkedListSchema,
    example: { messages: [PARKED_MESSAGE_EXAMPLE], next: null },
  })
  @ApiProblems('invalid-request', 'temporarily-unavailable')
  async list(@Query() query: unknown): Promise<z.infer<typeof parkedListSchema>> {
    const { after, limit } = parseInput(listQuery, query);
    const rows = await this.ledger.parkedMessages({ limit, ...(after === undefined ? {} : { after }) });
    return { messages: rows.map(parkedMessage), next: nextCursor(rows, limit) };
  }

  @Post(':id/retry')
  @ApiResolution({
    summary: 'Process a message anew',
    description:
      'Its orders use the units that were booked for them and take what they lack; each is confirmed as soon as there is ' +
      'enough, and its hold begins now. Those that must wait stay parked, and the message with them.',
  })
  @ApiResponse({
    status: 200,
    description: 'What it came to',
    standardSchema: retryAnswerSchema,
    example: { id: '3', state: 'retried', confirmed: 4, waiting: 0 },
  })
  @ApiProblems('message-resolved', 'still-unprocessable')
  async retry(@Operator() operator: string, @Param() params: unknown): Promise<RetryAnswer> {
    return this.parked.retry(operator, parseInput(messageParams, params).id);
  }

  @Post(':id/discard')
  @ApiResolution({
    summary: 'Give a message up',
    description: 'Its orders are cancelled, and the units that were booked for them go back on sale.',
  })
  @ApiResponse({
    status: 200,
    description: 'What it came to',
    standardSchema: discardAnswerSchema,
    example: { id: '3', state: 'discarded', cancelled: 4 },
  })
  @ApiProblems('message-resolved')
  async discard(@Operator() operator: string, @Param() params: unknown): Promise<DiscardAnswer> {
    return this.parked.discard(operator, parseInput(messageParams, params).id);
  }
}

/** Documents what the two ends of a parked message share. */
function ApiResolution(text: { readonly summary: string; readonly description: string }): MethodDecorator {
  return applyDecorators(
    HttpCode(200),
    ApiOperation(text),
    ApiParam({ name: 'id', description: 'Id of the message', example: PARKED_MESSAGE_EXAMPLE.id }),
    ApiProblems('invalid-request', 'unknown-message', 'temporarily-unavailable'),
  );
}
