import { KafkaJSAggregateError, KafkaJSError } from 'kafkajs';

/** One line of an error for logs and reasons; kafkajs nests what really happened. */
export function describeError(error: unknown): string {
  if (error instanceof KafkaJSAggregateError) {
    return error.errors.map((inner: unknown) => describeError(inner)).join('; ');
  }
  if (error instanceof Error) return `${error.name}: ${error.message}`;
  // Nest throws plain objects out of its exception filters.
  if (typeof error === 'object' && error !== null && 'message' in error) return String(error.message);
  return String(error);
}

export function isKafkaError(error: unknown): boolean {
  return error instanceof KafkaJSError;
}
