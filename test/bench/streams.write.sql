\set n random(1, 100000)
SELECT dynamo.put_item(jsonb_build_object('TableName', 'bench', 'Item', jsonb_build_object(
	'pk', jsonb_build_object('S', 'latency-' || :n), 'sk', '{"S": "x"}'::jsonb,
	'at', jsonb_build_object('N', (extract(epoch FROM clock_timestamp()) * 1000)::text))));
