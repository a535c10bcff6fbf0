import type { Provider, Type } from '@nestjs/common';
import { ALARM_PERCENT, type ConcentrationConfig } from './concentration-settings';
import { ConcentrationWatch } from './concentration-watch.service';
import { ConcentrationController } from './concentration.controller';
import { Concentrations } from './concentration.service';

export const CONCENTRATION_CONTROLLERS: readonly Type[] = [ConcentrationController];

export function concentrationProviders({
  FLUX_CONCENTRATION_ALARM_PERCENT: alarmPercent,
}: ConcentrationConfig): readonly Provider[] {
  return [{ provide: ALARM_PERCENT, useValue: alarmPercent }, Concentrations, ConcentrationWatch];
}
