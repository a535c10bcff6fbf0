import { topicProblems } from './topic-problems';

const rules = {
  FLUX_KAFKA_REPLICATION: 3,
  FLUX_KAFKA_PARTITIONS: 8,
  FLUX_WAIVE_KAFKA_MIN_ISR: false,
  FLUX_WAIVE_KAFKA_UNCLEAN_ELECTION: false,
};
const safe = {
  topic: 'orders',
  partitions: 8,
  config: { 'min.insync.replicas': '2', 'unclean.leader.election.enable': 'false' },
};

describe('topicProblems', () => {
  it('finds nothing in a safe topic, nor in one with more partitions', () => {
    expect(topicProblems(safe, rules)).toEqual([]);
    expect(topicProblems({ ...safe, partitions: 12 }, rules)).toEqual([]);
  });

  it.each([
    ['min.insync.replicas', '1', 'FLUX_WAIVE_KAFKA_MIN_ISR'],
    ['unclean.leader.election.enable', 'true', 'FLUX_WAIVE_KAFKA_UNCLEAN_ELECTION'],
  ])('names %s and its waiver, which silences it', (setting, value, waiver) => {
    const unsafe = { ...safe, config: { ...safe.config, [setting]: value } };
    const [problem, ...others] = topicProblems(unsafe, rules);
    expect(others).toEqual([]);
    expect(problem).toContain(setting);
    expect(problem).toContain(`${waiver}=1`);
    expect(topicProblems(unsafe, { ...rules, [waiver]: true })).toEqual([]);
  });

  it('asks for one replica where there is one', () => {
    const single = { ...safe, config: { ...safe.config, 'min.insync.replicas': '1' } };
    expect(topicProblems(single, { ...rules, FLUX_KAFKA_REPLICATION: 1 })).toEqual([]);
  });

  it('refuses too few partitions', () => {
    expect(topicProblems({ ...safe, partitions: 4 }, rules)).toEqual([
      expect.stringContaining('FLUX_KAFKA_PARTITIONS'),
    ]);
  });

  it('counts a setting that the broker does not report as unsafe', () => {
    expect(topicProblems({ ...safe, config: {} }, rules)).toHaveLength(2);
  });
});
