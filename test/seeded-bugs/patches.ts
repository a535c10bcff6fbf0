import { createHash } from 'node:crypto';
import type { advanceWatermark } from '../../libs/ledger/src/advance-watermark';
import type { freeUnits } from '../../libs/ledger/src/ledger-row';
import type { lockLedger } from '../../libs/ledger/src/ledger-rows';
import { SCRIPTS, type LuaScript } from '../../libs/gate/src/scripts.generated';

/** Takes a bug out again. */
export type Undo = () => void | Promise<void>;

/**
 * Runs a script with one fragment replaced, in this process alone.
 * @throws where the fragment is not there exactly once: the bug would not be in
 */
export function patchScript(name: keyof typeof SCRIPTS, fragment: string, replacement: string): Undo {
  const script: LuaScript = SCRIPTS[name];
  const { sha1, text } = script;
  const parts = text.split(fragment);
  if (parts.length !== 2) throw new Error(`${name}.lua has ${parts.length - 1} times: ${fragment}`);
  const patched = parts.join(replacement);
  Object.assign(script, { text: patched, sha1: createHash('sha1').update(patched).digest('hex') });
  return () => void Object.assign(script, { text, sha1 });
}

/** Functions that a module mock asks in the place of the real ones; the spec files mock the modules. */
export const functions: {
  advanceWatermark?: typeof advanceWatermark;
  freeUnits?: typeof freeUnits;
  lockLedger?: (real: typeof lockLedger) => typeof lockLedger;
} = {};

export function patchFunction<Name extends keyof typeof functions>(
  name: Name,
  replacement: NonNullable<(typeof functions)[Name]>,
): Undo {
  functions[name] = replacement;
  return () => {
    Object.assign(functions, { [name]: undefined });
  };
}

/** Replaces a method of every instance. */
export function patchMethod<Class extends object, Name extends keyof Class>(
  prototype: Class,
  name: Name,
  replacementOf: (real: Class[Name]) => Class[Name],
): Undo {
  const real = prototype[name];
  if (typeof real !== 'function') throw new Error(`${String(name)} is no method`);
  prototype[name] = replacementOf(real);
  return () => {
    prototype[name] = real;
  };
}

export function patches(...undos: readonly Undo[]): Undo {
  return async () => {
    for (const undo of undos) await undo();
  };
}
