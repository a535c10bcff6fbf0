// npm run reset: stops the development servers and forgets their data. Fetched jars and dependencies stay.
import { lockHolder, tryLock } from './stack/lock.mjs';
import { SetUpError, reportFailure } from './stack/run.mjs';
import { reset } from './stack/stack.mjs';
import { DEV } from './start/environment.mjs';
import { stopLeftOverApps } from './start/supervisor.mjs';

const log = (/** @type {string} */ line) => console.log(line);

async function main() {
  const release = tryLock(DEV.startLock);
  if (!release) {
    throw new SetUpError(
      `Flux-Gate runs from this folder (process ${lockHolder(DEV.startLock) ?? '?'}): stop that with Ctrl-C first`,
    );
  }
  try {
    await stopLeftOverApps({ layout: DEV, log });
    await reset({ name: DEV.name, log });
  } finally {
    release();
  }
}

await main().catch(reportFailure);
