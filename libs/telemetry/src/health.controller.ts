import { Controller, Get, Header, HttpStatus, Res } from '@nestjs/common';
import { ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Health, type Readiness } from './health';

/** `/health/live`: the process runs. `/health/ready`: it can serve; 503 with the failed names where not. */
@ApiTags('health')
@Controller('health')
export class HealthController {
  constructor(private readonly health: Health) {}

  @Get('live')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Does the process run?' })
  @ApiResponse({ status: 200, description: 'It does', example: { status: 'ok' } })
  live(): { readonly status: 'ok' } {
    return { status: 'ok' };
  }

  @Get('ready')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Can the process serve?' })
  @ApiResponse({ status: 200, description: 'It can', example: { ready: true, checks: { redis: 'ok' } } })
  @ApiResponse({
    status: 503,
    description: 'A dependency does not answer, or the process is shutting down',
    example: { ready: false, checks: { redis: 'failed' } },
  })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<Readiness> {
    const readiness = await this.health.readiness();
    if (!readiness.ready) reply.status(HttpStatus.SERVICE_UNAVAILABLE).header('Retry-After', '1');
    return readiness;
  }
}
