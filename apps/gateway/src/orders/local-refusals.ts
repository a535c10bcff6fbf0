import { Injectable } from '@nestjs/common';
import { SoldOutGuard } from '../guards/sold-out.guard';
import { CeilingGuard } from '../rate-limits/ceiling.guard';
import { RoomGuard } from '../waiting-room/room.guard';

/** What a purchase is refused for from memory, before anybody's signature is checked, in the order in which it is asked. */
@Injectable()
export class LocalRefusals {
  readonly inOrder;

  constructor(room: RoomGuard, soldOut: SoldOutGuard, ceiling: CeilingGuard) {
    this.inOrder = [room, soldOut, ceiling] as const;
  }
}
