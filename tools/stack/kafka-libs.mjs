import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { SetUpError, run } from './run.mjs';

const POM = fileURLToPath(new URL('kafka/pom.xml', import.meta.url));

/**
 * The folder of the jars this pom names. It bears the pom's hash and appears only when it is complete, so a crash
 * leaves no half set, a changed pom is fetched anew, and a broker that still runs keeps the jars it was started with.
 *
 * @param {string} kafkaLibs
 */
export function kafkaLibsFolder(kafkaLibs) {
  return join(kafkaLibs, createHash('sha256').update(readFileSync(POM)).digest('hex').slice(0, 12));
}

/** @param {string} kafkaLibs */
export function hasKafkaLibs(kafkaLibs) {
  return existsSync(kafkaLibsFolder(kafkaLibs));
}

/**
 * @param {{ kafkaLibs: string, maven: string, log: (line: string) => void }} options
 * @throws {SetUpError}
 */
export async function fetchKafkaLibs({ kafkaLibs, maven, log }) {
  const folder = kafkaLibsFolder(kafkaLibs);
  if (existsSync(folder)) return;
  log('fetching Apache Kafka from Maven Central (46 jars, 43 MB; once)');
  const incoming = `${folder}.incoming-${process.pid}`;
  mkdirSync(incoming, { recursive: true });
  try {
    const quiet = ['-q', '-B', '-Dstyle.color=never'];
    const copy = ['-f', POM, 'dependency:copy-dependencies', `-DoutputDirectory=${incoming}`];
    await run(maven, [...quiet, ...copy], { what: 'fetching Kafka with Maven' });
    if (!readdirSync(incoming).some((name) => /^kafka_.*\.jar$/.test(name))) {
      throw new SetUpError(`Maven ended without an error, but ${dirname(folder)} got no Kafka jar`);
    }
    // Another stack of this clone may have been faster; its set is the same.
    if (!existsSync(folder)) renameSync(incoming, folder);
  } finally {
    rmSync(incoming, { recursive: true, force: true });
  }
}
