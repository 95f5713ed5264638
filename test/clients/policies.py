"""The operations of policies, Contributor Insights, limits and auto scaling as
boto3 has them: policies.py

Reports its tests on standard output, as PgDynamoHttp.pm says.  AWS_DATA_PATH
must lead to models, for releases of botocore that do not know all of them.
"""

import datetime
import json
import sys
import traceback

from clients import connect, create, drop, raises, report, same
from throttling import PLENTY, by_owner, units

ACCOUNT = '000000000000'
STREAM = {'StreamEnabled': True, 'StreamViewType': 'KEYS_ONLY'}


def policy(arn, *actions, effect='Deny', user='somebody', **more):
    return json.dumps({'Version': '2012-10-17', 'Statement': [{
        'Sid': 'one', 'Effect': effect, 'Principal': {'AWS': f'arn:aws:iam::{ACCOUNT}:user/{user}'},
        'Action': [f'dynamodb:{action}' for action in actions], 'Resource': arn, **more}]})


# ---- resource policies ----

def test_revisions(client, arn):
    first, second = policy(arn, 'GetItem'), policy(arn, 'GetItem', 'Query')
    raises('PolicyNotFoundException', 'a table without a policy', client.get_resource_policy, ResourceArn=arn)
    same(client.delete_resource_policy(ResourceArn=arn).get('RevisionId'), None, 'there is nothing to delete')
    raises('PolicyNotFoundException', 'a revision is expected and there is none', client.put_resource_policy,
           ResourceArn=arn, Policy=first, ExpectedRevisionId='1')
    revision = client.put_resource_policy(ResourceArn=arn, Policy=first, ExpectedRevisionId='NO_POLICY')['RevisionId']
    got = client.get_resource_policy(ResourceArn=arn)
    same((json.loads(got['Policy']), got['RevisionId']), (json.loads(first), revision), 'GetResourcePolicy')
    same(client.put_resource_policy(ResourceArn=arn, Policy=first)['RevisionId'], revision,
         'the same policy has the same revision')
    raises('PolicyNotFoundException', 'no policy is expected and there is one', client.put_resource_policy,
           ResourceArn=arn, Policy=second, ExpectedRevisionId='NO_POLICY')
    raises('PolicyNotFoundException', 'another revision is expected', client.put_resource_policy,
           ResourceArn=arn, Policy=second, ExpectedRevisionId='1')
    changed = client.put_resource_policy(ResourceArn=arn, Policy=second, ExpectedRevisionId=revision)['RevisionId']
    report(changed != revision, 'another policy has another revision', changed)
    raises('PolicyNotFoundException', 'deletion of another revision', client.delete_resource_policy, ResourceArn=arn,
           ExpectedRevisionId=revision)
    same(client.delete_resource_policy(ResourceArn=arn, ExpectedRevisionId=changed)['RevisionId'], changed,
         'DeleteResourcePolicy')
    raises('PolicyNotFoundException', 'the policy is gone', client.get_resource_policy, ResourceArn=arn)


def test_resources(client, table):
    arn, stream = table['TableArn'], table['LatestStreamArn']
    nowhere = arn.replace('Policies', 'Nowhere')
    for name, function, more in (
            ('put_resource_policy', client.put_resource_policy, dict(Policy=policy(nowhere, 'GetItem'))),
            ('get_resource_policy', client.get_resource_policy, {}),
            ('delete_resource_policy', client.delete_resource_policy, {})):
        raises('ResourceNotFoundException', f'{name} of no table', function, ResourceArn=nowhere, **more)
        raises('ValidationException', f'{name} of an index', function, ResourceArn=f'{arn}/index/ByOwner', **more)
        raises('ValidationException', f'{name} of no ARN', function, ResourceArn='Policies', **more)
    of_stream = policy(stream, 'GetRecords')
    client.put_resource_policy(ResourceArn=stream, Policy=of_stream)
    same(json.loads(client.get_resource_policy(ResourceArn=stream)['Policy']), json.loads(of_stream),
         'a stream has a policy')
    raises('PolicyNotFoundException', 'which is not its table\'s', client.get_resource_policy, ResourceArn=arn)
    client.delete_resource_policy(ResourceArn=stream)


def test_documents(client, arn):
    """What is no policy; the largest that is one."""
    for name, text in (
            ('no JSON', '{'), ('no object', '[]'), ('no statements', '{"Version": "2012-10-17"}'),
            ('another version', policy(arn, 'GetItem').replace('2012', '2013')),
            ('no principal', policy(arn, 'GetItem').replace('Principal', 'Principle')),
            ('another effect', policy(arn, 'GetItem', effect='Maybe')),
            ('an operator that there is not',
             policy(arn, 'GetItem', Condition={'StringResembles': {'aws:username': 'a'}})),
            ('a document that is too large', policy(arn, 'GetItem') + ' ' * 20480)):
        raises('ValidationException', f'a policy: {name}', client.put_resource_policy, ResourceArn=arn, Policy=text)
    text = policy(arn, 'GetItem').ljust(20480)
    client.put_resource_policy(ResourceArn=arn, Policy=text)
    same(client.get_resource_policy(ResourceArn=arn)['Policy'].strip(), text.strip(), 'a document of 20 kB')
    client.delete_resource_policy(ResourceArn=arn)


def test_enforcement(client, arn):
    key = {'pk': {'S': 'a'}}
    client.put_item(TableName='Policies', Item=key)
    client.put_resource_policy(ResourceArn=arn, Policy=policy(arn, 'GetItem', user='app'))
    raises('AccessDeniedException', 'GetItem is denied', client.get_item, TableName='Policies', Key=key,
           message=f'User: arn:aws:iam::{ACCOUNT}:user/app is not authorized to perform: dynamodb:GetItem on resource: '
                   f'{arn} with an explicit deny in a resource-based policy')
    same(client.query(TableName='Policies', KeyConditionExpression='pk = :p',
                      ExpressionAttributeValues={':p': {'S': 'a'}})['Count'], 1, 'and Query is not')
    client.delete_resource_policy(ResourceArn=arn)
    same(client.get_item(TableName='Policies', Key=key)['Item'], key, 'without the policy it is allowed')


def test_create(client):
    """A policy that a table has from the beginning."""
    arn = f'arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/Born'
    text = policy(arn, 'PutItem', user='app')
    same(create(client, 'Born', ['pk S'], ResourcePolicy=text)['TableArn'], arn, 'CreateTable with ResourcePolicy')
    same(json.loads(client.get_resource_policy(ResourceArn=arn)['Policy']), json.loads(text), 'its policy')
    raises('AccessDeniedException', 'it holds at once', client.put_item, TableName='Born', Item={'pk': {'S': 'a'}})
    drop(client, 'Born')
    raises('ValidationException', 'CreateTable with what is no policy', client.create_table, TableName='Born',
           KeySchema=[{'AttributeName': 'pk', 'KeyType': 'HASH'}], BillingMode='PAY_PER_REQUEST', ResourcePolicy='{}',
           AttributeDefinitions=[{'AttributeName': 'pk', 'AttributeType': 'S'}])
    raises('ResourceNotFoundException', 'makes no table', client.describe_table, TableName='Born')
    create(client, 'Born', ['pk S'])
    raises('PolicyNotFoundException', 'a table of the same name has no policy', client.get_resource_policy,
           ResourceArn=arn)
    drop(client, 'Born')


# ---- Contributor Insights ----

def test_insights(client):
    same(client.describe_contributor_insights(TableName='Policies')['ContributorInsightsStatus'], 'DISABLED',
         'Contributor Insights are off')
    same(client.list_contributor_insights()['ContributorInsightsSummaries'], [], 'nothing is listed')
    answer = client.update_contributor_insights(TableName='Policies', ContributorInsightsAction='ENABLE')
    same((answer['TableName'], answer['ContributorInsightsStatus'], answer['ContributorInsightsMode']),
         ('Policies', 'ENABLING', 'ACCESSED_AND_THROTTLED_KEYS'), 'UpdateContributorInsights')
    answer = client.update_contributor_insights(
        TableName='Policies', IndexName='ByOwner', ContributorInsightsAction='ENABLE',
        ContributorInsightsMode='THROTTLED_KEYS')
    same((answer['IndexName'], answer['ContributorInsightsMode']), ('ByOwner', 'THROTTLED_KEYS'), 'of an index')
    described = client.describe_contributor_insights(TableName='Policies')
    same(described['ContributorInsightsStatus'], 'ENABLED', 'they are on')
    rules = described['ContributorInsightsRuleList']
    report(len(rules) == 2 and all(rule.startswith('DynamoDBContributorInsights-PK') for rule in rules),
           'rules of a table without sort keys', rules)
    report(isinstance(described['LastUpdateDateTime'], datetime.datetime), 'the time of the change', described)
    pages = [client.list_contributor_insights(MaxResults=1)]
    while 'NextToken' in pages[-1]:
        pages.append(client.list_contributor_insights(MaxResults=1, NextToken=pages[-1]['NextToken']))
    same([(summary['TableName'], summary.get('IndexName'), summary['ContributorInsightsStatus'])
          for page in pages for summary in page['ContributorInsightsSummaries']],
         [('Policies', None, 'ENABLED'), ('Policies', 'ByOwner', 'ENABLED')], 'ListContributorInsights in pages')
    answer = client.update_contributor_insights(TableName='Policies', ContributorInsightsAction='DISABLE')
    same(answer['ContributorInsightsStatus'], 'DISABLING', 'they are switched off')
    same(client.describe_contributor_insights(TableName='Policies')['ContributorInsightsStatus'], 'DISABLED',
         'and are off')
    raises('ResourceNotFoundException', 'Contributor Insights of no table', client.describe_contributor_insights,
           TableName='Nowhere')
    raises('ResourceNotFoundException', 'of no index', client.update_contributor_insights, TableName='Policies',
           IndexName='Nothing', ContributorInsightsAction='ENABLE')


# ---- limits and auto scaling ----

def test_limits(client):
    limits = client.describe_limits()
    same({name: limits[name] for name in limits if name != 'ResponseMetadata'},
         {'AccountMaxReadCapacityUnits': 80000, 'AccountMaxWriteCapacityUnits': 80000,
          'TableMaxReadCapacityUnits': 40000, 'TableMaxWriteCapacityUnits': 40000}, 'DescribeLimits')


def scaling(low, high, target, **more):
    return {'MinimumUnits': low, 'MaximumUnits': high, 'ScalingPolicyUpdate': {
        'TargetTrackingScalingPolicyConfiguration': {'TargetValue': target, **more}}}


def replica_of(client):
    answer = client.describe_table_replica_auto_scaling(TableName='Policies')
    return answer['TableAutoScalingDescription']['Replicas'][0]


def test_scaling(client):
    replica = replica_of(client)
    same(replica['ReplicaProvisionedWriteCapacityAutoScalingSettings'], {'AutoScalingDisabled': True},
         'a table that is not scaled')
    client.update_table_replica_auto_scaling(
        TableName='Policies', ProvisionedWriteCapacityAutoScalingUpdate=scaling(5, 500, 70.0, ScaleInCooldown=60),
        GlobalSecondaryIndexUpdates=[{
            'IndexName': 'ByOwner', 'ProvisionedWriteCapacityAutoScalingUpdate': scaling(1, 10, 50.0)}],
        ReplicaUpdates=[{'RegionName': 'us-east-1', 'ReplicaProvisionedReadCapacityAutoScalingUpdate':
                        scaling(PLENTY, 2 * PLENTY, 20.5, DisableScaleIn=True)}])
    answer = client.describe_table_replica_auto_scaling(TableName='Policies')['TableAutoScalingDescription']
    same((answer['TableName'], answer['TableStatus'], len(answer['Replicas'])), ('Policies', 'ACTIVE', 1),
         'DescribeTableReplicaAutoScaling')
    replica = answer['Replicas'][0]
    index = replica['GlobalSecondaryIndexes'][0]
    for name, settings, expected in (
            ('writes', replica['ReplicaProvisionedWriteCapacityAutoScalingSettings'], (5, 500, 70.0, 60, False)),
            ('reads', replica['ReplicaProvisionedReadCapacityAutoScalingSettings'],
             (PLENTY, 2 * PLENTY, 20.5, 0, True)),
            ('writes of the index', index['ProvisionedWriteCapacityAutoScalingSettings'], (1, 10, 50.0, 0, False))):
        tracking = settings['ScalingPolicies'][0]['TargetTrackingScalingPolicyConfiguration']
        same((settings['MinimumUnits'], settings['MaximumUnits'], tracking['TargetValue'],
              tracking.get('ScaleInCooldown', 0), tracking.get('DisableScaleIn', False)), expected,
             f'how {name} are scaled')
    for name, change in (('a maximum below the minimum', scaling(10, 5, 70.0)),
                         ('a target of 95 %', scaling(5, 10, 95.0))):
        raises('ValidationException', name, client.update_table_replica_auto_scaling, TableName='Policies',
               ProvisionedWriteCapacityAutoScalingUpdate=change)
    raises('ResourceNotFoundException', 'no table to scale', client.update_table_replica_auto_scaling,
           TableName='Nowhere', ProvisionedWriteCapacityAutoScalingUpdate=scaling(5, 10, 70.0))
    client.update_table_replica_auto_scaling(TableName='Policies',
                                             ProvisionedWriteCapacityAutoScalingUpdate={'AutoScalingDisabled': True})
    replica = replica_of(client)
    same(replica['ReplicaProvisionedWriteCapacityAutoScalingSettings'], {'AutoScalingDisabled': True}, 'no longer scaled')


def test_all():
    client = connect()
    table = create(client, 'Policies', ['pk S'], BillingMode='PROVISIONED', ProvisionedThroughput=units(PLENTY, PLENTY),
                   StreamSpecification=STREAM, **by_owner(10, 10))
    test_revisions(client, table['TableArn'])
    test_resources(client, table)
    test_documents(client, table['TableArn'])
    test_enforcement(client, table['TableArn'])
    test_create(client)
    test_insights(client)
    test_limits(client)
    test_scaling(client)
    drop(client, 'Policies')


if __name__ == '__main__':
    try:
        test_all()
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    print('end')
