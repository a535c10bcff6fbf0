import { existsSync } from 'node:fs';
import { loadConfig } from '@flux/config';
import {
  LEDGER_EVENTS_TOPIC,
  ORDER_STATUS_TOPIC,
  ORDERS_ACCEPTED_TOPIC,
  ORDERS_CONSUMER_GROUP,
} from '@flux/contracts';
import { RedisConnection, redisSettings } from '@flux/gate';
import { createKafka, kafkaSettings, prefixed } from '@flux/kafka';
import { createDataSource, databaseSettings } from '@flux/ledger';
import { type AuditOptions, type AuditReport, auditSale, formatReport, historyLines } from '@flux/checker';
import { z } from 'zod';
import { type CommandContext, connectedSoon, optionsOf, runCommand, type WrongArguments } from './command';

const USAGE = `usage: npm run audit -- --sale ID [--history FILE] [--json] [--wait-ms N]
  --sale ID       the sale whose accounts are looked at
  --history FILE  what the clients were answered, one JSON object a line (npm run demo writes one)
  --json          the report as JSON
  --wait-ms N     how long to wait until nothing is under way (30000)
Exit status: 0 proved, 1 refuted, 2 could not run or not at rest.`;

const auditSettings = z.object({
  ...redisSettings.shape,
  ...kafkaSettings.shape,
  ...databaseSettings.shape,
});

const EXIT_STATUS = { proved: 0, refuted: 1, 'not-at-rest': 2 } as const satisfies Record<
  AuditReport['verdict'],
  number
>;

/** `npm run audit`: prints the report, or why there is none. @returns the exit status */
export async function runAuditCommand(args: readonly string[], context: CommandContext): Promise<number> {
  return runCommand(
    { usage: USAGE, parse, run, failed: { saying: 'The audit could not run' } },
    args,
    context,
  );
}

interface Command {
  readonly options: AuditOptions;
  readonly asJson: boolean;
}

async function run({ options, asJson }: Command, { env, print }: CommandContext): Promise<number> {
  const report = await audit(options, env);
  print(asJson ? JSON.stringify(report, null, 2) : formatReport(report));
  return EXIT_STATUS[report.verdict];
}

function parse(args: readonly string[]): Command | WrongArguments {
  const parsed = optionsOf(args, {
    sale: { type: 'string' },
    history: { type: 'string' },
    json: { type: 'boolean', default: false },
    'wait-ms': { type: 'string', default: '30000' },
  });
  if ('wrong' in parsed) return parsed;
  const { sale: saleId, history, json: asJson, 'wait-ms': waitMs } = parsed;
  if (saleId === undefined) return { wrong: '--sale is missing' };
  if (!/^\d{1,9}$/.test(waitMs)) return { wrong: '--wait-ms is not a number of milliseconds' };
  if (history !== undefined && !existsSync(history)) return { wrong: `there is no file ${history}` };
  const options = { saleId, waitForRestMs: Number(waitMs) };
  return {
    asJson,
    options: history === undefined ? options : { ...options, history: historyLines(history) },
  };
}

async function audit(options: AuditOptions, env: CommandContext['env']): Promise<AuditReport> {
  const config = loadConfig(auditSettings, env);
  const redis = new RedisConnection(config);
  const database = createDataSource({ config, applicationName: 'flux-audit' });
  try {
    await Promise.all([connectedSoon(redis), database.initialize()]);
    return await auditSale(
      {
        redis: redis.client,
        kafka: createKafka({ settings: config, clientId: 'flux-audit' }),
        topic: prefixed(config, ORDERS_ACCEPTED_TOPIC),
        statusTopic: prefixed(config, ORDER_STATUS_TOPIC),
        ledgerTopic: prefixed(config, LEDGER_EVENTS_TOPIC),
        consumerGroup: prefixed(config, ORDERS_CONSUMER_GROUP),
        database,
      },
      options,
    );
  } finally {
    redis.close();
    if (database.isInitialized) await database.destroy();
  }
}
