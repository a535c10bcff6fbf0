// Bare inserts: orders into a table like the ledger's own, batch by batch over one connection, each transaction with the
// same update of a ledger row. Nothing is looked up, nobody is told. Prints how long all took.
//   node inserts.mjs ROWS BATCH SALE PRODUCT SEED
import { hash } from 'node:crypto';

import pg from 'pg';

const [rows, batch] = process.argv.slice(2, 4).map(Number);
const [saleId = '', productId = '', seed = ''] = process.argv.slice(4);
if (!rows || !batch || seed === '') throw new Error('usage: inserts.mjs ROWS BATCH SALE PRODUCT SEED');

/** What the rows of a batch have in common is sent once: the fastest of the ways that were tried. */
const INSERT = `
  INSERT INTO bare_orders (order_id, sale_id, product_id, shopper_id, quantity, fingerprint, state, reason, booked,
                           epoch, sequence, accepted_at, decided_at, hold_until)
  SELECT order_id, $6, $7, shopper_id, 1, fingerprint, 'confirmed', NULL, 0, 1, sequence,
         to_timestamp(accepted_at_ms / 1000::float8), now(), now() + interval '1 hour'
  FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
    AS bare (order_id, shopper_id, fingerprint, sequence, accepted_at_ms)`;
const UPDATE = `
  UPDATE bare_ledger SET held = held + $3, watermark = $4, watermark_order_id = $5
  WHERE sale_id = $1 AND product_id = $2`;

// Its ids are not part of what is measured.
const ids = Array.from({ length: rows }, (_, index) => {
  return `${saleId}.${productId}.${hash('sha256', `${seed}-${index}`, 'base64url').slice(0, 22)}`;
});

const client = new pg.Client({ connectionString: process.env.DATABASE_URL, application_name: 'bench-rival' });
await client.connect();
const startedAt = performance.now();
for (let from = 0; from < rows; from += batch) {
  const part = ids.slice(from, from + batch);
  const now = Date.now();
  await client.query('BEGIN');
  await client.query(INSERT, [
    list(part),
    list(part.map((_id, index) => `${seed}-${from + index}`)),
    list(part.map(() => 'abcdefghijk')),
    list(part.map((_id, index) => from + index + 1)),
    list(part.map(() => now)),
    saleId,
    productId,
  ]);
  await client.query(UPDATE, [saleId, productId, part.length, from + part.length, part.at(-1)]);
  await client.query('COMMIT');
}
const seconds = (performance.now() - startedAt) / 1_000;
await client.end();
console.log(JSON.stringify({ seconds }));

/** @param {readonly (string | number)[]} values without a character that PostgreSQL would take for another */
function list(values) {
  return `{${values.join(',')}}`;
}
