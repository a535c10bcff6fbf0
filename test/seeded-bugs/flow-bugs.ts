import { encodeItemEvent, ORDER_LIFE_CYCLE, orderIdOf as idOf } from '@flux/contracts';
import { GateClient, GateRebuild, itemKeys } from '@flux/gate';
import { RebuildLedger } from '@flux/ledger';
import { randomUUID } from 'node:crypto';
import { OrdersAcceptedHandler } from '../../apps/orders/src/orders-accepted.handler';
import { ParkingService } from '../../apps/orders/src/parking.service';
import { OutboxCursor } from '../../apps/relay/src/outbox-cursor';
import { BugSale, orderIdOf } from './bug-sale';
import { KafkaLog } from './kafka-log';
import { patchFunction, patchMethod } from './patches';
import type { SeededBug } from './seeded-bug';

/** The client library loses a send that it calls acknowledged; two more orders come after it. */
async function lostSend(sale: BugSale): Promise<void> {
  sale.log.loses = 1;
  await sale.buy({ shopper: 'ann' });
  await sale.relay();
  await sale.buy({ shopper: 'bob' });
  await sale.buy({ shopper: 'cleo' });
  await sale.rest();
}

/** The sweeper would send again what is missing, so it is not there yet. */
async function withoutSweeper(sale: BugSale): Promise<void> {
  await sale.buy({ shopper: 'ann' });
  await sale.relay();
  await sale.consume();
  await sale.buy({ shopper: 'bob' });
  await sale.relay();
  await sale.consume();
  await sale.publish();
}

/** Redis is lost with an order in it, and rebuilt; then the old one's relay sends that order after all. */
async function zombie(sale: BugSale): Promise<void> {
  const { clients, database } = sale.servers;
  await sale.buy({ shopper: 'ann' });
  const [entry] = await clients.outboxes.read(sale.item, { after: '0-0', count: 1 });
  const { item: hash, stock, shoppers, orders, outbox } = itemKeys(sale.item);
  await clients.connection.client.unlink(hash, stock, shoppers, orders, outbox);
  const rebuild = new GateRebuild(clients.connection);
  const ledger = new RebuildLedger(database.dataSource);
  const subject = await ledger.subject(sale.item);
  if (subject === undefined || entry?.outcome !== 'event') throw new Error('there is nothing to rebuild');
  await rebuild.begin({ ...subject, epoch: 2, closedBy: 'nobody: it is gone' });
  const raised = await ledger.raiseEpoch({ ...sale.item, from: 1, to: 2, endOffset: 0n });
  if (raised.outcome !== 'raised') throw new Error(raised.outcome);
  const { available } = raised;
  const end = { ...sale.item, epoch: 2, lastOrderId: '', available, state: 'open', isCurrent: true } as const;
  await rebuild.end(end);
  await sale.buy({ shopper: 'bob' });
  await sale.relay();
  const { topic } = sale.log;
  await sale.log.send({ topic, partition: 0, messages: [encodeItemEvent(entry.event)] });
  await sale.rest();
}

const MANY = 1_000_000;

export const FLOW_BUGS: readonly SeededBug[] = [
  {
    bug: 'the watermark is raised over a gap',
    options: { stock: 10 },
    seed: () =>
      patchFunction('advanceWatermark', (applied, sequence, orderId) => {
        if (sequence <= applied.watermark) return applied;
        return { watermark: sequence, watermarkOrderId: orderId, ahead: [] };
      }),
    scenario: lostSend,
    lines: [
      'conservation',
      'gate-equals-ledger',
      'accepted-recorded',
      'shoppers',
      'sequences',
      'clients-nothing-lost',
    ],
  },
  {
    bug: 'the outbox is trimmed when Kafka acknowledges, not when PostgreSQL has committed',
    options: { stock: 10 },
    seed: (sale) =>
      patchMethod(OutboxCursor.prototype, 'acknowledge', (real) => {
        return function (this: OutboxCursor, id) {
          void sale.servers.redis.client.xtrim(itemKeys(sale.item).outbox, 'MINID', `${id}1`);
          real.call(this, id);
        };
      }),
    scenario: lostSend,
    lines: [
      'at-rest',
      'conservation',
      'gate-equals-ledger',
      'accepted-recorded',
      'statuses',
      'shoppers',
      'clients-nothing-lost',
    ],
  },
  {
    bug: 'a message that cannot be read is dropped',
    options: { stock: 10 },
    seed: () => patchMethod(ParkingService.prototype, 'park', () => () => Promise.resolve()),
    scenario: async (sale) => {
      // Nothing in it says what it is: the sweeper brings the order again, and the message itself must not be forgotten.
      sale.log.spoil = (message) => ({ ...message, value: 'not json', headers: {} });
      await sale.buy({ shopper: 'ann' });
      await sale.relay();
      sale.log.spoil = (message) => message;
      await sale.buy({ shopper: 'bob' });
      await sale.rest();
    },
    lines: ['events-applied'],
  },
  {
    bug: 'the offset is committed before the transaction, and the process dies',
    options: { stock: 10 },
    seed: () => {
      let dead = false;
      return patchMethod(OrdersAcceptedHandler.prototype, 'handle', (real) => {
        return function (this: OrdersAcceptedHandler, batch) {
          if (dead) return real.call(this, batch);
          dead = true;
          return Promise.resolve({ next: 'done' });
        };
      });
    },
    scenario: withoutSweeper,
    lines: ['at-rest', 'gate-equals-ledger', 'events-applied', 'statuses'],
  },
  {
    bug: 'a new group begins at the latest message',
    options: { stock: 10 },
    seed: (sale) => {
      let joined = false;
      return patchMethod(BugSale.prototype, 'consume', (real) => {
        return async function (this: BugSale) {
          if (joined || this !== sale) return real.call(this);
          joined = true;
          await this.commitOnly();
        };
      });
    },
    scenario: withoutSweeper,
    lines: ['at-rest', 'gate-equals-ledger', 'events-applied', 'statuses'],
  },
  {
    bug: 'the ledger does not ask for free units, and the database does',
    options: { stock: 2, gateStock: 3 },
    seed: () => patchFunction('freeUnits', () => MANY),
    scenario: async (sale) => {
      await sale.crowd(3);
      await sale.rest(2);
    },
    lines: ['at-rest', 'conservation', 'gate-equals-ledger'],
  },
  {
    bug: 'units go back under a new change id each time',
    options: { stock: 10 },
    seed: () =>
      patchMethod(GateClient.prototype, 'release', (real) => {
        return function (this: GateClient, request) {
          const releases = request.releases.map((release) => ({
            ...release,
            changeId: `release:${randomUUID()}`,
          }));
          return real.call(this, { ...request, releases });
        };
      }),
    scenario: async (sale) => {
      await sale.crowd(2);
      await sale.rest(1);
      await sale.expireAll();
      await sale.forgetTold();
      await sale.rest(1);
    },
    lines: ['conservation', 'gate-equals-ledger', 'releases'],
  },
  {
    bug: 'an order that is paid can be cancelled',
    options: { stock: 10 },
    seed: () => {
      const actions: { cancel?: 'cancelled' } = ORDER_LIFE_CYCLE.paid;
      actions.cancel = 'cancelled';
      return () => {
        delete actions.cancel;
      };
    },
    scenario: async (sale) => {
      const orderId = orderIdOf(await sale.buy({ shopper: 'ann' }));
      await sale.rest(1);
      await sale.pay(orderId);
      await sale.processes.cancellations.cancel({ orderId, reason: 'changed her mind' });
      await sale.rest(1);
    },
    lines: ['statuses', 'shoppers', 'lives', 'payments'],
  },
  {
    bug: 'a replay tells the time of the replay',
    options: { stock: 10 },
    seed: () =>
      patchMethod(GateClient.prototype, 'reserve', (real) => {
        return async function (this: GateClient, request) {
          const answer = await real.call(this, request);
          if (answer.outcome !== 'replayed') return answer;
          return { ...answer, order: { ...answer.order, acceptedAtMs: answer.order.acceptedAtMs + 1 } };
        };
      }),
    scenario: async (sale) => {
      await sale.buy({ shopper: 'ann', key: 'key-of-ann-00000001' });
      await sale.buy({ shopper: 'ann', key: 'key-of-ann-00000001' });
      await sale.rest();
    },
    lines: ['clients-equal-answers', 'clients-rows'],
  },
  {
    bug: "an order's id is a random number",
    options: { stock: 10 },
    seed: () =>
      patchMethod(GateClient.prototype, 'reserve', (real) => {
        return function (this: GateClient, request) {
          const { saleId, productId, shopperId } = request;
          const orderId = idOf({ saleId, productId, shopperId, idempotencyKey: randomUUID() });
          return real.call(this, { ...request, orderId });
        };
      }),
    scenario: async (sale) => {
      await sale.buy({ shopper: 'ann', key: 'key-of-ann-00000001' });
      await sale.buy({ shopper: 'ann', key: 'key-of-ann-00000001' });
      await sale.rest();
    },
    lines: ['clients-order-ids', 'clients-one-order-per-key', 'clients-equal-answers', 'clients-asked'],
  },
  {
    bug: 'a change counts as published before Kafka has it',
    options: { stock: 10 },
    seed: () => patchMethod(KafkaLog.prototype, 'publish', () => () => Promise.resolve()),
    scenario: async (sale) => {
      await sale.crowd(2);
      await sale.rest();
    },
    lines: ['statuses-published', 'ledger-published'],
  },
  {
    bug: 'the ledger takes events of an epoch that has ended',
    options: { stock: 2 },
    seed: () =>
      patchFunction('lockLedger', (real) => async (manager, items) => {
        const { rows, nowMs } = await real(manager, items);
        const open = [...rows].map(([name, row]) => [name, { ...row, epochOffset: BigInt(MANY) }] as const);
        return { rows: new Map(open), nowMs };
      }),
    scenario: zombie,
    lines: ['conservation', 'gate-equals-ledger', 'statuses', 'shoppers'],
  },
  // The last one: units that are sold twice keep the check from being valid again.
  {
    bug: 'neither the ledger nor the database asks for free units',
    options: { stock: 2, gateStock: 3 },
    seed: async (sale) => {
      const { dataSource } = sale.processes;
      const [check]: { readonly conname: string; readonly definition: string }[] = await dataSource.query(
        `SELECT conname, pg_get_constraintdef(oid) AS definition FROM pg_constraint
         WHERE conrelid = 'ledger'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%initial%held%'
            OR conrelid = 'ledger'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%held%initial%'`,
      );
      if (check === undefined) throw new Error('the check is not there');
      await dataSource.query(`ALTER TABLE ledger DROP CONSTRAINT ${check.conname}`);
      const undo = patchFunction('freeUnits', () => MANY);
      return async () => {
        await undo();
        const { conname, definition } = check;
        await dataSource.query(`ALTER TABLE ledger ADD CONSTRAINT ${conname} ${definition} NOT VALID`);
      };
    },
    scenario: async (sale) => {
      await sale.crowd(3);
      await sale.rest(2);
    },
    lines: ['conservation', 'no-oversell', 'gate-equals-ledger'],
  },
];
