// npm passes a terminal's Ctrl-C on to its script, which the terminal has told already.
const ECHO_MS = 1_000;

/**
 * Turns the first request to stop into a promise and the second into `onSecond`.
 *
 * @param {{ onFirst: () => void, onSecond: () => void }} handlers
 * @returns {{ requested: Promise<void>, isRequested: () => boolean }}
 */
export function listenForStop({ onFirst, onSecond }) {
  let firstAt = 0;
  /** @type {() => void} */
  let request = () => {};
  /** @type {Promise<void>} */
  const requested = new Promise((resolve) => (request = resolve));
  const onSignal = () => {
    if (firstAt === 0) {
      firstAt = Date.now();
      onFirst();
      request();
    } else if (Date.now() - firstAt > ECHO_MS) {
      onSecond();
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, onSignal);
  return { requested, isRequested: () => firstAt !== 0 };
}
