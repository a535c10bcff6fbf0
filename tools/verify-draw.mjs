// npm run verify-draw: recomputes a draw of the waiting room from what is published of it.
//
//   node verify-draw.mjs --url https://shop.example/v1/sales/<sale>/draw [--ticket-id <id>]
//   node verify-draw.mjs --file draw.json [--ticket-id <id>]
//
// This file needs nothing but Node.js 20 and imports nothing of Flux-Gate, so that you can read all that it does:
//   1. the seed is the one that the shop was bound to before anybody joined: SHA-256(seed) is the published commitment;
//   2. the list of ticket ids is in order, has none twice, and has the published hash:
//      SHA-256 of the ids, joined by line feeds;
//   3. every rank is HMAC-SHA256(key, ticket id), of which the first 48 bits count, where the key is the seed, the hash
//      of the list and the beacon's value, one after the other. The lowest rank goes first; of two equal ones the ticket
//      id that comes first in the list.
// Write down the commitment while the lobby is open, and compare: only then does the first step prove anything.
// It ends with 0 where all agrees, 1 where something does not, 2 where it was called wrongly or could not read the draw.
import { createHash, createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const USAGE =
  'usage: verify-draw --url <the shop>/v1/sales/<sale>/draw | --file <draw.json> [--ticket-id <id>] [--commitment <hex>]';

const HEX_OF_32_BYTES = /^[0-9a-f]{64}$/;
const TICKET_ID = /^[A-Za-z0-9_-]{14}$/;
const RANK_BYTES = 6;

/** The draw that was published does not agree with itself. */
export class DrawIsWrong extends Error {}

/** What it was called with cannot be used. */
class CannotVerify extends Error {}

const sha256 = (data) => createHash('sha256').update(data).digest('hex');

function check(isRight, message) {
  if (!isRight) throw new DrawIsWrong(message);
}

/**
 * @param draw as it is published
 * @param noted the commitment as somebody noted it before the opening
 * @returns {string[]} ticket ids, in the order in which they are called
 * @throws {DrawIsWrong}
 */
export function verifyDraw(draw, noted = draw.commitment) {
  const { seed, commitment, listHash, tickets, ticketIds, beaconName, beacon = '' } = draw;
  for (const [name, value] of Object.entries({ seed, commitment, listHash })) {
    check(HEX_OF_32_BYTES.test(String(value)), `"${name}" is not 32 bytes in hex.`);
  }
  check(commitment === noted, `The commitment is ${commitment} now, and was ${noted}.`);

  const hashOfSeed = sha256(Buffer.from(seed, 'hex'));
  check(
    hashOfSeed === commitment,
    `The seed is not the one that the shop was bound to: SHA-256 of it is ${hashOfSeed}, the commitment ${commitment}.`,
  );

  check(typeof beacon === 'string', '"beacon" is not a text.');
  if (beaconName === undefined)
    check(beacon === '', 'There is a value of a beacon that was not named beforehand.');
  else check(beacon !== '', `The beacon "${beaconName}" was named and not used.`);

  check(Array.isArray(ticketIds), '"ticketIds" is not a list.');
  ticketIds.forEach((id, index) => {
    check(typeof id === 'string' && TICKET_ID.test(id), `Entry ${index + 1} of the list is not a ticket id.`);
    check(
      index === 0 || ticketIds[index - 1] < id,
      `The list is not in order, or has a ticket twice, at entry ${index + 1}: ${id}.`,
    );
  });
  check(
    tickets === ticketIds.length,
    `The list has ${ticketIds.length} tickets, and should have ${tickets}.`,
  );
  const hashOfList = sha256(ticketIds.join('\n'));
  check(
    hashOfList === listHash,
    `The list is not the one that was drawn from: its hash is ${hashOfList}, the published one ${listHash}.`,
  );

  const key = Buffer.concat([Buffer.from(seed, 'hex'), Buffer.from(listHash, 'hex'), Buffer.from(beacon)]);
  return ticketIds
    .map((id) => ({ id, rank: createHmac('sha256', key).update(id).digest().readUIntBE(0, RANK_BYTES) }))
    .sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1))
    .map(({ id }) => id);
}

async function read({ url, file }) {
  try {
    if (file !== undefined) return JSON.parse(await readFile(file, 'utf8'));
    const response = await fetch(url, { headers: { accept: 'application/json' } });
    if (!response.ok) throw new Error(`it answers ${response.status}`);
    return await response.json();
  } catch (error) {
    throw new CannotVerify(
      `The draw cannot be read from ${url ?? file}: ${error.cause?.message ?? error.message}.`,
    );
  }
}

/** What stands on the command line. @throws {CannotVerify} */
function readArgs(args) {
  const text = { type: 'string' };
  const options = { url: text, file: text, 'ticket-id': text, commitment: text };
  let values;
  try {
    ({ values } = parseArgs({ args, options }));
  } catch (error) {
    throw new CannotVerify(`${error.message}\n${USAGE}`);
  }
  if ((values.url === undefined) === (values.file === undefined)) throw new CannotVerify(USAGE);
  return values;
}

async function main(args) {
  const values = readArgs(args);
  const draw = await read(values);
  if (draw === null || typeof draw !== 'object') throw new CannotVerify('That is not a draw.');
  if (draw.drawn !== true) {
    console.log(`Nothing was drawn yet. Note the commitment, and compare it later: ${draw.commitment}`);
    return 2;
  }
  const order = verifyDraw(draw, values.commitment);
  console.log(`The draw of sale ${draw.saleId} agrees with what was published.`);
  console.log(`  commitment  ${draw.commitment}`);
  if (draw.beaconName !== undefined) console.log(`  beacon      ${draw.beaconName}: ${draw.beacon}`);
  console.log(`  tickets     ${order.length}, each rank recomputed`);
  const own = values['ticket-id'];
  if (own === undefined) return 0;
  const place = order.indexOf(own) + 1;
  check(place > 0, `Ticket ${own} is not in the list: it did not take part in the draw.`);
  console.log(`  your place  ${place} of ${order.length}`);
  return 0;
}

/** @returns {Promise<number>} the exit status */
export async function run(args) {
  try {
    return await main(args);
  } catch (error) {
    const isWrong = error instanceof DrawIsWrong;
    if (!isWrong && !(error instanceof CannotVerify)) throw error;
    console.error(isWrong ? `THE DRAW DOES NOT AGREE. ${error.message}` : error.message);
    return isWrong ? 1 : 2;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await run(process.argv.slice(2));
