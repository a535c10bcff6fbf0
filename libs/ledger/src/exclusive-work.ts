import { Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';

export type ExclusiveOutcome = { readonly outcome: 'done' } | { readonly outcome: 'busy' };

/** Times that the server is asked within the silence after which it ends the transaction. */
const KEEP_ALIVES_PER_TIMEOUT = 3;

/** A fixed number, or a text that names what is worked on: `flux:rebuild:<item>`. */
export type ExclusiveKey = number | string;

/** Work that only one process may do at a time. */
@Injectable()
export class ExclusiveWork {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Runs `work` while no other process runs work of the same key; `busy` at once where one does. The lock is an
   * advisory one of a transaction that the server ends when it is silent too long, so that a frozen process does not
   * keep it. The transaction is kept alive meanwhile; when the lock is lost all the same, the signal aborts.
   * @throws what `work` throws, and where the lock was lost
   */
  async run(key: ExclusiveKey, work: (signal: AbortSignal) => Promise<void>): Promise<ExclusiveOutcome> {
    return this.dataSource.transaction(async (manager) => {
      const [row]: { readonly locked: boolean; readonly timeout_ms: number }[] = await manager.query(
        `SELECT pg_try_advisory_xact_lock(${typeof key === 'number' ? '$1' : 'hashtextextended($1, 0)'}) AS locked, setting::integer AS timeout_ms
         FROM pg_settings WHERE name = 'idle_in_transaction_session_timeout'`,
        [key],
      );
      if (row?.locked !== true) return { outcome: 'busy' };
      await keptAlive(manager, row.timeout_ms / KEEP_ALIVES_PER_TIMEOUT, work);
      return { outcome: 'done' };
    });
  }
}

async function keptAlive(
  manager: EntityManager,
  periodMs: number,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const lost = new AbortController();
  let asking: Promise<unknown> = Promise.resolve();
  let pending = false;
  const timer = setInterval(() => {
    if (pending) return;
    pending = true;
    asking = manager
      .query('SELECT 1')
      .catch((error: unknown) => {
        lost.abort(error);
      })
      .finally(() => {
        pending = false;
      });
  }, periodMs);
  try {
    await work(lost.signal);
  } finally {
    clearInterval(timer);
    // One statement at a time on a connection: the commit waits for it.
    await asking;
  }
  lost.signal.throwIfAborted();
}
