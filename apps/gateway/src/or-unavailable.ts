import { ProblemError } from '@flux/contracts';
import { GateUnavailableError } from '@flux/gate';

/** For reads: that Redis does not answer is a 503, nothing else is changed. */
export async function orUnavailable<Value>(reading: Promise<Value>): Promise<Value> {
  try {
    return await reading;
  } catch (error) {
    if (!(error instanceof GateUnavailableError)) throw error;
    throw new ProblemError('temporarily-unavailable', 'The service cannot answer now.');
  }
}
