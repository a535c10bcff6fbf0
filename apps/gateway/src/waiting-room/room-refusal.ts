import type { Refusal } from '@flux/contracts';
import { jitteredSeconds } from '@flux/http';

/** Where people join a sale's line. */
export function queueUrlOf(saleId: string): string {
  return `/v1/sales/${saleId}/queue`;
}

/** The same words for the gate's refusal and for the local one. */
export function roomRefusal(saleId: string, pageUrl: string): Refusal {
  return {
    code: 'waiting-room',
    detail: 'Join the line, and come back with the pass.',
    extra: {
      retryAfterSeconds: jitteredSeconds(),
      links: { queueUrl: queueUrlOf(saleId), pageUrl },
    },
  };
}

export const PASS_INVALID: Refusal = {
  code: 'pass-invalid',
  detail: 'The pass is not good for this purchase. Join the line again.',
  extra: {},
};

/** A sale's page for people. @param template with `{saleId}` where its id stands */
export function pageUrlOf(template: string, saleId: string): string {
  return template.replaceAll('{saleId}', saleId);
}
