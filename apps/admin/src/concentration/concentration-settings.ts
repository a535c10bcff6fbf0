import { integerSetting } from '@flux/config';
import { z } from 'zod';

export const concentrationSettings = z.object({
  FLUX_CONCENTRATION_ALARM_PERCENT: integerSetting({
    default: 5,
    min: 1,
    max: 100,
    unit: 'percent',
    description:
      "Share of a sale's units above which one network, address or device raises the alarm of concentration, from 100 units on",
  }),
});
export type ConcentrationConfig = z.output<typeof concentrationSettings>;

/** Injection token of that share. */
export const ALARM_PERCENT = Symbol('ALARM_PERCENT');
