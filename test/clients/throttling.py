"""Throttling as boto3 meets it: throttling.py errors | rates

Reports its tests on standard output, as PgDynamoHttp.pm says.  AWS_DATA_PATH
must lead to models, which older releases need for what errors have in them.
"""

import itertools
import random
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from botocore.config import Config
from botocore.exceptions import ClientError

from clients import THREADS, connect, create, drop, raises, report, same, say_and_wait
from transact import puts, typed

ONCE = Config(retries={'total_max_attempts': 1})
RATE = 25           # units a second
ITEMS = 20 * RATE   # for as many seconds
PLENTY = 1000       # units a second

TABLE_MESSAGE = ('The level of configured provisioned throughput for the table was exceeded. '
                 'Consider increasing your provisioning level with the UpdateTable API.')
INDEX_MESSAGE = ('The level of configured provisioned throughput for one or more global secondary indexes of the table '
                 'was exceeded. Consider increasing your provisioning level for the under-provisioned global secondary '
                 'indexes with the UpdateTable API')
ON_DEMAND_MESSAGE = 'Throughput exceeds the current capacity of your table or index.'
QUOTA_MESSAGE = 'Throughput exceeds the current throughput limit for your account.'
EXCEEDED = 'ProvisionedThroughputExceededException'

LARGE = {'pk': 'large', 'owner': 'o', 'text': 'x' * 300_000}     # units for minutes
SMALL = {'pk': 'small', 'owner': 'o'}
KEY = typed({'pk': 'large'})


def units(read, write):
    return {'ReadCapacityUnits': read, 'WriteCapacityUnits': write}


def provision(client, name, read, write, **more):
    return create(client, name, ['pk S'], BillingMode='PROVISIONED', ProvisionedThroughput=units(read, write),
                  **more)['TableArn']


def by_owner(read, write):
    """What a table with a global index has in CreateTable."""
    return dict(AttributeDefinitions=[{'AttributeName': name, 'AttributeType': 'S'} for name in ('pk', 'owner')],
                GlobalSecondaryIndexes=[{
                    'IndexName': 'ByOwner', 'KeySchema': [{'AttributeName': 'owner', 'KeyType': 'HASH'}],
                    'Projection': {'ProjectionType': 'ALL'}, 'ProvisionedThroughput': units(read, write)}])


# ---- what throttled calls answer ----

def throttled(name, reason, resource, message, function, *, code=EXCEEDED, member='ThrottlingReasons', **request):
    error = raises(code, name, function, message=message, **request)
    if error:
        same(error.response.get(member), [{'reason': reason, 'resource': resource}], f'{name}: reasons')
        same(error.response['ResponseMetadata']['HTTPStatusCode'], 400, f'{name}: status')


def canceled(name, function, **request):
    error = raises('TransactionCanceledException', name, function, **request)
    if error:
        same(error.response['CancellationReasons'],
             [{'Code': 'ProvisionedThroughputExceeded', 'Message': TABLE_MESSAGE}], f'{name}: reasons')


def test_writes(client, arn):
    """One large item takes what would last for minutes."""
    client.put_item(TableName='Small', Item=typed(LARGE))
    insert = "INSERT INTO Small VALUE {'pk': 'inserted'}"
    for name, function, request in (
            ('PutItem', client.put_item, dict(TableName='Small', Item=typed(SMALL))),
            ('UpdateItem', client.update_item, dict(TableName='Small', Key=KEY)),
            ('DeleteItem', client.delete_item, dict(TableName='Small', Key=KEY)),
            ('BatchWriteItem', client.batch_write_item, dict(RequestItems={'Small': puts([SMALL])})),
            ('ExecuteStatement', client.execute_statement, dict(Statement=insert))):
        throttled(f'{name} is throttled', 'TableWriteProvisionedThroughputExceeded', arn, TABLE_MESSAGE, function,
                  **request)
    canceled('TransactWriteItems is throttled', client.transact_write_items,
             TransactItems=[{'Put': {'TableName': 'Small', 'Item': typed(SMALL)}}])
    canceled('ExecuteTransaction is throttled', client.execute_transaction, TransactStatements=[{'Statement': insert}])
    answer = client.batch_execute_statement(Statements=[{'Statement': insert}])
    same(answer['Responses'][0]['Error'], {'Code': 'ProvisionedThroughputExceeded', 'Message': TABLE_MESSAGE},
         'a statement of a batch is throttled')
    raises('ValidationException', 'what is wrong is told first', client.put_item, TableName='Small', Item={})


def test_reads(client, arn):
    same(client.get_item(TableName='Small', Key=KEY, ConsistentRead=True)['Item'], typed(LARGE), 'reads are apart from writes')
    select = "SELECT * FROM Small WHERE pk = 'large'"
    for name, function, request in (
            ('GetItem', client.get_item, dict(TableName='Small', Key=KEY)),
            ('Query', client.query, dict(TableName='Small', KeyConditionExpression='pk = :p',
                                         ExpressionAttributeValues=typed({':p': 'large'}))),
            ('Scan', client.scan, dict(TableName='Small')),
            ('BatchGetItem', client.batch_get_item, dict(RequestItems={'Small': {'Keys': [KEY]}})),
            ('ExecuteStatement', client.execute_statement, dict(Statement=select))):
        throttled(f'{name} is throttled when it reads', 'TableReadProvisionedThroughputExceeded', arn, TABLE_MESSAGE,
                  function, **request)
    canceled('TransactGetItems is throttled', client.transact_get_items,
             TransactItems=[{'Get': {'TableName': 'Small', 'Key': KEY}}])


def test_index(client):
    arn = provision(client, 'Indexed', PLENTY, PLENTY, **by_owner(1, 1))
    index_arn = f'{arn}/index/ByOwner'
    query = dict(TableName='Indexed', IndexName='ByOwner', KeyConditionExpression='#o = :o',
                 ExpressionAttributeNames={'#o': 'owner'}, ExpressionAttributeValues=typed({':o': 'o'}))
    client.put_item(TableName='Indexed', Item=typed(LARGE))
    throttled('a write that changes an index', 'IndexWriteProvisionedThroughputExceeded', index_arn, INDEX_MESSAGE,
              client.put_item, TableName='Indexed', Item=typed(SMALL))
    client.put_item(TableName='Indexed', Item=typed({'pk': 'unindexed'}))
    client.query(**query)
    throttled('Query of an index', 'IndexReadProvisionedThroughputExceeded', index_arn, INDEX_MESSAGE,
              client.query, **query)
    same(client.scan(TableName='Indexed')['Count'], 2, 'the table is read apart from its index')
    drop(client, 'Indexed')


def test_on_demand(client):
    arn = create(client, 'Demand', ['pk S'],
                 OnDemandThroughput={'MaxReadRequestUnits': 1, 'MaxWriteRequestUnits': 1})['TableArn']
    more = dict(code='ThrottlingException', member='throttlingReasons')
    client.put_item(TableName='Demand', Item=typed(LARGE))
    throttled('the maximum of an on-demand table', 'TableWriteMaxOnDemandThroughputExceeded', arn, ON_DEMAND_MESSAGE,
              client.put_item, TableName='Demand', Item=typed(SMALL), **more)
    client.get_item(TableName='Demand', Key=KEY)
    throttled('its maximum of reads', 'TableReadMaxOnDemandThroughputExceeded', arn, ON_DEMAND_MESSAGE,
              client.get_item, TableName='Demand', Key=KEY, **more)
    drop(client, 'Demand')
    say_and_wait('quota')
    arn = create(client, 'Quota', ['pk S'])['TableArn']
    client.put_item(TableName='Quota', Item=typed(LARGE))
    throttled('the quota of an on-demand table', 'TableWriteAccountLimitExceeded', arn, QUOTA_MESSAGE,
              client.put_item, TableName='Quota', Item=typed(SMALL), code='RequestLimitExceeded')
    drop(client, 'Quota')


def test_errors():
    client = connect(ONCE)
    arn = provision(client, 'Small', 1, 1)
    test_writes(client, arn)
    test_reads(client, arn)
    say_and_wait('exempt')
    same(client.scan(TableName='Small', Select='COUNT')['Count'], 1, 'what was throttled was not written')
    client.put_item(TableName='Small', Item=typed(SMALL))
    same(client.get_item(TableName='Small', Key=typed({'pk': 'small'}))['Item'], typed(SMALL),
         'a table that is exempt from throttling')
    drop(client, 'Small')
    test_index(client)
    test_on_demand(client)


# ---- rates ----

def drain(call):
    """Take what a new table has; the call is repeated by nobody.  Is it
    throttled then?"""
    try:
        for _ in range(4 * RATE):
            call()
        return False
    except ClientError as error:
        return error.response['Error']['Code'] == EXCEEDED


def offer(call):
    """Calls at twice the rate, each again until it succeeds.  Returns how many
    a second did, without the last, which nobody competes with."""
    ends = []
    begin = time.monotonic()

    def one(n):
        time.sleep(max(0, begin + n / (2 * RATE) - time.monotonic()))
        while True:
            try:
                call(n)
                return ends.append(time.monotonic())
            except ClientError as error:
                if error.response['Error']['Code'] != EXCEEDED:
                    raise
                time.sleep(random.uniform(0, 0.2))

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(one, range(ITEMS)))
    measured = ITEMS - 2 * THREADS
    return measured / (sorted(ends)[measured - 1] - begin)


def is_rate(got, name):
    print(f'{name}: {got:.2f} a second', file=sys.stderr)
    report(0.9 * RATE <= got <= 1.1 * RATE, f'{name} at the provisioned rate', got)


def count(client, table):
    pages = client.get_paginator('scan').paginate(TableName=table, Select='COUNT')
    return sum(page['Count'] for page in pages)


def retrying(mode):
    return connect(Config(retries={'mode': mode}, max_pool_connections=THREADS))


def write_singly(mode, once, client):
    """Items one by one, by a client with this retry mode."""
    table = f'Single-{mode}'
    provision(once, table, PLENTY, RATE)
    drained = drain(lambda: once.put_item(TableName=table, Item=typed({'pk': 'p0'})))
    rate = offer(lambda n: client.put_item(TableName=table, Item=typed({'pk': f'p{n}'})))
    return [(report, drained, 'a new table is throttled after a while'),
            (is_rate, rate, f'writes in mode {mode}'),
            (same, count(once, table), ITEMS, f'all items are written in mode {mode}')]


def read_singly(mode, once, client):
    table = 'Reads'
    provision(once, table, RATE, PLENTY)
    key = typed({'pk': 'p'})
    drained = drain(lambda: once.get_item(TableName=table, Key=key, ConsistentRead=True))
    rate = offer(lambda n: client.get_item(TableName=table, Key=key, ConsistentRead=True))
    return [(report, drained, 'a new table is throttled after a while'),
            (is_rate, rate, f'reads in mode {mode}')]


def write_indexed(once, client):
    """A table of plenty with an index of little."""
    table, numbers = 'Narrow', itertools.count()
    provision(once, table, PLENTY, PLENTY, **by_owner(PLENTY, RATE))
    drained = drain(lambda: once.put_item(TableName=table, Item=typed({'pk': f'd{next(numbers)}', 'owner': 'o'})))
    rate = offer(lambda n: client.put_item(TableName=table, Item=typed({'pk': f'p{n}', 'owner': 'o'})))
    return [(report, drained, 'an index throttles its table'), (is_rate, rate, 'writes through an index')]


def write_batches(client):
    """What was not processed is sent again, as the documentation has it."""
    table = 'Batches'
    provision(client, table, PLENTY, RATE)
    waiting = puts({'pk': f'p{n}'} for n in range(ITEMS + RATE))
    partial = refused = 0
    begin = time.monotonic()
    while waiting:
        try:
            answer = client.batch_write_item(RequestItems={table: waiting[:25]})
            unprocessed = answer['UnprocessedItems'].get(table, [])
            partial += 0 < len(unprocessed) < 25
            waiting = unprocessed + waiting[25:]
        except client.exceptions.ProvisionedThroughputExceededException:
            refused += 1
        time.sleep(25 / (2 * RATE) * random.uniform(0, 2))
    # the first second's worth was there at the beginning
    rate = ITEMS / (time.monotonic() - begin)
    return [(is_rate, rate, 'batches'),
            (same, count(client, table), ITEMS + RATE, 'all items of batches are written'),
            (report, partial > 0, 'some batches were processed in part', (partial, refused))]


def test_rates():
    once = connect(ONCE)
    with ThreadPoolExecutor(5) as pool:
        runs = [pool.submit(write_singly, mode, once, retrying(mode)) for mode in ('standard', 'adaptive')]
        runs.append(pool.submit(read_singly, 'standard', once, retrying('standard')))
        runs.append(pool.submit(write_indexed, once, retrying('standard')))
        runs.append(pool.submit(write_batches, once))
        for run in runs:
            for check, *arguments in run.result():
                check(*arguments)
    for table in 'Single-standard', 'Single-adaptive', 'Reads', 'Narrow', 'Batches':
        drop(once, table)


if __name__ == '__main__':
    try:
        {'errors': test_errors, 'rates': test_rates}[sys.argv[1]]()
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    print('end')
