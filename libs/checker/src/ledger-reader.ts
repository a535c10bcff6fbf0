import { factsOf, SELECT_ITEMS, type SaleFacts } from './ledger-facts';
import { ROW_COLUMNS, rowOf, type LedgerRow } from './ledger-row';

/** Runs one statement and gives its rows; a TypeORM DataSource fits as it is. */
export interface AuditDatabase {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}

/** Money that came for an order. */
export interface PaymentRow extends MoneyRow {
  /** In which the gate was asked for its units; undefined where it was not. */
  readonly epoch: number | undefined;
}

/** Money that has to go back, or has gone. */
export interface RefundRow extends MoneyRow {
  /** Due, and a provider says that it took the money, or that it could not give it back. */
  readonly wasTaken: boolean;
  readonly wentWrong: boolean;
}

interface MoneyRow {
  readonly paymentId: string;
  readonly orderId: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly state: string;
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
    const items = await this.rows(SELECT_ITEMS, [this.saleId]);
    return {
      createdAtMs: Math.floor(Number(sale['created_at_ms'])),
      items: items.map((item) => factsOf(item, sale['retired'] === true)),
    };
  }

  /** Every order row of the sale, by pages. The row's address is part of the order: no copy of a row is skipped. */
  async *orders(): AsyncGenerator<LedgerRow> {
    let last: unknown[] = ['', '', '', '(0,0)'];
    for (;;) {
      const page = await this.rows(
        `SELECT ${ROW_COLUMNS}, ctid::text AS address
           FROM orders WHERE sale_id = $1 AND (product_id, shopper_id, order_id, ctid) > ($2, $3, $4, $5::tid)
          ORDER BY product_id, shopper_id, order_id, ctid LIMIT ${PAGE}`,
        [this.saleId, ...last],
      );
      for (const row of page) {
        last = [row['product_id'], row['shopper_id'], row['order_id'], row['address']];
        yield rowOf(row);
      }
      if (page.length < PAGE) return;
    }
  }

  /** Every payment for an order of the sale. */
  async *payments(): AsyncGenerator<PaymentRow> {
    for await (const row of this.ofOrders('payments', 'amount_minor, currency, state, epoch')) {
      yield { ...moneyOf(row), epoch: row['epoch'] === null ? undefined : Number(row['epoch']) };
    }
  }

  /** Every refund for an order of the sale. */
  async *refunds(): AsyncGenerator<RefundRow> {
    const columns = `amount_minor, currency, state, ${saidOfDue('paid')} AS was_taken,
      ${saidOfDue('refundFailed')} AS went_wrong`;
    for await (const row of this.ofOrders('refunds', columns)) {
      yield {
        ...moneyOf(row),
        wasTaken: row['was_taken'] === true,
        wentWrong: row['went_wrong'] === true,
      };
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

  /** The rows of a table of money whose order ids are the sale's: `<sale>.` begins them, and `/` follows `.`. */
  private async *ofOrders(
    table: 'payments' | 'refunds',
    columns: string,
  ): AsyncGenerator<Record<string, unknown>> {
    let last: unknown[] = [`${this.saleId}.`, ''];
    for (;;) {
      const page = await this.rows(
        `SELECT payment_id, order_id, ${columns} FROM ${table}
          WHERE order_id < $1 AND (order_id, payment_id) > ($2, $3) ORDER BY order_id, payment_id LIMIT ${PAGE}`,
        [`${this.saleId}/`, ...last],
      );
      for (const row of page) {
        last = [row['order_id'], row['payment_id']];
        yield row;
      }
      if (page.length < PAGE) return;
    }
  }

  private async rows(sql: string, parameters: unknown[]): Promise<Record<string, unknown>[]> {
    return (await this.database.query(sql, parameters)) as Record<string, unknown>[];
  }
}

/** Whether a refund is due of whose payment a provider has said this. */
function saidOfDue(kind: string): string {
  return `(state = 'due' AND payment_id IN (
    SELECT content->>'paymentId' FROM provider_events WHERE content->>'kind' = '${kind}'
  ))`;
}

function moneyOf(row: Readonly<Record<string, unknown>>): MoneyRow {
  return {
    paymentId: String(row['payment_id']),
    orderId: String(row['order_id']),
    amountMinor: Number(row['amount_minor']),
    currency: String(row['currency']),
    state: String(row['state']),
  };
}

/** A constraint without PostgreSQL's parentheses and blanks. */
function bare(definition: string): string {
  return definition.replace(/[()\s]/g, '');
}
