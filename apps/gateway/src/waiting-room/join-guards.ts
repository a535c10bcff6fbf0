import { Injectable } from '@nestjs/common';
import { JoinChallengeGuard } from '../challenge/challenge.guard';
import { ClaimedShopperGuard } from '../guards/claimed-shopper.guard';
import { ShopperGuards } from '../guards/shopper.guards';

/** The guards of whoever joins a line, in the order in which they are asked. */
@Injectable()
export class JoinGuards {
  readonly inOrder;

  constructor(claimedShopper: ClaimedShopperGuard, shopper: ShopperGuards, challenge: JoinChallengeGuard) {
    this.inOrder = [claimedShopper, ...shopper.inOrder, challenge] as const;
  }
}
