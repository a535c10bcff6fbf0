import {
  LEDGER_EVENTS_TOPIC,
  ORDER_STATUS_TOPIC,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_CONSUMER_GROUP,
} from '@flux/contracts';
import { auditSale, type HistoryAnswer } from '@flux/checker';
import { kafkaBrokers } from '@flux/testing';
import { Kafka, logLevel } from 'kafkajs';
import type { Answer, Attempt } from './crowd';
import type { World } from './world';

/** The checker's verdict over a world, with all that its clients were answered; `refuted` has the lines with offenders. */
export async function auditWorld(
  world: World,
  saleId: string,
  answers: readonly Answer[],
  { complete = true } = {},
) {
  const kafka = new Kafka({ brokers: kafkaBrokers().split(','), logLevel: logLevel.NOTHING });
  const report = await auditSale(
    {
      redis: world.redis.client,
      kafka,
      topic: `${world.topicPrefix}${ORDERS_ACCEPTED_TOPIC}`,
      statusTopic: `${world.topicPrefix}${ORDER_STATUS_TOPIC}`,
      ledgerTopic: `${world.topicPrefix}${LEDGER_EVENTS_TOPIC}`,
      consumerGroup: `${world.topicPrefix}${ORDERS_CONSUMER_GROUP}`,
      database: world.database.dataSource,
    },
    { saleId, history: historyOf(saleId, answers, complete) },
  );
  return {
    verdict: report.verdict,
    refuted: report.lines
      .filter(({ holds }) => holds === false)
      .map(({ name, offenders }) => `${name}: ${offenders.slice(0, 3).join(', ')}`),
    unchecked: report.lines.filter(({ holds }) => holds === 'unchecked').map(({ name }) => name),
  };
}

function historyOf(saleId: string, answers: readonly Answer[], complete: boolean): string[] {
  const lines = answers.map((answer) => historyLine(answer.attempt, answer.at, answer));
  const end = { complete: true, saleId, attempts: lines.length };
  return (complete ? [...lines, end] : lines).map((line) => JSON.stringify(line));
}

/** One attempt and what became of it, as the checker reads it. Without an answer its outcome is unknown. */
export function historyLine(attempt: Attempt, at: number, answer: Answer | undefined): HistoryAnswer {
  const { productId, saleId, shopperId, idempotencyKey, quantity = 1 } = attempt;
  const asked = { method: 'POST', saleId, productId, shopperId, idempotencyKey, quantity } as const;
  const when = new Date(at).toISOString();
  if (answer === undefined) return { at: when, ...asked, outcome: 'unknown' };
  const { status, replayed, location, body } = answer;
  return { at: when, ...asked, status, replayed, location, body };
}
