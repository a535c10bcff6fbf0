import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Queued events share what they have in common: rows that were queued before are written anew, each change a run. */
export class OrderEventRuns1763800000005 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      UPDATE order_events SET events = (
        SELECT coalesce(json_agg(
          json_build_array(
            change -> 3, change -> 4, change -> 5, change -> 6, change -> 7,
            concat_ws(' ', split_part(change ->> 0, '.', 3), change ->> 1, change ->> 2)
          ) ORDER BY place), '[]')
        FROM json_array_elements(events) WITH ORDINALITY AS listed (change, place)
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      UPDATE order_events SET events = (
        SELECT coalesce(json_agg(
          json_build_array(
            concat_ws('.', sale_id, product_id, split_part(line, ' ', 1)), split_part(line, ' ', 2),
            split_part(line, ' ', 3)::integer, run -> 0, run -> 1, run -> 2, run -> 3, run -> 4
          ) ORDER BY place, line_place), '[]')
        FROM json_array_elements(events) WITH ORDINALITY AS listed (run, place),
             string_to_table(run ->> 5, E'\\n') WITH ORDINALITY AS lines (line, line_place)
      )`);
  }
}
