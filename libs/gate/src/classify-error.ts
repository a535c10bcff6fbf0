/** Why a command has no reply, and whether it can have had an effect. */
export type Failure =
  /** Refused before it ran, and worth one more try. */
  | { readonly outcome: 'again'; readonly reason: string }
  | { readonly outcome: 'unavailable'; readonly reason: string }
  | { readonly outcome: 'unknown'; readonly reason: string };

/** The server forgot the script, or the slot lives elsewhere: both are said before anything runs. */
const AGAIN = /^(NOSCRIPT|MOVED|ASK|TRYAGAIN)\b/;
/** ioredis' own words for a command that it never wrote. */
const NOT_SENT = /^(Stream isn't writeable|Cluster isn't ready)/;
/** Enough to tell the kind; error texts of Redis may quote what they were given. */
const REASON_LENGTH = 120;

/**
 * An error reply means that nothing was written: Redis refuses a script before it runs or at its first write, and
 * the scripts read every key that they write after that, or may be repeated. Whatever else went wrong did so on the
 * way there or back.
 */
export function classifyError(error: unknown): Failure {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  const reason = message.slice(0, REASON_LENGTH);
  if (name === 'ReplyError') return { outcome: AGAIN.test(message) ? 'again' : 'unavailable', reason };
  return { outcome: NOT_SENT.test(message) ? 'unavailable' : 'unknown', reason };
}
