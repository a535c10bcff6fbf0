import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/**
 * The lines of a history file, read as they are asked for. The file is opened with the first one: Node's line reader
 * flows from its making on and would lose what comes before somebody iterates.
 */
export async function* historyLines(file: string): AsyncGenerator<string> {
  const input = createReadStream(file);
  const lines = createInterface({ input, crlfDelay: Infinity });
  for await (const line of lines) yield line;
}
