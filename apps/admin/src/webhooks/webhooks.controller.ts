import { ApiProblems, openApiSchema, parseInput } from '@flux/http';
import type { WebhookEndpointEntity } from '@flux/ledger';
import { Body, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { Operator, OperatorController } from '../keys/operator-controller';
import {
  ApiWebhookId,
  WEBHOOK_EXAMPLE,
  WEBHOOK_WITH_SECRET_EXAMPLE,
  type WebhookAnswer,
  type WebhookWithSecret,
  newWebhookSchema,
  webhookListSchema,
  webhookWithSecretSchema,
} from './webhook-docs';
import { Webhooks } from './webhooks.service';

export const webhookIdSchema = z.string().regex(/^wh_[A-Za-z0-9_-]{16}$/, 'is not the id of an endpoint');
const params = z.strictObject({ id: webhookIdSchema });

@OperatorController('webhooks', 'webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: Webhooks) {}

  @Post()
  @ApiOperation({
    summary: 'Send every change of an order to an address of the shop',
    description:
      'Events as of `order-status.v1`, signed as Standard Webhooks are, at least once each and in no order. What is not ' +
      'answered with 2xx is sent again for a day, then parked; 410 removes the endpoint. Only https on port 443 of ' +
      'public addresses, without redirects, except for what `FLUX_WEBHOOK_ALLOW` names.',
  })
  @ApiBody({
    schema: openApiSchema(newWebhookSchema, 'input'),
    examples: { endpoint: { value: { url: WEBHOOK_EXAMPLE.url } } },
  })
  @ApiResponse({
    status: 201,
    description: 'Registered',
    standardSchema: webhookWithSecretSchema,
    example: WEBHOOK_WITH_SECRET_EXAMPLE,
  })
  @ApiProblems('invalid-request', 'payload-too-large', 'unsupported-media-type', 'temporarily-unavailable')
  async create(@Operator() operator: string, @Body() body: unknown): Promise<WebhookWithSecret> {
    const { url } = parseInput(newWebhookSchema, body);
    return withSecret(await this.webhooks.create(operator, url));
  }

  @Get()
  @ApiOperation({ summary: 'List the endpoints' })
  @ApiResponse({
    status: 200,
    description: 'All of them, without their secrets',
    standardSchema: webhookListSchema,
    example: { webhooks: [WEBHOOK_EXAMPLE] },
  })
  @ApiProblems('temporarily-unavailable')
  async list(): Promise<z.infer<typeof webhookListSchema>> {
    return { webhooks: (await this.webhooks.list()).map(webhookAnswer) };
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({
    summary: 'Remove an endpoint',
    description: 'What was on its way to it is not sent any more.',
  })
  @ApiWebhookId()
  @ApiResponse({ status: 204, description: 'Removed' })
  @ApiProblems('invalid-request', 'unknown-webhook', 'temporarily-unavailable')
  async remove(@Operator() operator: string, @Param() given: unknown): Promise<void> {
    const { id } = parseInput(params, given);
    await this.webhooks.remove(operator, id);
  }

  @Post(':id/secret')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Give an endpoint a new secret',
    description: 'The one before it signs too, in the same header, until the next rotation.',
  })
  @ApiWebhookId()
  @ApiResponse({
    status: 200,
    description: 'The endpoint with its new secret',
    standardSchema: webhookWithSecretSchema,
    example: WEBHOOK_WITH_SECRET_EXAMPLE,
  })
  @ApiProblems('invalid-request', 'unknown-webhook', 'temporarily-unavailable')
  async rotate(@Operator() operator: string, @Param() given: unknown): Promise<WebhookWithSecret> {
    const { id } = parseInput(params, given);
    return withSecret(await this.webhooks.rotateSecret(operator, id));
  }
}

function webhookAnswer({ id, url, createdAt }: WebhookEndpointEntity): WebhookAnswer {
  return { id, url, createdAt: createdAt.toISOString() };
}

/** @throws where the endpoint has none, which is breakage */
function withSecret(endpoint: WebhookEndpointEntity): WebhookWithSecret {
  const [secret] = endpoint.secrets;
  if (secret === undefined) throw new Error('a webhook endpoint has no secret');
  return { ...webhookAnswer(endpoint), secret };
}
