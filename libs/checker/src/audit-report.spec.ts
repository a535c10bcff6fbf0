import { FactDigest, LineFindings, MAX_OFFENDERS, newFindings, reportOf } from './audit-report';

function digestOf(facts: readonly string[]): string {
  const digest = new FactDigest();
  for (const fact of facts) digest.add(fact);
  return digest.hex();
}

describe('a line', () => {
  test('holds until something offends', () => {
    const line = new LineFindings('statuses');
    line.look(2);
    expect(line.line()).toMatchObject({ holds: true, checked: 2, offenders: [], offendersTotal: 0 });
    line.offend('order: is wrong');
    expect(line.line()).toMatchObject({ holds: false, offenders: ['order: is wrong'], offendersTotal: 1 });
  });

  test('keeps the first offenders and counts the rest', () => {
    const line = new LineFindings('statuses');
    for (let index = 0; index < MAX_OFFENDERS + 5; index++) line.offend(`order ${index}`);
    expect(line.line().offenders).toHaveLength(MAX_OFFENDERS);
    expect(line.line().offendersTotal).toBe(MAX_OFFENDERS + 5);
  });

  test('with missing evidence is unchecked, but refuted where something offends all the same', () => {
    const line = new LineFindings('shoppers');
    line.leaveOut('keys ended');
    expect(line.line()).toMatchObject({ holds: 'unchecked', reason: 'keys ended' });
    line.offend('ann: over the limit');
    expect(line.line()).toMatchObject({ holds: false, reason: 'keys ended' });
  });
});

test('unrest wins over refutation: what moves can look wrong', () => {
  const findings = newFindings();
  findings['conservation'].offend('shoe: off by one');
  expect(reportOf('sale', findings, new FactDigest()).verdict).toBe('refuted');
  findings['at-rest'].offend('shoe: 1 entries in the outbox');
  expect(reportOf('sale', findings, new FactDigest()).verdict).toBe('not-at-rest');
});

describe('the fingerprint', () => {
  test('does not depend on the order of the facts', () => {
    expect(digestOf(['one', 'two', 'three'])).toBe(digestOf(['three', 'one', 'two']));
  });

  test('depends on every fact, and on how often it comes', () => {
    const digests = [[], ['one'], ['two'], ['one', 'two'], ['one', 'one'], ['two', 'two']].map(digestOf);
    expect(new Set(digests).size).toBe(digests.length);
  });
});
