import { REFUND_STATES, paymentIdSchema, refundSchema } from '@flux/contracts';
import { ApiProblems, parseInput } from '@flux/http';
import { Payments } from '@flux/ledger';
import { Get, Query } from '@nestjs/common';
import { ApiOperation, ApiQuery, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { ServiceController } from '../keys/service-controller';
import { ApiPage, pageQuery } from '../page-query';
import { refundAnswer } from './order-details';
import { REFUND_EXAMPLE } from './shop-docs';

const listQuery = pageQuery(paymentIdSchema).extend({ state: z.enum(REFUND_STATES).optional() });
const refundPageSchema = z.object({ refunds: z.array(refundSchema), next: z.string().nullable() });

@ServiceController('refunds', 'shop: refunds')
export class RefundsController {
  constructor(private readonly payments: Payments) {}

  @Get()
  @ApiOperation({
    summary: 'List the money that has to go back, or went back, by payment id',
    description:
      'Money of the shop’s own (`POST …/paid`) goes back by the shop; that of a payment provider by itself.',
  })
  @ApiQuery({ name: 'state', required: false, enum: REFUND_STATES })
  @ApiPage()
  @ApiResponse({
    status: 200,
    description: 'A page',
    standardSchema: refundPageSchema,
    example: { refunds: [REFUND_EXAMPLE], next: null },
  })
  @ApiProblems('invalid-request', 'temporarily-unavailable')
  async list(@Query() query: unknown): Promise<z.infer<typeof refundPageSchema>> {
    const { after, limit, state } = parseInput(listQuery, query);
    const rows = await this.payments.refunds({
      limit,
      ...(after === undefined ? {} : { after }),
      ...(state === undefined ? {} : { state }),
    });
    return {
      refunds: rows.map(refundAnswer),
      next: rows.length < limit ? null : (rows.at(-1)?.paymentId ?? null),
    };
  }
}
