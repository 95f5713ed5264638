\set p random(1001, 1000 + :partitions)
\set s random(101, 200)
SELECT dynamo.execute_statement(format(:partiql, :p::text, :s::text)::jsonb);
