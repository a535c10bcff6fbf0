import type { ProcessContext } from '@flux/telemetry';
import type { RelayConfig } from './relay.config';

export interface RelayOptions extends ProcessContext<RelayConfig> {
  /** A server is reachable and not safe for orders: the process must exit. */
  readonly onFatal: (error: unknown) => void;
}

/** Injection token of RelayOptions. */
export const RELAY_OPTIONS = Symbol('flux.relay-options');
