import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { saleListAnswerSchema } from '@flux/contracts';
import { serveDocs } from '@flux/http';
import type { OpenAPIObject } from '@nestjs/swagger';
import { CHALLENGE_PATH } from './challenge/challenge.docs';
import { EXAMPLE, exampleOrderId } from './docs-examples';
import type { GatewayConfig } from './gateway.config';
import { PURCHASE_PATH } from './orders/orders.docs';
import { SalesService } from './sales/sales.service';
import { QUEUE_PATH } from './waiting-room/queue.docs';
import { QueueService } from './waiting-room/queue.service';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

type Parameter = NonNullable<Operation['parameters']>[number];

/** Swagger UI of the shop API. Its examples name an item that is on sale now, so that "Execute" works as it stands. */
export function serveGatewayDocs(app: NestFastifyApplication, config: GatewayConfig): void {
  const sales = app.get(SalesService);
  const queue = app.get(QueueService);
  serveDocs(app, {
    info: {
      title: 'Flux-Gate shop API',
      version: '1',
      description: 'Decides at once who gets a unit of something scarce. Errors are RFC 9457 problem+json.',
    },
    paths: { ...PURCHASE_PATH.paths, ...CHALLENGE_PATH.paths, ...QUEUE_PATH.paths },
    components: {
      securitySchemes: { shopper: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
    patch: async (document) => {
      const identified = config.FLUX_AUTH === 'demo' ? withDemoShopper(document) : document;
      const item = await openItem(sales);
      const ticket =
        item && (await queue.exampleTicket(item.saleId, EXAMPLE.shopperId).catch(() => undefined));
      return withItem(identified, item, ticket);
    },
  });
}

/** In demo mode the shopper is a header, which Swagger UI fills in. */
function withDemoShopper(document: OpenAPIObject): OpenAPIObject {
  const paths = Object.fromEntries(
    Object.entries(document.paths).map(([path, operations]) => {
      const { get, post } = operations;
      return [
        path,
        {
          ...operations,
          ...(get === undefined ? {} : { get: withShopperHeader(get) }),
          ...(post === undefined ? {} : { post: withShopperHeader(post) }),
        },
      ];
    }),
  );
  return { ...document, components: { ...document.components, securitySchemes: {} }, paths };
}

function withShopperHeader(operation: Operation): Operation {
  if (operation.security === undefined) return operation;
  const header: Parameter = {
    name: 'x-shopper-id',
    in: 'header',
    required: true,
    description: 'Who the shopper is, believed in demo mode only',
    schema: { type: 'string' },
    example: EXAMPLE.shopperId,
  };
  return { ...operation, security: [], parameters: [header, ...(operation.parameters ?? [])] };
}

interface ExampleItem {
  readonly saleId: string;
  readonly productId: string;
}

function withItem(
  document: OpenAPIObject,
  item: ExampleItem | undefined,
  ticket: string | undefined,
): OpenAPIObject {
  if (item === undefined) return document;
  const text = JSON.stringify(document)
    .replaceAll(EXAMPLE.orderId, exampleOrderId(item))
    .replaceAll(EXAMPLE.saleId, item.saleId)
    .replaceAll(EXAMPLE.productId, item.productId)
    .replaceAll(EXAMPLE.ticket, ticket ?? EXAMPLE.ticket);
  return JSON.parse(text) as OpenAPIObject;
}

/** An item that can be bought now; undefined where there is none or Redis does not answer. */
async function openItem(sales: SalesService): Promise<ExampleItem | undefined> {
  const answer = await sales.list().catch(() => undefined);
  if (answer === undefined) return undefined;
  const now = Date.now();
  return saleListAnswerSchema
    .parse(JSON.parse(answer.body))
    .sales.filter(
      ({ state, opensAt, closesAt }) =>
        state === 'open' && Date.parse(opensAt) <= now && now < Date.parse(closesAt),
    )
    .flatMap(({ id, items }) => items.map((item) => ({ saleId: id, ...item })))
    .find(({ availability }) => availability !== 'soldOut');
}
