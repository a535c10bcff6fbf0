import { Partitioners, type PartitionMetadata } from 'kafkajs';

const partitioner = Partitioners.DefaultPartitioner();

/**
 * The partition of a product in a topic of that many partitions: murmur2 of the key, as Kafka's own Java client and
 * kafkajs choose it. Relay and sweeper both ask here, so an item has one partition whoever sends.
 */
export function partitionOf(productId: string, partitions: number): number {
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId): PartitionMetadata => {
    return { partitionErrorCode: 0, partitionId, leader: 0, replicas: [], isr: [] };
  });
  return partitioner({ topic: '', partitionMetadata, message: { key: productId, value: null } });
}
