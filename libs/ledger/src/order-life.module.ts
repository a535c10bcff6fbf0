import { Module } from '@nestjs/common';
import { Cancellations } from './cancellations';
import { Holds } from './holds';
import { LatePayments } from './late-payments';
import { OrderEventQueue } from './order-event-queue';
import { ParkingResolution } from './parking-resolution';
import { Payments } from './payments';
import { TellGate } from './tell-gate';

const SERVICES = [TellGate, Holds, LatePayments, Payments, Cancellations, OrderEventQueue, ParkingResolution];

/** What happens to orders after their confirmation. Needs LedgerModule and GateModule, which are global. */
@Module({ providers: SERVICES, exports: SERVICES })
export class OrderLifeModule {}
