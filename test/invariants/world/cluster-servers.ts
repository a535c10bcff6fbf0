import { KafkaCluster } from '@flux/testing';
import { Stack } from './stack';

/** Three Kafka brokers and a PostgreSQL that belong to one run of seeds alone. */
export class ClusterServers {
  private constructor(
    private readonly stack: Stack,
    readonly kafka: KafkaCluster,
  ) {}

  static async start(): Promise<ClusterServers> {
    const stack = Stack.ofThisProcess(['postgres']);
    await stack.up();
    try {
      return new ClusterServers(stack, await KafkaCluster.start());
    } catch (error) {
      await stack.reset();
      throw error;
    }
  }

  /** PostgreSQL. */
  get databaseUrl(): string {
    return this.stack.databaseUrl;
  }

  /** Starts whichever does not run; ready when it resolves. */
  async start(): Promise<void> {
    await this.kafka.startAll();
    await this.stack.up();
  }

  /** Ends them and forgets their data. */
  async remove(): Promise<void> {
    await this.kafka.remove();
    await this.stack.reset();
  }
}
