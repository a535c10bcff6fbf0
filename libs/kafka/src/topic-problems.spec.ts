import { offsetsProblems, retentionProblems, topicProblems } from './topic-problems';

const rules = {
  FLUX_KAFKA_REPLICATION: 3,
  FLUX_KAFKA_PARTITIONS: 8,
  FLUX_WAIVE_KAFKA_MIN_ISR: false,
  FLUX_WAIVE_KAFKA_UNCLEAN_ELECTION: false,
  FLUX_WAIVE_KAFKA_REPLICATION: false,
  FLUX_WAIVE_KAFKA_OFFSETS_REPLICATION: false,
};
const safe = {
  topic: 'orders',
  partitions: 8,
  replicas: 3,
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
    const single = { ...safe, replicas: 1, config: { ...safe.config, 'min.insync.replicas': '1' } };
    expect(topicProblems(single, { ...rules, FLUX_KAFKA_REPLICATION: 1 })).toEqual([]);
  });

  it('names a single copy and its waiver, which silences it; two are enough', () => {
    const single = { ...safe, replicas: 1 };
    expect(topicProblems(single, rules)).toEqual([expect.stringContaining('FLUX_WAIVE_KAFKA_REPLICATION=1')]);
    expect(topicProblems(single, { ...rules, FLUX_WAIVE_KAFKA_REPLICATION: true })).toEqual([]);
    expect(topicProblems({ ...safe, replicas: 2 }, rules)).toEqual([]);
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

describe('retentionProblems', () => {
  const kept = {
    topic: 'ledger',
    config: { 'cleanup.policy': 'delete', 'retention.ms': '-1', 'retention.bytes': '-1' },
  };
  const strict = { FLUX_WAIVE_KAFKA_RETENTION: false };

  it('finds nothing in a topic that keeps everything', () => {
    expect(retentionProblems(kept, strict)).toEqual([]);
  });

  it.each([
    ['retention.ms', '604800000'],
    ['retention.bytes', '1073741824'],
    ['cleanup.policy', 'compact'],
  ])('names %s and its waiver, which silences it', (setting, value) => {
    const short = { ...kept, config: { ...kept.config, [setting]: value } };
    const [problem, ...others] = retentionProblems(short, strict);
    expect(others).toEqual([]);
    expect(problem).toContain(`${setting} is ${value}`);
    expect(problem).toContain('FLUX_WAIVE_KAFKA_RETENTION=1');
    expect(retentionProblems(short, { FLUX_WAIVE_KAFKA_RETENTION: true })).toEqual([]);
  });
});

describe('offsetsProblems', () => {
  it('names a single copy where there should be more, and its waiver', () => {
    const [problem, ...others] = offsetsProblems(1, rules);
    expect(others).toEqual([]);
    expect(problem).toContain('__consumer_offsets');
    expect(problem).toContain('FLUX_WAIVE_KAFKA_OFFSETS_REPLICATION=1');
    expect(offsetsProblems(1, { ...rules, FLUX_WAIVE_KAFKA_OFFSETS_REPLICATION: true })).toEqual([]);
  });

  it('takes two copies, and one where every topic has one; one that nobody reports is none', () => {
    expect(offsetsProblems(2, rules)).toEqual([]);
    expect(offsetsProblems(1, { ...rules, FLUX_KAFKA_REPLICATION: 1 })).toEqual([]);
    expect(offsetsProblems(Number.NaN, rules)).toHaveLength(1);
  });
});
