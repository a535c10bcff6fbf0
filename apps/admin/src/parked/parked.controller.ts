import { ApiProblems, parseInput } from '@flux/http';
import { LedgerReader, type ParkedMessageEntity } from '@flux/ledger';
import { Get, Query } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { OperatorController } from '../operators/operator-controller';
import { ApiPage, nextCursor, numberCursor, pageQuery } from '../page-query';

const listQuery = pageQuery(numberCursor);

/** Without body and headers: they hold shoppers' ids, and the body may hold anything. */
const parkedMessageSchema = z.object({
  id: z.string(),
  topic: z.string(),
  partition: z.number().int(),
  offset: z.string(),
  reason: z.string(),
  saleId: z.string().nullable(),
  productId: z.string().nullable(),
  epoch: z.number().int().nullable(),
  firstSequence: z.number().int().nullable(),
  orders: z.number().int().meta({ description: 'Orders that wait with this message' }),
  bookedUnits: z.number().int().meta({ description: 'Units booked for them in the ledger' }),
  state: z.enum(['parked', 'retried', 'discarded']),
  parkedAt: z.iso.datetime(),
  resolvedAt: z.iso.datetime().nullable(),
});
type ParkedMessage = z.infer<typeof parkedMessageSchema>;
const parkedListSchema = z.object({ messages: z.array(parkedMessageSchema), next: z.string().nullable() });

const EXAMPLE: ParkedMessage = {
  id: '3',
  topic: 'orders-accepted.v1',
  partition: 5,
  offset: '1840',
  reason: 'the body is not JSON',
  saleId: 'autumn-drop',
  productId: 'sneaker-42',
  epoch: 1,
  firstSequence: 212,
  orders: 4,
  bookedUnits: 4,
  state: 'parked',
  parkedAt: '2026-01-01T10:15:00.000Z',
  resolvedAt: null,
};

@OperatorController('parked', 'parked messages')
export class ParkedController {
  constructor(private readonly ledger: LedgerReader) {}

  @Get()
  @ApiOperation({ summary: 'Messages that could not be processed, with their reason; newest first' })
  @ApiPage()
  @ApiResponse({
    status: 200,
    description: 'A page',
    standardSchema: parkedListSchema,
    example: { messages: [EXAMPLE], next: null },
  })
  @ApiProblems('invalid-request', 'temporarily-unavailable')
  async list(@Query() query: unknown): Promise<z.infer<typeof parkedListSchema>> {
    const { after, limit } = parseInput(listQuery, query);
    const rows = await this.ledger.parkedMessages({ limit, ...(after === undefined ? {} : { after }) });
    return { messages: rows.map(parkedMessage), next: nextCursor(rows, limit) };
  }
}

function parkedMessage(row: ParkedMessageEntity): ParkedMessage {
  const { id, topic, partition, reason, saleId, productId, epoch, firstSequence, state } = row;
  return {
    ...{ id, topic, partition, offset: row.messageOffset, reason, saleId, productId, epoch, firstSequence },
    orders: row.orderCount,
    bookedUnits: row.booked,
    state,
    parkedAt: row.parkedAt.toISOString(),
    resolvedAt: row.resolvedAt?.toISOString() ?? null,
  };
}
