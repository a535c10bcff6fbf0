import type { Cluster, Redis } from 'ioredis';
import type { Kafka } from 'kafkajs';
import { FactDigest, newFindings, reportOf, type AuditReport, type Findings } from './audit-report';
import { readHistory, type ClientHistory } from './client-history';
import { gather } from './evidence';
import { EventReader } from './event-reader';
import { GateReader } from './gate-reader';
import { LedgerLogReader, type LogMessage } from './ledger-log-reader';
import { LedgerReader, type AuditDatabase } from './ledger-reader';
import { accountLines } from './lines/account-lines';
import { clientLines } from './lines/client-lines';
import { eventLine, unexpectedLine } from './lines/event-lines';
import { Identities } from './lines/identities';
import { LedgerLogLine } from './lines/ledger-log-line';
import { lifeLine } from './lines/life-line';
import { passLine } from './lines/pass-line';
import { paymentLine } from './lines/payment-line';
import { recordLines } from './lines/record-lines';
import { releaseLine } from './lines/release-line';
import { SequenceBook, watermarkLine } from './lines/sequence-lines';
import { shopperLine } from './lines/shopper-line';
import { statusesPublishedLine, statusMessage } from './lines/status-line';
import { changes, takeSample, waitForRest, type Rest, type RestTools } from './rest';
import { StatusReader } from './status-reader';

export interface AuditDependencies {
  readonly redis: Redis | Cluster;
  readonly kafka: Kafka;
  /** Topic of accepted orders, with its prefix. */
  readonly topic: string;
  /** Topic of order statuses, with its prefix. */
  readonly statusTopic: string;
  /** Topic of the ledger's events, with its prefix. */
  readonly ledgerTopic: string;
  /** Group of the orders processes, whose lag is looked at. */
  readonly consumerGroup: string;
  readonly database: AuditDatabase;
}

export interface AuditOptions {
  readonly saleId: string;
  /** Lines of the clients' own record (client-history.ts); without it the lines about clients are `unchecked`. */
  readonly history?: AsyncIterable<string> | Iterable<string>;
  /** How long to wait until nothing is under way. */
  readonly waitForRestMs?: number;
}

const WAIT_FOR_REST_MS = 30_000;

/**
 * Proves or refutes, line by line, that a sale's accounts are sound. Reads Redis, Kafka and PostgreSQL on its own and
 * changes nothing in them. Memory: the sale's rows (about 1 kB an order), the rest is streamed.
 * @throws AuditImpossible where there is no such sale or the history cannot be read
 */
export async function auditSale(
  dependencies: AuditDependencies,
  options: AuditOptions,
): Promise<AuditReport> {
  const { saleId, waitForRestMs = WAIT_FOR_REST_MS } = options;
  const deadlineMs = Date.now() + waitForRestMs;
  const history = options.history === undefined ? undefined : await readHistory(options.history, saleId);
  const admin = dependencies.kafka.admin();
  await admin.connect();
  try {
    const tools: AuditTools = {
      saleId,
      admin,
      topic: dependencies.topic,
      ledger: new LedgerReader(dependencies.database, saleId),
      events: new EventReader(dependencies.kafka, dependencies.topic, dependencies.consumerGroup),
      statuses: new StatusReader(dependencies.kafka, dependencies.statusTopic),
      ledgerLog: new LedgerLogReader(dependencies.kafka, dependencies.ledgerTopic),
      readerOf: (productId) => new GateReader(dependencies.redis, { saleId, productId }),
    };
    for (;;) {
      const rest = await waitForRest(tools, deadlineMs);
      const { findings, digest } = await examine(tools, rest, history);
      const moved = changes(rest.sample, await takeSample(tools));
      if (moved.length > 0 && Date.now() < deadlineMs) continue;
      for (const reason of [...rest.unrest, ...moved]) findings['at-rest'].offend(reason);
      return reportOf(saleId, findings, digest);
    }
  } finally {
    await admin.disconnect();
  }
}

interface AuditTools extends RestTools {
  readonly topic: string;
  readonly statuses: StatusReader;
  readonly ledgerLog: LedgerLogReader;
}

/** One reading of all the evidence. */
async function examine(
  tools: AuditTools,
  { sample }: Rest,
  history: ClientHistory | undefined,
): Promise<{ readonly findings: Findings; readonly digest: FactDigest }> {
  const { saleId, admin, ledger, events, statuses, ledgerLog, readerOf, topic } = tools;
  const { sale } = sample;
  const findings = newFindings();
  const digest = new FactDigest();
  if (history !== undefined) digest.add(`history ${history.digest}`);
  findings['at-rest'].look(sale.items.length + sample.ends.length);

  const evidence = await gather({ saleId, sale, ledger, readerOf, findings, digest });
  const epochs = new Map(sale.items.map(({ productId, epoch }) => [productId, epoch]));
  const book = new SequenceBook(findings['sequences'], epochs);
  const identities = new Identities();
  for (const row of evidence.rows.values()) book.noteRow(row);
  await recordLines(evidence, { book, findings, digest });

  const parkedMessages = await ledger.parkedMessages(topic);
  const ofSale = { saleId, products: new Set(evidence.items.keys()), sinceMs: sale.createdAtMs };
  const reading = await events.read(admin, {
    ...ofSale,
    onMessage: (message) => {
      eventLine(evidence, message, { book, identities, findings, digest, parkedMessages });
    },
  });
  unexpectedLine(evidence, reading, findings);
  const published = findings['statuses-published'];
  const statusReading = await statuses.read(admin, {
    ...ofSale,
    onMessage: (message) => {
      statusMessage(evidence, message, { line: published, identities, digest });
    },
  });
  statusesPublishedLine(evidence, statusReading, published);
  const log = new LedgerLogLine(findings['ledger-published'], digest);
  const onLogMessage = (message: LogMessage): void => {
    log.message(message);
  };
  log.finish(evidence, await ledgerLog.read(admin, { ...ofSale, onMessage: onLogMessage }));

  accountLines(evidence, await ledger.oversellCheckPresent(), findings);
  for (const item of evidence.items.values()) {
    watermarkLine(item, evidence.rows, findings['sequences']);
    await shopperLine(item, evidence, findings['shoppers']);
    await passLine(item, evidence, findings['passes']);
    await releaseLine(item, evidence, findings['releases']);
  }
  lifeLine(evidence.rows.values(), findings['lives']);
  paymentLine(evidence, findings['payments']);
  clientLines(evidence, history, { findings, identities });
  return { findings, digest };
}
