import { ProblemError } from '@flux/contracts';
import { ApiProblems, parseInput } from '@flux/http';
import type { WebhookDeliveryEntity } from '@flux/ledger';
import { Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiOperation, ApiParam, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { Operator, OperatorController } from '../keys/operator-controller';
import { ApiPage, nextCursor, numberCursor, pageQuery } from '../page-query';
import { Deliveries } from './deliveries.repository';
import {
  ApiWebhookId,
  DELIVERY_EXAMPLE,
  type DeliveryAnswer,
  deliveryPageSchema,
  deliverySchema,
} from './webhook-docs';
import { webhookIdSchema } from './webhooks.controller';
import { Webhooks } from './webhooks.service';

const listParams = z.strictObject({ id: webhookIdSchema });
const listQuery = pageQuery(numberCursor);
const deliveryParams = z.strictObject({
  id: webhookIdSchema,
  deliveryId: z.string().regex(/^\d{1,18}$/, 'is not the id of a delivery'),
});

@OperatorController('webhooks', 'webhooks')
export class DeliveriesController {
  constructor(
    private readonly webhooks: Webhooks,
    private readonly deliveries: Deliveries,
  ) {}

  @Get(':id/deliveries')
  @ApiOperation({ summary: 'Events that an endpoint did not take within a day, newest first' })
  @ApiWebhookId()
  @ApiPage()
  @ApiResponse({
    status: 200,
    description: 'A page of the parked ones',
    standardSchema: deliveryPageSchema,
    example: { deliveries: [DELIVERY_EXAMPLE], next: null },
  })
  @ApiProblems('invalid-request', 'unknown-webhook', 'temporarily-unavailable')
  async list(@Param() params: unknown, @Query() query: unknown): Promise<z.infer<typeof deliveryPageSchema>> {
    const { id } = parseInput(listParams, params);
    const page = parseInput(listQuery, query);
    await this.webhooks.find(id);
    const rows = await this.deliveries.parked(id, page);
    return { deliveries: rows.map(deliveryAnswer), next: nextCursor(rows, page.limit) };
  }

  @Post(':id/deliveries/:deliveryId/retry')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Send a parked event again',
    description: 'It has another day for it. A delivery that is not parked stays as it is.',
  })
  @ApiWebhookId()
  @ApiParam({ name: 'deliveryId', example: DELIVERY_EXAMPLE.id })
  @ApiResponse({
    status: 200,
    description: 'The delivery as it is now',
    standardSchema: deliverySchema,
    example: { ...DELIVERY_EXAMPLE, state: 'pending', attempts: 0 },
  })
  @ApiProblems('invalid-request', 'unknown-webhook', 'not-found', 'temporarily-unavailable')
  async retry(@Operator() operator: string, @Param() params: unknown): Promise<DeliveryAnswer> {
    const { id, deliveryId } = parseInput(deliveryParams, params);
    await this.webhooks.find(id);
    const delivery = await this.deliveries.retry(operator, { endpointId: id, deliveryId });
    if (delivery === undefined)
      throw new ProblemError('not-found', 'No delivery of the endpoint has this id.');
    return deliveryAnswer(delivery);
  }
}

function deliveryAnswer(row: WebhookDeliveryEntity): DeliveryAnswer {
  const { id, state, event, attempts, lastFailure, createdAt } = row;
  return { id, state, event, attempts, lastFailure, createdAt: createdAt.toISOString() };
}
