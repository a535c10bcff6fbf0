import { itemName, itemOfOrderId, type ItemRef } from '@flux/contracts';
import { ask } from './ask';
import { Buyers } from './buyers';
import { EpochFloors } from './epoch-floors';
import { OUTBOXES_KEY, type ItemKeys } from './gate-keys';
import { scanHash } from './hash-scan';
import type { GateObserver } from './observer';
import * as orderCodec from './order-codec';
import type * as Orders from './order-outcomes';
import type * as Gate from './outcomes';
import type { RedisConnection } from './redis-connection';
import { assertRuns, assertShopper, assertWhole, keysOf } from './request-guards';
import { ReserveBatcher } from './reserve-batcher';
import { ScriptRunner } from './script-runner';
import { SCRIPTS } from './scripts.generated';
import { slicesOf } from './slices';
import * as codec from './verb-codec';

/** Keeps one settle call short: a state costs Redis about 8 us. */
const MAX_STATES_PER_CALL = 200;
/** More releases are several calls; one costs Redis about 12 us. */
export const MAX_RELEASES_PER_CALL = 200;
const MAX_READS_PER_CALL = 100;
const MAX_FORGOTTEN_PER_CALL = 500;

/**
 * The gate: decides who gets a unit. Every verb is one script on the keys of one item, and may be repeated.
 *
 * `reserve` answers with a value whatever happens to Redis. The other verbs throw GateUnavailableError where Redis
 * cannot be asked or does not answer within the command timeout, UnexpectedReplyError where a foreign script or key
 * answered, InvalidRequestError for ids that break the patterns.
 */
export class GateClient {
  private readonly floors = new EpochFloors();
  /** By sale. */
  private readonly rooms = new Map<string, Gate.GateRoom>();
  private readonly runner: ScriptRunner;
  private readonly batcher: ReserveBatcher;
  private observer: GateObserver = {};

  constructor(private readonly connection: RedisConnection) {
    this.runner = new ScriptRunner(connection);
    this.batcher = new ReserveBatcher({
      runner: this.runner,
      floors: this.floors,
      roomOf: (saleId) => roomText(this.rooms.get(saleId)),
      observer: () => this.observer,
    });
  }

  /** Where metrics listen in; a later observer replaces the earlier. */
  observe(observer: GateObserver): void {
    this.observer = observer;
  }

  /**
   * The sale's waiting room as this process knows it now: told to the gate with each purchase, whose items keep the
   * latest they heard of.
   */
  knowRoom(saleId: string, room: Gate.GateRoom | undefined): void {
    if (room === undefined) this.rooms.delete(saleId);
    else this.rooms.set(saleId, room);
  }

  /** Whether Redis would be asked now. */
  isReady(): boolean {
    return this.connection.isReady();
  }

  /**
   * Takes units for one shopper, or says why not. Requests of one item in one turn of the event loop share a call.
   * The order id is the idempotency key: the same request again gets the same order.
   * @throws InvalidRequestError for a request that breaks a pattern; never for an outcome
   */
  reserve(request: Gate.ReserveRequest): Promise<Gate.ReserveOutcome> {
    return this.batcher.reserve(request);
  }

  /**
   * Adds the item's outbox to those that relays read, then opens the item. Idempotent per epoch. Where the outcome is
   * `unsafe` the outbox stays listed: take it off with `Outboxes.remove` if the sale is given up.
   */
  async open(request: Gate.OpenRequest): Promise<Gate.OpenOutcome> {
    const { epoch, available, perShopperLimit, opensAtMs, closesAtMs, holdMs } = request;
    assertWhole({ epoch, available, perShopperLimit, opensAtMs, closesAtMs, holdMs });
    const keys = keysOf(request);
    await ask(this.connection, (client) => client.sadd(OUTBOXES_KEY, itemName(request)));
    const reply = await this.runner.run({
      script: SCRIPTS.open,
      keys: allOf(keys),
      args: [request.saleId, epoch, available, perShopperLimit, opensAtMs, closesAtMs, holdMs, keys.channel],
    });
    return codec.decodeOpen(reply);
  }

  async pause(item: ItemRef): Promise<Gate.TransitionOutcome> {
    return this.transition(item, SCRIPTS.pause);
  }

  async resume(item: ItemRef): Promise<Gate.TransitionOutcome> {
    return this.transition(item, SCRIPTS.resume);
  }

  /** For good. Replays, reads, releases and late payments go on. */
  async close(item: ItemRef): Promise<Gate.TransitionOutcome> {
    return this.transition(item, SCRIPTS.close);
  }

  /** Closes the item until its rebuild, unless it was rebuilt since `epoch`. */
  async suspend(item: ItemRef & { readonly epoch: number }): Promise<Gate.TransitionOutcome> {
    assertWhole({ epoch: item.epoch });
    const keys = keysOf(item);
    const args = [item.epoch, keys.channel];
    return codec.decodeTransition(
      await this.runner.run({ script: SCRIPTS.suspend, keys: [keys.item], args }),
    );
  }

  /** Dates the end of the item's keys, then takes its outbox off the relays' list. */
  async retire(request: Gate.RetireRequest): Promise<Gate.RetireOutcome> {
    assertWhole({ endsAtMs: request.endsAtMs });
    const reply = await this.runner.run({
      script: SCRIPTS.retire,
      keys: allOf(keysOf(request)),
      args: [request.saleId, request.endsAtMs],
    });
    const outcome = codec.decodeRetire(reply);
    if (outcome.outcome !== 'refused') {
      await ask(this.connection, (client) => client.srem(OUTBOXES_KEY, itemName(request)));
    }
    return outcome;
  }

  /** Adds units or takes them, once per change id. */
  async adjust(request: Gate.AdjustRequest): Promise<Gate.AdjustOutcome> {
    const { epoch, changeId, delta } = request;
    assertWhole({ epoch, delta: Math.abs(delta) });
    const { item, stock, changes, channel } = keysOf(request);
    const reply = await this.runner.run({
      script: SCRIPTS.adjust,
      keys: [item, stock, changes],
      args: [epoch, changeId, delta, channel],
    });
    return codec.decodeAdjust(reply);
  }

  /** Notes that nothing is left of an item and nothing can come back by itself, if it still is as it was seen. */
  async exhaust(request: Gate.ExhaustRequest): Promise<Gate.ExhaustOutcome> {
    const { epoch, version, sequence } = request;
    assertWhole({ epoch, version, sequence });
    const { item, stock } = keysOf(request);
    const reply = await this.runner.run({
      script: SCRIPTS.exhaust,
      keys: [item, stock],
      args: [epoch, version, sequence],
    });
    return codec.decodeExhaust(reply);
  }

  /** Puts a stock right that does not agree with the ledger, once per change id and only where it is as it was seen. */
  async repair(request: Gate.RepairRequest): Promise<Gate.RepairOutcome> {
    const { epoch, version, changeId, delta } = request;
    assertWhole({ epoch, version, delta: Math.abs(delta) });
    const { item, stock, changes, channel } = keysOf(request);
    const reply = await this.runner.run({
      script: SCRIPTS.repair,
      keys: [item, stock, changes],
      args: [epoch, version, changeId, delta, channel],
    });
    return codec.decodeRepair(reply);
  }

  /**
   * Tells the gate what the ledger has committed. Many states go in several calls, the watermark with the last, so
   * that no order reads as confirmed before its own state is written. `trimmed` is the last call's.
   */
  async settle(request: Orders.SettleRequest): Promise<Orders.SettleOutcome> {
    assertRuns(request);
    const slices = slicesOf(request.states, MAX_STATES_PER_CALL);
    for (const states of slices.slice(0, -1)) {
      const part = { ...request, watermark: 0, watermarkOrderId: '', runs: [], states };
      const outcome = await this.settlePart(part);
      if (outcome.outcome !== 'settled') return outcome;
    }
    return this.settlePart({ ...request, states: slices.at(-1) ?? [] });
  }

  /**
   * Notes that a shopper wants to give an order up. The wish travels as a purchase does; the order keeps its status
   * until the ledger has decided. In open, paused and closed items.
   */
  async cancel(request: Orders.CancelRequest): Promise<Orders.CancelOutcome> {
    const { orderId, shopperId } = request;
    assertShopper(shopperId);
    const ref = itemOfOrderId(orderId);
    if (ref === undefined) return { outcome: 'unknownOrder' };
    const { item, orders, outbox, timeline } = keysOf(ref);
    const name = itemName(ref);
    const reply = await this.runner.run({
      script: SCRIPTS.cancel,
      keys: [item, orders, outbox, timeline],
      args: orderCodec.cancelArgs(request, this.floors.of(name)),
      confirm: item,
    });
    const { outcome, epoch } = orderCodec.decodeCancel(orderId, reply);
    this.floors.saw(name, epoch);
    return outcome;
  }

  /**
   * Gives back the units of orders that ended, and what a late payment took in vain, each once. More than
   * MAX_RELEASES_PER_CALL go in several calls, and the first outcome that is not `released` ends them.
   */
  async release(request: Orders.ReleaseRequest): Promise<Orders.ReleaseOutcome> {
    const { item, stock, shoppers, orders, changes, channel } = keysOf(request);
    assertWhole({ epoch: request.epoch });
    for (const { shopperId, units, counted, changedAtMs } of request.releases) {
      assertShopper(shopperId);
      assertWhole({ units, counted, changedAtMs });
    }
    let released = 0;
    for (const releases of slicesOf(request.releases, MAX_RELEASES_PER_CALL)) {
      const reply = await this.runner.run({
        script: SCRIPTS.release,
        keys: [item, stock, shoppers, orders, changes],
        args: orderCodec.releaseArgs({ ...request, releases }, channel),
      });
      const outcome = orderCodec.decodeRelease(reply);
      if (outcome.outcome !== 'released') return outcome;
      released += outcome.released;
    }
    return { outcome: 'released', released };
  }

  /**
   * Takes units for an order that had ended and is paid late, once per change id. Also in a paused or closed item; the
   * order's record stays as it is.
   */
  async retake(request: Orders.RetakeRequest): Promise<Orders.RetakeOutcome> {
    const { epoch, changeId, shopperId, quantity } = request;
    assertWhole({ epoch, quantity });
    assertShopper(shopperId);
    const { item, stock, shoppers, changes } = keysOf(request);
    const reply = await this.runner.run({
      script: SCRIPTS.retake,
      keys: [item, stock, shoppers, changes],
      args: [epoch, changeId, shopperId, quantity],
    });
    return orderCodec.decodeRetake(reply);
  }

  /**
   * Puts a pseudonym in a shopper's place: in the item's counts and in the shopper's records. Units stay counted. What
   * waits in the outbox still has the name: forget when it is empty.
   */
  async forget(request: Orders.ForgetRequest): Promise<Orders.ForgetOutcome> {
    assertShopper(request.shopperId);
    assertShopper(request.pseudonym);
    const { item, shoppers, orders } = keysOf(request);
    const [first = [], ...others] = slicesOf(request.orderIds, MAX_FORGOTTEN_PER_CALL);
    for (const orderIds of [first, ...others]) {
      const reply = await this.runner.run({
        script: SCRIPTS.forget,
        keys: [item, shoppers, orders],
        args: orderCodec.forgetArgs({ ...request, orderIds }),
      });
      const outcome = orderCodec.decodeForget(reply);
      if (outcome.outcome === 'gone') return outcome;
    }
    return { outcome: 'forgotten' };
  }

  /** `unknownOrder` also for a text that is not an order id. */
  async readOrder(orderId: string): Promise<Gate.ReadOrderOutcome> {
    const ref = itemOfOrderId(orderId);
    if (ref === undefined) return { outcome: 'unknownOrder' };
    const outcomes = await this.readOrders(ref, [orderId]);
    return outcomes.get(orderId) ?? { outcome: 'unknownOrder' };
  }

  /** Orders of one item, each once; one call per 100. Orders of other items are unknown here. */
  async readOrders(
    ref: ItemRef,
    orderIds: readonly string[],
  ): Promise<ReadonlyMap<string, Gate.ReadOrderOutcome>> {
    const { item, orders, timeline } = keysOf(ref);
    const name = itemName(ref);
    const found = new Map<string, Gate.ReadOrderOutcome>();
    for (const part of slicesOf(orderIds, MAX_READS_PER_CALL)) {
      const reply = await this.runner.run({
        script: SCRIPTS['read-order'],
        keys: [item, orders, timeline],
        args: [this.floors.of(name), ...part],
      });
      const { outcomes, epoch } = orderCodec.decodeReadOrders(part, reply);
      this.floors.saw(name, epoch);
      for (const [index, outcome] of outcomes.entries()) found.set(part[index] ?? '', outcome);
    }
    return found;
  }

  /** The item's counters, read in one step; undefined where its key is missing or the item is being rebuilt. */
  async readItem(ref: ItemRef): Promise<Gate.GateItem | undefined> {
    const { item, stock, outbox } = keysOf(ref);
    const reply = await this.runner.run({
      script: SCRIPTS['read-item'],
      keys: [item, stock, outbox],
      args: [],
    });
    return codec.decodeReadItem(reply);
  }

  /**
   * Everyone who ever had an order of the item accepted, if the item was sold out with this version before and after
   * the scan: then nobody can have been missed. Otherwise undefined.
   */
  async loadBuyers(ref: ItemRef, version: number): Promise<Buyers | undefined> {
    const before = await this.readItem(ref);
    if (before?.version !== version || before.available !== 0) return undefined;
    const buyers = await Buyers.of(this.shopperIdsOf(ref));
    const after = await this.readItem(ref);
    const unchanged = after?.version === version && after.available === 0 && after.epoch === before.epoch;
    return unchanged ? buyers : undefined;
  }

  /**
   * Everyone who ever had an order of the item accepted, if the item has known of this room since before the scan: whoever
   * had one accepted later had a pass. Otherwise undefined.
   */
  async loadBuyersBefore(ref: ItemRef, since: number): Promise<Buyers | undefined> {
    const item = await this.readItem(ref);
    if (item?.room?.since !== since || item.room.state === 'off') return undefined;
    return Buyers.of(this.shopperIdsOf(ref));
  }

  /** Every shopper's units. An entry that changes meanwhile may come twice. */
  async *shoppersOf(ref: ItemRef): AsyncGenerator<{ readonly shopperId: string; readonly units: number }> {
    for await (const [shopperId, units] of scanHash(this.connection, keysOf(ref).shoppers)) {
      yield { shopperId, units: Number(units) };
    }
  }

  private async *shopperIdsOf(ref: ItemRef): AsyncGenerator<string> {
    for await (const { shopperId } of this.shoppersOf(ref)) yield shopperId;
  }

  private async settlePart(request: Orders.SettleRequest): Promise<Orders.SettleOutcome> {
    assertWhole({ epoch: request.epoch, watermark: request.watermark });
    for (const { shopperId } of request.states) assertShopper(shopperId);
    const { item, shoppers, orders, outbox, timeline, channel } = keysOf(request);
    const reply = await this.runner.run({
      script: SCRIPTS.settle,
      keys: [item, shoppers, orders, outbox, timeline],
      args: orderCodec.settleArgs(request, channel),
    });
    return orderCodec.decodeSettle(reply);
  }

  private async transition(
    ref: ItemRef,
    script: (typeof SCRIPTS)['pause' | 'resume' | 'close'],
  ): Promise<Gate.TransitionOutcome> {
    const { item, channel } = keysOf(ref);
    return codec.decodeTransition(await this.runner.run({ script, keys: [item], args: [channel] }));
  }
}

function roomText(room: Gate.GateRoom | undefined): string {
  return room === undefined ? '' : `${room.since} ${room.state}`;
}

/** Every key of an item, in the order that open and retire take them. */
function allOf(keys: ItemKeys): readonly string[] {
  const { current, item, stock, shoppers, orders, outbox, changes, timeline, lease, passes } = keys;
  return [current, item, stock, shoppers, orders, outbox, changes, timeline, lease, passes];
}
