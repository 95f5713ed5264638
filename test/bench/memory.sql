-- What one session's memory contexts hold: when it begins, when its caches are
-- warm, and much later.
SELECT sum(total_bytes) / 1024 AS new FROM pg_backend_memory_contexts \gset
\set first 1
\set last 100
\o /dev/null
\ir mixed.sql
\o
SELECT sum(total_bytes) / 1024 AS warm FROM pg_backend_memory_contexts \gset
\set first 101
\set last 10000
\o /dev/null
\ir mixed.sql
\o
SELECT sum(total_bytes) / 1024 AS late FROM pg_backend_memory_contexts \gset
SELECT format('memory of a session, kB: new %s, after 100 operations %s, after 10,000 %s',
	round(:new), round(:warm), round(:late));
