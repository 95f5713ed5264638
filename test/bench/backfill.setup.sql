-- Table bench with its items, loaded without the API; its writers' requests
-- then are those of put.api.sql.
\set ON_ERROR_STOP on
SET client_min_messages = warning;

SELECT count(dynamo.create_table('bench', 'pk S', 'sk S'));

INSERT INTO dynamo_tables.bench (item)
SELECT format(:'item', p, s, (p + s) % 10, (p * 31 + s) % 100)::jsonb
FROM generate_series(1001, 1000 + :partitions) p, generate_series(101, 200) s;

VACUUM (ANALYZE) dynamo_tables.bench;
CHECKPOINT;
