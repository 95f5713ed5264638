-- DescribeTableReplicaAutoScaling, UpdateTableReplicaAutoScaling, and the SQL
-- functions that go by Application Auto Scaling's names.  No worker serves this
-- database, so nothing is scaled; what the worker does is in test/t.
\set VERBOSITY terse
\pset format unaligned
\pset null -

CREATE ROLE regress_scaling;
CREATE ROLE regress_scaling_reader;
GRANT CREATE ON SCHEMA dynamo_tables TO regress_scaling;
SET ROLE regress_scaling;

CREATE FUNCTION pg_temp.update(name text, more jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.update_table_replica_auto_scaling(jsonb_build_object('TableName', name) || more)
		-> 'TableAutoScalingDescription'
$$;
CREATE FUNCTION pg_temp.describe(name text) RETURNS jsonb LANGUAGE sql AS $$
	SELECT dynamo.describe_table_replica_auto_scaling(jsonb_build_object('TableName', name))
		-> 'TableAutoScalingDescription'
$$;
CREATE FUNCTION pg_temp.policy(target float8, more jsonb DEFAULT '{}', name jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('ScalingPolicyUpdate', jsonb_build_object(
		'TargetTrackingScalingPolicyConfiguration', jsonb_build_object('TargetValue', target) || more) || name)
$$;
-- settings of writes, of reads
CREATE FUNCTION pg_temp.writes(settings jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('ProvisionedWriteCapacityAutoScalingUpdate', settings)
$$;
CREATE FUNCTION pg_temp.reads(settings jsonb, region text DEFAULT 'us-east-1') RETURNS jsonb LANGUAGE sql AS $$
	SELECT jsonb_build_object('ReplicaUpdates', jsonb_build_array(jsonb_build_object('RegionName', region,
		'ReplicaProvisionedReadCapacityAutoScalingUpdate', settings)))
$$;

SELECT dynamo.create_table('{"TableName": "scaling",
	"AttributeDefinitions": [{"AttributeName": "p", "AttributeType": "S"}, {"AttributeName": "r", "AttributeType": "S"}, {"AttributeName": "g", "AttributeType": "S"}],
	"KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
	"ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
	"LocalSecondaryIndexes": [{"IndexName": "local", "KeySchema": [{"AttributeName": "p", "KeyType": "HASH"}, {"AttributeName": "g", "KeyType": "RANGE"}],
		"Projection": {"ProjectionType": "ALL"}}],
	"GlobalSecondaryIndexes": [{"IndexName": "by_g", "KeySchema": [{"AttributeName": "g", "KeyType": "HASH"}],
		"Projection": {"ProjectionType": "ALL"}, "ProvisionedThroughput": {"ReadCapacityUnits": 6, "WriteCapacityUnits": 7}}]}') IS NOT NULL;
SELECT dynamo.create_table('scaling_on_demand', 'p S');

-- nothing is scaled
SELECT jsonb_pretty(pg_temp.describe('scaling'));
SELECT dynamo.describe_table_replica_auto_scaling('{"TableName": "arn:aws:dynamodb:us-east-1:000000000000:table/scaling"}') #>> '{TableAutoScalingDescription,TableName}' AS name;
SELECT pg_temp.describe('scaling_on_demand') -> 'TableStatus' AS status;

-- the answer to a change shows it; what is not named stays
SELECT jsonb_pretty(pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 5, "MaximumUnits": 10}' || pg_temp.policy(50))
	|| '{"ReplicaUpdates": [{"RegionName": "us-east-1",
		"ReplicaProvisionedReadCapacityAutoScalingUpdate": {"MinimumUnits": 1, "MaximumUnits": 2, "AutoScalingRoleArn": "arn:aws:iam::000000000000:role/mine"},
		"ReplicaGlobalSecondaryIndexUpdates": [{"IndexName": "by_g", "ProvisionedReadCapacityAutoScalingUpdate": {"MinimumUnits": 3, "MaximumUnits": 4,
			"ScalingPolicyUpdate": {"PolicyName": "reads of by_g", "TargetTrackingScalingPolicyConfiguration":
				{"TargetValue": 70.5, "ScaleInCooldown": 60, "ScaleOutCooldown": 30, "DisableScaleIn": true}}}}]}],
	"GlobalSecondaryIndexUpdates": [{"IndexName": "by_g", "ProvisionedWriteCapacityAutoScalingUpdate": {"MinimumUnits": 7, "MaximumUnits": 7}}]}'));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MaximumUnits": 20}')) #> '{Replicas,0,ReplicaProvisionedWriteCapacityAutoScalingSettings}' AS writes;
SELECT pg_temp.update('scaling', pg_temp.reads(pg_temp.policy(30))) #> '{Replicas,0,ReplicaProvisionedReadCapacityAutoScalingSettings}' AS reads;
-- a policy is replaced as a whole, and keeps its name
SELECT pg_temp.update('scaling', '{"ReplicaUpdates": [{"RegionName": "us-east-1", "ReplicaGlobalSecondaryIndexUpdates": [{"IndexName": "by_g",
	"ProvisionedReadCapacityAutoScalingUpdate": {"ScalingPolicyUpdate": {"TargetTrackingScalingPolicyConfiguration": {"TargetValue": 20}}}}]}]}')
	#> '{Replicas,0,GlobalSecondaryIndexes,0,ProvisionedReadCapacityAutoScalingSettings,ScalingPolicies}' AS policies;
SELECT * FROM dynamo.scalable_targets ORDER BY index_name NULLS FIRST, scalable_dimension;
SELECT * FROM dynamo.scaling_policies ORDER BY index_name NULLS FIRST, scalable_dimension;
SELECT pg_temp.update('scaling', pg_temp.writes('{"AutoScalingDisabled": true}')) #> '{Replicas,0,ReplicaProvisionedWriteCapacityAutoScalingSettings}' AS writes;
SELECT pg_temp.update('scaling', pg_temp.writes('{"AutoScalingDisabled": true}')) ->> 'TableName' AS again;
SELECT pg_temp.describe('scaling') = pg_temp.update('scaling', pg_temp.reads('{}')) AS same;

-- errors
SELECT dynamo.describe_table_replica_auto_scaling('{}');
SELECT dynamo.describe_table_replica_auto_scaling('{"TableName": "scaling_none"}');
SELECT dynamo.update_table_replica_auto_scaling('{}');
SELECT pg_temp.update('scaling', '{}');
SELECT pg_temp.update('scaling', '{"ReplicaUpdates": []}');
SELECT pg_temp.update('scaling', '{"GlobalSecondaryIndexUpdates": []}');
SELECT pg_temp.update('scaling', '{"ReplicaUpdates": [{}]}');
SELECT pg_temp.update('scaling_none', pg_temp.writes('{"MinimumUnits": 1, "MaximumUnits": 2}'));
SELECT pg_temp.update('scaling_on_demand', pg_temp.writes('{"MinimumUnits": 1, "MaximumUnits": 2}'));
SELECT pg_temp.update('scaling', pg_temp.reads('{"MinimumUnits": 1, "MaximumUnits": 2}', 'eu-west-1'));
SELECT pg_temp.update('scaling', '{"ReplicaUpdates": [{"RegionName": "us-east-1"}, {"RegionName": "us-east-1"}]}');
SELECT pg_temp.update('scaling', pg_temp.writes('{}'));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 1}'));
SELECT pg_temp.update('scaling', pg_temp.writes(pg_temp.policy(50)));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 0, "MaximumUnits": 2}'));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 3, "MaximumUnits": 2}'));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 3, "MaximumUnits": 1000000000001}'));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 1, "AutoScalingDisabled": true}'));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 1, "MaximumUnits": 2}' || pg_temp.policy(19.9)));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 1, "MaximumUnits": 2}' || pg_temp.policy(90.1)));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 1, "MaximumUnits": 2}' || pg_temp.policy(50, '{"TargetValue": 1e400}')));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 1, "MaximumUnits": 2}' || pg_temp.policy(50, '{"TargetValue": "50"}')));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 1, "MaximumUnits": 2}' || pg_temp.policy(50, '{"TargetValue": null}')));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 1, "MaximumUnits": 2}' || pg_temp.policy(50, '{"ScaleInCooldown": -1}')));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 1, "MaximumUnits": 2}' || pg_temp.policy(50, '{"ScaleOutCooldown": 2147483648}')));
SELECT pg_temp.update('scaling', pg_temp.writes('{"MinimumUnits": 1, "MaximumUnits": 2}' || pg_temp.policy(50, '{}', '{"PolicyName": ""}')));
SELECT pg_temp.update('scaling', '{"GlobalSecondaryIndexUpdates": [{}]}');
SELECT pg_temp.update('scaling', '{"GlobalSecondaryIndexUpdates": [{"IndexName": "none"}]}');
SELECT pg_temp.update('scaling', '{"GlobalSecondaryIndexUpdates": [{"IndexName": "local"}]}');
SELECT pg_temp.update('scaling', '{"GlobalSecondaryIndexUpdates": [{"IndexName": "by_g"}, {"IndexName": "by_g"}]}');
SELECT count(*) FROM dynamo.scalable_targets WHERE scalable_dimension = 'dynamodb:table:WriteCapacityUnits';

-- by functions
SELECT dynamo.register_scalable_target('scaling', 'WriteCapacityUnits', 2, 8);
SELECT dynamo.register_scalable_target('scaling', 'dynamodb:table:ReadCapacityUnits', NULL, 9, suspended => true);
SELECT dynamo.register_scalable_target('scaling', 'dynamodb:table:ReadCapacityUnits', 2, NULL);
SELECT dynamo.register_scalable_target('scaling', 'dynamodb:index:WriteCapacityUnits', 3, 4, 'by_g');
SELECT dynamo.put_scaling_policy('scaling', 'WriteCapacityUnits', 90);
SELECT dynamo.put_scaling_policy('scaling', 'WriteCapacityUnits', 40, 10, 20, true, index_name => 'by_g', policy_name => 'mine');
SELECT * FROM dynamo.scalable_targets ORDER BY index_name NULLS FIRST, scalable_dimension;
SELECT * FROM dynamo.scaling_policies ORDER BY index_name NULLS FIRST, scalable_dimension;
SELECT dynamo.put_scaling_policy('scaling', 'WriteCapacityUnits', 40, index_name => 'by_g');
SELECT dynamo.delete_scaling_policy('scaling', 'WriteCapacityUnits', 'by_g', 'other');
SELECT dynamo.delete_scaling_policy('scaling', 'WriteCapacityUnits', 'by_g', 'mine');
SELECT dynamo.delete_scaling_policy('scaling', 'WriteCapacityUnits', 'by_g');
SELECT dynamo.delete_scaling_policy('scaling', 'dynamodb:table:WriteCapacityUnits');
SELECT index_name, policy_name FROM dynamo.scaling_policies ORDER BY policy_name;
SELECT dynamo.deregister_scalable_target('scaling', 'WriteCapacityUnits');
SELECT dynamo.deregister_scalable_target('scaling', 'WriteCapacityUnits');
SELECT dynamo.deregister_scalable_target('scaling', 'WriteCapacityUnits', 'by_g');
SELECT * FROM dynamo.scalable_targets ORDER BY index_name NULLS FIRST, scalable_dimension;

SELECT dynamo.register_scalable_target(NULL, 'WriteCapacityUnits', 2, 8);
SELECT dynamo.register_scalable_target('scaling', NULL, 2, 8);
SELECT dynamo.register_scalable_target('scaling', 'writes', 2, 8);
SELECT dynamo.register_scalable_target('scaling', 'dynamodb:index:WriteCapacityUnits', 2, 8);
SELECT dynamo.register_scalable_target('scaling', 'dynamodb:table:WriteCapacityUnits', 2, 8, 'by_g');
SELECT dynamo.register_scalable_target('scaling', 'WriteCapacityUnits', NULL, 8);
SELECT dynamo.register_scalable_target('scaling', 'WriteCapacityUnits', 0, 8);
SELECT dynamo.register_scalable_target('scaling', 'WriteCapacityUnits', 9, 8);
SELECT dynamo.register_scalable_target('scaling', 'WriteCapacityUnits', 2, 8, 'local');
SELECT dynamo.register_scalable_target('scaling_none', 'WriteCapacityUnits', 2, 8);
SELECT dynamo.register_scalable_target('scaling_on_demand', 'WriteCapacityUnits', 2, 8);
SELECT dynamo.put_scaling_policy('scaling', 'WriteCapacityUnits', 50);
SELECT dynamo.put_scaling_policy('scaling', 'ReadCapacityUnits', NULL);
SELECT dynamo.put_scaling_policy('scaling', 'ReadCapacityUnits', 'NaN');
SELECT dynamo.put_scaling_policy('scaling', 'ReadCapacityUnits', 50, -1);
SELECT dynamo.put_scaling_policy('scaling', 'ReadCapacityUnits', 50, policy_name => '');
SELECT dynamo.delete_scaling_policy('scaling', 'WriteCapacityUnits');
BEGIN TRANSACTION READ ONLY;
SELECT dynamo.register_scalable_target('scaling', 'WriteCapacityUnits', 2, 8);
ROLLBACK;

-- on demand nothing is scaled, and settings wait
SELECT dynamo.update_table('{"TableName": "scaling", "BillingMode": "PAY_PER_REQUEST"}') IS NOT NULL;
SELECT capacity, max_capacity FROM dynamo.scalable_targets WHERE index_name IS NULL;
SELECT dynamo.deregister_scalable_target('scaling', 'ReadCapacityUnits', 'by_g');
SELECT dynamo.update_table('{"TableName": "scaling", "BillingMode": "PROVISIONED", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5},
	"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": "by_g", "ProvisionedThroughput": {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}}}]}') IS NOT NULL;
SELECT * FROM dynamo.scalable_targets;

-- who may see and change it
RESET ROLE;
INSERT INTO dynamo.scaling_activity (resource, dimension, relid, start_time, end_time, from_capacity, to_capacity, successful, cause, message)
	VALUES ('dynamo_tables.scaling', 'R', 'dynamo_tables.scaling', '2026-01-01', '2026-01-01', 5, 9, false, 'why', 'what');
SET ROLE regress_scaling_reader;
SELECT count(*) FROM dynamo.scalable_targets;
SELECT count(*) FROM dynamo.scaling_policies;
SELECT count(*) FROM dynamo.scaling_activities;
SELECT count(*) FROM dynamo.scaling_activity;
DELETE FROM dynamo.scalable_target;
SELECT dynamo.register_scalable_target('scaling', 'WriteCapacityUnits', 2, 8);
SELECT dynamo.describe_table_replica_auto_scaling('{"TableName": "scaling"}');
RESET ROLE;
GRANT USAGE ON SCHEMA dynamo_tables TO regress_scaling_reader;
GRANT SELECT ON dynamo_tables.scaling TO regress_scaling_reader;
SET ROLE regress_scaling_reader;
SELECT table_name, scalable_dimension, max_capacity FROM dynamo.scalable_targets;
SELECT table_name, policy_name FROM dynamo.scaling_policies;
SELECT table_name, index_name, scalable_dimension, from_capacity, to_capacity, cause, status, message FROM dynamo.scaling_activities;
SELECT dynamo.describe_table_replica_auto_scaling('{"TableName": "scaling"}') IS NOT NULL AS described;
SELECT dynamo.register_scalable_target('scaling', 'WriteCapacityUnits', 2, 8);
SELECT dynamo.put_scaling_policy('scaling', 'ReadCapacityUnits', 50);
SELECT dynamo.delete_scaling_policy('scaling', 'ReadCapacityUnits');
SELECT dynamo.deregister_scalable_target('scaling', 'ReadCapacityUnits');
SELECT dynamo.update_table_replica_auto_scaling('{"TableName": "scaling", "ProvisionedWriteCapacityAutoScalingUpdate": {"MinimumUnits": 1, "MaximumUnits": 2}}');
RESET ROLE;

-- it follows a new name, and goes with index and table
SET ROLE regress_scaling;
ALTER TABLE dynamo_tables.scaling RENAME TO scaling_renamed;
SELECT dynamo.register_scalable_target('scaling_renamed', 'WriteCapacityUnits', 2, 8, 'by_g');
SELECT table_name, index_name FROM dynamo.scalable_targets ORDER BY index_name NULLS FIRST;
SELECT dynamo.update_table('{"TableName": "scaling_renamed", "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by_g"}}]}') IS NOT NULL;
SELECT table_name, index_name FROM dynamo.scalable_targets ORDER BY index_name NULLS FIRST;
DROP TABLE dynamo_tables.scaling_renamed;
RESET ROLE;
SELECT count(*) FROM dynamo.scalable_target;
SELECT count(*) FROM dynamo.scaling_activity;
SELECT dynamo.delete_table('{"TableName": "scaling_on_demand"}') IS NOT NULL;
DROP OWNED BY regress_scaling, regress_scaling_reader;
DROP ROLE regress_scaling, regress_scaling_reader;
