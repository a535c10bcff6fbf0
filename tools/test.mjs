// npm test: does all the set-up, then format, lint, types, layers, unit, integration and end to end.
import { ensureBuild, ensureDependencies } from './setup.mjs';
import { check } from './check.mjs';
import { runJest } from './jest-run.mjs';
import { down, up } from './stack/stack.mjs';

const log = (/** @type {string} */ line) => console.log(line);
const startedAt = Date.now();

await ensureDependencies({ log });
const total = await check();
await ensureBuild({ log });

const servers = await up({ name: 'test', log });
const stopServers = () => down({ name: 'test', log });
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => void stopServers().finally(() => process.exit(130)));
}
try {
  const env = {
    REDIS_URL: servers.redisUrl,
    KAFKA_BROKERS: servers.kafkaBrokers,
    DATABASE_URL: servers.databaseUrl,
    FLUX_KAFKA_REPLICATION: String(servers.kafkaReplication),
  };
  for (const [project, args] of /** @type {const} */ ([
    ['int', ['--maxWorkers=2']],
    ['e2e', ['--maxWorkers=2']],
  ])) {
    const { passed, failed } = await runJest(project, { env, args: [...args] });
    total.passed += passed;
    total.failed += failed;
  }
} finally {
  await stopServers();
}
console.log(`took ${Math.round((Date.now() - startedAt) / 1000)} s`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
