import { Injectable } from '@nestjs/common';
import { ShopperLimitGuard } from '../rate-limits/shopper-limit.guard';
import { DeniedShopperGuard } from './denied-shopper.guard';
import { IdentityGuard } from './identity.guard';

/** Who the caller is, and whether they may go on, in the order in which it is asked. */
@Injectable()
export class ShopperGuards {
  readonly inOrder;

  constructor(identity: IdentityGuard, denied: DeniedShopperGuard, limit: ShopperLimitGuard) {
    this.inOrder = [identity, denied, limit] as const;
  }
}
