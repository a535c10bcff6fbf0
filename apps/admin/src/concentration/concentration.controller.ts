import { saleIdSchema } from '@flux/contracts';
import { ApiProblems, parseInput } from '@flux/http';
import { Get, Inject, Param } from '@nestjs/common';
import { ApiOperation, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import { OperatorController } from '../keys/operator-controller';
import { ApiSaleId } from '../sales/sale-docs';
import { CONCENTRATION_EXAMPLE, concentrationSchema, type ConcentrationAnswer } from './concentration-docs';
import { ALARM_PERCENT } from './concentration-settings';
import { Concentrations } from './concentration.service';
import { isAlarming, type Spread } from './spread';

const saleParams = z.strictObject({ id: saleIdSchema });

@OperatorController('sales', 'audit')
export class ConcentrationController {
  constructor(
    private readonly concentrations: Concentrations,
    @Inject(ALARM_PERCENT) private readonly alarmPercent: number,
  ) {}

  @Get(':id/concentration')
  @ApiOperation({
    summary: 'See how the units of a sale are spread over networks, addresses and devices',
    description:
      'During the sale, some seconds behind it, and after it. For people, not for accounts: gateways count what they ' +
      'accept, and one that dies takes its last second with it.',
  })
  @ApiSaleId()
  @ApiResponse({
    status: 200,
    description: 'For each kind the sums and the ten largest',
    standardSchema: concentrationSchema,
    example: CONCENTRATION_EXAMPLE,
  })
  @ApiProblems('invalid-request', 'unknown-sale', 'temporarily-unavailable')
  async read(@Param() params: unknown): Promise<ConcentrationAnswer> {
    const { id: saleId } = parseInput(saleParams, params);
    const { network, address, device } = await this.concentrations.of(saleId);
    return {
      saleId,
      network: this.answer(network),
      address: this.answer(address),
      device: this.answer(device),
    };
  }

  private answer(spread: Spread): ConcentrationAnswer['network'] {
    const { top, ...sums } = spread;
    return { ...sums, top: [...top], alarm: isAlarming(spread, this.alarmPercent) };
  }
}
