import { Module, type DynamicModule } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { Catalogue, GateClient, GateModule, GateSubscriber, Refusals } from '@flux/gate';
import { EventStreams } from '@flux/http';
import { HealthModule, LOG, TelemetryModule, type Log, type Telemetry } from '@flux/telemetry';
import { Tokens } from '@flux/tokens';
import { ThrottlerModule } from '@nestjs/throttler';
import { GATEWAY_CONFIG, type GatewayConfig } from './gateway.config';
import { GatewayHealth } from './gateway.health';
import { AddressLimitGuard } from './guards/address-limit.guard';
import { AddressLimitStorage } from './guards/address-limit.storage';
import { createIdentity, IDENTITY } from './guards/identity';
import { SoldOutShield } from './guards/sold-out.shield';
import { OrderEventsController } from './order-events/order-events.controller';
import { OrderEventsMetrics } from './order-events/order-events.metrics';
import { OrderEvents } from './order-events/order-events.service';
import { OrderTickets } from './order-events/order-tickets';
import { AbsentOrder } from './orders/absent-order';
import { CancelService } from './orders/cancel.service';
import { OrderStatusService } from './orders/order-status.service';
import { OrdersController } from './orders/orders.controller';
import { PurchaseMetrics } from './orders/purchase.metrics';
import { PurchaseService } from './orders/purchase.service';
import { RefusalCounts } from './orders/refusal-counts';
import { SaleRoutes } from './orders/sale-routes';
import { SaleDirectory } from './sales/sale-directory';
import { SalesController } from './sales/sales.controller';
import { SalesService } from './sales/sales.service';

/**
 * The shop API. The path of a purchase, from top to bottom: address limit (here), then the guards of
 * `orders/orders.controller.ts` in their order (shape, claimed shopper, sold out, identity), then
 * `orders/purchase.service.ts` and the gate.
 */
@Module({})
export class AppModule {
  static forRoot(config: GatewayConfig, telemetry: Telemetry): DynamicModule {
    return {
      module: AppModule,
      imports: [
        TelemetryModule.forRoot(telemetry),
        GateModule.forRoot(config),
        ThrottlerModule.forRoot({
          throttlers: [{ limit: config.FLUX_ADDRESS_LIMIT, ttl: config.FLUX_ADDRESS_WINDOW_MS }],
          storage: new AddressLimitStorage(),
          setHeaders: false,
        }),
        HealthModule,
      ],
      controllers: [OrdersController, OrderEventsController, SalesController],
      providers: [
        { provide: GATEWAY_CONFIG, useValue: config },
        { provide: APP_GUARD, useClass: AddressLimitGuard },
        { provide: IDENTITY, useFactory: () => createIdentity(config) },
        {
          provide: SoldOutShield,
          inject: [GateClient, GateSubscriber, LOG],
          useFactory: (gate: GateClient, push: GateSubscriber, log: Log) =>
            new SoldOutShield({ gate, push, log }),
        },
        {
          provide: SaleRoutes,
          inject: [Catalogue],
          useFactory: (catalogue: Catalogue) => new SaleRoutes(catalogue),
        },
        { provide: Tokens, useFactory: () => new Tokens(config.FLUX_TOKEN_KEYS) },
        {
          provide: EventStreams,
          useFactory: () => new EventStreams({ max: config.FLUX_EVENT_STREAMS }),
        },
        PurchaseMetrics,
        PurchaseService,
        {
          provide: RefusalCounts,
          inject: [Refusals, LOG],
          useFactory: (refusals: Refusals, log: Log) => new RefusalCounts(refusals, log),
        },
        OrderStatusService,
        CancelService,
        AbsentOrder,
        OrderTickets,
        OrderEvents,
        OrderEventsMetrics,
        SaleDirectory,
        SalesService,
        GatewayHealth,
      ],
    };
  }
}
