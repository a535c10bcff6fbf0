import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Lists of those denied and allowed, keys that owners give out, and how a sale's units were spread. */
export class Shields1763800000011 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE TABLE access_rules (
        id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        list text NOT NULL,
        kind text NOT NULL,
        value text COLLATE "C" NOT NULL,
        reason text NOT NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        CONSTRAINT access_rules_id PRIMARY KEY (id),
        CONSTRAINT access_rules_value UNIQUE (list, kind, value),
        CONSTRAINT access_rules_list CHECK (list IN ('allow', 'deny')),
        CONSTRAINT access_rules_kind CHECK (kind IN ('cidr', 'shopper'))
      )`);
    await runner.query(`
      CREATE TABLE api_keys (
        id text COLLATE "C" NOT NULL,
        name text NOT NULL,
        role text NOT NULL,
        digest text COLLATE "C" NOT NULL,
        created_by text NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz,
        revoked_at timestamptz,
        CONSTRAINT api_keys_id PRIMARY KEY (id),
        CONSTRAINT api_keys_role CHECK (role IN ('viewer', 'operator', 'owner', 'service'))
      )`);
    await runner.query('CREATE UNIQUE INDEX api_keys_digest ON api_keys (digest)');
    await runner.query(`
      CREATE TABLE concentrations (
        sale_id text COLLATE "C" NOT NULL,
        figures jsonb NOT NULL,
        kept_at timestamptz NOT NULL DEFAULT now(),
        CONSTRAINT concentrations_sale_id PRIMARY KEY (sale_id),
        CONSTRAINT concentrations_sale FOREIGN KEY (sale_id) REFERENCES sales (id)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE concentrations');
    await runner.query('DROP TABLE api_keys');
    await runner.query('DROP TABLE access_rules');
  }
}
