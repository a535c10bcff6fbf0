import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The waiting rooms of sales. Those of before get none, since nobody asked for one: the room is there and off, and so is
 * that of a sale which the release before defines while both run.
 */
export class Admission1763800000010 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE sales
        ADD COLUMN admission jsonb NOT NULL DEFAULT '{"mode": "off", "ratePerSecond": 10000, "passMs": 120000,
          "longestPollMs": 10000, "silentMs": 75000, "graceMs": 180000}',
        ADD COLUMN room_version integer NOT NULL DEFAULT 1,
        ADD COLUMN room_salt text NOT NULL
          DEFAULT encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), 'hex'),
        ADD COLUMN room_begun_at timestamptz,
        ADD COLUMN draw_seed text,
        ADD COLUMN beacon_value text,
        ADD COLUMN draw jsonb`);
    await runner.query(`
      CREATE TABLE draws (
        sale_id text COLLATE "C" NOT NULL,
        list_hash text NOT NULL,
        tickets integer NOT NULL,
        ticket_ids text NOT NULL,
        drawn_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT draws_sale_id PRIMARY KEY (sale_id),
        CONSTRAINT draws_sale FOREIGN KEY (sale_id) REFERENCES sales (id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE draws');
    await runner.query(`
      ALTER TABLE sales
        DROP COLUMN admission, DROP COLUMN room_version, DROP COLUMN room_salt, DROP COLUMN room_begun_at,
        DROP COLUMN draw_seed, DROP COLUMN beacon_value, DROP COLUMN draw`);
  }
}
