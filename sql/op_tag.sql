-- TagResource, UntagResource, ListTagsOfResource
\set VERBOSITY terse
\pset format unaligned
\set arn 'arn:aws:dynamodb:us-east-1:000000000000:table/tagged'

CREATE FUNCTION pg_temp.make(name text, tags jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT dynamo.create_table(jsonb_build_object(
		'TableName', name, 'BillingMode', 'PAY_PER_REQUEST', 'Tags', tags,
		'AttributeDefinitions', '[{"AttributeName": "p", "AttributeType": "S"}]'::jsonb,
		'KeySchema', '[{"AttributeName": "p", "KeyType": "HASH"}]'::jsonb))
		#>> '{TableDescription,TableStatus}'
$$;
CREATE FUNCTION pg_temp.tag(arn text, tags jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.tag_resource(jsonb_build_object('ResourceArn', arn, 'Tags', tags))
$$;
CREATE FUNCTION pg_temp.untag(arn text, keys jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.untag_resource(jsonb_build_object('ResourceArn', arn, 'TagKeys', keys))
$$;
CREATE FUNCTION pg_temp.tags(arn text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.list_tags_of_resource(jsonb_build_object('ResourceArn', arn))
$$;
-- n tags from t<first> on
CREATE FUNCTION pg_temp.many(first int, n int) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_agg(jsonb_build_object('Key', 't' || i, 'Value', ''))
	FROM generate_series(first, first + n - 1) i
$$;

SELECT pg_temp.make('tagged', '[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": ""}]');
SELECT pg_temp.tags(:'arn');
SELECT pg_temp.tag(:'arn', '[{"Key": "b", "Value": "3"}, {"Key": "c + - = . _ : / @", "Value": "grün"}]');
SELECT pg_temp.tags(:'arn');
SELECT pg_temp.untag(:'arn', '["b", "missing"]');
SELECT pg_temp.tags(:'arn');
-- the later one of a key that is given twice
SELECT pg_temp.tag(:'arn', '[{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]');
SELECT pg_temp.tags(:'arn') #> '{Tags,0}';

-- limits
SELECT pg_temp.tag(:'arn', jsonb_build_array(jsonb_build_object('Key', repeat('ü', 128), 'Value', repeat('ü', 256))));
SELECT pg_temp.untag(:'arn', jsonb_build_array(repeat('ü', 128)));
SELECT pg_temp.tag(:'arn', '[{"Key": "", "Value": "x"}]');
SELECT pg_temp.tag(:'arn', jsonb_build_array(jsonb_build_object('Key', repeat('x', 129), 'Value', '')));
SELECT pg_temp.tag(:'arn', jsonb_build_array(jsonb_build_object('Key', 'x', 'Value', repeat('x', 257))));
SELECT pg_temp.tag(:'arn', '[{"Key": "x"}]');
SELECT pg_temp.tag(:'arn', '[{"Key": "aws:x", "Value": "x"}]');
SELECT pg_temp.tag(:'arn', '[{"Key": "x*", "Value": "x"}]');
SELECT pg_temp.tag(:'arn', '[{"Key": "x", "Value": "a\tb"}]');
SELECT pg_temp.tag(:'arn', pg_temp.many(1, 51));
SELECT pg_temp.tag(:'arn', pg_temp.many(1, 49));
SELECT jsonb_array_length(pg_temp.tags(:'arn') -> 'Tags') AS n;
SELECT pg_temp.tag(:'arn', pg_temp.many(1, 48));
SELECT pg_temp.tag(:'arn', pg_temp.many(48, 2));
SELECT pg_temp.tag(:'arn', pg_temp.many(48, 1));
SELECT jsonb_array_length(pg_temp.tags(:'arn') -> 'Tags') AS n;

-- CreateTable with too many or wrong tags makes no table
SELECT pg_temp.make('untagged', pg_temp.many(1, 51));
SELECT pg_temp.make('untagged', '[{"Key": "aws:x", "Value": "x"}]');
SELECT dynamo.describe_table('{"TableName": "untagged"}');
SELECT pg_temp.make('untagged', '[]');
SELECT pg_temp.tags('arn:aws:dynamodb:us-east-1:000000000000:table/untagged');

-- absent members
SELECT dynamo.list_tags_of_resource('{}');
SELECT dynamo.tag_resource('{"Tags": [{"Key": "a", "Value": "b"}]}');
SELECT dynamo.untag_resource('{"TagKeys": ["a"]}');
SELECT dynamo.tag_resource(jsonb_build_object('ResourceArn', :'arn'));
SELECT dynamo.untag_resource(jsonb_build_object('ResourceArn', :'arn'));
-- the ARN is looked at first: there, an ARN, with a list, a table's
SELECT dynamo.tag_resource('{}');
SELECT dynamo.untag_resource('{}');
SELECT dynamo.tag_resource('{"ResourceArn": "tagged"}');
SELECT dynamo.untag_resource('{"ResourceArn": "tagged"}');
SELECT dynamo.tag_resource('{"ResourceArn": "arn:aws:s3:us-east-1:000000000000:table/tagged"}');
SELECT pg_temp.tag('arn:aws:s3:us-east-1:000000000000:table/tagged', '[]');
SELECT pg_temp.tag(:'arn', '[]');
SELECT pg_temp.untag(:'arn', '[]');
SELECT dynamo.list_tags_of_resource(jsonb_build_object('ResourceArn', :'arn', 'NextToken', 'x'));

-- ARNs
SELECT pg_temp.tags('tagged');
SELECT pg_temp.tags('arn:aws:dynamodb');
SELECT pg_temp.tags('arn:aws:s3:us-east-1:000000000000:table/tagged');
SELECT pg_temp.tags('arn:aws:dynamodb:us-east-1:000000000000:tagged');
SELECT pg_temp.tags('arn:aws:dynamodb:us-east-1:000000000000:table/ab');
SELECT pg_temp.tags('arn:aws:dynamodb:us-east-1:000000000000:table/abc;');
SELECT pg_temp.tags('arn:aws:dynamodb:us-east-1:000000000000:table/tagged/');
SELECT pg_temp.tags('arn:aws:dynamodb:us-east-1:000000000000:table/tagged/index/idx');
SELECT pg_temp.tags('arn:aws:dynamodb:us-east-1:000000000000:table/tagged/stream/2015-05-11T21:21:33.291');
SELECT pg_temp.tags('arn:aws:dynamodb:eu-west-1:000000000000:table/tagged');
SELECT pg_temp.tags('arn:aws:dynamodb:us-east-1:000000000000:table/unknown');
SELECT pg_temp.tag('arn:aws:dynamodb:us-east-1:000000000000:table/unknown', '[{"Key": "a", "Value": "b"}]');
SELECT pg_temp.untag('arn:aws:dynamodb:us-east-1:000000000000:table/unknown', '["a"]');

-- rights
CREATE ROLE regress_op_tag;
GRANT SELECT ON dynamo_tables.tagged TO regress_op_tag;
SET ROLE regress_op_tag;
SELECT jsonb_array_length(pg_temp.tags(:'arn') -> 'Tags') AS n;
SELECT pg_temp.tag(:'arn', '[{"Key": "a", "Value": "b"}]');
SELECT pg_temp.untag(:'arn', '["a"]');
SELECT pg_temp.tags('arn:aws:dynamodb:us-east-1:000000000000:table/untagged');
SELECT pg_temp.tags('arn:aws:dynamodb:us-east-1:000000000000:table/unknown');
-- whether or not it exists
SELECT pg_temp.tags('arn:aws:dynamodb:us-east-1:111111111111:table/tagged');
RESET ROLE;

-- tags go with the table
SELECT dynamo.delete_table('{"TableName": "tagged"}') #>> '{TableDescription,TableStatus}' AS status;
SELECT pg_temp.make('tagged', NULL);
SELECT pg_temp.tags(:'arn');
SELECT count(dynamo.delete_table(jsonb_build_object('TableName', name))) AS deleted
FROM unnest('{tagged,untagged}'::text[]) name;
DROP ROLE regress_op_tag;
