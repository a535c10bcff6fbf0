import { admissionSchema } from '@flux/contracts';
import { commitmentOf, roomConfigSchema } from '@flux/waiting-room';
import { type SaleWithRoom, roomConfigOf } from './room-config-of';

const SALT = 'a1'.repeat(32);
const SEED = 'b2'.repeat(32);

function sale(changes: Partial<SaleWithRoom> = {}): SaleWithRoom {
  return {
    id: 'drop',
    opensAt: new Date(5_000),
    closesAt: new Date(9_000),
    closedAt: null,
    admission: admissionSchema.parse({}),
    roomVersion: 3,
    roomSalt: SALT,
    drawSeed: null,
    beaconValue: null,
    draw: null,
    ...changes,
  };
}

const lobby = admissionSchema.parse({ lobbyOpensAt: '1970-01-01T00:00:02.000Z', beacon: 'lottery' });

it('lets people join with the opening where there is no lobby', () => {
  const config = roomConfigOf(sale());
  expect(config).toMatchObject({ saleId: 'drop', version: 3, opensAtMs: 5_000, lobbyOpensAtMs: 5_000 });
  expect(config).not.toHaveProperty('draw');
  expect(roomConfigSchema.parse(config)).toEqual(config);
});

it('ends when the sale was closed, or else at its end', () => {
  expect(roomConfigOf(sale()).closesAtMs).toBe(9_000);
  expect(roomConfigOf(sale({ closedAt: new Date(6_000) })).closesAtMs).toBe(6_000);
  expect(roomConfigOf(sale({ closedAt: new Date(9_700) })).closesAtMs).toBe(9_000);
});

it('tells the commitment before the draw, and never the seed', () => {
  const config = roomConfigOf(sale({ admission: lobby, drawSeed: SEED, beaconValue: '7 9 13' }));
  expect(config).toMatchObject({ lobbyOpensAtMs: 2_000, draw: { commitment: commitmentOf(SEED) } });
  expect(JSON.stringify(config)).not.toContain(SEED);
});

it('tells everything once it was drawn', () => {
  const draw = { listHash: 'c3'.repeat(32), tickets: 2, drawnAt: '1970-01-01T00:00:05.100Z' };
  const drawn = sale({ admission: lobby, drawSeed: SEED, beaconValue: '7 9 13', draw });
  const result = { seed: SEED, beacon: '7 9 13', listHash: draw.listHash, tickets: 2 };
  expect(roomConfigOf(drawn).draw).toEqual({ commitment: commitmentOf(SEED), result });
  expect(roomConfigOf({ ...drawn, beaconValue: null }).draw?.result?.beacon).toBe('');
});
