/** One line of CLUSTER NODES. */
export interface ClusterNode {
  readonly id: string;
  /** `myself`, `master`, `slave`, `fail?`, `fail`, ... separated by commas. */
  readonly flags: string;
  /** Undefined for a master. */
  readonly masterId: string | undefined;
  /** First and last of each range that it serves. */
  readonly slots: readonly (readonly [from: number, to: number])[];
}

export function parseNodes(text: string): readonly ClusterNode[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [id = '', , flags = '', masterId, , , , , ...ranges] = line.trim().split(' ');
      return {
        id,
        flags,
        masterId: masterId === '-' ? undefined : masterId,
        // Those in brackets are on their way.
        slots: ranges
          .filter((range) => !range.startsWith('['))
          .map((range) => {
            const [from = '', to = from] = range.split('-');
            return [Number(from), Number(to)] as const;
          }),
      };
    });
}

export function nodeFlags({ flags }: ClusterNode): ReadonlySet<string> {
  return new Set(flags.split(','));
}

export function ownsSlot(node: ClusterNode, slot: number): boolean {
  return nodeFlags(node).has('master') && node.slots.some(([from, to]) => from <= slot && slot <= to);
}
