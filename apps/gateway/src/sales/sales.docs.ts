import { applyDecorators } from '@nestjs/common';
import { saleAnswerSchema, saleListAnswerSchema } from '@flux/contracts';
import { ApiProblems, openApiSchema } from '@flux/http';
import { ApiHeader, ApiOperation, ApiParam, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { z } from 'zod';
import { EXAMPLE } from '../docs-examples';

const sale = {
  id: EXAMPLE.saleId,
  name: 'Friday drop',
  state: 'open',
  opensAt: '2026-11-27T09:00:00.000Z',
  closesAt: '2026-11-27T10:00:00.000Z',
  items: [
    {
      productId: EXAMPLE.productId,
      name: 'Sneaker 42',
      priceMinor: 12_900,
      currency: 'EUR',
      perShopperLimit: 2,
      availability: 'available',
    },
  ],
};

/** OpenAPI of `GET /v1/sales`. */
export function DocumentSales(): MethodDecorator {
  return documentPublic({
    summary: 'List the sales',
    schema: saleListAnswerSchema,
    example: { sales: [sale] },
  });
}

/** OpenAPI of `GET /v1/sales/:saleId`. */
export function DocumentSale(): MethodDecorator {
  return applyDecorators(
    documentPublic({ summary: 'Read a sale', schema: saleAnswerSchema, example: sale }),
    ApiParam({ name: 'saleId', example: EXAMPLE.saleId }),
    ApiProblems('unknown-sale'),
  );
}

function documentPublic({
  summary,
  schema,
  example,
}: {
  readonly summary: string;
  readonly schema: z.ZodType;
  readonly example: unknown;
}): MethodDecorator {
  return applyDecorators(
    ApiTags('sales'),
    ApiOperation({ summary, description: 'Public. At most a second old.' }),
    ApiHeader({ name: 'If-None-Match', required: false, description: 'The ETag of an earlier answer' }),
    ApiResponse({ status: 200, content: { 'application/json': { schema: openApiSchema(schema), example } } }),
    ApiResponse({ status: 304, description: 'Nothing has changed' }),
    ApiProblems('rate-limited', 'not-ready', 'temporarily-unavailable'),
  );
}
