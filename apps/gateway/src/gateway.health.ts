import { Injectable } from '@nestjs/common';
import { Catalogue } from '@flux/gate';
import { Health } from '@flux/telemetry';

/** The gateway can serve when Redis answers and the catalogue is written: without it every purchase is a 503. */
@Injectable()
export class GatewayHealth {
  constructor(health: Health, catalogue: Catalogue) {
    health.register('redis', async () => {
      await catalogue.isWritten();
      return true;
    });
    health.register('catalogue', () => catalogue.isWritten());
  }
}
