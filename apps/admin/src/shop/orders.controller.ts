import { Readable } from 'node:stream';
import {
  ORDER_STATUSES,
  type ShopOrderDetail,
  orderIdSchema,
  saleIdSchema,
  shopOrderDetailSchema,
} from '@flux/contracts';
import { ApiProblems, parseInput } from '@flux/http';
import { Get, Headers, Param, Query, Res, StreamableFile } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { preferredType } from '../accept';
import { ServiceController } from '../keys/service-controller';
import { ApiPage, pageQuery } from '../page-query';
import { OrderDetails } from './order-details';
import { csvOf, ndjsonOf } from './order-export';
import { type OrderPage, OrderReader, type OrderRun } from './order-reader';
import { orderParams } from './order-params';
import { ApiOrderId, ApiOrderList, SHOP_ORDER_DETAIL_EXAMPLE } from './shop-docs';

const listQuery = pageQuery(orderIdSchema).extend({
  saleId: saleIdSchema.optional(),
  status: z.enum(ORDER_STATUSES).optional(),
});

const FORMS = ['application/json', 'text/csv', 'application/x-ndjson'] as const;
const EXPORTS = {
  'text/csv': { type: 'text/csv; charset=utf-8; header=present', extension: 'csv', write: csvOf },
  'application/x-ndjson': { type: 'application/x-ndjson', extension: 'ndjson', write: ndjsonOf },
} as const;

@ServiceController('orders', 'shop: orders')
export class ShopOrdersController {
  constructor(
    private readonly reader: OrderReader,
    private readonly details: OrderDetails,
  ) {}

  @Get()
  @ApiOperation({
    summary: 'List orders by id, or export them',
    description:
      'With `Accept: text/csv` or `application/x-ndjson` the answer is a stream of everything that matches behind ' +
      '`after`; a connection that breaks off was not the end, so go on behind the last line. Orders that the ledger has ' +
      'not judged yet are not listed, but for parked ones (`accepted`). CSV values are written as they are: a ' +
      'spreadsheet may take a reason that begins with `=` for a formula.',
  })
  @ApiQuery({ name: 'saleId', required: false, example: 'autumn-drop' })
  @ApiQuery({ name: 'status', required: false, enum: ORDER_STATUSES })
  @ApiPage()
  @ApiOrderList()
  @ApiProblems('invalid-request', 'temporarily-unavailable')
  async list(
    @Query() query: unknown,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<OrderPage | StreamableFile> {
    const { saleId, status, after, limit } = parseInput(listQuery, query);
    const form = preferredType(accept, FORMS);
    reply.header('Vary', 'Accept');
    if (form === 'application/json') return this.reader.page({ saleId, status, after }, limit);
    const { type, extension, write } = EXPORTS[form];
    const runs = await begun(this.reader.runs({ saleId, status, after }));
    const name = saleId === undefined ? 'orders' : `orders-${saleId}`;
    // Bytes, not objects: so the next run is read when the reader has taken most of this one.
    const stream = Readable.from(write(runs), { objectMode: false });
    return new StreamableFile(stream, { type, disposition: `attachment; filename="${name}.${extension}"` });
  }

  @Get(':id')
  @ApiOperation({
    summary: 'Read an order, with its history and the money that came for it',
    description:
      'The archive never forgets. An order that the ledger has not judged yet is answered from the gate.',
  })
  @ApiOrderId()
  @ApiResponse({
    status: 200,
    description: 'The order',
    standardSchema: shopOrderDetailSchema,
    example: SHOP_ORDER_DETAIL_EXAMPLE,
  })
  @ApiProblems('invalid-request', 'unknown-order', 'not-ready', 'temporarily-unavailable')
  async get(@Param() params: unknown): Promise<ShopOrderDetail> {
    return this.details.of(parseInput(orderParams, params).id);
  }
}

/** The same runs, with the first one read: what keeps PostgreSQL from answering still becomes a 503. */
async function begun(runs: AsyncGenerator<OrderRun, void, undefined>): Promise<AsyncIterable<OrderRun>> {
  const first = await runs.next();
  return (async function* () {
    if (first.done !== true) yield first.value;
    yield* runs;
  })();
}
