import { Inject, Injectable } from '@nestjs/common';
import type { ItemRef, Refusal } from '@flux/contracts';
import { GateUnavailableError, type ReserveOutcome } from '@flux/gate';
import { GATEWAY_CONFIG, type GatewayConfig } from '../gateway.config';
import { soldOut } from '../orders/purchase-answer';
import { FormerBuyers } from './former-buyers';
import { PassReader, type PassClaim } from './pass-reader';
import { PASS_INVALID, pageUrlOf, roomRefusal } from './room-refusal';
import type { Room } from './room';
import { Rooms } from './rooms.service';

/** Who comes to buy, and with which pass. */
export interface Comer extends ItemRef {
  readonly shopperId: string;
  /** The header `x-pass` as it was sent. */
  readonly pass: string | undefined;
}

/** A purchase on its way past the waiting room to the gate. */
export interface Admittance {
  /** Goes to the gate with the purchase. */
  readonly passId: string | undefined;
  /** Takes note of what the gate said. */
  readonly learn: (outcome: ReserveOutcome) => void;
  /** What the shopper is told where the gate refuses because of the room. */
  readonly refusal: () => Refusal;
}

/** Where purchases pass the waiting room of their sale, each counted as an attempt. */
@Injectable()
export class Entrance {
  constructor(
    private readonly rooms: Rooms,
    private readonly passes: PassReader,
    private readonly formerBuyers: FormerBuyers,
    @Inject(GATEWAY_CONFIG) private readonly config: GatewayConfig,
  ) {}

  /**
   * Why a purchase goes no further, from memory: the room is on, and the shopper has neither a pass of their own nor an
   * order from before. Whoever has a pass of any worth goes on: the gate knows what became of it. Where nothing can come
   * back there is no line to be sent to.
   */
  refusal(comer: Comer): Refusal | undefined {
    const room = this.rooms.known(comer.saleId);
    const nowMs = performance.now();
    const standing = room?.standing(nowMs);
    if (room === undefined || standing === undefined || standing.state === 'off') return undefined;
    const claim = this.passes.read(comer.pass, room, comer.shopperId);
    if (claim.kind === 'good' || claim.kind === 'expired') return undefined;
    if (!this.formerBuyers.exclude(comer, standing.since, comer.shopperId)) return undefined;
    if (room.stock?.isExhausted === true) return soldOut();
    room.attempt(nowMs);
    return this.refusalOf(comer.saleId, claim);
  }

  /** Whether the shopper was called from the line, now or before. Asks nobody. */
  isCalled(comer: Comer): boolean {
    const room = this.rooms.known(comer.saleId);
    if (room === undefined) return false;
    const { kind } = this.passes.read(comer.pass, room, comer.shopperId);
    return kind === 'good' || kind === 'expired';
  }

  /**
   * More is bought, in all sales, than the installation can take: the room goes on, where that is up to the crowd.
   * @returns what the shopper is told; undefined where the sale has no room
   */
  overflow({ saleId }: Comer): Refusal | undefined {
    const room = this.rooms.known(saleId);
    if (room?.config === undefined || room.config.mode === 'off') return undefined;
    room.overflow(performance.now());
    return this.refusalOf(saleId, { kind: 'none' });
  }

  /**
   * Lets a purchase through to the gate, which is told of the room. Asks Redis where the room is not known here.
   * @throws GateUnavailableError where that could not be asked: the gate must not sell past a room that is on
   */
  async admit(comer: Comer): Promise<Admittance> {
    const room = this.rooms.known(comer.saleId) ?? (await this.rooms.meet(comer.saleId));
    if (!room.isKnown) throw new GateUnavailableError('none', 'the waiting room could not be looked at');
    room.attempt(performance.now());
    const claim = this.passes.read(comer.pass, room, comer.shopperId);
    return {
      passId: claim.kind === 'good' ? claim.passId : undefined,
      learn: (outcome) => {
        this.learn(comer, { room, claim, outcome });
      },
      refusal: () => this.refusalOf(comer.saleId, claim),
    };
  }

  private learn(
    comer: Comer,
    {
      room,
      claim,
      outcome,
    }: { readonly room: Room; readonly claim: PassClaim; readonly outcome: ReserveOutcome },
  ): void {
    if (outcome.outcome === 'waitingRoom') this.formerBuyers.learn(comer, outcome.since);
    const isBought = outcome.outcome === 'accepted' || outcome.outcome === 'replayed';
    if (isBought && claim.kind === 'good') room.buy(claim.ticketId);
  }

  private refusalOf(saleId: string, claim: PassClaim): Refusal {
    switch (claim.kind) {
      case 'bad':
      case 'expired':
        return PASS_INVALID;
      case 'none':
      case 'good':
        return roomRefusal(saleId, pageUrlOf(this.config.FLUX_WAITING_ROOM_URL, saleId));
    }
  }
}
