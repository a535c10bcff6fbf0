/** Compares two ids of outbox entries, `<epoch>-<sequence>`, as Redis orders a stream. */
export function compareEntryIds(left: string, right: string): number {
  const [leftEpoch = 0, leftSequence = 0] = left.split('-').map(Number);
  const [rightEpoch = 0, rightSequence = 0] = right.split('-').map(Number);
  return leftEpoch - rightEpoch || leftSequence - rightSequence;
}
