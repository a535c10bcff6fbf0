import { dockerAnswers, startInDocker } from './docker.mjs';
import { startOnMachine } from './machine.mjs';
import { readPorts } from './ports.mjs';
import { SetUpError } from './run.mjs';

/**
 * @typedef {import('./layout.mjs').StackLayout} StackLayout
 * @typedef {'docker' | 'machine'} Host where the servers of a stack run that the environment does not name
 * @typedef {{ layout: StackLayout, topology: import('./topology.mjs').Topology,
 *   kinds: import('./machine.mjs').ServerKind[], log: (line: string) => void }} Options
 */

/**
 * @param {Options} options
 * @returns {Promise<{ host: Host, ports: import('./ports.mjs').Ports }>}
 * @throws {SetUpError}
 */
export async function startServers(options) {
  const host = await chooseHost(options);
  if (host === 'machine') return { host, ports: await startOnMachine(options) };
  try {
    return { host, ports: await startInDocker(options) };
  } catch (error) {
    if (!(error instanceof SetUpError)) throw error;
    throw new SetUpError(
      `${error.message}\nTo use this machine's own servers: ${resetCommand(options.layout)}, then set FLUX_STACK_HOST=machine`,
    );
  }
}

/**
 * Data stays where it was first made: an engine that is started later, or stopped, must not make it vanish.
 *
 * @param {Options} options
 * @returns {Promise<Host>}
 */
async function chooseHost({ layout, topology, log }) {
  const host = readPorts(layout.portsFile).host ?? process.env.FLUX_STACK_HOST;
  if (host && host !== 'machine' && host !== 'docker')
    throw new SetUpError('FLUX_STACK_HOST is neither machine nor docker');
  if (topology === 'cluster') {
    if (host === 'docker')
      throw new SetUpError("a cluster runs on this machine's own servers: set FLUX_STACK_HOST=machine");
    return 'machine';
  }
  if (host === 'machine') return host;
  if (!host) log('looking for a Docker engine');
  if (await dockerAnswers()) return 'docker';
  if (!host) return 'machine';
  throw new SetUpError(
    `stack ${layout.name} is in Docker, and no engine answers.\nStart Docker, or forget the stack: ${resetCommand(layout)}`,
  );
}

/** @param {StackLayout} layout */
export function resetCommand({ name }) {
  return name === 'dev' ? 'npm run reset' : `node tools/stack/stack.mjs reset --name ${name}`;
}
