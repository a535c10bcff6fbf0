import { Controller, Get, Headers, Param, Res } from '@nestjs/common';
import { ProblemError, saleIdSchema } from '@flux/contracts';
import type { FastifyReply } from 'fastify';
import { matchesEtag } from '../etag';
import { orUnavailable } from '../or-unavailable';
import { DocumentSale, DocumentSales } from './sales.docs';
import { SalesService, type PublicAnswer } from './sales.service';

/** Sales as anybody may see them: cacheable for a second, with ETag. */
@Controller('v1/sales')
export class SalesController {
  constructor(private readonly sales: SalesService) {}

  @Get()
  @DocumentSales()
  async list(
    @Headers('if-none-match') known: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    return answered(await orUnavailable(this.sales.list()), known, reply);
  }

  @Get(':saleId')
  @DocumentSale()
  async find(
    @Param('saleId') saleId: string,
    @Headers('if-none-match') known: string | undefined,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    if (!saleIdSchema.safeParse(saleId).success) {
      throw new ProblemError('unknown-sale', 'No sale has this id.');
    }
    return answered(await orUnavailable(this.sales.find(saleId)), known, reply);
  }
}

function answered({ body, etag }: PublicAnswer, known: string | undefined, reply: FastifyReply): string {
  reply.headers({
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'public, max-age=1',
    etag,
  });
  if (!matchesEtag(known, etag)) return body;
  reply.status(304);
  return '';
}
