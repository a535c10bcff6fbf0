import { Module, type DynamicModule } from '@nestjs/common';
import { Catalogue, GateClient, GateModule, GateSubscriber, RedisConnection, Refusals } from '@flux/gate';
import { ProofOfWork, Redemptions } from '@flux/challenge';
import { EventStreams } from '@flux/http';
import { HealthModule, LOG, TelemetryModule, type Log, type Telemetry } from '@flux/telemetry';
import { Tokens } from '@flux/tokens';
import { RoomClient, Tickets } from '@flux/waiting-room';
import { AccessLists } from './access/access-lists';
import { Captcha } from './challenge/captcha.service';
import { JoinChallengeGuard, PurchaseChallengeGuard } from './challenge/challenge.guard';
import { ChallengeRoute } from './challenge/challenge.route';
import { ChallengeService } from './challenge/challenge.service';
import { SaleChallenges } from './challenge/sale-challenges';
import { SOURCE_STANDING } from './challenge/source-standing';
import { GATEWAY_CONFIG, type GatewayConfig } from './gateway.config';
import { GatewayHealth } from './gateway.health';
import { ClaimedShopperGuard } from './guards/claimed-shopper.guard';
import { DeniedShopperGuard } from './guards/denied-shopper.guard';
import { IdentityGuard } from './guards/identity.guard';
import { createIdentity } from './guards/create-identity';
import { IDENTITY } from './guards/identity';
import { PurchaseShapeGuard } from './guards/purchase-shape.guard';
import { ShopperGuards } from './guards/shopper.guards';
import { SoldOutGuard } from './guards/sold-out.guard';
import { SoldOutShield } from './guards/sold-out.shield';
import { OrderEventsController } from './order-events/order-events.controller';
import { OrderEventsMetrics } from './order-events/order-events.metrics';
import { OrderEvents } from './order-events/order-events.service';
import { OrderTickets } from './order-events/order-tickets';
import { ShopperStreams } from './order-events/shopper-streams';
import { AbsentOrder } from './orders/absent-order';
import { CancelService } from './orders/cancel.service';
import { LocalRefusals } from './orders/local-refusals';
import { OrderStatusService } from './orders/order-status.service';
import { OrdersController } from './orders/orders.controller';
import { PurchaseMetrics } from './orders/purchase.metrics';
import { PurchaseGuards, PurchaseRoute } from './orders/purchase.route';
import { PurchaseService } from './orders/purchase.service';
import { RefusalCounts } from './orders/refusal-counts';
import { SaleRoutes } from './orders/sale-routes';
import { CeilingGuard } from './rate-limits/ceiling.guard';
import { PurchaseLimitGuard } from './rate-limits/purchase-limit.guard';
import { RateLimitHook } from './rate-limits/rate-limit.hook';
import { RateLimits } from './rate-limits/rate-limits';
import { ShopperLimitGuard } from './rate-limits/shopper-limit.guard';
import { SaleDirectory } from './sales/sale-directory';
import { SalesController } from './sales/sales.controller';
import { SalesService } from './sales/sales.service';
import { ShareCounts } from './shares/share-counts';
import { DrawService } from './waiting-room/draw.service';
import { Entrance } from './waiting-room/entrance';
import { FormerBuyers } from './waiting-room/former-buyers';
import { JoinGuards } from './waiting-room/join-guards';
import { PassReader } from './waiting-room/pass-reader';
import { QueueController } from './waiting-room/queue.controller';
import { QueueEvents } from './waiting-room/queue-events.service';
import { QueueRoute } from './waiting-room/queue.route';
import { QueueService } from './waiting-room/queue.service';
import { RoomGuard } from './waiting-room/room.guard';
import { Rooms } from './waiting-room/rooms.service';
import { PlaceService } from './waiting-room-page/place.service';
import { WaitingRoomPage } from './waiting-room-page/waiting-room-page';
import { WaitingRoomPageRoute } from './waiting-room-page/waiting-room-page.route';

/**
 * The shop API. The path of a purchase, from top to bottom: `rate-limits/rate-limit.hook.ts`, then
 * `orders/purchase.route.ts` with its guards in their order (shape, claimed shopper, refusals from memory, who it is, limits, challenge), then
 * `orders/purchase.service.ts` and the gate.
 */
@Module({})
export class AppModule {
  static forRoot(config: GatewayConfig, telemetry: Telemetry): DynamicModule {
    return {
      module: AppModule,
      imports: [TelemetryModule.forRoot(telemetry), GateModule.forRoot(config), HealthModule],
      controllers: [OrdersController, OrderEventsController, SalesController, QueueController],
      providers: [
        { provide: GATEWAY_CONFIG, useValue: config },
        AccessLists,
        RateLimits,
        RateLimitHook,
        CeilingGuard,
        ShopperLimitGuard,
        PurchaseLimitGuard,
        { provide: IDENTITY, useFactory: () => createIdentity(config, telemetry.log) },
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
        {
          provide: ShopperStreams,
          useFactory: () => new ShopperStreams(config.FLUX_SHOPPER_EVENT_STREAMS),
        },
        { provide: Tickets, inject: [Tokens], useFactory: (tokens: Tokens) => new Tickets(tokens) },
        {
          provide: RoomClient,
          inject: [RedisConnection],
          useFactory: (connection: RedisConnection) => new RoomClient(connection),
        },
        { provide: ProofOfWork, inject: [Tokens], useFactory: (tokens: Tokens) => new ProofOfWork(tokens) },
        {
          provide: Redemptions,
          inject: [RedisConnection],
          useFactory: (connection: RedisConnection) => new Redemptions(connection),
        },
        { provide: SOURCE_STANDING, useExisting: RateLimits },
        Captcha,
        SaleChallenges,
        ChallengeService,
        JoinChallengeGuard,
        PurchaseChallengeGuard,
        ChallengeRoute,
        FormerBuyers,
        Rooms,
        PassReader,
        Entrance,
        RoomGuard,
        QueueService,
        JoinGuards,
        QueueRoute,
        QueueEvents,
        DrawService,
        WaitingRoomPage,
        PlaceService,
        WaitingRoomPageRoute,
        PurchaseMetrics,
        PurchaseShapeGuard,
        ClaimedShopperGuard,
        SoldOutGuard,
        IdentityGuard,
        DeniedShopperGuard,
        ShopperGuards,
        LocalRefusals,
        PurchaseGuards,
        PurchaseRoute,
        PurchaseService,
        {
          provide: RefusalCounts,
          inject: [Refusals, LOG],
          useFactory: (refusals: Refusals, log: Log) => new RefusalCounts(refusals, log),
        },
        ShareCounts,
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
