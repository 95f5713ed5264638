"""boto3 as applications use it: clients.py all | short

Reports its tests on standard output, as PgDynamoHttp.pm says.  ENDPOINT is the
address, CA the authority of its certificate, MOVIES the file of movies.
"""

import datetime
import json
import os
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from types import SimpleNamespace
from unittest import mock

import boto3
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary, TypeSerializer
from botocore.auth import AUTH_TYPE_MAPS
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, SSLError

THREADS = 8


def report(passed, name, detail=None):
    if not passed:
        print(f'{name}: {detail}', file=sys.stderr)
    print(('ok ' if passed else 'not ok ') + name)


def same(got, expected, name):
    report(got == expected, name, f'got {got!r}, expected {expected!r}')


def say_and_wait(event):
    print(f'at {event}')
    sys.stdin.readline()


def options(config=None, **more):
    return dict(endpoint_url=os.environ['ENDPOINT'], verify=os.environ.get('CA'),
                config=config or Config(max_pool_connections=THREADS), **more)


def connect(config=None, **more):
    return boto3.client('dynamodb', **options(config, **more))


def raises(code, name, function, *args, message=None, **kwargs):
    """The call fails with this exception, by the class of that name if the
    client has one."""
    client = getattr(function, '__self__')
    expected = getattr(client.exceptions, code, ClientError)
    try:
        function(*args, **kwargs)
        report(False, name, 'no error')
    except expected as error:
        same(error.response['Error']['Code'], code, name)
        if message:
            text = error.response['Error']['Message']
            report(message in text, f'{name}: its message', text)
        return error
    except (BotoCoreError, ClientError) as error:
        report(False, name, repr(error))
    return None


def create(client, name, keys, **more):
    """A table with keys like ['pk S', 'sk S'], once it is active."""
    pairs = [key.split() for key in keys]
    more.setdefault('BillingMode', 'PAY_PER_REQUEST')
    more.setdefault('AttributeDefinitions', [{'AttributeName': attribute, 'AttributeType': kind}
                                             for attribute, kind in pairs])
    response = client.create_table(
        TableName=name,
        KeySchema=[{'AttributeName': attribute, 'KeyType': kind}
                   for (attribute, _), kind in zip(pairs, ['HASH', 'RANGE'])],
        **more)
    client.get_waiter('table_exists').wait(TableName=name, WaiterConfig={'Delay': 1})
    return response['TableDescription']


def drop(client, name):
    client.delete_table(TableName=name)
    client.get_waiter('table_not_exists').wait(TableName=name, WaiterConfig={'Delay': 1})


def test_tables(client):
    made = create(client, 'Things', ['pk S', 'sk N'], Tags=[{'Key': 'team', 'Value': 'a'}])
    arn = made['TableArn']
    same(arn, 'arn:aws:dynamodb:us-east-1:000000000000:table/Things', 'ARN of the new table')
    report(isinstance(made['CreationDateTime'], datetime.datetime), 'its creation time', made)
    table = client.describe_table(TableName='Things')['Table']
    same(table['TableStatus'], 'ACTIVE', 'the waiter waits until the table exists')
    same(table['KeySchema'], [{'AttributeName': 'pk', 'KeyType': 'HASH'},
                              {'AttributeName': 'sk', 'KeyType': 'RANGE'}], 'its keys')
    same(client.describe_table(TableName=arn)['Table']['TableId'], table['TableId'],
         'a table by its ARN')

    same(client.list_tags_of_resource(ResourceArn=arn)['Tags'],
         [{'Key': 'team', 'Value': 'a'}], 'tags of a new table')
    client.tag_resource(ResourceArn=arn, Tags=[{'Key': 'stage', 'Value': 'test'}])
    client.untag_resource(ResourceArn=arn, TagKeys=['team'])
    pages = client.get_paginator('list_tags_of_resource').paginate(ResourceArn=arn)
    same([tag for page in pages for tag in page['Tags']],
         [{'Key': 'stage', 'Value': 'test'}], 'tags after changes')

    for name in 'Page1', 'Page2', 'Page3':
        create(client, name, ['id B'])
    pages = list(client.get_paginator('list_tables').paginate(PaginationConfig={'PageSize': 2}))
    same([page['TableNames'] for page in pages],
         [['Page1', 'Page2'], ['Page3', 'Things']], 'pages of the list of tables')
    for name in 'Page1', 'Page2', 'Page3':
        drop(client, name)
    same(client.list_tables()['TableNames'], ['Things'],
         'the waiter waits until a table does not exist')

    client.update_table(TableName='Things', BillingMode='PROVISIONED',
                        ProvisionedThroughput={'ReadCapacityUnits': 5, 'WriteCapacityUnits': 6})
    client.get_waiter('table_exists').wait(TableName='Things', WaiterConfig={'Delay': 1})
    through = client.describe_table(TableName='Things')['Table']['ProvisionedThroughput']
    same((through['ReadCapacityUnits'], through['WriteCapacityUnits']), (5, 6), 'UpdateTable')
    report(client.describe_limits()['TableMaxReadCapacityUnits'] > 0, 'DescribeLimits')
    report(client.describe_endpoints()['Endpoints'][0]['CachePeriodInMinutes'] > 0,
           'DescribeEndpoints')


ITEM = {
    'pk': {'S': 'types'}, 'sk': {'N': '1'},
    'string': {'S': 'grüße 𝄞 🎬 \x00 \\ " \u2028 \x7f \ufeff'},
    'empty': {'S': ''},
    'number': {'N': '-12345678901234567890123456789012345678'},
    'small': {'N': '1E-130'},
    'binary': {'B': bytes(range(256))},
    'true': {'BOOL': True}, 'null': {'NULL': True},
    'strings': {'SS': ['a', 'b']}, 'numbers': {'NS': ['1', '2.5']},
    'binaries': {'BS': [b'\x00', b'\xff']},
    'list': {'L': [{'S': 'x'}, {'L': []}, {'M': {}}]},
    'map': {'M': {'a.b': {'M': {'c': {'L': [{'N': '0'}]}}}}},
}


def comparable(item):
    """Sets have no order; numbers have many spellings."""
    def value(typed):
        (kind, content), = typed.items()
        if kind in ('SS', 'BS'):
            return kind, frozenset(content)
        if kind == 'NS':
            return kind, frozenset(map(Decimal, content))
        if kind == 'N':
            return kind, Decimal(content)
        if kind == 'L':
            return kind, [value(element) for element in content]
        if kind == 'M':
            return kind, comparable(content)
        return kind, content
    return {name: value(typed) for name, typed in item.items()}


def test_items(client):
    key = {'pk': {'S': 'types'}, 'sk': {'N': '1.0'}}
    response = client.put_item(TableName='Things', Item=ITEM, ReturnConsumedCapacity='TOTAL')
    same(response['ConsumedCapacity']['TableName'], 'Things', 'PutItem')
    response = client.get_item(TableName='Things', Key=key, ConsistentRead=True)
    same(comparable(response['Item']), comparable(ITEM), 'GetItem gives back every type')
    headers = response['ResponseMetadata']['HTTPHeaders']
    same(len(response['ResponseMetadata']['RequestId']), 52, 'a request id')
    report('x-amz-crc32' in headers, 'a checksum', headers)
    report('Item' not in client.get_item(TableName='Things', Key={'pk': {'S': 'no'}, 'sk': {'N': '1'}}),
           'GetItem of nothing')
    same(client.get_item(TableName='Things', Key=key, ProjectionExpression='#m.#a.c[0], strings',
                         ExpressionAttributeNames={'#m': 'map', '#a': 'a.b'})['Item']['map'],
         {'M': {'a.b': {'M': {'c': {'L': [{'N': '0'}]}}}}}, 'ProjectionExpression')
    large = {**key, 'text': {'S': 'movie ' * 60000}}
    client.put_item(TableName='Things', Item=large)
    same(client.get_item(TableName='Things', Key=key)['Item'], {**large, 'sk': {'N': '1'}},
         'a large item')

    expected = {'NONE': None, 'ALL_OLD': {'n': 1, 'm': 1}, 'UPDATED_OLD': {'n': 2},
                'ALL_NEW': {'n': 4, 'm': 1}, 'UPDATED_NEW': {'n': 5}}
    key = {'pk': {'S': 'update'}, 'sk': {'N': '1'}}
    client.put_item(TableName='Things', Item={**key, 'm': {'N': '1'}})
    for choice, attributes in expected.items():
        response = client.update_item(
            TableName='Things', Key=key, UpdateExpression='ADD #n :one', ReturnValues=choice,
            ExpressionAttributeNames={'#n': 'n'}, ExpressionAttributeValues={':one': {'N': '1'}})
        got = response.get('Attributes')
        if got:
            got = {name: int(value['N']) for name, value in got.items() if name not in key}
        same(got, attributes, f'UpdateItem with ReturnValues {choice}')

    raises('ConditionalCheckFailedException', 'a condition that fails', client.put_item,
           TableName='Things', Item=key, ConditionExpression='attribute_not_exists(pk)',
           message='The conditional request failed')
    raises('ConditionalCheckFailedException', 'a condition of a deletion', client.delete_item,
           TableName='Things', Key=key, ConditionExpression='n > :n',
           ExpressionAttributeValues={':n': {'N': '100'}})
    same(client.delete_item(TableName='Things', Key=key, ReturnValues='ALL_OLD')['Attributes']['n'],
         {'N': '5'}, 'DeleteItem')
    report('Attributes' not in client.delete_item(TableName='Things', Key=key, ReturnValues='ALL_OLD'),
           'DeleteItem of nothing')


def read_movies():
    with open(os.environ['MOVIES'], encoding='utf-8') as lines:
        return [json.loads(line, parse_float=Decimal) for line in lines]


def test_movies(client):
    movies = read_movies()
    serialize = TypeSerializer().serialize
    create(client, 'Movies', ['year N', 'title S'])

    def put(movie):
        client.put_item(TableName='Movies', Item=serialize(movie)['M'])

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(put, movies))

    titles = sorted((movie['title'] for movie in movies if movie['year'] == 2013),
                    key=lambda title: title.encode())
    arguments = dict(TableName='Movies', KeyConditionExpression='#y = :y',
                     ExpressionAttributeNames={'#y': 'year'},
                     ExpressionAttributeValues={':y': {'N': '2013'}})
    query = client.get_paginator('query')
    pages = list(query.paginate(PaginationConfig={'PageSize': 7}, **arguments))
    same([item['title']['S'] for page in pages for item in page['Items']], titles,
         'Query in pages, in the order of the sort key')
    report(len(pages) >= len(titles) // 7, 'Limit makes the pages', len(pages))
    pages = query.paginate(PaginationConfig={'PageSize': 50}, ScanIndexForward=False, **arguments)
    same([item['title']['S'] for page in pages for item in page['Items']], titles[::-1],
         'Query backwards')
    same(client.query(Limit=3, Select='COUNT', **arguments)['Count'], 3, 'Query that counts')

    good = [movie for movie in movies if movie['info'].get('rating', 0) >= 9]
    scan = client.get_paginator('scan')
    arguments = dict(TableName='Movies', FilterExpression='info.rating >= :r',
                     ProjectionExpression='#y, title, info.rating',
                     ExpressionAttributeNames={'#y': 'year'},
                     ExpressionAttributeValues={':r': {'N': '9'}})
    pages = list(scan.paginate(PaginationConfig={'PageSize': 300}, **arguments))
    found = [item for page in pages for item in page['Items']]
    same(sorted((int(item['year']['N']), item['title']['S'], Decimal(item['info']['M']['rating']['N']))
                for item in found),
         sorted((movie['year'], movie['title'], movie['info']['rating']) for movie in good),
         'Scan in pages with a filter and a projection')
    same(sum(page['ScannedCount'] for page in pages), len(movies), 'Scan reads every item once')

    def segment(number):
        pages = client.get_paginator('scan').paginate(
            TableName='Movies', TotalSegments=4, Segment=number)
        return [(int(item['year']['N']), item['title']['S']) for page in pages for item in page['Items']]

    with ThreadPoolExecutor(4) as pool:
        found = [movie for part in pool.map(segment, range(4)) for movie in part]
    same(sorted(found), sorted((movie['year'], movie['title']) for movie in movies),
         'Scan in four segments at a time')
    drop(client, 'Movies')


def test_resource():
    resource = boto3.resource('dynamodb', **options())
    table = resource.create_table(
        TableName='Objects', BillingMode='PAY_PER_REQUEST',
        KeySchema=[{'AttributeName': 'pk', 'KeyType': 'HASH'}, {'AttributeName': 'sk', 'KeyType': 'RANGE'}],
        AttributeDefinitions=[{'AttributeName': 'pk', 'AttributeType': 'S'},
                              {'AttributeName': 'sk', 'AttributeType': 'B'}])
    table.wait_until_exists()
    same(table.table_status in ('CREATING', 'ACTIVE'), True, 'a table as an object')
    report('Objects' in [other.name for other in resource.tables.all()], 'and among all tables')
    item = {'pk': 'a', 'sk': Binary(b'\x00\x01'), 'price': Decimal('19.990000000000000000000000000001'),
            'strings': {'x', 'y'}, 'numbers': {Decimal(1), Decimal('2.5')}, 'binaries': {Binary(b'z')},
            'nothing': None, 'yes': True, 'list': [1, 'two', None, {'three': [3]}], 'map': {'k': {}}}
    table.put_item(Item=item)
    key = {'pk': 'a', 'sk': b'\x00\x01'}
    same(table.get_item(Key=key)['Item'], item, 'Python values there and back')
    same(table.query(KeyConditionExpression=Key('pk').eq('a') & Key('sk').begins_with(b'\x00'),
                     FilterExpression=Attr('price').between(Decimal(19), Decimal(20))
                     & Attr('strings').contains('x') & Attr('list').size().eq(4))['Count'],
         1, 'conditions as objects')
    same(table.update_item(Key=key, UpdateExpression='SET price = price + :p REMOVE nothing',
                           ExpressionAttributeValues={':p': Decimal('0.01')},
                           ConditionExpression=Attr('yes').eq(True),
                           ReturnValues='UPDATED_NEW')['Attributes'],
         {'price': Decimal('20.000000000000000000000000000001')}, 'an update as an object')
    try:
        table.delete_item(Key=key, ConditionExpression=Attr('price').lt(1))
        report(False, 'a condition that fails, as an exception of the resource')
    except resource.meta.client.exceptions.ConditionalCheckFailedException:
        report(True, 'a condition that fails, as an exception of the resource')
    table.delete_item(Key=key)
    same(table.scan()['Items'], [], 'a deletion')
    table.delete()
    table.wait_until_not_exists()


def test_errors(client):
    key = {'pk': {'S': 'x'}, 'sk': {'N': '1'}}
    raises('ResourceNotFoundException', 'no such table', client.get_item, TableName='Nowhere', Key=key,
           message='Requested resource not found')
    raises('ResourceNotFoundException', 'no such table to describe', client.describe_table,
           TableName='Nowhere', message='Requested resource not found: Table: Nowhere not found')
    raises('ResourceInUseException', 'a table that exists', client.create_table, TableName='Things',
           BillingMode='PAY_PER_REQUEST', KeySchema=[{'AttributeName': 'a', 'KeyType': 'HASH'}],
           AttributeDefinitions=[{'AttributeName': 'a', 'AttributeType': 'S'}],
           message='Table already exists: Things')
    raises('ValidationException', 'a wrong key', client.get_item, TableName='Things', Key={'pk': {'S': 'x'}},
           message='The provided key element does not match the schema')
    raises('ValidationException', 'a wrong expression', client.scan, TableName='Things',
           FilterExpression='a ==', message='Invalid FilterExpression: Syntax error')
    raises('ValidationException', 'a wrong number', client.put_item, TableName='Things',
           Item={**key, 'n': {'N': 'many'}},
           message='The parameter cannot be converted to a numeric value: many')


def wrong_clock(now):
    """What the signer takes for the module datetime."""
    class Clock(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return now
    return SimpleNamespace(datetime=Clock, timezone=datetime.timezone)


def test_signatures():
    stranger = connect(aws_access_key_id='AKIAIOSFODNN7EXAMPLE', aws_secret_access_key='any')
    raises('UnrecognizedClientException', 'an unknown key', stranger.list_tables,
           message='The security token included in the request is invalid.')
    forger = connect(aws_access_key_id=os.environ['AWS_ACCESS_KEY_ID'], aws_secret_access_key='wrong')
    raises('InvalidSignatureException', 'a wrong secret', forger.list_tables,
           message='The request signature we calculated does not match the signature you provided.')
    for hours, message in (-1, 'Signature expired: '), (1, 'Signature not yet current: '):
        clock = wrong_clock(datetime.datetime.utcnow() + datetime.timedelta(hours=hours))
        with mock.patch(f'{AUTH_TYPE_MAPS["v4"].__module__}.datetime', clock):
            raises('InvalidSignatureException', f'a clock that is wrong by {hours} h',
                   connect().list_tables, message=message)


def until_there_is_no_conflict(client, function, **request):
    """The SDK does not repeat these; the response and how many there were."""
    conflicts = 0
    while True:
        try:
            return function(**request), conflicts
        except client.exceptions.TransactionConflictException:
            conflicts += 1


def test_retries():
    client = connect(Config(retries={'max_attempts': 12, 'mode': 'standard'}))
    create(client, 'Retry', ['pk S'])
    client.put_item(TableName='Retry', Item={'pk': {'S': 'a'}, 'n': {'N': '0'}})
    say_and_wait('lock')
    response, conflicts = until_there_is_no_conflict(
        client, client.update_item, TableName='Retry', Key={'pk': {'S': 'a'}}, UpdateExpression='SET n = n + :one',
        ReturnValues='ALL_NEW', ExpressionAttributeValues={':one': {'N': '1'}})
    same(response['Attributes']['n'], {'N': '1'}, 'an update of a locked item, once, in the end')
    report(conflicts > 0, 'met TransactionConflictException, and was repeated', conflicts)

    # the SDK's own number of attempts gets it past a lost connection
    for event, caller in ('terminate', connect()), ('restart', client):
        print(f'during {event}')
        until = time.monotonic() + 5
        calls = 0
        while time.monotonic() < until:
            caller.put_item(TableName='Retry', Item={'pk': {'S': event}, 'n': {'N': str(calls)}})
            item = caller.get_item(TableName='Retry', Key={'pk': {'S': event}}, ConsistentRead=True)['Item']
            if item['n'] != {'N': str(calls)}:
                report(False, f'{event}: what was written is read', (calls, item))
            calls += 1
        report(calls > 0, f'calls through "{event}" all succeed, if need be again')
    drop(client, 'Retry')


def test_short():
    client = connect()
    create(client, 'Short', ['pk S'])
    client.put_item(TableName='Short', Item={'pk': {'S': 'a'}, 'v': {'S': 'b'}})
    same(client.get_item(TableName='Short', Key={'pk': {'S': 'a'}})['Item']['v'], {'S': 'b'}, 'put and get')
    drop(client, 'Short')
    if 'CA' in os.environ:
        try:
            boto3.client('dynamodb', endpoint_url=os.environ['ENDPOINT'],
                         config=Config(retries={'max_attempts': 0})).list_tables()
            report(False, 'an unknown certificate is refused')
        except SSLError:
            report(True, 'an unknown certificate is refused')


def test_all():
    client = connect()
    test_tables(client)
    test_items(client)
    test_movies(client)
    test_resource()
    test_errors(client)
    test_signatures()
    drop(client, 'Things')
    test_retries()
    same(client.list_tables()['TableNames'], [], 'nothing is left')


if __name__ == '__main__':
    try:
        {'all': test_all, 'short': test_short}[sys.argv[1]]()
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    print('end')
