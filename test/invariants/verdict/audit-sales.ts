import { auditSale, type AuditReport } from '@flux/checker';
import {
  LEDGER_EVENTS_TOPIC,
  ORDER_STATUS_TOPIC,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_CONSUMER_GROUP,
} from '@flux/contracts';
import type { Answer, Attempt } from '../../e2e/support/crowd';
import { historyLine } from '../../e2e/support/audit-world';
import type { Call } from '../clients/history';
import { SALES } from '../sales';
import type { Installation } from '../world/installation';

/** The checker's reports over all sales of the run, with the clients' own complete record. */
export async function auditSales(
  world: Installation,
  purchases: readonly Call<Attempt, Answer>[],
): Promise<AuditReport[]> {
  const prefix = world.topicPrefix;
  const lines = purchases.map(({ asked, invokedAt, answer }) => historyLine(asked, invokedAt, answer));
  const reports: AuditReport[] = [];
  for (const { saleId } of SALES) {
    const history = [...lines, { complete: true, saleId, attempts: lines.length }];
    const report = await auditSale(
      {
        redis: world.gateClient,
        kafka: world.kafka(),
        topic: `${prefix}${ORDERS_ACCEPTED_TOPIC}`,
        statusTopic: `${prefix}${ORDER_STATUS_TOPIC}`,
        ledgerTopic: `${prefix}${LEDGER_EVENTS_TOPIC}`,
        consumerGroup: `${prefix}${ORDERS_CONSUMER_GROUP}`,
        database: world.database.dataSource,
      },
      { saleId, history: history.map((line) => JSON.stringify(line)) },
    );
    reports.push(report);
  }
  return reports;
}
