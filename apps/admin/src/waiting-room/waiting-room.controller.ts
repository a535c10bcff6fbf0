import { admissionChangeSchema, beaconValueSchema, saleIdSchema } from '@flux/contracts';
import { ApiProblems, openApiSchema, parseInput } from '@flux/http';
import { Body, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { Operator, OperatorController } from '../keys/operator-controller';
import { type OperatorSale, operatorSaleSchema } from '../sales/sale-answer';
import { ApiSaleId, operatorSaleExample } from '../sales/sale-docs';
import { WaitingRoomService } from './waiting-room.service';

const saleParams = z.strictObject({ id: saleIdSchema });

@OperatorController('sales', 'waiting room')
export class WaitingRoomController {
  constructor(private readonly rooms: WaitingRoomService) {}

  @Post(':id/waiting-room')
  @HttpCode(200)
  @ApiOperation({
    summary: "Switch a sale's waiting room, or change its settings",
    description:
      'Takes effect at once. `off`: nobody waits; `auto`: everybody queues while more come than `ratePerSecond`; `on`: ' +
      'everybody queues; `closed`: nobody gets in. `challenge` is asked for in front of joining and buying, whatever the ' +
      'mode. What is left out stays as it is; a repeat changes nothing.',
  })
  @ApiSaleId()
  @ApiBody({
    schema: openApiSchema(admissionChangeSchema, 'input'),
    examples: {
      on: { summary: 'Everybody queues', value: { mode: 'on' } },
      slower: { summary: 'The checkout is slow', value: { ratePerSecond: 50, maxInside: 1_000 } },
      challenge: { summary: 'Shoppers prove work before they join or buy', value: { challenge: 'pow' } },
      unbounded: { summary: 'No bound of those inside', value: { maxInside: null } },
    },
  })
  @ApiResponse({
    status: 200,
    description: 'The sale, with the settings as they are now',
    standardSchema: operatorSaleSchema,
    example: operatorSaleExample('open'),
  })
  @ApiProblems('invalid-request', 'unknown-sale', 'invalid-transition', 'temporarily-unavailable')
  @ApiProblems('payload-too-large', 'unsupported-media-type')
  async change(
    @Operator() operator: string,
    @Param() params: unknown,
    @Body() body: unknown,
  ): Promise<OperatorSale> {
    const { id: saleId } = parseInput(saleParams, params);
    return this.rooms.change({ actor: operator, saleId, what: parseInput(admissionChangeSchema, body) });
  }

  @Post(':id/beacon')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Say what the public beacon of the draw said',
    description:
      'Only where the sale was defined with a beacon, once, and not before `opensAt`. The places are drawn right after.',
  })
  @ApiSaleId()
  @ApiBody({
    schema: openApiSchema(beaconValueSchema, 'input'),
    examples: { lottery: { summary: 'The numbers of a lottery', value: { value: '5 12 19 23 40 48' } } },
  })
  @ApiResponse({
    status: 200,
    description: 'The sale, with the value',
    standardSchema: operatorSaleSchema,
    example: operatorSaleExample('open'),
  })
  @ApiProblems('invalid-request', 'unknown-sale', 'invalid-transition', 'temporarily-unavailable')
  @ApiProblems('payload-too-large', 'unsupported-media-type')
  async beacon(
    @Operator() operator: string,
    @Param() params: unknown,
    @Body() body: unknown,
  ): Promise<OperatorSale> {
    const { id: saleId } = parseInput(saleParams, params);
    const { value } = parseInput(beaconValueSchema, body);
    return this.rooms.setBeacon({ actor: operator, saleId, what: value });
  }
}
