import type { LineFindings } from '../audit-report';
import type { ItemEvidence } from '../evidence';
import type { LedgerRow } from '../ledger-reader';

interface Place {
  readonly productId: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly orderId: string;
}

/** Who has which sequence, by rows, records and events together: two orders with one prove that Redis went back. */
export class SequenceBook {
  private readonly orders = new Map<string, Map<number, string>>();

  constructor(private readonly line: LineFindings) {}

  noteRow(row: LedgerRow): void {
    this.note(row, undefined, 'PostgreSQL');
  }

  /** @param row the order's own row, whose sequence must be the same one in the same epoch */
  note({ productId, epoch, sequence, orderId }: Place, row: LedgerRow | undefined, source: string): void {
    const epochId = `${productId} ${epoch}`;
    const known = this.orders.get(epochId) ?? new Map<number, string>();
    this.orders.set(epochId, known);
    const owner = known.get(sequence);
    if (owner === undefined) known.set(sequence, orderId);
    else if (owner !== orderId) {
      this.line.offend(
        `${orderId}: sequence ${sequence} of epoch ${epoch} in ${source} is also that of ${owner}`,
      );
    }
    if (row !== undefined && row.epoch === epoch && row.sequence !== sequence) {
      this.line.offend(
        `${orderId}: sequence ${sequence} of epoch ${epoch} in ${source}, ${row.sequence} in its row`,
      );
    }
  }
}

/** Every sequence of the ledger's epoch up to its watermark is a row's, and the watermark's order has it. */
export function watermarkLine(
  item: ItemEvidence,
  rows: ReadonlyMap<string, LedgerRow>,
  line: LineFindings,
): void {
  const { productId, ledger } = item;
  const sequences = [...rows.values()]
    .filter(
      (row) => row.productId === productId && row.epoch === ledger.epoch && row.sequence <= ledger.watermark,
    )
    .map(({ sequence }) => sequence)
    .sort((one, other) => one - other);
  line.look(ledger.watermark);
  line.add('watermark', ledger.watermark);
  // Ranges, not single numbers: a watermark that is far off must not make a list as long.
  let next = 1;
  for (const sequence of [...sequences, ledger.watermark + 1]) {
    if (sequence > next) {
      const range =
        sequence === next + 1 ? `sequence ${next} is` : `sequences ${next} to ${sequence - 1} are`;
      line.offend(
        `${productId}: ${range} missing in epoch ${ledger.epoch}, below the watermark ${ledger.watermark}`,
      );
    }
    next = Math.max(next, sequence + 1);
  }
  const owner = rows.get(ledger.watermarkOrderId);
  if (ledger.watermark > 0 && (owner?.sequence !== ledger.watermark || owner.epoch !== ledger.epoch)) {
    line.offend(
      `${productId}: the watermark ${ledger.watermark} is not the sequence of its order ${ledger.watermarkOrderId}`,
    );
  }
}
