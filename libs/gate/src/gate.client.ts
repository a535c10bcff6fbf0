import { itemOfOrderId, SALE_ID_PATTERN, SHOPPER_ID_PATTERN, type ItemRef } from '@flux/contracts';
import { ask } from './ask';
import { Buyers } from './buyers';
import { EpochFloors } from './epoch-floors';
import { InvalidRequestError } from './gate-error';
import { itemKeys, OUTBOXES_KEY, type ItemKeys } from './gate-keys';
import type { GateObserver } from './observer';
import { decodeRecord, stateLetter, type OrderRecord } from './order-record';
import type * as Gate from './outcomes';
import type { RedisConnection } from './redis-connection';
import { ReserveBatcher } from './reserve-batcher';
import { ScriptRunner } from './script-runner';
import { SCRIPTS } from './scripts.generated';
import * as codec from './verb-codec';

/** Keeps one settle call short (about 1 ms of Redis) and its arguments below Lua's limit of 8,000. */
const MAX_STATES_PER_CALL = 500;
const SCAN_COUNT = 1_000;

/**
 * The gate: decides who gets a unit. Every verb is one script on the keys of one item, and may be repeated.
 *
 * `reserve` answers with a value whatever happens to Redis. The other verbs throw GateUnavailableError where Redis
 * cannot be asked or does not answer within the command timeout, UnexpectedReplyError where a foreign script or key
 * answered, InvalidRequestError for ids that break the patterns.
 */
export class GateClient {
  private readonly floors = new EpochFloors();
  private readonly runner: ScriptRunner;
  private readonly batcher: ReserveBatcher;
  private observer: GateObserver = {};

  constructor(private readonly connection: RedisConnection) {
    this.runner = new ScriptRunner(connection);
    this.batcher = new ReserveBatcher({
      runner: this.runner,
      floors: this.floors,
      observer: () => this.observer,
    });
  }

  /** Where metrics listen in; a later observer replaces the earlier. */
  observe(observer: GateObserver): void {
    this.observer = observer;
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
  async reserve(request: Gate.ReserveRequest): Promise<Gate.ReserveOutcome> {
    return this.batcher.reserve(request);
  }

  /**
   * Adds the item's outbox to those that relays read, then opens the item. Idempotent per epoch. Where the outcome is
   * `unsafe` the outbox stays listed: take it off with `Outboxes.remove` if the sale is given up.
   */
  async open(request: Gate.OpenRequest): Promise<Gate.OpenOutcome> {
    const { epoch, available, perShopperLimit, opensAtMs, closesAtMs } = request;
    assertWhole({ epoch, available, perShopperLimit, opensAtMs, closesAtMs });
    const keys = keysOf(request);
    await ask(this.connection, (client) => client.sadd(OUTBOXES_KEY, codec.itemName(request)));
    const reply = await this.runner.run({
      script: SCRIPTS.open,
      keys: allOf(keys),
      args: [request.saleId, epoch, available, perShopperLimit, opensAtMs, closesAtMs, keys.channel],
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
      await ask(this.connection, (client) => client.srem(OUTBOXES_KEY, codec.itemName(request)));
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

  /**
   * Tells the gate what the ledger has committed. Many states go in several calls, the watermark with the last, so
   * that no order reads as confirmed before its own state is written. `trimmed` is the last call's.
   */
  async settle(request: Gate.SettleRequest): Promise<Gate.SettleOutcome> {
    const { states } = request;
    let from = 0;
    for (; states.length - from > MAX_STATES_PER_CALL; from += MAX_STATES_PER_CALL) {
      const part = states.slice(from, from + MAX_STATES_PER_CALL);
      const outcome = await this.settlePart({ ...request, watermark: 0, watermarkOrderId: '', states: part });
      if (outcome.outcome !== 'settled') return outcome;
    }
    return this.settlePart({ ...request, states: states.slice(from) });
  }

  /** Gives back the units of a cancelled or expired order, once. */
  async release(request: Gate.ReleaseRequest): Promise<Gate.ReleaseOutcome> {
    const { epoch, orderId, status, shopperId, quantity, changedAtMs } = request;
    assertWhole({ epoch, quantity, changedAtMs });
    assertShopper(shopperId);
    const { item, stock, shoppers, orders, changes, channel } = keysOf(request);
    const reply = await this.runner.run({
      script: SCRIPTS.release,
      keys: [item, stock, shoppers, orders, changes],
      args: [epoch, orderId, stateLetter(status), shopperId, quantity, changedAtMs, channel],
    });
    return codec.decodeRelease(reply);
  }

  /** `unknownOrder` also for a text that is not an order id. */
  async readOrder(orderId: string): Promise<Gate.ReadOrderOutcome> {
    const ref = itemOfOrderId(orderId);
    if (ref === undefined) return { outcome: 'unknownOrder' };
    const { item, orders, timeline } = itemKeys(ref);
    const name = codec.itemName(ref);
    const reply = await this.runner.run({
      script: SCRIPTS['read-order'],
      keys: [item, orders, timeline],
      args: [this.floors.of(name), orderId],
    });
    const { outcome, epoch } = codec.decodeReadOrder(orderId, reply);
    this.floors.saw(name, epoch);
    return outcome;
  }

  /** The item's counters, read in one step; undefined where its key is missing. */
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

  /** Every shopper's units. An entry that changes meanwhile may come twice. */
  async *shoppersOf(ref: ItemRef): AsyncGenerator<{ readonly shopperId: string; readonly units: number }> {
    for await (const [shopperId, units] of this.scan(keysOf(ref).shoppers)) {
      yield { shopperId, units: Number(units) };
    }
  }

  /** Every order's record, as it stands. An entry that changes meanwhile may come twice. */
  async *recordsOf(ref: ItemRef): AsyncGenerator<{ readonly orderId: string; readonly record: OrderRecord }> {
    for await (const [orderId, record] of this.scan(keysOf(ref).orders)) {
      yield { orderId, record: decodeRecord(record) };
    }
  }

  private async *shopperIdsOf(ref: ItemRef): AsyncGenerator<string> {
    for await (const { shopperId } of this.shoppersOf(ref)) yield shopperId;
  }

  private async *scan(key: string): AsyncGenerator<readonly [string, string]> {
    let cursor = '0';
    do {
      const at = cursor;
      const [next, flat] = await ask(this.connection, (client) => client.hscan(key, at, 'COUNT', SCAN_COUNT));
      for (let index = 0; index + 1 < flat.length; index += 2)
        yield [flat[index] ?? '', flat[index + 1] ?? ''];
      cursor = next;
    } while (cursor !== '0');
  }

  private async settlePart(request: Gate.SettleRequest): Promise<Gate.SettleOutcome> {
    const { epoch, watermark, watermarkOrderId, settledAtMs, states, statesAfter = -1 } = request;
    assertWhole({ epoch, watermark, settledAtMs });
    for (const { shopperId } of states) assertShopper(shopperId);
    const { item, shoppers, orders, outbox, timeline, channel } = keysOf(request);
    const reply = await this.runner.run({
      script: SCRIPTS.settle,
      keys: [item, shoppers, orders, outbox, timeline],
      args: [
        ...[epoch, watermark, watermarkOrderId, settledAtMs, statesAfter, channel],
        ...codec.settleStateArgs(states),
      ],
    });
    return codec.decodeSettle(reply);
  }

  private async transition(
    ref: ItemRef,
    script: (typeof SCRIPTS)['pause' | 'resume' | 'close'],
  ): Promise<Gate.TransitionOutcome> {
    const { item, channel } = keysOf(ref);
    return codec.decodeTransition(await this.runner.run({ script, keys: [item], args: [channel] }));
  }
}

function keysOf(item: ItemRef): ItemKeys {
  if (!SALE_ID_PATTERN.test(item.saleId)) throw new InvalidRequestError('saleId');
  if (!SALE_ID_PATTERN.test(item.productId)) throw new InvalidRequestError('productId');
  return itemKeys(item);
}

/** Every key of an item, in the order that open and retire take them. */
function allOf(keys: ItemKeys): readonly string[] {
  const { current, item, stock, shoppers, orders, outbox, changes, timeline, lease } = keys;
  return [current, item, stock, shoppers, orders, outbox, changes, timeline, lease];
}

function assertWhole(numbers: Readonly<Record<string, number>>): void {
  for (const [field, number] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(number) || number < 0) throw new InvalidRequestError(field);
  }
}

function assertShopper(shopperId: string): void {
  if (!SHOPPER_ID_PATTERN.test(shopperId)) throw new InvalidRequestError('shopperId');
}
