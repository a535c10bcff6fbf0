import { BugSale } from './bug-sale';
import type { SaleServers } from './sale-servers';
import type { SeededBug } from './seeded-bug';
import type { Undo } from './patches';

export interface Verdict {
  readonly verdict: string;
  readonly refuted: readonly string[];
  readonly offenders: readonly string[];
}

/** The checker's verdict over the scenario. @param withBug without it, it is the control */
export async function check(servers: SaleServers, bug: SeededBug, withBug: boolean): Promise<Verdict> {
  const { options, scenario, seed } = bug;
  const sale = await BugSale.open(servers, options);
  const undo: Undo = withBug ? await seed(sale) : nothing;
  try {
    await scenario(sale);
  } finally {
    await undo();
  }
  try {
    const { verdict, lines } = await sale.audit();
    const refuted = lines.filter(({ holds }) => holds === false);
    return {
      verdict,
      refuted: refuted.map(({ name }) => name),
      offenders: refuted.map(({ name, offenders }) => `${name}: ${offenders.slice(0, 2).join('; ')}`),
    };
  } finally {
    await sale.close();
  }
}

function nothing(): void {
  // The control has no bug to take out.
}
