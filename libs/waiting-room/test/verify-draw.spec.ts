import { execFile, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { commitmentOf, ListHash, rankOf, ticketIdOf } from '../src';

const PROGRAM = join(__dirname, '..', '..', '..', 'tools', 'verify-draw.mjs');

interface PublishedDraw {
  readonly [field: string]: unknown;
  readonly ticketIds: readonly string[];
}

/** A draw as the gateway publishes it, and the ticket ids in the order in which they are called. */
function drawOf(
  count: number,
  beacon?: string,
): { readonly draw: PublishedDraw; readonly order: readonly string[] } {
  const [salt, seed] = [randomBytes(32), randomBytes(32)].map((bytes) => bytes.toString('hex')) as [
    string,
    string,
  ];
  const ticketIds = Array.from({ length: count }, (_, index) => ticketIdOf(salt, `shopper-${index}`)).sort();
  const hash = new ListHash();
  hash.add(ticketIds);
  const key = { seed, listHash: hash.digest(), beacon: beacon ?? '' };
  const draw = {
    saleId: 'drop',
    lobbyOpensAt: '2026-11-27T08:30:00.000Z',
    opensAt: '2026-11-27T09:00:00.000Z',
    commitment: commitmentOf(seed),
    ...(beacon === undefined ? {} : { beaconName: 'the lottery' }),
    drawn: true,
    ...key,
    tickets: count,
    ticketIds,
  };
  return { draw, order: [...ticketIds].sort((a, b) => rankOf(key, a) - rankOf(key, b)) };
}

describe('npm run verify-draw', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'verify-draw-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function verify(draw: unknown, ...args: readonly string[]) {
    const file = join(folder, 'draw.json');
    writeFileSync(file, typeof draw === 'string' ? draw : JSON.stringify(draw));
    const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, '--file', file, ...args], {
      encoding: 'utf8',
    });
    return { status, stdout, stderr };
  }

  it.each([undefined, '5 12 19 ü'])(
    'finds everybody where the room has called them, with beacon %j',
    (beacon) => {
      const { draw, order } = drawOf(200, beacon);
      for (const place of [1, 2, 100, 200]) {
        const { status, stdout } = verify(draw, '--ticket-id', order[place - 1] ?? '');
        expect(status).toBe(0);
        expect(stdout).toContain('200, each rank recomputed');
        expect(stdout).toContain(`your place  ${place} of 200\n`);
        if (beacon !== undefined) expect(stdout).toContain(`the lottery: ${beacon}`);
      }
    },
  );

  it('takes a draw of nobody', () => {
    expect(verify(drawOf(0).draw).status).toBe(0);
  });

  const other = '0'.repeat(64);
  it.each<readonly [string, (draw: PublishedDraw) => object, RegExp]>([
    ['another seed', () => ({ seed: other }), /seed is not the one/],
    ['another commitment', () => ({ commitment: other }), /commitment is 0+ now/],
    [
      'a seed and its commitment',
      () => ({ seed: other, commitment: commitmentOf(other) }),
      /commitment is .* was/,
    ],
    ['a ticket left out', ({ ticketIds }) => ({ ticketIds: ticketIds.slice(1) }), /has 49 tickets/],
    [
      'a ticket left out, and the number',
      ({ ticketIds }) => ({ ticketIds: ticketIds.slice(1), tickets: 49 }),
      /not the one that was drawn from/,
    ],
    [
      'a ticket exchanged',
      ({ ticketIds }) => ({ ticketIds: [...ticketIds.slice(0, -1), 'z'.repeat(14)] }),
      /not the one that was drawn from/,
    ],
    [
      'a ticket twice',
      ({ ticketIds }) => ({ ticketIds: [...ticketIds.slice(0, 1), ...ticketIds.slice(0, 49)] }),
      /twice, at entry 2/,
    ],
    ['another order', ({ ticketIds }) => ({ ticketIds: ticketIds.toReversed() }), /not in order/],
    [
      'a name for a ticket',
      ({ ticketIds }) => ({ ticketIds: [...ticketIds.slice(1), 'zoe'] }),
      /not a ticket id/,
    ],
    ['a hash of another list', () => ({ listHash: other }), /not the one that was drawn from/],
    ['no list', () => ({ ticketIds: undefined }), /not a list/],
    ['a beacon that nobody named', () => ({ beacon: '7' }), /not named beforehand/],
    ['a named beacon left out', () => ({ beaconName: 'the lottery' }), /named and not used/],
    ['a seed that is none', () => ({ seed: 'x' }), /"seed" is not 32 bytes/],
  ])('says that something is wrong: %s', (_, tamper, message) => {
    const { draw } = drawOf(50);
    const args = ['--commitment', String(draw['commitment'])];
    expect(verify(draw, ...args).status).toBe(0);
    const { status, stdout, stderr } = verify({ ...draw, ...tamper(draw) }, ...args);
    expect(stderr).toMatch(/^THE DRAW DOES NOT AGREE\./);
    expect(stderr).toMatch(message);
    expect([status, stdout]).toEqual([1, '']);
  });

  it('sees another beacon in the places, for no hash has it', () => {
    const { draw, order } = drawOf(500, '5');
    const places = ['5', '6'].map(
      (beacon) => verify({ ...draw, beacon }, '--ticket-id', order[0] ?? '').stdout,
    );
    expect(places[0]).toContain('your place  1 of 500');
    expect(places[1]).toContain('the lottery: 6');
    expect(places[1]).not.toContain('your place  1 of 500');
  });

  it('says that a ticket is not in the list', () => {
    const { status, stderr } = verify(drawOf(5).draw, '--ticket-id', 'A'.repeat(14));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/is not in the list/)]);
  });

  it('reads from the shop', async () => {
    const { draw, order } = drawOf(20);
    const server = createServer((request, response) => {
      response.statusCode = request.url === '/v1/sales/drop/draw' ? 200 : 404;
      response.end(JSON.stringify(draw));
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/sales`;
    const call = (sale: string) =>
      promisify(execFile)(process.execPath, [
        PROGRAM,
        '--url',
        `${base}/${sale}/draw`,
        '--ticket-id',
        order[4] ?? '',
      ]);
    try {
      expect((await call('drop')).stdout).toContain('your place  5 of 20');
      await expect(call('other')).rejects.toMatchObject({
        code: 2,
        stderr: expect.stringContaining('404') as unknown,
      });
    } finally {
      server.close();
    }
  });

  it('tells a wrong call from a wrong draw', () => {
    const run = (...args: readonly string[]) => spawnSync(process.execPath, [PROGRAM, ...args]).status;
    expect([
      run(),
      run('--file', 'a', '--url', 'b'),
      run('--sale', 'drop'),
      run('--file', '/nowhere'),
    ]).toEqual([2, 2, 2, 2]);
    expect([verify('{ half').status, verify('null').status]).toEqual([2, 2]);
    const early = verify({ saleId: 'drop', commitment: other, drawn: false });
    expect([early.status, early.stdout]).toEqual([2, expect.stringContaining(other)]);
  });

  it('needs nothing of Flux-Gate and no package', () => {
    const imports = [...readFileSync(PROGRAM, 'utf8').matchAll(/from '([^']+)'|import\('([^']+)'\)/g)];
    expect(imports.map(([, from]) => from)).toEqual([
      'node:crypto',
      'node:fs/promises',
      'node:url',
      'node:util',
    ]);
  });
});
