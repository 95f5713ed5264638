-- Evaluation of expressions: each line of test/data/expr_eval.tsv through all
-- operations that take an expression of its kind.  Printed are the results
-- that differ from the expected ones, and counts.
\set VERBOSITY terse
\pset format unaligned
\getenv abs_srcdir PG_ABS_SRCDIR
\set cases :abs_srcdir '/test/data/expr_eval.tsv'

-- Cases with an item run against a table whose key attribute none of them
-- knows; those without, against a table with the key that an absent item has.
SELECT dynamo.create_table('expr_eval', 'expr_eval_key S');
SELECT dynamo.create_table('expr_eval_absent', 'pk S');

CREATE TEMP TABLE case_line (number serial, line text);
COPY case_line (line) FROM :'cases' (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02');

-- "-" stands for an absent item or map
CREATE TEMP TABLE eval_case AS
	SELECT number, f[1] AS kind, f[2] AS expression,
		nullif(f[3], '-')::jsonb AS item,
		jsonb_strip_nulls(jsonb_build_object(
			'ExpressionAttributeNames', nullif(f[4], '-')::jsonb,
			'ExpressionAttributeValues', nullif(f[5], '-')::jsonb)) AS maps,
		f[6] AS expected
	FROM case_line, string_to_array(line, E'\t') f
	WHERE line NOT LIKE '#%';

CREATE FUNCTION pg_temp.table_name(c eval_case) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('TableName',
		CASE WHEN c.item IS NULL THEN 'expr_eval_absent' ELSE 'expr_eval' END)
$$;

CREATE FUNCTION pg_temp.key(c eval_case) RETURNS jsonb LANGUAGE sql AS $$
	SELECT CASE WHEN c.item IS NULL THEN '{"pk": {"S": "k"}}'::jsonb
		ELSE '{"expr_eval_key": {"S": "k"}}' END
$$;

-- what is stored under the key of the case, without that key of ours
CREATE FUNCTION pg_temp.stored(c eval_case) RETURNS jsonb LANGUAGE sql AS $$
	SELECT (dynamo.get_item(pg_temp.table_name(c) ||
		jsonb_build_object('Key', pg_temp.key(c))) -> 'Item') - 'expr_eval_key'
$$;

-- the table holds the item of the case, and nothing else
CREATE FUNCTION pg_temp.prepare(c eval_case) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dynamo.delete_item(pg_temp.table_name(c) ||
		jsonb_build_object('Key', pg_temp.key(c)));
	IF c.item IS NOT NULL THEN
		PERFORM dynamo.put_item(pg_temp.table_name(c) ||
			jsonb_build_object('Item', c.item || pg_temp.key(c)));
	END IF;
END $$;

-- the response of an operation, or its error as a string
CREATE FUNCTION pg_temp.run(c eval_case, operation text, more jsonb) RETURNS jsonb
LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_temp.prepare(c);
	RETURN dynamo.execute(operation, pg_temp.table_name(c) || c.maps || more);
EXCEPTION WHEN OTHERS THEN
	RETURN to_jsonb('ERROR: ' || sqlerrm);
END $$;

-- a condition, of a write: true when it went through
CREATE FUNCTION pg_temp.run_condition(c eval_case, operation text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	response jsonb := pg_temp.run(c, operation,
		jsonb_build_object('ConditionExpression', c.expression,
			CASE operation WHEN 'PutItem' THEN 'Item' ELSE 'Key' END, pg_temp.key(c)));
BEGIN
	RETURN CASE
		WHEN response = '"ERROR: ConditionalCheckFailedException: The conditional request failed"'
		THEN 'false'
		WHEN jsonb_typeof(response) = 'string' THEN response #>> '{}'
		ELSE 'true' END;
END $$;

CREATE FUNCTION pg_temp.run_filter(c eval_case) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	response jsonb := pg_temp.run(c, 'Scan',
		jsonb_build_object('FilterExpression', c.expression));
BEGIN
	RETURN CASE WHEN jsonb_typeof(response) = 'string' THEN response #>> '{}'
		ELSE (response @> '{"Count": 1, "ScannedCount": 1}')::text END;
END $$;

CREATE FUNCTION pg_temp.run_item_matches(c eval_case) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	vals jsonb := dynamo.item_to_json(c.maps -> 'ExpressionAttributeValues');
BEGIN
	RETURN dynamo.item_matches(c.item, c.expression, vals,
		c.maps -> 'ExpressionAttributeNames')::text;
EXCEPTION WHEN OTHERS THEN
	RETURN 'ERROR: ' || sqlerrm;
END $$;

CREATE FUNCTION pg_temp.run_projection(c eval_case, operation text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	response jsonb := pg_temp.run(c, operation,
		jsonb_build_object('ProjectionExpression', c.expression) ||
		CASE operation WHEN 'GetItem' THEN jsonb_build_object('Key', pg_temp.key(c))
			ELSE '{}' END);
BEGIN
	RETURN CASE
		WHEN jsonb_typeof(response) = 'string' THEN response #>> '{}'
		WHEN operation = 'GetItem' THEN coalesce(response -> 'Item', '{}')::text
		ELSE (response #> '{Items,0}')::text END;
END $$;

-- an update, and that the table holds the result, or after an error the item
-- as it was
CREATE FUNCTION pg_temp.run_update(c eval_case, returned text) RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
	response jsonb := pg_temp.run(c, 'UpdateItem', jsonb_build_object(
		'UpdateExpression', c.expression, 'ReturnValues', returned, 'Key', pg_temp.key(c)));
	attributes jsonb := (response -> 'Attributes') - 'expr_eval_key';
	stored jsonb := pg_temp.stored(c);
BEGIN
	IF jsonb_typeof(response) = 'string' THEN
		RETURN response #>> '{}';
	END IF;
	IF returned = 'ALL_NEW' AND stored IS DISTINCT FROM attributes THEN
		RETURN format('returned %s but stored %s', attributes, stored);
	END IF;
	RETURN coalesce(attributes::text, 'null');
END $$;

CREATE TEMP TABLE door (kind text, door text, needs_item boolean);
INSERT INTO door VALUES
	('condition', 'PutItem', false), ('condition', 'DeleteItem', false),
	('condition', 'UpdateItem', false), ('condition', 'Scan', true),
	('condition', 'item_matches', true), ('filter', 'Scan', true),
	('filter', 'item_matches', true),
	('projection', 'GetItem', false), ('projection', 'Scan', true),
	('update', 'ALL_NEW', false), ('updated_old', 'UPDATED_OLD', false),
	('updated_new', 'UPDATED_NEW', false);

CREATE FUNCTION pg_temp.result(c eval_case, door text) RETURNS text LANGUAGE sql AS $$
	SELECT CASE
		WHEN door = 'item_matches' THEN pg_temp.run_item_matches(c)
		WHEN c.kind = 'projection' THEN pg_temp.run_projection(c, door)
		WHEN c.kind LIKE 'update%' THEN pg_temp.run_update(c, door)
		WHEN door = 'Scan' THEN pg_temp.run_filter(c)
		ELSE pg_temp.run_condition(c, door) END
$$;

-- errors compare as text, everything else as JSON
CREATE FUNCTION pg_temp.same(result text, expected text) RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	RETURN result = expected OR result::jsonb = expected::jsonb;
EXCEPTION WHEN invalid_text_representation THEN
	RETURN false;
END $$;

CREATE TEMP TABLE outcome AS
	SELECT c.number, c.kind, d.door, c.expression, c.expected,
		pg_temp.result(c, d.door) AS result
	FROM eval_case c JOIN door d USING (kind)
	WHERE c.item IS NOT NULL OR NOT d.needs_item;

SELECT number, kind, door, expression, expected, result
FROM outcome WHERE NOT pg_temp.same(result, expected) IS TRUE
ORDER BY number, door;

SELECT kind, door, count(*) AS runs, count(*) FILTER (
	WHERE NOT pg_temp.same(result, expected) IS TRUE) AS failed
FROM outcome GROUP BY kind, door ORDER BY kind, door;

-- nothing is left out
SELECT count(*) AS cases_not_run FROM eval_case
WHERE number NOT IN (SELECT number FROM outcome);

SELECT dynamo.delete_table('{"TableName": "expr_eval"}') IS NOT NULL AS deleted;
SELECT dynamo.delete_table('{"TableName": "expr_eval_absent"}') IS NOT NULL AS deleted;
