import { type ItemRef, itemName } from '@flux/contracts';
import { Injectable } from '@nestjs/common';
import { ConsumerProgress } from '../maintenance/consumer-progress';
import type { Drift } from './drift';

type Surplus = Extract<Drift, { kind: 'surplus' }>;
type Deficit = Extract<Drift, { kind: 'deficit' }>;

/** A gate that had too many units in so many rounds running gets them from somewhere. */
const SURPLUS_ROUNDS = 3;
/** A minute: whatever explains a deficit, a crash included, is over by then. */
const DEFICIT_ROUNDS = 12;

export interface Standing {
  readonly mayRepair: boolean;
  /** Why a person has to look; undefined where none has to. */
  readonly alarming: string | undefined;
  /** Why Kafka could not be asked. */
  readonly failure?: { readonly error: unknown };
}

interface Remembered {
  readonly kind: 'surplus' | 'deficit';
  /** Equal keys: gate and ledger stood still in between. */
  readonly key: string;
  readonly rounds: number;
  /** Nothing was unfinished, and the orders processes had applied all that was in Kafka before. */
  readonly atRest: boolean;
}

/** How long each item's drift has stood. */
@Injectable()
export class Standings {
  private remembered = new Map<string, Remembered>();

  constructor(private readonly progress: ConsumerProgress) {}

  /** Forgets all other items. */
  keep(items: readonly ItemRef[]): void {
    const names = new Set(items.map(itemName));
    for (const name of this.remembered.keys()) if (!names.has(name)) this.forget(name);
  }

  /** Nothing to remember of the item. */
  atPeace(item: ItemRef): void {
    this.forget(itemName(item));
  }

  surplus(item: ItemRef, { units }: Surplus): Standing {
    const name = itemName(item);
    const before = this.remembered.get(name);
    const rounds = before?.kind === 'surplus' ? before.rounds + 1 : 1;
    this.remembered.set(name, { kind: 'surplus', key: '', rounds, atRest: false });
    const alarming =
      rounds < SURPLUS_ROUNDS ? undefined : `${units} units too many, after ${rounds} rounds that lowered it`;
    return { mayRepair: true, alarming };
  }

  /**
   * A deficit may be repaired where two rounds saw the same, each with nothing unfinished, and where the orders
   * processes had come to the end of Kafka, as it was when this state was first seen, before the second one looked.
   */
  async deficit(item: ItemRef, { units, seen, obstacles }: Deficit): Promise<Standing> {
    const name = itemName(item);
    const key = JSON.stringify(seen);
    const before = this.remembered.get(name);
    const isSame = before?.key === key;
    if (!isSame) this.progress.forget(progressKey(name));
    const isQuiet = obstacles.length === 0;
    const rounds = isSame ? before.rounds + 1 : 1;
    const mayRepair = isSame && isQuiet && before.atRest;
    const { atRest, failure } = isQuiet ? await this.hasCaughtUp(name) : { atRest: false };
    this.remembered.set(name, { kind: 'deficit', key, rounds, atRest });
    return {
      mayRepair,
      alarming: rounds < DEFICIT_ROUNDS ? undefined : explain(units, obstacles),
      ...(failure === undefined ? {} : { failure }),
    };
  }

  private async hasCaughtUp(
    name: string,
  ): Promise<{ readonly atRest: boolean; readonly failure?: { readonly error: unknown } }> {
    try {
      return { atRest: await this.progress.hasCaughtUp(progressKey(name)) };
    } catch (error) {
      return { atRest: false, failure: { error } };
    }
  }

  private forget(name: string): void {
    this.remembered.delete(name);
    this.progress.forget(progressKey(name));
  }
}

function explain(units: number, obstacles: readonly string[]): string {
  const why = obstacles.length > 0 ? obstacles : ['the orders processes have not consumed all of Kafka'];
  return `${units} units too few, and ${why.join(', ')}`;
}

/** Sales have keys of their own there. */
function progressKey(name: string): string {
  return `reconcile:${name}`;
}
