import { GateUnavailableError } from '@flux/gate';
import { commitmentOf, RoomClient } from '@flux/waiting-room';
import { Injectable } from '@nestjs/common';
import type { Sale } from '../sales/sale';
import type { AdmissionAnswer } from './room-answer';

/** The waiting rooms of sales as operators see them. */
@Injectable()
export class RoomView {
  constructor(private readonly rooms: RoomClient) {}

  /** Shows no room where Redis does not answer, rather than fail. */
  async of({ id, admission, drawSeed, beaconValue, draw }: Sale): Promise<AdmissionAnswer> {
    return {
      ...admission,
      room: await this.roomOf(id),
      draw:
        drawSeed === null
          ? null
          : {
              commitment: commitmentOf(drawSeed),
              beaconValue,
              drawnAt: draw?.drawnAt ?? null,
              tickets: draw?.tickets ?? null,
              listHash: draw?.listHash ?? null,
            },
    };
  }

  private async roomOf(saleId: string): Promise<AdmissionAnswer['room']> {
    try {
      const look = await this.rooms.look(saleId);
      if (look === undefined) return null;
      const { state, waiting, called, inside } = look;
      return { state, waiting, called, inside };
    } catch (error) {
      if (error instanceof GateUnavailableError) return null;
      throw error;
    }
  }
}
