import type { LineFindings } from '../audit-report';
import type { ItemEvidence } from '../evidence';
import type { LedgerRow } from '../ledger-row';

interface Place {
  readonly productId: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly orderId: string;
  /** The sequence is that of the wish to cancel the order. */
  readonly isCancel?: boolean;
}

/**
 * Who has which sequence, by rows, records and events together: two orders with one prove that Redis went back. In the
 * ledger's epoch that is a fault, for nobody has found it yet; of an older one it is counted only, for that epoch was
 * ended by a rebuild, and order ids alone decide what is booked. A wish to cancel an order counts as somebody of its own.
 */
export class SequenceBook {
  private readonly orders = new Map<string, Map<number, string>>();

  /** @param epochs the ledger's, by product */
  constructor(
    private readonly line: LineFindings,
    private readonly epochs: ReadonlyMap<string, number>,
  ) {}

  noteRow(row: LedgerRow): void {
    this.note(row, undefined, 'PostgreSQL');
    const { productId, orderId, cancelEpoch: epoch, cancelSequence: sequence } = row;
    if (epoch === undefined || sequence === undefined) return;
    this.note({ productId, orderId, epoch, sequence, isCancel: true }, undefined, 'PostgreSQL');
  }

  /** @param row the order's own row, whose sequence must be the same one in the same epoch */
  note(place: Place, row: LedgerRow | undefined, source: string): void {
    const { productId, epoch, sequence, isCancel = false } = place;
    const orderId = isCancel ? `${place.orderId} (its cancel)` : place.orderId;
    const epochId = `${productId} ${epoch}`;
    const known = this.orders.get(epochId) ?? new Map<number, string>();
    this.orders.set(epochId, known);
    const owner = known.get(sequence);
    if (owner === undefined) known.set(sequence, orderId);
    else if (owner !== orderId) {
      this.repeated(
        place,
        `${orderId}: sequence ${sequence} of epoch ${epoch} in ${source} is also that of ${owner}`,
      );
    }
    if (row === undefined) return;
    const [rowEpoch, rowSequence] = isCancel
      ? [row.cancelEpoch, row.cancelSequence]
      : [row.epoch, row.sequence];
    if (rowEpoch === epoch && rowSequence !== sequence) {
      this.repeated(
        place,
        `${orderId}: sequence ${sequence} of epoch ${epoch} in ${source}, ${rowSequence ?? 'none'} in its row`,
      );
    }
  }

  private repeated({ productId, epoch }: Place, offender: string): void {
    if (epoch < (this.epochs.get(productId) ?? 0)) this.line.add('repeated in epochs that ended', 1);
    else this.line.offend(offender);
  }
}

/**
 * Every sequence of the ledger's epoch up to its watermark is a row's, or that of its wish to be cancelled, and the
 * watermark's order has it.
 */
export function watermarkLine(
  item: ItemEvidence,
  rows: ReadonlyMap<string, LedgerRow>,
  line: LineFindings,
): void {
  const { productId, ledger } = item;
  const sequences = [...rows.values()]
    .filter((row) => row.productId === productId)
    .flatMap((row) => sequencesIn(row, ledger.epoch))
    .filter((sequence) => sequence <= ledger.watermark)
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
  const owned = owner === undefined ? [] : sequencesIn(owner, ledger.epoch);
  if (ledger.watermark > 0 && !owned.includes(ledger.watermark)) {
    line.offend(
      `${productId}: the watermark ${ledger.watermark} is not the sequence of its order ${ledger.watermarkOrderId}`,
    );
  }
}

/** The sequences of an epoch that an order has: its own, and that of the wish to cancel it. */
function sequencesIn({ sequence, cancelSequence, ...row }: LedgerRow, epoch: number): number[] {
  return [
    ...(row.epoch === epoch ? [sequence] : []),
    ...(row.cancelEpoch === epoch && cancelSequence !== undefined ? [cancelSequence] : []),
  ];
}
