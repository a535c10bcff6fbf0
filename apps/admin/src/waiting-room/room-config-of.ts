import { type Draw, type RoomConfig, commitmentOf } from '@flux/waiting-room';
import type { SaleEntity } from '@flux/ledger';

/** What of a sale its room is made of. Whatever of it changes raises `roomVersion`. */
export type SaleWithRoom = Pick<
  SaleEntity,
  | 'id'
  | 'opensAt'
  | 'closesAt'
  | 'closedAt'
  | 'admission'
  | 'roomVersion'
  | 'roomSalt'
  | 'drawSeed'
  | 'beaconValue'
  | 'draw'
>;

/** What gateways get to know of a sale's room. Before the draw nothing in it tells the seed. */
export function roomConfigOf(sale: SaleWithRoom): RoomConfig {
  const { lobbyOpensAt, ...settings } = sale.admission;
  const opensAtMs = sale.opensAt.getTime();
  const draw = drawOf(sale);
  return {
    ...settings,
    saleId: sale.id,
    version: sale.roomVersion,
    opensAtMs,
    closesAtMs: Math.min(sale.closesAt.getTime(), sale.closedAt?.getTime() ?? Infinity),
    lobbyOpensAtMs: lobbyOpensAt === undefined ? opensAtMs : Date.parse(lobbyOpensAt),
    salt: sale.roomSalt,
    ...(draw === undefined ? {} : { draw }),
  };
}

function drawOf({ drawSeed: seed, beaconValue, draw }: SaleWithRoom): Draw | undefined {
  if (seed === null) return undefined;
  const commitment = commitmentOf(seed);
  if (draw === null) return { commitment };
  const { listHash, tickets } = draw;
  return { commitment, result: { seed, beacon: beaconValue ?? '', listHash, tickets } };
}
