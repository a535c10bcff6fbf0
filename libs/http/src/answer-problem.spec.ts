import { ERRORS, problemOf, ProblemError, type ErrorCode } from '@flux/contracts';
import { renderProblem } from './answer-problem';

const ID = '6f1c2f0e-3a55-4f0b-9d58-0f4f4f3d2a11';

describe('renderProblem', () => {
  it('renders every error of the table as problemOf has it, again and again', () => {
    for (const code of Object.keys(ERRORS) as ErrorCode[]) {
      for (const detail of ['One "thing".', 'Another\nthing.', 'One "thing".']) {
        for (const requestId of [ID, 'trace-42_A']) {
          const problem = new ProblemError(code, detail);
          const { status, body } = renderProblem(problem, requestId);
          expect(body).toBe(JSON.stringify(problemOf(problem, requestId)));
          expect(status).toBe(ERRORS[code].status);
        }
      }
    }
  });

  it('keeps the wrong fields of one request from the next', () => {
    const wrong = (pointer: string) =>
      new ProblemError('invalid-request', 'A field is wrong.', { errors: [{ pointer, detail: 'is wrong' }] });
    for (const problem of [
      wrong('/a'),
      wrong('/b'),
      new ProblemError('invalid-request', 'A field is wrong.'),
    ]) {
      expect(renderProblem(problem, ID).body).toBe(JSON.stringify(problemOf(problem, ID)));
    }
  });

  it('goes on rendering when there were more details than it keeps', () => {
    for (let limit = 0; limit < 2_500; limit += 1) {
      const problem = new ProblemError('shopper-limit', `A shopper may have ${limit}.`);
      expect(renderProblem(problem, ID).body).toBe(JSON.stringify(problemOf(problem, ID)));
    }
  });

  it('says when to come back, spread over three seconds, only where a retry can help', () => {
    const secondsOf = (code: ErrorCode) =>
      renderProblem(new ProblemError(code, ''), ID).headers['retry-after'];
    const seconds = Array.from({ length: 100 }, () => secondsOf('sold-out'));
    expect(new Set(seconds)).toEqual(new Set(['1', '2', '3']));
    expect(secondsOf('sale-closed')).toBeUndefined();
  });
});
