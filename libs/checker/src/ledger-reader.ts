import type { OrderStatus } from '@flux/contracts';

/** Runs one statement and gives its rows; a TypeORM DataSource fits as it is. */
export interface AuditDatabase {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}

/** One item's account, raw. */
export interface LedgerFacts {
  readonly productId: string;
  readonly limit: number;
  /** False before the gate was opened for the first time. */
  readonly opened: boolean;
  /** The sale's keys may have ended. */
  readonly retired: boolean;
  readonly initial: number;
  readonly held: number;
  readonly sold: number;
  readonly parked: number;
  readonly epoch: number;
  readonly watermark: number;
  readonly watermarkOrderId: string;
  readonly suspendedReason: string | undefined;
  /** Stock changes that only one of gate and ledger may have. */
  readonly pendingChanges: number;
}

export interface SaleFacts {
  readonly createdAtMs: number;
  readonly items: readonly LedgerFacts[];
}

export type RowState = Exclude<OrderStatus, 'accepted'> | 'parked';

/** One order row. `inGate` and `inKafka` are noted while the other stores are read past it. */
export interface LedgerRow {
  readonly orderId: string;
  readonly productId: string;
  readonly shopperId: string;
  readonly quantity: number;
  readonly fingerprint: string;
  readonly state: RowState;
  readonly reason: string | null;
  readonly booked: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly acceptedAtMs: number;
  inGate: boolean;
  inKafka: boolean;
}

const PAGE = 5_000;

/** Reads the ledger's tables raw. */
export class LedgerReader {
  constructor(
    private readonly database: AuditDatabase,
    private readonly saleId: string,
  ) {}

  /** undefined where no such sale is known. */
  async sale(): Promise<SaleFacts | undefined> {
    const [sale] = await this.rows(
      `SELECT extract(epoch FROM created_at) * 1000 AS created_at_ms, retired_at IS NOT NULL AS retired
         FROM sales WHERE id = $1`,
      [this.saleId],
    );
    if (sale === undefined) return undefined;
    const items = await this.rows(
      `SELECT product_id, per_shopper_limit, gate_opened_at IS NOT NULL AS opened, initial, held, sold, parked, epoch,
              watermark, watermark_order_id, suspended_reason,
              (SELECT count(*) FROM stock_changes c WHERE c.sale_id = l.sale_id AND c.product_id = l.product_id
                  AND c.state = 'pending') AS pending_changes
         FROM items i JOIN ledger l USING (sale_id, product_id) WHERE sale_id = $1 ORDER BY product_id`,
      [this.saleId],
    );
    return {
      createdAtMs: Math.floor(Number(sale['created_at_ms'])),
      items: items.map((item) => ({
        productId: String(item['product_id']),
        limit: Number(item['per_shopper_limit']),
        opened: item['opened'] === true,
        retired: sale['retired'] === true,
        initial: Number(item['initial']),
        held: Number(item['held']),
        sold: Number(item['sold']),
        parked: Number(item['parked']),
        epoch: Number(item['epoch']),
        watermark: Number(item['watermark']),
        watermarkOrderId: String(item['watermark_order_id']),
        suspendedReason: typeof item['suspended_reason'] === 'string' ? item['suspended_reason'] : undefined,
        pendingChanges: Number(item['pending_changes']),
      })),
    };
  }

  /** Every order row of the sale, by pages. The row's address is part of the order: no copy of a row is skipped. */
  async *orders(): AsyncGenerator<LedgerRow> {
    let last: unknown[] = ['', '', '', '(0,0)'];
    for (;;) {
      const page = await this.rows(
        `SELECT product_id, shopper_id, order_id, ctid::text AS address, quantity, fingerprint, state, reason, booked,
                epoch, sequence, round(extract(epoch FROM accepted_at) * 1000) AS accepted_at_ms
           FROM orders WHERE sale_id = $1 AND (product_id, shopper_id, order_id, ctid) > ($2, $3, $4, $5::tid)
          ORDER BY product_id, shopper_id, order_id, ctid LIMIT ${PAGE}`,
        [this.saleId, ...last],
      );
      for (const row of page) {
        last = [row['product_id'], row['shopper_id'], row['order_id'], row['address']];
        yield toRow(row);
      }
      if (page.length < PAGE) return;
    }
  }

  /** `<partition>/<offset>` of every message of the topic that was put aside. */
  async parkedMessages(topic: string): Promise<Set<string>> {
    const messages = await this.rows(
      `SELECT partition, message_offset FROM parked_messages
        WHERE topic = $1 AND (sale_id = $2 OR sale_id IS NULL)`,
      [topic, this.saleId],
    );
    return new Set(
      messages.map((message) => `${String(message['partition'])}/${String(message['message_offset'])}`),
    );
  }

  /** Whether the database itself refuses to oversell: the check is there and was validated. */
  async oversellCheckPresent(): Promise<boolean> {
    const checks = await this.rows(
      `SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint
        WHERE conrelid = 'ledger'::regclass AND contype = 'c' AND convalidated`,
      [],
    );
    return checks.some(({ definition }) =>
      /^CHECKheld\+sold\+parked<=initial$/.test(bare(String(definition))),
    );
  }

  private async rows(sql: string, parameters: unknown[]): Promise<Record<string, unknown>[]> {
    return (await this.database.query(sql, parameters)) as Record<string, unknown>[];
  }
}

function toRow(row: Record<string, unknown>): LedgerRow {
  return {
    orderId: String(row['order_id']),
    productId: String(row['product_id']),
    shopperId: String(row['shopper_id']),
    quantity: Number(row['quantity']),
    fingerprint: String(row['fingerprint']),
    state: row['state'] as RowState,
    reason: typeof row['reason'] === 'string' ? row['reason'] : null,
    booked: Number(row['booked']),
    epoch: Number(row['epoch']),
    sequence: Number(row['sequence']),
    acceptedAtMs: Number(row['accepted_at_ms']),
    inGate: false,
    inKafka: false,
  };
}

/** A constraint without PostgreSQL's parentheses and blanks. */
function bare(definition: string): string {
  return definition.replace(/[()\s]/g, '');
}
