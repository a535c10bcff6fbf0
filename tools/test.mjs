// npm test: does all the set-up, then format, lint, types, layers, unit, integration and end to end.
// npm run test:int -- ARGS, npm run test:e2e -- ARGS: only that size, with ARGS for Jest.
// npm run test:full -- ARGS: what takes too long for each change: faults of every kind, many seeds, the seeded bugs.
import { check } from './check.mjs';
import { runInGroups, runJest } from './jest-run.mjs';
import { ensureBuild, ensureDependencies } from './setup.mjs';
import { ensureChromium } from './stack/chromium.mjs';
import { down, up } from './stack/stack.mjs';

/** One more than the cores that this must do with: some tests wait for Kafka's time limits most of their time. */
const INT_WORKERS = 3;

/** Of test/model/order-life.int.spec.ts: enough to meet every life that an order can have. */
const MODEL_RUNS_OF_FULL = '100';
/** Of test/hostile/slow-sockets.int.spec.ts. */
const SLOW_SOCKETS_OF_FULL = '5000';
/** Of test/api-fuzz/api-fuzz.spec.ts, for each operation. */
const FUZZ_RUNS_OF_FULL = '500';

const log = (/** @type {string} */ line) => console.log(line);
const startedAt = Date.now();
const [only, ...jestArgs] = process.argv.slice(2);

await ensureDependencies({ log });
const total = only === undefined ? await check() : { passed: 0, failed: 0 };
const needsBrowser = only === undefined || only === 'e2e';
const browser = needsBrowser ? { FLUX_TEST_CHROMIUM: await ensureChromium(log) } : {};
// The servers start while the build runs.
const [built, started] = await Promise.allSettled([ensureBuild({ log }), up({ name: 'test', log })]);
const stopServers = () => down({ name: 'test', log });
if (started.status === 'rejected') throw started.reason;
if (built.status === 'rejected') {
  await stopServers();
  throw built.reason;
}
const servers = started.value;
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => void stopServers().finally(() => process.exit(130)));
}
try {
  const env = {
    REDIS_URL: servers.redisUrl,
    KAFKA_BROKERS: servers.kafkaBrokers,
    DATABASE_URL: servers.databaseUrl,
    FLUX_KAFKA_REPLICATION: String(servers.kafkaReplication),
    ...browser,
    ...(only === 'full'
      ? {
          FLUX_MODEL_RUNS: MODEL_RUNS_OF_FULL,
          FLUX_SLOW_SOCKETS: SLOW_SOCKETS_OF_FULL,
          FLUX_FUZZ_RUNS: FUZZ_RUNS_OF_FULL,
        }
      : {}),
  };
  for (const project of /** @type {const} */ (['int', 'e2e', 'full'])) {
    if (only === undefined ? project === 'full' : only !== project) continue;
    const { passed, failed } =
      project === 'int'
        ? await runInGroups('int', { env, args: jestArgs, workers: INT_WORKERS })
        : await runJest(project, { env, args: ['--maxWorkers=2', ...jestArgs] });
    total.passed += passed;
    total.failed += failed;
  }
} finally {
  await stopServers();
}
console.log(`took ${Math.round((Date.now() - startedAt) / 1000)} s`);
console.log(`${total.passed} passed, ${total.failed} failed`);
// A wrong name for a size runs nothing, which is no success.
process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
