import type { Durability } from '../world/redis-servers';
import type { Fault } from './fault';
import { kafkaFaults } from './kafka-faults';
import { linkFaults } from './link-faults';
import { postgresFaults } from './postgres-faults';
import { processFaults } from './process-faults';
import { dataFaults, failoverFaults, redisFaults } from './redis-faults';
import { saleFaults } from './sale-faults';

/** Every fault that one process set with one server of each kind can have. */
export const SINGLE_NODE_FAULTS: readonly Fault[] = [
  ...redisFaults,
  ...linkFaults,
  ...processFaults,
  ...kafkaFaults,
  ...postgresFaults,
  ...saleFaults,
];

/**
 * With those that take acknowledged data away from Redis. Where every answer waits for a replica, failovers take their
 * place: they take only what nobody was told.
 */
export function faultsOf(durability: Durability): readonly Fault[] {
  return [...SINGLE_NODE_FAULTS, ...(durability === 'replicated' ? failoverFaults : dataFaults)];
}
