import type { ItemRef } from '@flux/contracts';
import { type GateClient, type GateItem, UnexpectedReplyError } from '@flux/gate';

/**
 * The gate's counters of an item; undefined where the gate lacks it or a field of it: that is the rebuild's.
 * @throws GateUnavailableError
 */
export async function readGateItem(gate: GateClient, item: ItemRef): Promise<GateItem | undefined> {
  try {
    return await gate.readItem(item);
  } catch (error) {
    if (error instanceof UnexpectedReplyError) return undefined;
    throw error;
  }
}
