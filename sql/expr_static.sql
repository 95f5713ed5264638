-- Static checks of expressions: each line of test/data/expr_static.tsv through
-- the operations that take an expression of its kind, on empty tables, since
-- no item is needed to find what is wrong.  Printed are the results that
-- differ from the expected ones, and counts.
\set VERBOSITY terse
\pset format unaligned
\getenv abs_srcdir PG_ABS_SRCDIR
\set cases :abs_srcdir '/test/data/expr_static.tsv'

SELECT dynamo.create_table('expr_static', 'expr_static_key S');
SELECT dynamo.create_table('expr_static_keys', 'a S', 'b S');
SELECT dynamo.create_table('expr_static_keys_number', 'a N', 'b N');
SELECT dynamo.create_table('expr_static_keys_hash', 'a S');

-- <<N|text>> is text N times, with @ counting from 1
CREATE FUNCTION pg_temp.expand(string text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	macro text[];
BEGIN
	LOOP
		macro := regexp_match(string, '(<<(\d+)\|(.*?)>>)');
		EXIT WHEN macro IS NULL;
		string := replace(string, macro[1], (
			SELECT string_agg(replace(macro[3], '@', i::text), '' ORDER BY i)
			FROM generate_series(1, macro[2]::int) i));
	END LOOP;
	RETURN string;
END $$;

CREATE FUNCTION pg_temp.unescape(string text) RETURNS text LANGUAGE sql AS $$
	SELECT replace(replace(replace(replace(replace(string,
		'\\', E'\x01'), '\t', E'\t'), '\r', E'\r'), '\n', E'\n'), E'\x01', '\')
$$;

CREATE TEMP TABLE case_line (number serial, line text);
COPY case_line (line) FROM :'cases' (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02');

CREATE TEMP TABLE static_case AS
	SELECT number, f[1] AS kind, f[2] AS written,
		pg_temp.unescape(pg_temp.expand(f[2])) AS expression,
		jsonb_strip_nulls(jsonb_build_object(
			'ExpressionAttributeNames', nullif(pg_temp.expand(f[3]), '-')::jsonb)) ||
		CASE f[4] WHEN '-' THEN '{}' ELSE jsonb_build_object(
			'ExpressionAttributeValues', pg_temp.expand(f[4])::jsonb) END AS maps,
		pg_temp.expand(f[5]) AS expected
	FROM case_line, string_to_array(line, E'\t') f
	WHERE line NOT LIKE '#%';

-- A failing condition hides what an update would do to the absent item.
CREATE TEMP TABLE door (kind text, operation text, parameter text, fixed jsonb);
INSERT INTO door VALUES
	('condition', 'PutItem', 'ConditionExpression',
		'{"TableName": "expr_static", "Item": {"expr_static_key": {"S": "k"}}}'),
	('condition', 'DeleteItem', 'ConditionExpression',
		'{"TableName": "expr_static", "Key": {"expr_static_key": {"S": "k"}}}'),
	('condition', 'UpdateItem', 'ConditionExpression',
		'{"TableName": "expr_static", "Key": {"expr_static_key": {"S": "k"}}}'),
	('filter', 'Scan', 'FilterExpression', '{"TableName": "expr_static"}'),
	('key_condition', 'Query', 'KeyConditionExpression',
		'{"TableName": "expr_static_keys"}'),
	('key_condition:number', 'Query', 'KeyConditionExpression',
		'{"TableName": "expr_static_keys_number"}'),
	('key_condition:hash', 'Query', 'KeyConditionExpression',
		'{"TableName": "expr_static_keys_hash"}'),
	('projection', 'GetItem', 'ProjectionExpression',
		'{"TableName": "expr_static", "Key": {"expr_static_key": {"S": "k"}}}'),
	('projection', 'Scan', 'ProjectionExpression', '{"TableName": "expr_static"}'),
	('update', 'UpdateItem', 'UpdateExpression',
		'{"TableName": "expr_static", "Key": {"expr_static_key": {"S": "k"}},
		  "ConditionExpression": "attribute_exists(expr_static_key)"}');

-- ok, or the error; the item that a condition let through is taken away
CREATE FUNCTION pg_temp.result(c static_case, d door) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dynamo.execute(d.operation,
		d.fixed || c.maps || jsonb_build_object(d.parameter, c.expression));
	PERFORM dynamo.delete_item('{"TableName": "expr_static",
		"Key": {"expr_static_key": {"S": "k"}}}');
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RETURN CASE sqlerrm
		WHEN 'ConditionalCheckFailedException: The conditional request failed' THEN 'ok'
		ELSE sqlerrm END;
END $$;

CREATE TEMP TABLE outcome AS
	SELECT c.number, c.kind, d.operation, c.written, c.expected,
		pg_temp.result(c, d) AS result
	FROM static_case c JOIN door d USING (kind);

SELECT number, kind, operation, left(written, 200) AS expression,
	left(expected, 300) AS expected, left(result, 300) AS result
FROM outcome WHERE result IS DISTINCT FROM expected
ORDER BY number, operation;

SELECT kind, operation, count(*) AS runs,
	count(*) FILTER (WHERE expected = 'ok') AS accepted,
	count(*) FILTER (WHERE result IS DISTINCT FROM expected) AS failed
FROM outcome GROUP BY kind, operation ORDER BY kind, operation;

-- nothing is left out
SELECT count(*) AS cases_not_run FROM static_case
WHERE number NOT IN (SELECT number FROM outcome);

--
-- reserved words, in any letter case; any other word is a name
--
CREATE FUNCTION pg_temp.projection_error(path text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dynamo.scan(jsonb_build_object('TableName', 'expr_static',
		'ProjectionExpression', path));
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlerrm;
END $$;

CREATE TEMP TABLE reserved AS SELECT unnest(regexp_split_to_array(trim(E' \t\n' FROM '
	ABORT ABSOLUTE ACTION ADD AFTER AGENT AGGREGATE ALL ALLOCATE ALTER ANALYZE
	AND ANY ARCHIVE ARE ARRAY AS ASC ASCII ASENSITIVE ASSERTION ASYMMETRIC AT
	ATOMIC ATTACH ATTRIBUTE AUTH AUTHORIZATION AUTHORIZE AUTO AVG BACK BACKUP
	BASE BATCH BEFORE BEGIN BETWEEN BIGINT BINARY BIT BLOB BLOCK BOOLEAN BOTH
	BREADTH BUCKET BULK BY BYTE CALL CALLED CALLING CAPACITY CASCADE CASCADED
	CASE CAST CATALOG CHAR CHARACTER CHECK CLASS CLOB CLOSE CLUSTER CLUSTERED
	CLUSTERING CLUSTERS COALESCE COLLATE COLLATION COLLECTION COLUMN COLUMNS
	COMBINE COMMENT COMMIT COMPACT COMPILE COMPRESS CONDITION CONFLICT CONNECT
	CONNECTION CONSISTENCY CONSISTENT CONSTRAINT CONSTRAINTS CONSTRUCTOR
	CONSUMED CONTINUE CONVERT COPY CORRESPONDING COUNT COUNTER CREATE CROSS
	CUBE CURRENT CURSOR CYCLE DATA DATABASE DATE DATETIME DAY DEALLOCATE DEC
	DECIMAL DECLARE DEFAULT DEFERRABLE DEFERRED DEFINE DEFINED DEFINITION
	DELETE DELIMITED DEPTH DEREF DESC DESCRIBE DESCRIPTOR DETACH DETERMINISTIC
	DIAGNOSTICS DIRECTORIES DISABLE DISCONNECT DISTINCT DISTRIBUTE DO DOMAIN
	DOUBLE DROP DUMP DURATION DYNAMIC EACH ELEMENT ELSE ELSEIF EMPTY ENABLE
	END EQUAL EQUALS ERROR ESCAPE ESCAPED EVAL EVALUATE EXCEEDED EXCEPT
	EXCEPTION EXCEPTIONS EXCLUSIVE EXEC EXECUTE EXISTS EXIT EXPLAIN EXPLODE
	EXPORT EXPRESSION EXTENDED EXTERNAL EXTRACT FAIL FALSE FAMILY FETCH FIELDS
	FILE FILTER FILTERING FINAL FINISH FIRST FIXED FLATTERN FLOAT FOR FORCE
	FOREIGN FORMAT FORWARD FOUND FREE FROM FULL FUNCTION FUNCTIONS GENERAL
	GENERATE GET GLOB GLOBAL GO GOTO GRANT GREATER GROUP GROUPING HANDLER HASH
	HAVE HAVING HEAP HIDDEN HOLD HOUR IDENTIFIED IDENTITY IF IGNORE IMMEDIATE
	IMPORT IN INCLUDING INCLUSIVE INCREMENT INCREMENTAL INDEX INDEXED INDEXES
	INDICATOR INFINITE INITIALLY INLINE INNER INNTER INOUT INPUT INSENSITIVE
	INSERT INSTEAD INT INTEGER INTERSECT INTERVAL INTO INVALIDATE IS ISOLATION
	ITEM ITEMS ITERATE JOIN KEY KEYS LAG LANGUAGE LARGE LAST LATERAL LEAD
	LEADING LEAVE LEFT LENGTH LESS LEVEL LIKE LIMIT LIMITED LINES LIST LOAD
	LOCAL LOCALTIME LOCALTIMESTAMP LOCATION LOCATOR LOCK LOCKS LOG LOGED LONG
	LOOP LOWER MAP MATCH MATERIALIZED MAX MAXLEN MEMBER MERGE METHOD METRICS
	MIN MINUS MINUTE MISSING MOD MODE MODIFIES MODIFY MODULE MONTH MULTI
	MULTISET NAME NAMES NATIONAL NATURAL NCHAR NCLOB NEW NEXT NO NONE NOT NULL
	NULLIF NUMBER NUMERIC OBJECT OF OFFLINE OFFSET OLD ON ONLINE ONLY OPAQUE
	OPEN OPERATOR OPTION OR ORDER ORDINALITY OTHER OTHERS OUT OUTER OUTPUT
	OVER OVERLAPS OVERRIDE OWNER PAD PARALLEL PARAMETER PARAMETERS PARTIAL
	PARTITION PARTITIONED PARTITIONS PATH PERCENT PERCENTILE PERMISSION
	PERMISSIONS PIPE PIPELINED PLAN POOL POSITION PRECISION PREPARE PRESERVE
	PRIMARY PRIOR PRIVATE PRIVILEGES PROCEDURE PROCESSED PROJECT PROJECTION
	PROPERTY PROVISIONING PUBLIC PUT QUERY QUIT QUORUM RAISE RANDOM RANGE RANK
	RAW READ READS REAL REBUILD RECORD RECURSIVE REDUCE REF REFERENCE
	REFERENCES REFERENCING REGEXP REGION REINDEX RELATIVE RELEASE REMAINDER
	RENAME REPEAT REPLACE REQUEST RESET RESIGNAL RESOURCE RESPONSE RESTORE
	RESTRICT RESULT RETURN RETURNING RETURNS REVERSE REVOKE RIGHT ROLE ROLES
	ROLLBACK ROLLUP ROUTINE ROW ROWS RULE RULES SAMPLE SATISFIES SAVE
	SAVEPOINT SCAN SCHEMA SCOPE SCROLL SEARCH SECOND SECTION SEGMENT SEGMENTS
	SELECT SELF SEMI SENSITIVE SEPARATE SEQUENCE SERIALIZABLE SESSION SET SETS
	SHARD SHARE SHARED SHORT SHOW SIGNAL SIMILAR SIZE SKEWED SMALLINT SNAPSHOT
	SOME SOURCE SPACE SPACES SPARSE SPECIFIC SPECIFICTYPE SPLIT SQL SQLCODE
	SQLERROR SQLEXCEPTION SQLSTATE SQLWARNING START STATE STATIC STATUS
	STORAGE STORE STORED STREAM STRING STRUCT STYLE SUB SUBMULTISET
	SUBPARTITION SUBSTRING SUBTYPE SUM SUPER SYMMETRIC SYNONYM SYSTEM TABLE
	TABLESAMPLE TEMP TEMPORARY TERMINATED TEXT THAN THEN THROUGHPUT TIME
	TIMESTAMP TIMEZONE TINYINT TO TOKEN TOTAL TOUCH TRAILING TRANSACTION
	TRANSFORM TRANSLATE TRANSLATION TREAT TRIGGER TRIM TRUE TRUNCATE TTL TUPLE
	TYPE UNDER UNDO UNION UNIQUE UNIT UNKNOWN UNLOGGED UNNEST UNPROCESSED
	UNSIGNED UNTIL UPDATE UPPER URL USAGE USE USER USERS USING UUID VACUUM
	VALUE VALUED VALUES VARCHAR VARIABLE VARIANCE VARINT VARYING VIEW VIEWS
	VIRTUAL VOID WAIT WHEN WHENEVER WHERE WHILE WINDOW WITH WITHIN WITHOUT
	WORK WRAPPED WRITE YEAR ZONE
'), '\s+')) AS word;

SELECT count(*) AS words,
	count(*) FILTER (WHERE pg_temp.projection_error(spelling) IS DISTINCT FROM
		'ValidationException: Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: '
		|| spelling) AS accepted,
	count(*) FILTER (WHERE pg_temp.projection_error('a.' || spelling || '[0]') IS DISTINCT FROM
		'ValidationException: Invalid ProjectionExpression: Attribute name is a reserved keyword; reserved keyword: '
		|| spelling) AS accepted_in_path
FROM (SELECT word FROM reserved UNION ALL SELECT lower(word) FROM reserved
	UNION ALL SELECT initcap(word) FROM reserved) x(spelling);
-- neither shorter nor longer ones
SELECT count(*) AS words, count(*) FILTER (WHERE pg_temp.projection_error(name) <> 'ok') AS refused
FROM (SELECT word || 'q' FROM reserved
	UNION ALL SELECT 'q' || word FROM reserved
	UNION ALL SELECT word || '_' FROM reserved
	UNION ALL SELECT left(word, -1) FROM reserved WHERE length(word) > 1) x(name)
WHERE upper(name) NOT IN (SELECT word FROM reserved);

--
-- several expressions and both maps in one request: what is found first
--
CREATE FUNCTION pg_temp.update_error(more jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dynamo.update_item('{"TableName": "expr_static",
		"Key": {"expr_static_key": {"S": "absent"}}}' || more);
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RETURN left(sqlerrm, 200);
END $$;
CREATE FUNCTION pg_temp.query_error(more jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM dynamo.query('{"TableName": "expr_static_keys"}' || more);
	RETURN 'ok';
EXCEPTION WHEN OTHERS THEN
	RETURN left(sqlerrm, 200);
END $$;
-- Update before Condition
SELECT pg_temp.update_error('{"UpdateExpression": "SET a = ", "ConditionExpression": "b = "}');
SELECT pg_temp.update_error('{"UpdateExpression": "SET a = #u", "ConditionExpression": "b = "}');
SELECT pg_temp.update_error('{"UpdateExpression": "REMOVE a", "ConditionExpression": "b = "}');
-- KeyCondition before Filter before Projection
SELECT pg_temp.query_error('{"KeyConditionExpression": "a = ", "FilterExpression": "b = ",
	"ProjectionExpression": "c,"}');
SELECT pg_temp.query_error('{"KeyConditionExpression": "a = :v", "FilterExpression": "c = ",
	"ProjectionExpression": "c,", "ExpressionAttributeValues": {":v": {"S": "x"}}}');
SELECT pg_temp.query_error('{"KeyConditionExpression": "a = :v", "FilterExpression": "c = :v",
	"ProjectionExpression": "c,", "ExpressionAttributeValues": {":v": {"S": "x"}}}');
-- what a key condition may hold is checked after all expressions
SELECT pg_temp.query_error('{"KeyConditionExpression": "a <> :v", "FilterExpression": "c = ",
	"ExpressionAttributeValues": {":v": {"S": "x"}}}');
-- placeholders count as used wherever they occur
SELECT pg_temp.update_error('{"UpdateExpression": "REMOVE #a", "ConditionExpression": "#b = :v",
	"ExpressionAttributeNames": {"#a": "x", "#b": "y"},
	"ExpressionAttributeValues": {":v": {"S": "x"}}}');
SELECT pg_temp.update_error('{"UpdateExpression": "REMOVE #a", "ConditionExpression": "b = :v",
	"ExpressionAttributeNames": {"#a": "x", "#b": "y", "#Z": "z"},
	"ExpressionAttributeValues": {":v": {"S": "x"}, ":w": {"S": "x"}}}');
SELECT pg_temp.query_error('{"KeyConditionExpression": "a = :v", "FilterExpression": "#c = :w",
	"ProjectionExpression": "#d", "ExpressionAttributeNames": {"#c": "c", "#d": "d"},
	"ExpressionAttributeValues": {":v": {"S": "x"}, ":w": {"S": "x"}}}');
-- unused ones are found before the table is looked up
SELECT dynamo.get_item('{"TableName": "expr_static_none", "Key": {"a": {"S": "x"}},
	"ProjectionExpression": "a", "ExpressionAttributeNames": {"#b": "y"}}');
SELECT dynamo.get_item('{"TableName": "expr_static_none", "Key": {"a": {"S": "x"}},
	"ProjectionExpression": "#b", "ExpressionAttributeNames": {"#b": "y"}}');
-- maps without an expression
SELECT pg_temp.update_error('{"ExpressionAttributeNames": {"#b": "y"}}');
SELECT pg_temp.update_error('{"ExpressionAttributeValues": {":b": {"S": "y"}}}');

--
-- limits of the maps
--
-- a name of 65,536 characters breaks a constraint of the model
SELECT pg_temp.update_error(jsonb_build_object('UpdateExpression', 'REMOVE #a',
	'ExpressionAttributeNames', jsonb_build_object('#a', repeat('a', 65536)))) ~
	'^ValidationException: 1 validation error detected: Value ''\{#a=aaa' AS refused;
-- 2 MB of names and values together
CREATE FUNCTION pg_temp.with_substitution(bytes int) RETURNS text LANGUAGE sql AS $$
	SELECT pg_temp.update_error(jsonb_build_object(
		'UpdateExpression', 'REMOVE b SET a = :a',
		'ConditionExpression', 'attribute_exists(expr_static_key)',
		'ExpressionAttributeValues', jsonb_build_object(
			':a', jsonb_build_object('S', repeat('x', bytes - 2)))))
$$;
SELECT pg_temp.with_substitution(2 * 1024 * 1024);
SELECT pg_temp.with_substitution(2 * 1024 * 1024 + 1);

SELECT count(dynamo.delete_table(jsonb_build_object('TableName', table_name))) AS deleted
FROM unnest('{expr_static, expr_static_keys, expr_static_keys_number, expr_static_keys_hash}'::text[])
	t(table_name);
