// npm run reset: stops the development servers and forgets their data. Fetched jars and dependencies stay.
import { existsSync } from 'node:fs';

import { lockHolder, tryLock } from './stack/lock.mjs';
import { SetUpError, reportFailure } from './stack/run.mjs';
import { reset } from './stack/stack.mjs';
import { TOPOLOGIES } from './stack/topology.mjs';
import { APPS_OF } from './start/apps.mjs';
import { DEV, layoutOf } from './start/environment.mjs';
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
    for (const topology of /** @type {import('./stack/topology.mjs').Topology[]} */ (
      Object.keys(TOPOLOGIES)
    )) {
      const layout = layoutOf(topology);
      if (topology !== 'single' && !existsSync(layout.folder)) continue;
      await stopLeftOverApps({ apps: APPS_OF[topology], layout, log });
      await reset({ name: layout.name, log });
    }
  } finally {
    release();
  }
}

await main().catch(reportFailure);
