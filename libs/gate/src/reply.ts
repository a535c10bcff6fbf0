import { UnexpectedReplyError } from './gate-error';

/**
 * A script's reply as its words: numbers as text, trailing nothing left out by Redis.
 * @throws UnexpectedReplyError where it is not a flat list of texts and numbers
 */
export function wordsOf(reply: unknown): readonly string[] {
  if (!Array.isArray(reply)) throw new UnexpectedReplyError(typeof reply);
  return reply.map((word: unknown) => {
    if (typeof word === 'string') return word;
    if (typeof word === 'number') return String(word);
    throw new UnexpectedReplyError(`a ${typeof word} in the reply`);
  });
}

/** @throws UnexpectedReplyError where the text is not a number */
export function numberOf(text: string | undefined): number {
  const number = Number(text === '' ? undefined : text);
  if (Number.isNaN(number)) throw new UnexpectedReplyError('not a number');
  return number;
}
