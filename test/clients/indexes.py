"""Secondary indexes as boto3 sees them: indexes.py

Reports its tests on standard output, as PgDynamoHttp.pm says.
"""

import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

from boto3.dynamodb.conditions import Key
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

import boto3

from clients import THREADS, connect, create, drop, options, raises, read_movies, report, same

BUILD_SECONDS = 60


def serialize(item):
    return TypeSerializer().serialize(item)['M']


def plain(item):
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def key_schema(partition, sort=()):
    return ([{'AttributeName': name, 'KeyType': 'HASH'} for name in partition] +
            [{'AttributeName': name, 'KeyType': 'RANGE'} for name in sort])


def index(name, partition, sort=(), include=None, projection='ALL'):
    """Definition of an index; include is a list of attributes."""
    how = {'ProjectionType': 'INCLUDE', 'NonKeyAttributes': include} if include else {'ProjectionType': projection}
    return {'IndexName': name, 'KeySchema': key_schema(partition, sort), 'Projection': how}


def attributes(*names):
    """['year N', ...] as AttributeDefinitions."""
    return [dict(zip(('AttributeName', 'AttributeType'), name.split())) for name in names]


def create_with(client, name, keys, other, **more):
    """A table, and attributes of the keys of its indexes."""
    more.setdefault('BillingMode', 'PAY_PER_REQUEST')
    partition, *sort = (key.split()[0] for key in keys)
    response = client.create_table(TableName=name, KeySchema=key_schema([partition], sort),
                                   AttributeDefinitions=attributes(*keys, *other), **more)
    client.get_waiter('table_exists').wait(TableName=name, WaiterConfig={'Delay': 1})
    return response['TableDescription']


def pages(client, operation, size, **arguments):
    """All items, page by page."""
    found = []
    for page in client.get_paginator(operation).paginate(PaginationConfig={'PageSize': size}, **arguments):
        report_once(len(page['Items']) <= size, f'{operation}: a page has {size} items at most')
        found += map(plain, page['Items'])
    return found


seen = set()


def report_once(passed, name):
    """A test in a loop is reported when it fails, and the first time."""
    if not passed or name not in seen:
        seen.add(name)
        report(passed, name)


def described(client, table, name):
    description = client.describe_table(TableName=table)['Table']
    for kind in 'LocalSecondaryIndexes', 'GlobalSecondaryIndexes':
        for found in description.get(kind, []):
            if found['IndexName'] == name:
                return found
    return None


def add_index(client, table, definition, *definitions):
    return client.update_table(TableName=table, AttributeDefinitions=attributes(*definitions),
                               GlobalSecondaryIndexUpdates=[{'Create': definition}])


def wait_until_active(client, table, name):
    """Polls as applications do; the values of Backfilling on the way."""
    until = time.monotonic() + BUILD_SECONDS
    while time.monotonic() < until:
        found = described(client, table, name)
        if found['IndexStatus'] == 'ACTIVE':
            report('Backfilling' not in found, f'{name} is ACTIVE', found)
            return
        report_once(found['IndexStatus'] == 'CREATING', 'until then an index is CREATING')
        report_once(isinstance(found['Backfilling'], bool), 'and says whether it is backfilling')
        time.sleep(0.1)
    report(False, f'{name} is ACTIVE', found)


LOCAL = [index('byDay', ['customer'], ['day'], projection='KEYS_ONLY'),
         index('byTotal', ['customer'], ['total'], include=['state'])]
GLOBAL = [index('byState', ['state'], ['day']),
          index('keys', ['state'], projection='KEYS_ONLY'),
          index('days', ['day'], ['customer'], include=['total']),
          index('places', ['country', 'city'], ['state', 'day'])]
OTHER_KEYS = ['day S', 'total N', 'state S', 'country S', 'city S']


def test_definitions(client):
    made = create_with(client, 'Orders', ['customer S', 'id N'], OTHER_KEYS,
                       LocalSecondaryIndexes=LOCAL, GlobalSecondaryIndexes=GLOBAL)
    same([found['IndexStatus'] for found in made['GlobalSecondaryIndexes']], ['CREATING'] * 4,
         'CreateTable: global indexes are being created')
    table = client.describe_table(TableName='Orders')['Table']
    for kind, definitions in ('LocalSecondaryIndexes', LOCAL), ('GlobalSecondaryIndexes', GLOBAL):
        got = sorted(table[kind], key=lambda found: [d['IndexName'] for d in definitions].index(found['IndexName']))
        same([{name: found[name] for name in ('IndexName', 'KeySchema', 'Projection')} for found in got],
             definitions, f'DescribeTable: {kind}')
        same([(found['ItemCount'], found['IndexSizeBytes']) for found in got], [(0, 0)] * len(got),
             f'{kind} are empty')
        same([found['IndexArn'] for found in got],
             [f'{table["TableArn"]}/index/{d["IndexName"]}' for d in definitions], f'ARNs of {kind}')
    same({found['IndexStatus'] for found in table['GlobalSecondaryIndexes']}, {'ACTIVE'},
         'indexes of a new table are active')
    same(sorted(d['AttributeName'] for d in table['AttributeDefinitions']),
         sorted(['customer', 'id'] + [key.split()[0] for key in OTHER_KEYS]), 'AttributeDefinitions')


def order(number, **changes):
    return {'customer': f'c{number % 3}', 'id': number, 'day': f'2024-01-{number % 5 + 1:02}',
            'total': Decimal(number % 7), 'state': 'open' if number % 4 else 'closed',
            'country': 'NL' if number % 2 else 'BE', 'city': f'city{number % 4}', 'note': f'note {number}', **changes}


ORDERS = [order(number) for number in range(60)]


def test_writes(client):
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda item: client.put_item(TableName='Orders', Item=serialize(item)), ORDERS))
    table = client.describe_table(TableName='Orders')['Table']
    same([found['ItemCount'] for found in table['LocalSecondaryIndexes'] + table['GlobalSecondaryIndexes']],
         [len(ORDERS)] * 6, 'ItemCount of the indexes')

    # one that has no key of an index is in none of its pages
    client.put_item(TableName='Orders', Item=serialize({'customer': 'sparse', 'id': 1}))
    for name in 'byDay', 'byTotal', 'byState', 'places':
        found = pages(client, 'scan', 25, TableName='Orders', IndexName=name)
        same(sorted(item['id'] for item in found), list(range(60)), f'Scan of {name}: each item once')

    response = client.put_item(TableName='Orders', Item=serialize(order(1, state='lost')),
                               ReturnConsumedCapacity='INDEXES', ReturnItemCollectionMetrics='SIZE')
    capacity = response['ConsumedCapacity']
    same({name: units['CapacityUnits'] for name, units in capacity['GlobalSecondaryIndexes'].items()},
         {'byState': 2.0, 'keys': 2.0, 'places': 2.0}, 'units of the global indexes that a change moves')
    same({name: units['CapacityUnits'] for name, units in capacity['LocalSecondaryIndexes'].items()},
         {'byTotal': 1.0}, 'units of a local index whose projection changes')
    same((capacity['Table']['CapacityUnits'], capacity['CapacityUnits']), (1.0, 8.0), 'units of the table, and all')
    metrics = response['ItemCollectionMetrics']
    same(metrics['ItemCollectionKey'], {'customer': {'S': 'c1'}}, 'ItemCollectionMetrics')
    report(metrics['SizeEstimateRangeGB'][0] == 0, 'its estimate', metrics)
    found = pages(client, 'query', 25, TableName='Orders', IndexName='byState',
                  KeyConditionExpression='#s = :s', ExpressionAttributeNames={'#s': 'state'},
                  ExpressionAttributeValues={':s': {'S': 'lost'}})
    same(found, [order(1, state='lost')], 'the item is where its new index key is')
    client.update_item(TableName='Orders', Key=serialize({'customer': 'c1', 'id': 1}), UpdateExpression='SET #s = :s',
                       ExpressionAttributeNames={'#s': 'state'}, ExpressionAttributeValues={':s': {'S': 'open'}})
    client.delete_item(TableName='Orders', Key=serialize({'customer': 'sparse', 'id': 1}))

    for value, message in (({'N': '1'}, 'Type mismatch for Index Key state Expected: S Actual: N'),
                           ({'S': ''}, 'empty string value')):
        raises('ValidationException', f'PutItem with index key {value}', client.put_item, TableName='Orders',
               Item={**serialize(order(1)), 'state': value}, message=message)
        raises('ValidationException', f'UpdateItem with index key {value}', client.update_item, TableName='Orders',
               Key=serialize({'customer': 'c1', 'id': 1}), UpdateExpression='SET #s = :s',
               ExpressionAttributeNames={'#s': 'state'}, ExpressionAttributeValues={':s': value}, message=message)


def query(table, name, condition, forward=True, size=4, **more):
    """All items of a Query, in pages, as the resource interface gives them."""
    found = []
    start = {}
    while True:
        page = table.query(IndexName=name, KeyConditionExpression=condition, ScanIndexForward=forward, Limit=size,
                           **start, **more)
        found += page['Items']
        if 'LastEvaluatedKey' not in page:
            return found
        start = {'ExclusiveStartKey': page['LastEvaluatedKey']}


def both_ways(table, name, condition, expected, order_of, what, **more):
    forward = query(table, name, condition, **more)
    same(sorted(item['id'] for item in forward), sorted(item['id'] for item in expected), f'{what}: each item once')
    same([order_of(item) for item in forward], sorted(map(order_of, expected)), f'{what}: in order')
    backward = query(table, name, condition, forward=False, **more)
    same([item['id'] for item in backward], [item['id'] for item in forward][::-1], f'{what}: and backwards')
    return forward


def test_reads(client):
    table = boto3.resource('dynamodb', **options()).Table('Orders')
    some = [item for item in ORDERS if item['state'] == 'open']

    found = both_ways(table, 'byState', Key('state').eq('open'), some, lambda item: item['day'], 'Query of a global index')
    same(sorted(found, key=lambda item: item['id']), some, 'with all attributes')
    between = [item for item in some if '2024-01-02' <= item['day'] <= '2024-01-03']
    both_ways(table, 'byState', Key('state').eq('open') & Key('day').between('2024-01-02', '2024-01-03'), between,
              lambda item: item['day'], 'BETWEEN')
    both_ways(table, 'byState', Key('state').eq('open') & Key('day').begins_with('2024'), some,
              lambda item: item['day'], 'begins_with')
    found = both_ways(table, 'keys', Key('state').eq('open'), some, lambda item: 0, 'an index without sort key')
    same(set(map(frozenset, found)), {frozenset(['customer', 'id', 'state'])}, 'KEYS_ONLY: keys of index and table')
    found = query(table, 'days', Key('day').eq('2024-01-01'))
    same(set(map(frozenset, found)), {frozenset(['customer', 'id', 'day', 'total'])}, 'INCLUDE')

    place = Key('country').eq('NL') & Key('city').eq('city1')
    here = [item for item in ORDERS if (item['country'], item['city']) == ('NL', 'city1')]
    keys = lambda item: (item['state'], item['day'])
    both_ways(table, 'places', place, here, keys, 'two partition attributes')
    both_ways(table, 'places', place & Key('state').eq('open'), [item for item in here if item['state'] == 'open'],
              keys, 'and the first sort attribute')
    both_ways(table, 'places', place & Key('state').eq('open') & Key('day').gt('2024-01-03'),
              [item for item in here if item['state'] == 'open' and item['day'] > '2024-01-03'], keys, 'and the second')
    page = table.query(IndexName='places', KeyConditionExpression=place, Limit=1)
    same(set(page['LastEvaluatedKey']), {'country', 'city', 'state', 'day', 'customer', 'id'},
         'LastEvaluatedKey has the keys of index and table')
    for condition, what in ((Key('country').eq('NL'), 'a partition attribute is missing'),
                            (place & Key('day').eq('2024-01-01'), 'a sort attribute is left out')):
        raises('ValidationException', what, client.query, TableName='Orders', IndexName='places',
               KeyConditionExpression=' AND '.join(f'{name} = :{name}' for name in names(condition)),
               ExpressionAttributeValues={f':{name}': {'S': 'x'} for name in names(condition)})

    mine = [item for item in ORDERS if item['customer'] == 'c2']
    both_ways(table, 'byDay', Key('customer').eq('c2'), mine, lambda item: item['day'], 'a local index')
    found = query(table, 'byTotal', Key('customer').eq('c2') & Key('total').gte(3))
    same(set(map(frozenset, found)), {frozenset(['customer', 'id', 'total', 'state'])}, 'what it projects')
    found = query(table, 'byTotal', Key('customer').eq('c2'), Select='ALL_ATTRIBUTES', ConsistentRead=True)
    same(sorted(found, key=lambda item: item['id']), mine, 'ALL_ATTRIBUTES of a local index')
    page = table.query(IndexName='byDay', KeyConditionExpression=Key('customer').eq('c2'),
                       ProjectionExpression='note, #d', ExpressionAttributeNames={'#d': 'day'},
                       ReturnConsumedCapacity='INDEXES')
    same(sorted(item['note'] for item in page['Items']), sorted(item['note'] for item in mine),
         'attributes that are not projected')
    capacity = page['ConsumedCapacity']
    same((capacity['Table']['CapacityUnits'], list(capacity['LocalSecondaryIndexes'])),
         (Decimal('0.5') * len(mine), ['byDay']), 'are fetched from the table, and charged for')

    parts = [pages(client, 'scan', 7, TableName='Orders', IndexName='byState', TotalSegments=3, Segment=segment)
             for segment in range(3)]
    same(sorted(item['id'] for part in parts for item in part), list(range(60)), 'a parallel Scan of an index')


def names(condition):
    """Attributes of a condition of equalities."""
    for value in condition.get_expression()['values']:
        if isinstance(value, Key):
            yield value.name
        elif hasattr(value, 'get_expression'):
            yield from names(value)


def test_errors(client):
    read = dict(TableName='Orders', KeyConditionExpression='#s = :s', ExpressionAttributeNames={'#s': 'state'},
                ExpressionAttributeValues={':s': {'S': 'open'}})
    raises('ValidationException', 'a consistent Query of a global index', client.query, IndexName='byState',
           ConsistentRead=True, message='Consistent reads are not supported on global secondary indexes', **read)
    raises('ValidationException', 'a consistent Scan of a global index', client.scan, TableName='Orders',
           IndexName='byState', ConsistentRead=True,
           message='Consistent reads are not supported on global secondary indexes')
    raises('ValidationException', 'ALL_ATTRIBUTES of a global index', client.query, IndexName='keys',
           Select='ALL_ATTRIBUTES', message='because its projection type is not ALL', **read)
    raises('ValidationException', 'attributes that a global index does not have', client.query, IndexName='keys',
           ProjectionExpression='note', **read)
    raises('ValidationException', 'no such index', client.query, IndexName='nowhere',
           message='The table does not have the specified index: nowhere', **read)
    raises('ValidationException', 'the key of another index', client.query, IndexName='byState',
           ExclusiveStartKey=serialize({'customer': 'c1', 'id': 1}),
           message='The provided starting key is', **read)
    raises('ValidationException', 'an index key that is not in the condition', client.query, TableName='Orders',
           IndexName='byState', KeyConditionExpression='customer = :c', ExpressionAttributeValues={':c': {'S': 'c1'}},
           message='Query condition missed key schema element: state')
    for what, definition, message in (
            ('an index that exists', index('keys', ['state']), 'Attempting to create an index which already exists'),
            ('NonKeyAttributes without INCLUDE',
             {**index('other', ['state']), 'Projection': {'ProjectionType': 'ALL', 'NonKeyAttributes': ['x']}},
             'ProjectionType is ALL, but NonKeyAttributes is specified')):
        raises('ValidationException', what, client.update_table, TableName='Orders',
               AttributeDefinitions=attributes('state S'), GlobalSecondaryIndexUpdates=[{'Create': definition}],
               message=message)
    raises('ResourceNotFoundException', 'an index that does not exist is deleted', client.update_table,
           TableName='Orders', GlobalSecondaryIndexUpdates=[{'Delete': {'IndexName': 'nowhere'}}],
           message='Requested resource not found')
    raises('LimitExceededException', 'two changes at once', client.update_table, TableName='Orders',
           AttributeDefinitions=attributes('state S', 'day S'),
           GlobalSecondaryIndexUpdates=[{'Create': index('one', ['state'])}, {'Create': index('two', ['day'])}])


def load_movies(client):
    """The movies, with what indexes need at the top; those without a rating are sparse."""
    movies = []
    for movie in read_movies():
        item = dict(movie)
        info = movie['info']
        if 'rating' in info:
            item['rating'] = info['rating']
        if info.get('genres'):
            item['genre'] = info['genres'][0]
        movies.append(item)
    create(client, 'Movies', ['year N', 'title S'])
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda item: client.put_item(TableName='Movies', Item=serialize(item)), movies))
    return movies


def test_online(client):
    movies = load_movies(client)
    response = add_index(client, 'Movies', index('byGenre', ['genre'], ['rating']), 'genre S', 'rating N')
    table = response['TableDescription']
    same((table['TableStatus'], table['GlobalSecondaryIndexes'][0]['IndexStatus']), ('UPDATING', 'CREATING'),
         'UpdateTable answers at once')
    wait_until_active(client, 'Movies', 'byGenre')
    same(client.describe_table(TableName='Movies')['Table']['TableStatus'], 'ACTIVE', 'and so is the table')
    indexed = [movie for movie in movies if 'genre' in movie and 'rating' in movie]
    report(0 < len(indexed) < len(movies), 'some movies have no place in the index')

    dramas = [movie for movie in indexed if movie['genre'] == 'Drama']
    arguments = dict(TableName='Movies', IndexName='byGenre', KeyConditionExpression='genre = :g',
                     ExpressionAttributeValues={':g': {'S': 'Drama'}})
    forward = pages(client, 'query', 17, **arguments)
    title = lambda movie: (movie['year'], movie['title'])
    same(sorted(map(title, forward)), sorted(map(title, dramas)), 'dramas: each once')
    same([movie['rating'] for movie in forward], sorted(movie['rating'] for movie in dramas), 'the worst first')
    same(sorted(forward, key=title), sorted(dramas, key=title), 'with all their attributes')
    same(list(map(title, pages(client, 'query', 23, ScanIndexForward=False, **arguments))),
         list(map(title, forward))[::-1], 'the best first')
    same(sorted(map(title, pages(client, 'scan', 500, TableName='Movies', IndexName='byGenre'))),
         sorted(map(title, indexed)), 'Scan of the new index')

    key = {name: TypeSerializer().serialize(dramas[0][name]) for name in ('year', 'title')}
    client.update_item(TableName='Movies', Key=key, UpdateExpression='SET genre = :g',
                       ExpressionAttributeValues={':g': {'S': 'Documentary drama'}})
    arguments['ExpressionAttributeValues'] = {':g': {'S': 'Documentary drama'}}
    same(list(map(title, pages(client, 'query', 5, **arguments))), [title(dramas[0])],
         'an update moves a movie at once')

    response = client.update_table(TableName='Movies',
                                   GlobalSecondaryIndexUpdates=[{'Delete': {'IndexName': 'byGenre'}}])
    same(response['TableDescription']['GlobalSecondaryIndexes'][0]['IndexStatus'], 'DELETING', 'Delete')
    client.get_waiter('table_exists').wait(TableName='Movies', WaiterConfig={'Delay': 1})
    table = client.describe_table(TableName='Movies')['Table']
    report('GlobalSecondaryIndexes' not in table, 'the index is gone', table)
    same(table['AttributeDefinitions'], attributes('year N', 'title S'), 'and its attributes with it')
    raises('ValidationException', 'a Query of it', client.query,
           message='The table does not have the specified index: byGenre', **arguments)

    # the name is free again, for an index of another kind
    add_index(client, 'Movies', index('byGenre', ['genre', 'year'], ['rating', 'title'], projection='KEYS_ONLY'),
              'genre S', 'year N', 'rating N', 'title S')
    wait_until_active(client, 'Movies', 'byGenre')
    some = [movie for movie in dramas[1:] if movie['year'] == 2010]
    found = pages(client, 'query', 3, TableName='Movies', IndexName='byGenre',
                  KeyConditionExpression='genre = :g AND #y = :y', ExpressionAttributeNames={'#y': 'year'},
                  ExpressionAttributeValues={':g': {'S': 'Drama'}, ':y': {'N': '2010'}})
    both = lambda movie: (movie['rating'], movie['title'].encode())
    same(list(map(both, found)), sorted(map(both, some)), 'dramas of a year by rating and title')
    drop(client, 'Movies')


def test_throughput(client):
    """A table with provisioned throughput has it per index."""
    through = {'ReadCapacityUnits': 3, 'WriteCapacityUnits': 4}
    create_with(client, 'Provisioned', ['id S'], ['at N'], BillingMode='PROVISIONED', ProvisionedThroughput=through,
                GlobalSecondaryIndexes=[{**index('byAt', ['at']), 'ProvisionedThroughput': through}])
    client.update_table(TableName='Provisioned', GlobalSecondaryIndexUpdates=[{'Update': {
        'IndexName': 'byAt', 'ProvisionedThroughput': {'ReadCapacityUnits': 7, 'WriteCapacityUnits': 8}}}])
    got = described(client, 'Provisioned', 'byAt')['ProvisionedThroughput']
    same((got['ReadCapacityUnits'], got['WriteCapacityUnits']), (7, 8), 'UpdateTable: throughput of an index')
    drop(client, 'Provisioned')


def main():
    client = connect()
    test_definitions(client)
    test_writes(client)
    test_reads(client)
    test_errors(client)
    test_throughput(client)
    test_online(client)
    drop(client, 'Orders')
    same(client.list_tables()['TableNames'], [], 'nothing is left')


if __name__ == '__main__':
    try:
        main()
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    print('end')
