import type { RealSale } from '../real-sale';
import type { PlainLedger } from '../plain-ledger';
import { SaleCommand } from './life-command';

/** kill -9 of Redis; it comes back with what it had acknowledged, and every process is a new one. */
export class Restart extends SaleCommand {
  override toString(): string {
    return 'restart()';
  }

  protected async act(_model: PlainLedger, real: RealSale): Promise<void> {
    await real.restart();
  }
}
