import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';

/** A failure whose message is meant for the person at the terminal: printed without a stack trace. */
export class SetUpError extends Error {}

const TAIL_LINES = 20;

/** @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();

let interrupted = false;

/**
 * Runs a program to its end.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, input?: string, timeoutMs?: number, what?: string }} [options]
 *   `what` names it in an error, where the program's own name would tell nothing
 * @returns {Promise<{ stdout: string, stderr: string }>}
 * @throws {SetUpError} with the last lines of its output when it is missing, fails or takes too long
 */
export function run(file, args, { env, cwd, input, timeoutMs, what = `${file} ${args[0] ?? ''}` } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, cwd, timeout: timeoutMs, killSignal: 'SIGKILL' });
    running.add(child);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr += chunk));
    // A program that ends without reading its input is judged by its exit status.
    child.stdin.on('error', () => {});
    child.stdin.end(input ?? '');
    child.on('error', (error) => {
      running.delete(child);
      reject(new SetUpError(`cannot run ${file}: ${error.message}`));
    });
    child.on('close', (code, signal) => {
      running.delete(child);
      if (code === 0) return resolve({ stdout, stderr });
      const how = signal ? `was ended by ${signal}` : `failed with exit status ${code}`;
      reject(new SetUpError(`${what} ${how}\n${lastLines(stderr + stdout)}`));
    });
  });
}

/**
 * @param {string} file
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, timeoutMs?: number }} [options]
 * @returns {Promise<boolean>} whether the program ran and ended with status 0
 */
export function succeeds(file, args, options) {
  return run(file, args, options).then(
    () => true,
    () => false,
  );
}

/** Ends what `run` has under way and gives up waiting for servers to come up, so that a stop is heard at once. */
export function interrupt() {
  interrupted = true;
  for (const child of running) child.kill('SIGTERM');
}

export function isInterrupted() {
  return interrupted;
}

/**
 * @param {string} text
 * @param {number} [lines]
 */
export function lastLines(text, lines = TAIL_LINES) {
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

/**
 * @param {string} path
 * @param {number} [from] where the lines in question begin, in bytes
 * @returns {Promise<string>} the log's path and its last lines, for an error message
 */
export async function describeLog(path, from = 0) {
  const log = await readFile(path).catch(() => Buffer.alloc(0));
  const text = log.subarray(from).toString('utf8');
  if (!text.trim()) return `nothing was written to ${path}`;
  return `the last lines of ${path}:\n${lastLines(text)}`;
}

/** @param {number} ms */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * Prints an error for a person and sets the exit status; anything unexpected keeps its stack trace.
 *
 * @param {unknown} error
 */
export function reportFailure(error) {
  if (error instanceof SetUpError) process.stderr.write(`error: ${error.message}\n`);
  else console.error(error);
  process.exitCode = 1;
}
