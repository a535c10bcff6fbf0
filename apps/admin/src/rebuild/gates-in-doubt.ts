import type { GateRebuild, GateRun, Vouching } from '@flux/gate';
import type { RebuildLedger } from '@flux/ledger';
import { inSlices } from '../gate-driver/in-slices';
import type { ItemEpoch } from './kafka-tail.service';
import { isAtWork } from './rebuild-need';

type Doubt = Extract<Vouching, GateRun>;

/** A gate of which something is still to be found out on this run of its Redis. */
export type GateInDoubt<Outcome extends Doubt['outcome']> = ItemEpoch &
  Extract<Doubt, { readonly outcome: Outcome }>;

/**
 * The gates that should sell and are in this doubt, in the ledger's epoch: of any other one the rebuild knows more.
 * @throws where Redis or PostgreSQL cannot be asked
 */
export async function gatesInDoubt<Outcome extends Doubt['outcome']>(
  outcome: Outcome,
  { ledger, gateRebuild }: { readonly ledger: RebuildLedger; readonly gateRebuild: GateRebuild },
): Promise<readonly GateInDoubt<Outcome>[]> {
  const isMeant = (
    found: Vouching | undefined,
  ): found is Extract<Doubt, { readonly outcome: Outcome }> & Doubt => found?.outcome === outcome;
  const inDoubt: GateInDoubt<Outcome>[] = [];
  for (const slice of inSlices((await ledger.subjects()).filter(isAtWork))) {
    const vouchings = await Promise.all(slice.map((item) => gateRebuild.askVouched(item)));
    for (const [index, { saleId, productId, epoch }] of slice.entries()) {
      const found = vouchings[index];
      if (isMeant(found) && found.epoch === epoch) inDoubt.push({ saleId, productId, ...found });
    }
  }
  return inDoubt;
}
