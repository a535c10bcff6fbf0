const TERMINAL_EVERY_MS = 100;
const LOG_EVERY_MS = 1_000;

/**
 * One line that is rewritten on a terminal, a line a second elsewhere.
 *
 * @param {{ tally: import('./tally.mjs').Tally, attempts: number }} options
 * @returns {() => void} shows the last state and stops
 */
export function showProgress({ tally, attempts }) {
  const terminal = process.stdout.isTTY === true;
  const show = () => {
    const line = lineOf(tally, attempts);
    // A line that wraps could not be rewritten.
    const shown = terminal ? `\r\u001b[K${line.slice(0, (process.stdout.columns || 80) - 1)}` : `${line}\n`;
    process.stdout.write(shown);
  };
  const timer = setInterval(show, terminal ? TERMINAL_EVERY_MS : LOG_EVERY_MS);
  return () => {
    clearInterval(timer);
    show();
    if (terminal) process.stdout.write('\n');
  };
}

/**
 * @param {import('./tally.mjs').Tally} tally
 * @param {number} attempts
 */
function lineOf(tally, attempts) {
  const perSecond = Math.round((tally.attempts * 1_000) / Math.max(1, tally.elapsedMs));
  const share = Math.floor((tally.attempts * 100) / attempts);
  return [
    `${String(share).padStart(3)} %`,
    `${tally.attempts.toLocaleString('en')} attempts`,
    `${tally.accepted.toLocaleString('en')} accepted`,
    `${tally.soldOut.toLocaleString('en')} sold out`,
    `${tally.replayed.toLocaleString('en')} replayed`,
    `${tally.errors.toLocaleString('en')} errors`,
    `${perSecond.toLocaleString('en')}/s`,
  ].join('  ');
}
