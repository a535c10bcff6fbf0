import { PASS_ID_PATTERN, type ItemRef } from '@flux/contracts';
import { InvalidRequestError } from './gate-error';
import * as codec from './rebuild-codec';
import type {
  GateComparison,
  GateComparisonOutcome,
  GateLook,
  GateRun,
  RebuildBegin,
  RebuildBeginOutcome,
  RebuildClose,
  RebuildCloseOutcome,
  RebuildEnd,
  RebuildEndOutcome,
  RebuildPage,
  RebuildPageOutcome,
  VouchedFor,
  Vouching,
} from './rebuild-outcomes';
import type { RedisConnection } from './redis-connection';
import { stateLetter } from './order-record';
import { assertShopper, assertWhole, keysOf } from './request-guards';
import { ScriptRunner } from './script-runner';
import { SCRIPTS } from './scripts.generated';

/** Purchases of other items wait while Redis writes a page; Lua's stack takes some 8,000 arguments. */
export const MAX_ORDERS_PER_REBUILD_PAGE = 1_000;

/** Versions of an epoch: a gate's version never repeats in a later one, so no gateway takes an old set of buyers for new. */
const VERSIONS_PER_EPOCH = 1_000_000_000;

/**
 * Writes an item's gate anew from what PostgreSQL has: `close`, where there is one, then `begin`, the pages in the order of
 * their order ids, and `end`. Until then the gate answers NOT_READY. Every step names the epoch, so that a rebuild that was overtaken by a
 * newer one changes nothing any more; pages and end may be repeated. All throw as the other verbs of GateClient do.
 */
export class GateRebuild {
  private readonly runner: ScriptRunner;

  constructor(connection: RedisConnection) {
    this.runner = new ScriptRunner(connection);
  }

  /** Whether the item's gate is whole. Reads every key's type, and the item's fields. */
  async look(item: ItemRef): Promise<GateLook> {
    return codec.decodeLook(
      await this.runner.run({ script: SCRIPTS['rebuild-look'], keys: ownKeys(item), args: [] }),
    );
  }

  /** What is known of the gate since its Redis was started or made master. */
  async askVouched(item: ItemRef): Promise<Vouching> {
    return this.runVouch(item, [0, '', '']);
  }

  /**
   * Notes what was found out about the gate in this epoch and on this run of its Redis; of any other one nothing.
   * @returns what is known of it now
   */
  async vouch(item: ItemRef, { epoch, run }: GateRun, vouchedFor: VouchedFor): Promise<Vouching> {
    assertWhole({ epoch });
    return this.runVouch(item, [epoch, run, vouchedFor]);
  }

  /** Whether the gate still knows what it was told of these orders. One that does not sells nothing any more. */
  async compare({ epoch, orders, ...item }: GateComparison): Promise<GateComparisonOutcome> {
    assertWhole({ epoch });
    if (orders.length > MAX_ORDERS_PER_REBUILD_PAGE) throw new InvalidRequestError('orders');
    const keys = keysOf(item);
    const reply = await this.runner.run({
      script: SCRIPTS.compare,
      keys: [keys.item, keys.orders],
      args: [epoch, keys.channel, ...orders.flatMap(({ orderId, status }) => [orderId, stateLetter(status)])],
    });
    return codec.decodeComparison(reply);
  }

  /** From now on the gate sells nothing, and what its outbox holds is all. May be repeated. */
  async close(request: RebuildClose): Promise<RebuildCloseOutcome> {
    const { epoch, closedBy } = request;
    assertWhole({ epoch });
    const { item, channel } = keysOf(request);
    const reply = await this.runner.run({
      script: SCRIPTS['rebuild-close'],
      keys: [item],
      args: [epoch, closedBy, channel],
    });
    return codec.decodeClose(reply);
  }

  /** Throws away what an older epoch left of the item, whatever it is, unless it may have sold since it was closed. */
  async begin(request: RebuildBegin): Promise<RebuildBeginOutcome> {
    const { epoch, perShopperLimit, opensAtMs, closesAtMs, holdMs, closedBy } = request;
    assertWhole({ epoch, perShopperLimit, opensAtMs, closesAtMs, holdMs });
    const reply = await this.runner.run({
      script: SCRIPTS['rebuild-begin'],
      keys: ownKeys(request),
      args: [epoch, perShopperLimit, opensAtMs, closesAtMs, holdMs, epoch * VERSIONS_PER_EPOCH, closedBy],
    });
    return codec.decodeBegin(reply);
  }

  async page(request: RebuildPage): Promise<RebuildPageOutcome> {
    const { epoch, after, orders } = request;
    if (orders.length === 0 || orders.length > MAX_ORDERS_PER_REBUILD_PAGE) {
      throw new InvalidRequestError('orders');
    }
    assertWhole({ epoch });
    let before = after;
    for (const { orderId, shopperId, quantity, acceptedAtMs, changedAtMs, liveUnits, passId } of orders) {
      if (orderId <= before) throw new InvalidRequestError('orderId');
      before = orderId;
      assertShopper(shopperId);
      assertWhole({ quantity, acceptedAtMs, changedAtMs, liveUnits });
      if (passId !== undefined && !PASS_ID_PATTERN.test(passId)) throw new InvalidRequestError('passId');
    }
    const { item, shoppers, orders: records, passes } = keysOf(request);
    const reply = await this.runner.run({
      script: SCRIPTS['rebuild-page'],
      keys: [item, shoppers, records, passes],
      args: codec.pageArgs(request),
    });
    return codec.decodePage(reply);
  }

  async end(request: RebuildEnd): Promise<RebuildEndOutcome> {
    const { saleId, epoch, lastOrderId, available, state, isCurrent } = request;
    assertWhole({ epoch, available });
    const { current, item, stock, channel } = keysOf(request);
    const reply = await this.runner.run({
      script: SCRIPTS['rebuild-end'],
      keys: [current, item, stock],
      args: [epoch, lastOrderId, available, state, isCurrent ? saleId : '', channel],
    });
    return codec.decodeEnd(reply);
  }

  private async runVouch(
    ref: ItemRef,
    args: readonly [epoch: number, run: string, noted: VouchedFor | ''],
  ): Promise<Vouching> {
    const { item } = keysOf(ref);
    return codec.decodeVouching(await this.runner.run({ script: SCRIPTS.vouch, keys: [item], args }));
  }
}

/** All of the item's keys; `current` is the product's. */
function ownKeys(ref: ItemRef): readonly string[] {
  const { item, stock, shoppers, orders, outbox, changes, timeline, lease, passes } = keysOf(ref);
  return [item, stock, shoppers, orders, outbox, changes, timeline, lease, passes];
}
