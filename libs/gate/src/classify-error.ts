/** Why a command has no reply, and whether it can have had an effect. All but `unknown` certainly had none. */
export type Failure =
  | Redirection
  | { readonly outcome: 'unavailable'; readonly reason: string }
  | { readonly outcome: 'unknown'; readonly reason: string };

/** Refused before it ran, by a server that says what to do instead. */
export type Redirection =
  /** The server forgot the script: send its text. */
  | { readonly outcome: 'noScript'; readonly reason: string }
  /** The slot lives elsewhere, for good. */
  | { readonly outcome: 'moved'; readonly slot: number; readonly address: string; readonly reason: string }
  /** The slot is on its way there, and the keys have arrived: ask there, this once. */
  | { readonly outcome: 'ask'; readonly address: string; readonly reason: string }
  /** The slot is on its way, and so are the keys. */
  | { readonly outcome: 'tryAgain'; readonly reason: string };

const ELSEWHERE = /^(MOVED|ASK) (\d+) (\S+:\d+)/;
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
  if (name === 'ReplyError') return redirection(reason) ?? { outcome: 'unavailable', reason };
  return { outcome: NOT_SENT.test(message) ? 'unavailable' : 'unknown', reason };
}

/** Whether a command without a reply can have had an effect, for those that are not sent again. */
export function effectOf({ outcome }: Failure): 'none' | 'unknown' {
  return outcome === 'unknown' ? 'unknown' : 'none';
}

function redirection(reason: string): Redirection | undefined {
  if (/^NOSCRIPT\b/.test(reason)) return { outcome: 'noScript', reason };
  if (/^TRYAGAIN\b/.test(reason)) return { outcome: 'tryAgain', reason };
  const [, word, slot, address = ''] = ELSEWHERE.exec(reason) ?? [];
  if (word === 'MOVED') return { outcome: 'moved', slot: Number(slot), address, reason };
  return word === 'ASK' ? { outcome: 'ask', address, reason } : undefined;
}
