import { GateUnavailableError } from '@flux/gate';
import { setTimeout as pause } from 'node:timers/promises';

/** A step whose answer was lost is sent again: the gate knows what it has done. */
const STEP_ATTEMPTS = 3;
const STEP_PAUSE_MS = 100;

/** Another rebuild, or the sale's end, came first; or Redis lost the gate once more. */
export class Overtaken extends Error {
  override readonly name = 'Overtaken';
}

/** @throws Overtaken where the gate refused the step */
export function mustBe(
  expected: string,
  answer: { readonly outcome: string; readonly epoch?: number },
): void {
  const { outcome, epoch } = answer;
  if (outcome === expected || outcome === 'repeated') return;
  throw new Overtaken(`the gate answered ${outcome}${epoch === undefined ? '' : ` ${epoch}`}`);
}

/** @throws GateUnavailableError where the gate does not answer for longer */
export async function repeated<Answer>(step: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await step();
    } catch (error) {
      if (!(error instanceof GateUnavailableError) || attempt === STEP_ATTEMPTS) throw error;
      await pause(STEP_PAUSE_MS);
    }
  }
}
