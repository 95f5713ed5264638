"""Batches, transactions, PartiQL and the legacy parameters as boto3 sees them:
transact.py batches | legacy | transactions | bank | statements

Reports its tests on standard output, as PgDynamoHttp.pm says.
"""

import random
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.config import Config

from clients import THREADS, comparable, connect, create, drop, options, raises, report, same, say_and_wait

ONCE = Config(retries={'total_max_attempts': 1})
PATIENT = Config(retries={'max_attempts': 20, 'mode': 'standard'}, max_pool_connections=2 * THREADS)
BANK_SECONDS = 3


def typed(item):
    return TypeSerializer().serialize(item)['M']


def plain(item):
    return {name: TypeDeserializer().deserialize(value) for name, value in item.items()}


def value(content):
    return TypeSerializer().serialize(content)


# ---- batches ----

def puts(items):
    return [{'PutRequest': {'Item': typed(item)}} for item in items]


def deletes(keys):
    return [{'DeleteRequest': {'Key': typed(key)}} for key in keys]


def write_all(client, table, requests):
    """As applications do: what was not processed is sent again.  Returns the
    number of calls."""
    calls = 0
    waiting = list(requests)
    while waiting:
        response = client.batch_write_item(RequestItems={table: waiting[:25]})
        waiting = response['UnprocessedItems'].get(table, []) + waiting[25:]
        calls += 1
    return calls


def get_all(client, request):
    """Items by table, and the answers that it took."""
    found, answers = {}, []
    while request:
        answer = client.batch_get_item(RequestItems=request)
        for table, items in answer['Responses'].items():
            found.setdefault(table, []).extend(map(plain, items))
        answers.append(answer)
        request = answer['UnprocessedKeys']
    return found, answers


def test_batches(client):
    create(client, 'Batch', ['pk S', 'sk N'])
    create(client, 'Other', ['id S'])
    items = [{'pk': f'p{n % 3}', 'sk': n, 'text': f'item {n}', 'data': Binary(bytes([n]))} for n in range(15)]
    others = [{'id': f'o{n}', 'list': [n, {'deep': None}]} for n in range(10)]
    response = client.batch_write_item(RequestItems={'Batch': puts(items), 'Other': puts(others)},
                                       ReturnConsumedCapacity='TOTAL')
    same(response['UnprocessedItems'], {}, 'BatchWriteItem of 25 in two tables')
    same({c['TableName']: c['CapacityUnits'] for c in response['ConsumedCapacity']}, {'Batch': 15.0, 'Other': 10.0},
         'its capacity')
    response = client.batch_get_item(ReturnConsumedCapacity='TOTAL', RequestItems={
        'Batch': {'Keys': [typed({'pk': item['pk'], 'sk': item['sk']}) for item in items] + [typed({'pk': 'no', 'sk': 1})],
                  'ProjectionExpression': '#t, sk', 'ExpressionAttributeNames': {'#t': 'text'}, 'ConsistentRead': True},
        'Other': {'Keys': [typed({'id': item['id']}) for item in others]}})
    same(sorted(map(plain, response['Responses']['Batch']), key=lambda item: item['sk']),
         [{'text': item['text'], 'sk': item['sk']} for item in items], 'BatchGetItem with a projection')
    same(sorted(map(plain, response['Responses']['Other']), key=lambda item: item['id']), others, 'and of whole items')
    same(response['UnprocessedKeys'], {}, 'all are processed')
    same({c['TableName']: c['CapacityUnits'] for c in response['ConsumedCapacity']}, {'Batch': 16.0, 'Other': 5.0},
         'capacity of consistent reads, and of others')

    write_all(client, 'Batch', deletes([{'pk': 'p0', 'sk': 0}, {'pk': 'none', 'sk': 0}]) + puts([{'pk': 'p1', 'sk': 1}]))
    found, _ = get_all(client, {'Batch': {'Keys': [typed({'pk': 'p0', 'sk': 0}), typed({'pk': 'p1', 'sk': 1})]}})
    same(found, {'Batch': [{'pk': 'p1', 'sk': 1}]}, 'deletions and puts')
    for what, message, requests in (
            ('an item twice', 'Provided list of item keys contains duplicates',
             {'Batch': puts([{'pk': 'd', 'sk': 1}]) + deletes([{'pk': 'd', 'sk': Decimal('1.0')}])}),
            ('26 items', 'Member must have length less than or equal to 25',
             {'Batch': puts({'pk': 'd', 'sk': n} for n in range(26))}),
            ('26 items in two tables', 'Too many items requested for the BatchWriteItem call',
             {'Batch': puts({'pk': 'd', 'sk': n} for n in range(25)), 'Other': puts([{'id': 'd'}])}),
            ('a wrong key', 'The provided key element does not match the schema',
             {'Batch': puts([{'pk': 'd', 'sk': 1}]) + deletes([{'pk': 'd'}])})):
        raises('ValidationException', f'BatchWriteItem: {what}', client.batch_write_item, RequestItems=requests,
               message=message)
    raises('ResourceNotFoundException', 'BatchWriteItem: no such table', client.batch_write_item,
           RequestItems={'Batch': puts([{'pk': 'd', 'sk': 1}]), 'Nowhere': puts([{'id': 'd'}])})
    raises('ValidationException', 'BatchGetItem: a key twice', client.batch_get_item,
           RequestItems={'Other': {'Keys': [typed({'id': 'a'})] * 2}},
           message='Provided list of item keys contains duplicates')
    raises('ValidationException', 'BatchGetItem: 101 keys', client.batch_get_item,
           RequestItems={'Other': {'Keys': [typed({'id': str(n)}) for n in range(101)]}},
           message='Member must have length less than or equal to 100')
    same(client.query(TableName='Batch', KeyConditionExpression='pk = :d',
                      ExpressionAttributeValues={':d': {'S': 'd'}})['Count'], 0, 'a batch that is refused writes nothing')
    test_large_batches(client)
    test_batch_resource()
    test_locked_batch(client)
    for name in 'Batch', 'Other':
        drop(client, name)


def test_large_batches(client):
    """60 items of nearly 400 kB are more than one answer takes."""
    text = 'x' * 399_000
    write_all(client, 'Batch', puts({'pk': 'large', 'sk': n, 'text': text, 'n': n} for n in range(60)))
    keys = [typed({'pk': 'large', 'sk': n}) for n in range(60)]
    found, answers = get_all(client, {'Batch': {'Keys': keys, 'ConsistentRead': True}})
    same(sorted(item['sk'] for item in found['Batch']), list(range(60)), 'BatchGetItem of 24 MB, with what was unprocessed')
    same({item['text'] for item in found['Batch']}, {text}, 'all of it')
    sizes = [sum(len(item['text']['S']) for item in answer['Responses']['Batch']) for answer in answers]
    report(len(sizes) == 2 and 15e6 < sizes[0] < 16 * 2**20, 'the first answer is full', sizes)
    unprocessed = answers[0]['UnprocessedKeys']['Batch']
    same(unprocessed['ConsistentRead'], True, 'UnprocessedKeys keep the options')
    found, answers = get_all(client, {'Batch': {
        'Keys': keys, 'ProjectionExpression': '#n', 'ExpressionAttributeNames': {'#n': 'n'}}})
    same(sorted(item['n'] for item in found['Batch']), list(range(60)), 'the same with a projection')
    same([answer['UnprocessedKeys'].get('Batch', {}).get('ProjectionExpression') for answer in answers][:1] or None,
         ['#n'] if len(answers) > 1 else [None], 'which UnprocessedKeys keep as well')
    write_all(client, 'Batch', deletes({'pk': 'large', 'sk': n} for n in range(60)))


def test_batch_resource():
    resource = boto3.resource('dynamodb', **options())
    table = resource.Table('Batch')
    items = [{'pk': 'writer', 'sk': n, 'set': {f'{n}', 'x'}, 'price': Decimal(n) / 4} for n in range(130)]
    with table.batch_writer(overwrite_by_pkeys=['pk', 'sk']) as batch:
        for item in items:
            batch.put_item(Item={**item, 'price': 0})
            batch.put_item(Item=item)
        batch.delete_item(Key={'pk': 'writer', 'sk': 129})
    found = table.query(KeyConditionExpression=Key('pk').eq('writer'))['Items']
    same(found, items[:129], 'batch_writer')
    response = resource.batch_get_item(RequestItems={'Batch': {
        'Keys': [{'pk': 'writer', 'sk': n} for n in range(100)], 'AttributesToGet': ['sk', 'price']}})
    same(sorted(response['Responses']['Batch'], key=lambda item: item['sk']),
         [{'sk': item['sk'], 'price': item['price']} for item in items[:100]], 'BatchGetItem of the resource')


def test_locked_batch(client):
    """Somebody else holds an item for longer than the server waits."""
    create(client, 'Retry', ['pk S'])
    write_all(client, 'Retry', puts({'pk': pk, 'n': 0} for pk in 'abc'))
    say_and_wait('lock')
    response = client.batch_write_item(RequestItems={'Retry': puts({'pk': pk, 'n': 1} for pk in 'abc')})
    same(response['UnprocessedItems'], {'Retry': puts([{'pk': 'a', 'n': 1}])}, 'a locked item stays unprocessed')
    found, _ = get_all(client, {'Retry': {'Keys': [typed({'pk': pk}) for pk in 'abc'], 'ConsistentRead': True}})
    same({item['pk']: item['n'] for item in found['Retry']}, {'a': 0, 'b': 1, 'c': 1}, 'the others are written')
    report(write_all(client, 'Retry', response['UnprocessedItems']['Retry']) > 1, 'it takes more than one call')
    found, _ = get_all(client, {'Retry': {'Keys': [typed({'pk': 'a'})], 'ConsistentRead': True}})
    same(found['Retry'], [{'pk': 'a', 'n': 1}], 'in the end it is written')
    drop(client, 'Retry')


# ---- legacy parameters ----

def condition(operator, *values):
    return {'ComparisonOperator': operator, **({'AttributeValueList': list(map(value, values))} if values else {})}


def test_legacy(client):
    create(client, 'Legacy', ['pk S', 'sk N'])
    key = typed({'pk': 'a', 'sk': 1})
    item = {'pk': 'a', 'sk': 1, 'n': 5, 's': 'text', 'set': {'x', 'y'}, 'list': [1, 'two']}

    client.put_item(TableName='Legacy', Item=typed(item), Expected={'pk': {'Exists': False}})
    raises('ConditionalCheckFailedException', 'Expected: not there', client.put_item, TableName='Legacy', Item=key,
           Expected={'pk': {'Exists': False}}, message='The conditional request failed')
    raises('ConditionalCheckFailedException', 'Expected: another value', client.delete_item, TableName='Legacy', Key=key,
           Expected={'n': {'Value': {'N': '6'}}})
    for what, expected, more in (
            ('values', {'n': {'Value': {'N': '5.0'}}, 's': {'Exists': True, 'Value': {'S': 'text'}}}, {}),
            ('operators', {'n': condition('BETWEEN', 1, 5), 's': condition('BEGINS_WITH', 'te'),
                           'set': condition('CONTAINS', 'x'), 'none': condition('NULL'), 'list': condition('NOT_NULL')}, {}),
            ('OR', {'n': condition('GT', 100), 's': condition('IN', 'text', 'other')}, {'ConditionalOperator': 'OR'})):
        response = client.update_item(TableName='Legacy', Key=key, Expected=expected, ReturnValues='UPDATED_NEW',
                                      AttributeUpdates={'seen': {'Action': 'ADD', 'Value': {'N': '1'}}}, **more)
        report(int(response['Attributes']['seen']['N']) > 0, f'Expected: {what}', response)
    for operator, values in {'LT': [5], 'NE': [5], 'EQ': ['5'], 'GE': [6], 'NULL': [], 'CONTAINS': [5],
                             'IN': [1, 2], 'BETWEEN': [6, 7]}.items():
        raises('ConditionalCheckFailedException', f'Expected: {operator} {values}', client.update_item,
               TableName='Legacy', Key=key, Expected={'n': condition(operator, *values)})

    response = client.update_item(TableName='Legacy', Key=key, ReturnValues='ALL_NEW', AttributeUpdates={
        'n': {'Action': 'ADD', 'Value': {'N': '-2.5'}}, 's': {'Value': {'S': 'new'}},
        'set': {'Action': 'DELETE', 'Value': {'SS': ['x', 'z']}}, 'list': {'Action': 'ADD', 'Value': {'L': [{'S': '3'}]}},
        'fresh': {'Action': 'ADD', 'Value': {'NS': ['1']}}, 'seen': {'Action': 'DELETE'}})
    same(plain(response['Attributes']), {'pk': 'a', 'sk': 1, 'n': Decimal('2.5'), 's': 'new', 'set': {'y'},
                                         'list': [1, 'two', '3'], 'fresh': {1}}, 'AttributeUpdates')
    raises('ValidationException', 'AttributeUpdates of a key', client.update_item, TableName='Legacy', Key=key,
           AttributeUpdates={'sk': {'Value': {'N': '2'}}},
           message='Cannot update attribute sk. This attribute is part of the key')
    raises('ValidationException', 'expressions and legacy parameters', client.update_item, TableName='Legacy', Key=key,
           UpdateExpression='REMOVE n', Expected={'n': {'Exists': False}},
           message='Non-expression parameters: {Expected} Expression parameters: {UpdateExpression}')

    for n in range(2, 40):
        client.put_item(TableName='Legacy', Item=typed({'pk': 'a', 'sk': n, 'n': n % 4, 'text': 'x' * n}))
    query = dict(TableName='Legacy', KeyConditions={'pk': condition('EQ', 'a'), 'sk': condition('BETWEEN', 10, 29)})
    pages = list(client.get_paginator('query').paginate(PaginationConfig={'PageSize': 6}, **query))
    same([int(item['sk']['N']) for page in pages for item in page['Items']], list(range(10, 30)), 'KeyConditions, in pages')
    found = client.query(**query, QueryFilter={'n': condition('EQ', 0), 'text': condition('CONTAINS', 'xxx')},
                         AttributesToGet=['sk'], ScanIndexForward=False)
    same((found['Items'], found['Count'], found['ScannedCount']),
         ([{'sk': {'N': str(n)}} for n in (28, 24, 20, 16, 12)], 5, 20), 'QueryFilter and AttributesToGet')
    found = client.scan(TableName='Legacy', ScanFilter={'sk': condition('GE', 38), 'n': condition('EQ', Decimal('2.5'))},
                        ConditionalOperator='OR')
    same(sorted(int(item['sk']['N']) for item in found['Items']), [1, 38, 39], 'ScanFilter with OR')
    same(client.get_item(TableName='Legacy', Key=key, AttributesToGet=['n', 'none'])['Item'], {'n': {'N': '2.5'}},
         'GetItem with AttributesToGet')
    drop(client, 'Legacy')


# ---- transactions ----

def check(table, key, expression, **more):
    return {'ConditionCheck': {'TableName': table, 'Key': typed(key), 'ConditionExpression': expression, **more}}


def put(table, item, **more):
    return {'Put': {'TableName': table, 'Item': typed(item), **more}}


def update(table, key, expression, **more):
    return {'Update': {'TableName': table, 'Key': typed(key), 'UpdateExpression': expression, **more}}


def delete(table, key, **more):
    return {'Delete': {'TableName': table, 'Key': typed(key), **more}}


def get(table, key, **more):
    return {'Get': {'TableName': table, 'Key': typed(key), **more}}


NEW = {'ConditionExpression': 'attribute_not_exists(pk)', 'ReturnValuesOnConditionCheckFailure': 'ALL_OLD'}


def read(client, *gets):
    """Plain items of TransactGetItems, None for what is not there."""
    responses = client.transact_get_items(TransactItems=list(gets))['Responses']
    return [plain(response['Item']) if 'Item' in response else None for response in responses]


def codes(error):
    return [reason['Code'] for reason in error.response['CancellationReasons']] if error else None


def test_transactions(client):
    create(client, 'Stock', ['pk S'])
    create(client, 'Orders', ['pk S', 'sk N'])
    test_one_transaction(client)
    test_cancellation(client)
    test_transaction_limits(client)
    test_tokens(client)
    test_conflicts(connect(ONCE))
    test_transaction_resource()
    for name in 'Stock', 'Orders':
        drop(client, name)


def test_one_transaction(client):
    client.put_item(TableName='Stock', Item=typed({'pk': 'pen', 'n': 10}))
    client.put_item(TableName='Stock', Item=typed({'pk': 'old', 'n': 0}))
    client.put_item(TableName='Stock', Item=typed({'pk': 'open', 'yes': True}))
    response = client.transact_write_items(ReturnConsumedCapacity='TOTAL', TransactItems=[
        put('Orders', {'pk': 'order', 'sk': 1, 'lines': [{'what': 'pen', 'n': 3}]}, **NEW),
        update('Stock', {'pk': 'pen'}, 'SET n = n - :n', ConditionExpression='n >= :n',
               ExpressionAttributeValues={':n': {'N': '3'}}),
        delete('Stock', {'pk': 'old'}, ConditionExpression='n = :zero', ExpressionAttributeValues={':zero': {'N': '0'}}),
        check('Stock', {'pk': 'open'}, '#y = :true', ExpressionAttributeNames={'#y': 'yes'},
              ExpressionAttributeValues={':true': {'BOOL': True}})])
    same(sorted((c['TableName'], c['CapacityUnits'], c['WriteCapacityUnits']) for c in response['ConsumedCapacity']),
         [('Orders', 2.0, 2.0), ('Stock', 6.0, 6.0)], 'TransactWriteItems, its capacity')
    same(read(client, get('Stock', {'pk': 'pen'}), get('Orders', {'pk': 'order', 'sk': 1}), get('Stock', {'pk': 'old'}),
              get('Stock', {'pk': 'open'}, ProjectionExpression='yes'), get('Orders', {'pk': 'none', 'sk': 1})),
         [{'pk': 'pen', 'n': 7}, {'pk': 'order', 'sk': 1, 'lines': [{'what': 'pen', 'n': 3}]}, None, {'yes': True}, None],
         'TransactGetItems, in order')
    response = client.transact_get_items(TransactItems=[get('Stock', {'pk': 'pen'}), get('Stock', {'pk': 'none'})],
                                         ReturnConsumedCapacity='TOTAL')
    same([(c['TableName'], c['CapacityUnits'], c['ReadCapacityUnits']) for c in response['ConsumedCapacity']],
         [('Stock', 4.0, 4.0)], 'its capacity')
    same(response['Responses'][1], {}, 'an item that is not there')


def test_cancellation(client):
    before = {'pk': 'pen', 'n': 7}
    error = raises('TransactionCanceledException', 'a transaction that is cancelled', client.transact_write_items,
                   TransactItems=[
                       put('Orders', {'pk': 'order', 'sk': 2}, **NEW),
                       put('Stock', {'pk': 'pen'}, **NEW),
                       update('Stock', {'pk': 'none'}, 'SET n = :n', ConditionExpression='attribute_exists(pk)',
                              ReturnValuesOnConditionCheckFailure='ALL_OLD', ExpressionAttributeValues={':n': {'N': '1'}}),
                       delete('Stock', {'pk': 'open'}, ConditionExpression='attribute_not_exists(yes)')],
                   message='Transaction cancelled, please refer cancellation reasons for specific reasons '
                           '[None, ConditionalCheckFailed, ConditionalCheckFailed, ConditionalCheckFailed]')
    failed = {'Code': 'ConditionalCheckFailed', 'Message': 'The conditional request failed'}
    same(error and error.response['CancellationReasons'],
         [{'Code': 'None'}, {**failed, 'Item': typed(before)}, failed, failed], 'CancellationReasons in order')
    same(read(client, get('Orders', {'pk': 'order', 'sk': 2}), get('Stock', {'pk': 'pen'})), [None, before],
         'it leaves nothing')
    error = raises('TransactionCanceledException', 'an error that only the item shows', client.transact_write_items,
                   TransactItems=[put('Stock', {'pk': 'pen'}, **NEW),
                                  update('Stock', {'pk': 'open'}, 'SET yes = yes + :one',
                                         ExpressionAttributeValues={':one': {'N': '1'}})])
    same(codes(error), ['None', 'ValidationError'], 'its code')
    error = raises('TransactionCanceledException', 'a wrong key', client.transact_write_items,
                   TransactItems=[put('Orders', {'pk': 'order'}), put('Stock', {'pk': 'pen'}, **NEW)])
    same(codes(error), ['ValidationError', 'None'], 'its code')
    same(error and error.response['CancellationReasons'][0].get('Message'),
         'One or more parameter values were invalid: Missing the key sk in the item', 'its message')
    error = raises('TransactionCanceledException', 'TransactGetItems with a wrong key', client.transact_get_items,
                   TransactItems=[get('Stock', {'pk': 'pen'}), get('Orders', {'pk': 'order'})])
    same(codes(error), ['None', 'ValidationError'], 'its code')


def test_transaction_limits(client):
    items = [put('Orders', {'pk': 'many', 'sk': n}) for n in range(101)]
    client.transact_write_items(TransactItems=items[:100])
    same(client.query(TableName='Orders', KeyConditionExpression='pk = :m', Select='COUNT',
                      ExpressionAttributeValues={':m': {'S': 'many'}})['Count'], 100, '100 elements')
    gets = [get('Orders', {'pk': 'many', 'sk': n}) for n in range(101)]
    same([item['sk'] for item in read(client, *gets[:100])], list(range(100)), '100 gets')
    large = 'x' * 390_000
    for what, message, elements in (
            ('101 elements', 'Member must have length less than or equal to 100', items),
            ('an item twice', 'Transaction request cannot include multiple operations on one item',
             [put('Orders', {'pk': 'twice', 'sk': 1}), check('Orders', {'pk': 'twice', 'sk': Decimal('1.0')},
                                                             'attribute_exists(pk)')]),
            ('more than 4 MB', 'size cannot exceed', [put('Stock', {'pk': f'{n}', 'text': large}) for n in range(11)]),
            ('a wrong expression', 'Invalid ConditionExpression', [check('Stock', {'pk': 'pen'}, 'n ==')])):
        raises('ValidationException', f'TransactWriteItems: {what}', client.transact_write_items, TransactItems=elements,
               message=message)
    raises('ValidationException', 'TransactGetItems: an item twice', client.transact_get_items,
           TransactItems=[get('Stock', {'pk': 'pen'})] * 2,
           message='Transaction request cannot include multiple operations on one item')
    raises('ResourceNotFoundException', 'TransactWriteItems: no such table', client.transact_write_items,
           TransactItems=[put('Stock', {'pk': 'pen'}), put('Nowhere', {'pk': 'pen'})],
           message='Requested resource not found')
    raises('ResourceNotFoundException', 'TransactGetItems: no such table', client.transact_get_items,
           TransactItems=[get('Nowhere', {'pk': 'pen'})])


def test_tokens(client):
    def add(token, n='1', **more):
        return client.transact_write_items(ClientRequestToken=token, **more, TransactItems=[
            update('Stock', {'pk': 'counter'}, 'ADD n :n', ExpressionAttributeValues={':n': {'N': n}}),
            update('Orders', {'pk': 'counter', 'sk': 0}, 'ADD n :n', ExpressionAttributeValues={':n': {'N': n}})])

    def counted():
        return [item['n'] for item in read(client, get('Stock', {'pk': 'counter'}), get('Orders', {'pk': 'counter', 'sk': 0}))]

    first = add('once', ReturnConsumedCapacity='TOTAL')['ConsumedCapacity']
    again = add('once', ReturnConsumedCapacity='TOTAL')['ConsumedCapacity']
    same(counted(), [1, 1], 'a token makes a transaction take place once')
    same([c['WriteCapacityUnits'] for c in first], [2.0, 2.0], 'which consumes write capacity')
    same([c.get('ReadCapacityUnits') for c in again], [2.0, 2.0], 'and read capacity when it is repeated')
    report(not any('WriteCapacityUnits' in c for c in again), 'and no write capacity', again)
    add('twice')
    same(counted(), [2, 2], 'another token, another transaction')
    try:
        add('once', n='2')
        report(False, 'the token of another request', 'no error')
    except client.exceptions.IdempotentParameterMismatchException:
        report(True, 'the token of another request')
    client.put_item(TableName='Stock', Item=typed({'pk': 'other'}))
    cancelled = dict(ClientRequestToken='cancelled', TransactItems=[put('Stock', {'pk': 'other', 'n': 1}, **NEW)])
    raises('TransactionCanceledException', 'a token of a transaction that is cancelled', client.transact_write_items,
           **cancelled)
    client.delete_item(TableName='Stock', Key=typed({'pk': 'other'}))
    client.transact_write_items(**cancelled)
    client.delete_item(TableName='Stock', Key=typed({'pk': 'other'}))
    client.transact_write_items(**cancelled)
    same(read(client, get('Stock', {'pk': 'other'})), [None], 'is free for another try, until that succeeds')


def test_conflicts(client):
    """Somebody else holds an item for longer than the server waits."""
    create(client, 'Retry', ['pk S'])
    client.put_item(TableName='Retry', Item=typed({'pk': 'a', 'n': 1}))
    say_and_wait('lock')
    error = raises('TransactionCanceledException', 'a conflict', client.transact_write_items, TransactItems=[
        put('Stock', {'pk': 'conflict'}), update('Retry', {'pk': 'a'}, 'ADD n :n', ExpressionAttributeValues={':n': {'N': '1'}})])
    same(error and error.response['CancellationReasons'],
         [{'Code': 'None'}, {'Code': 'TransactionConflict', 'Message': 'Transaction is ongoing for the item'}],
         'its reasons')
    raises('TransactionConflictException', 'a single write', client.put_item, TableName='Retry', Item=typed({'pk': 'a'}),
           message='Transaction is ongoing for the item')
    same(read(client, get('Retry', {'pk': 'a'}), get('Stock', {'pk': 'conflict'})), [{'pk': 'a', 'n': 1}, None],
         'TransactGetItems reads what was there before')
    drop(connect(PATIENT), 'Retry')


def test_transaction_resource():
    resource = boto3.resource('dynamodb', **options())
    client = resource.meta.client
    client.transact_write_items(TransactItems=[
        {'Put': {'TableName': 'Stock', 'Item': {'pk': 'python', 'price': Decimal('1.5'), 'set': {'a', 'b'}}}},
        {'Update': {'TableName': 'Orders', 'Key': {'pk': 'python', 'sk': 1}, 'UpdateExpression': 'SET n = :n',
                    'ExpressionAttributeValues': {':n': [1, None]}}}])
    found = client.transact_get_items(TransactItems=[
        {'Get': {'TableName': 'Stock', 'Key': {'pk': 'python'}}}, {'Get': {'TableName': 'Orders', 'Key': {'pk': 'python', 'sk': 1}}}])
    same([response['Item'] for response in found['Responses']],
         [{'pk': 'python', 'price': Decimal('1.5'), 'set': {'a', 'b'}}, {'pk': 'python', 'sk': 1, 'n': [1, None]}],
         'Python values through a transaction')
    table = resource.Table('Stock')
    same(table.scan(FilterExpression=Attr('price').eq(Decimal('1.5')) & Attr('set').contains('a'))['Count'], 1,
         'and found by a filter')


# ---- a bank ----

ACCOUNTS = 8
BALANCE = 100


def account(number):
    """Accounts are in two tables."""
    return ('Savings', {'pk': f'account {number}'}) if number % 2 else ('Current', {'pk': f'account {number}', 'sk': 0})


def transfer(client, number, chance):
    """Move an amount, with a receipt; False if there is not enough."""
    source, target = chance.sample(range(ACCOUNTS), 2)
    amount = chance.randint(1, 60)
    values = {'ExpressionAttributeValues': {':n': value(amount)}}
    try:
        client.transact_write_items(TransactItems=[
            update(*account(source), 'SET n = n - :n', ConditionExpression='n >= :n', **values),
            update(*account(target), 'SET n = n + :n', **values),
            put('Receipts', {'pk': number, 'amount': amount}, ConditionExpression='attribute_not_exists(pk)')])
        return True
    except client.exceptions.TransactionCanceledException as error:
        if set(codes(error)) - {'None', 'ConditionalCheckFailed', 'TransactionConflict'}:
            raise
        return False


def test_bank(client):
    create(client, 'Current', ['pk S', 'sk N'])
    create(client, 'Savings', ['pk S'])
    create(client, 'Receipts', ['pk S'])
    client.transact_write_items(TransactItems=[
        put(account(n)[0], {**account(n)[1], 'n': BALANCE}) for n in range(ACCOUNTS)])
    until = time.monotonic() + BANK_SECONDS
    everything = [get(*account(n)) for n in range(ACCOUNTS)]

    def teller(number):
        chance = random.Random(number)
        done = tries = 0
        while time.monotonic() < until:
            done += transfer(client, f'{number} {tries}', chance)
            tries += 1
        return done

    def auditor(_):
        totals, states = set(), set()
        while time.monotonic() < until:
            balances = [item['n'] for item in read(client, *everything)]
            totals.add(sum(balances))
            states.add(tuple(balances))
            if min(balances) < 0:
                totals.add('negative')
        return totals, states

    with ThreadPoolExecutor(THREADS) as tellers, ThreadPoolExecutor(3) as auditors:
        done = tellers.map(teller, range(THREADS))
        seen = list(auditors.map(auditor, range(3)))
        done = list(done)
    same(set.union(*(totals for totals, _ in seen)), {ACCOUNTS * BALANCE}, 'bank: auditors always see the same total')
    report(all(len(states) > 10 for _, states in seen), 'bank: in many states', [len(states) for _, states in seen])
    report(min(done) > 0, 'bank: every teller moved something', done)
    pages = client.get_paginator('scan').paginate(TableName='Receipts')
    same(sum(len(page['Items']) for page in pages), sum(done), 'bank: there is a receipt for each transfer, and no other')
    for name in 'Current', 'Savings', 'Receipts':
        drop(client, name)


# ---- PartiQL ----

def statement(text, *parameters, **more):
    return {'Statement': text, **({'Parameters': list(map(value, parameters))} if parameters else {}), **more}


def select(client, text, *parameters, **more):
    """All items of a statement, in pages if there is a Limit, and how many."""
    found, token, pages = [], {}, 0
    while True:
        page = client.execute_statement(**statement(text, *parameters, **more), **token)
        found += map(plain, page['Items'])
        pages += 1
        if 'NextToken' not in page:
            return found, pages
        token = {'NextToken': page['NextToken']}


def test_statements(client):
    client.create_table(
        TableName='Music', BillingMode='PAY_PER_REQUEST',
        KeySchema=[{'AttributeName': 'artist', 'KeyType': 'HASH'}, {'AttributeName': 'song', 'KeyType': 'RANGE'}],
        AttributeDefinitions=[{'AttributeName': 'artist', 'AttributeType': 'S'}, {'AttributeName': 'song', 'AttributeType': 'S'},
                              {'AttributeName': 'year', 'AttributeType': 'N'}],
        GlobalSecondaryIndexes=[{'IndexName': 'by-year', 'Projection': {'ProjectionType': 'ALL'},
                                 'KeySchema': [{'AttributeName': 'year', 'KeyType': 'HASH'},
                                               {'AttributeName': 'song', 'KeyType': 'RANGE'}]}])
    client.get_waiter('table_exists').wait(TableName='Music', WaiterConfig={'Delay': 1})
    test_write_statements(client)
    test_select_statements(client)
    test_batch_statements(client)
    test_transact_statements(client)
    drop(client, 'Music')


def test_write_statements(client):
    item = {'artist': 'a', 'song': 'types', 'n': Decimal('1E+20'), 'b': Binary(b'\x00\xff'), 'bs': {Binary(b'x')},
            'ss': {'p', 'q'}, 'ns': {1, Decimal('2.5')}, 'l': [1, 'two', None], 'm': {'k': {'d': [True]}}, "it's": '?'}
    same(client.execute_statement(**statement('INSERT INTO "Music" VALUE ' +
                                              '{' + ', '.join("'%s': ?" % name.replace("'", "''") for name in item) + '}',
                                              *item.values()))['Items'], [], 'INSERT of every type, by parameters')
    by_key = ''' WHERE artist = 'a' AND song = 'types' '''
    found, _ = select(client, 'SELECT * FROM Music' + by_key)
    same([comparable(typed(got)) for got in found], [comparable(typed(item))], 'SELECT gives it back')
    client.execute_statement(**statement(
        '''INSERT INTO Music VALUE {'artist': 'a', 'song': 'literals', 'year': 1999, 's': 'it''s', 'l': [1, {'x': null}],
           'ns': <<1, 2>>, 'ss': <<'a'>>, 't': true}'''))
    same(select(client, '''SELECT * FROM Music WHERE artist = 'a' AND song = 'literals' ''')[0],
         [{'artist': 'a', 'song': 'literals', 'year': 1999, 's': "it's", 'l': [1, {'x': None}], 'ns': {1, 2}, 'ss': {'a'},
           't': True}], 'INSERT of literals')
    raises('DuplicateItemException', 'INSERT of an item that is there', client.execute_statement,
           **statement('''INSERT INTO Music VALUE {'artist': 'a', 'song': 'types'}'''))
    found, _ = select(client, '''UPDATE Music SET n = n + 1 SET l = list_append(l, ?), ns = set_add(ns, <<7>>)
                                 REMOVE b SET ss = set_delete(ss, <<'p'>>), m.k.d[0] = ?''' + by_key + 'RETURNING ALL NEW *',
                      [3], 'deep')
    same([{name: got[name] for name in ('n', 'l', 'ns', 'ss', 'm')} for got in found],
         [{'n': Decimal('100000000000000000001'), 'l': [1, 'two', None, 3], 'ns': {1, Decimal('2.5'), 7}, 'ss': {'q'},
           'm': {'k': {'d': ['deep']}}}], 'UPDATE')
    report(found and 'b' not in found[0], 'and what it removed', found)
    for returning, expected in {'ALL OLD': 1, 'MODIFIED OLD': 2, 'MODIFIED NEW': 4}.items():
        client.execute_statement(**statement('UPDATE Music SET c = 1' + by_key)) if returning == 'ALL OLD' else None
        found, _ = select(client, 'UPDATE Music SET c = c + 1' + by_key + f'RETURNING {returning} *')
        same([got['c'] for got in found], [expected], f'RETURNING {returning}')
        report(('n' in found[0]) == (returning == 'ALL OLD'), 'and its extent', found)
    raises('ConditionalCheckFailedException', 'a condition of UPDATE', client.execute_statement,
           **statement('UPDATE Music SET c = 0' + by_key + 'AND c > ?', 100))
    raises('ConditionalCheckFailedException', 'UPDATE of nothing', client.execute_statement,
           **statement('''UPDATE Music SET c = 0 WHERE artist = 'no' AND song = 'no' '''))
    found, _ = select(client, 'DELETE FROM Music' + by_key + 'RETURNING ALL OLD *')
    same([got['c'] for got in found], [4], 'DELETE RETURNING')
    for what, text, message in (
            ('a syntax error', 'SELEC * FROM Music', "Statement wasn't well formed, can't be processed"),
            ('parameters', 'SELECT * FROM Music WHERE artist = ?', 'Number of parameters in request and statement don\'t match'),
            ('UPDATE without key', '''UPDATE Music SET c = 1 WHERE artist = 'a' ''',
             'Where clause does not contain a mandatory equality on all key attributes')):
        raises('ValidationException', f'{what}', client.execute_statement, Statement=text, message=message)
    raises('ResourceNotFoundException', 'no such table', client.execute_statement, Statement='SELECT * FROM "Nowhere"')


SONGS = [{'artist': f'artist {n % 3}', 'song': f'song {n:02}', 'year': 1990 + n % 5, 'n': n,
          **({'tags': {'x', f't{n % 4}'}} if n % 2 else {})} for n in range(40)]


def test_select_statements(client):
    for song in SONGS:
        client.put_item(TableName='Music', Item=typed(song))

    def those(where, order=lambda song: song['song']):
        return sorted(filter(where, SONGS), key=order)

    first = lambda song: song['artist'] == 'artist 1'
    for what, text, parameters, expected in (
            ('a partition', 'artist = ?', ['artist 1'], those(first)),
            ('a range', "artist = ? AND song >= ? AND n <> 22", ['artist 1', 'song 10'],
             those(lambda s: first(s) and s['song'] >= 'song 10' and s['n'] != 22)),
            ('BETWEEN', 'artist = ? AND song BETWEEN ? AND ?', ['artist 1', 'song 10', 'song 20'],
             those(lambda s: first(s) and 'song 10' <= s['song'] <= 'song 20')),
            ('begins_with', "artist = ? AND begins_with(song, 'song 1')", ['artist 1'],
             those(lambda s: first(s) and s['song'].startswith('song 1'))),
            ('contains, size', "artist = ? AND contains(tags, 'x') AND size(tags) = 2", ['artist 1'],
             those(lambda s: first(s) and s['n'] % 2)),
            ('IS MISSING', "artist = ? AND tags IS MISSING", ['artist 1'], those(lambda s: first(s) and not s['n'] % 2)),
            ('attribute_type, NOT', "artist = ? AND attribute_type(tags, 'SS') AND NOT n > 20", ['artist 1'],
             those(lambda s: first(s) and s['n'] % 2 and s['n'] <= 20)),
            ('IN', "artist = ? AND n IN [1, 4, 5]", ['artist 1'], those(lambda s: s['n'] in (1, 4)))):
        found, _ = select(client, 'SELECT * FROM Music WHERE ' + text, *parameters)
        same(sorted(found, key=lambda song: song['song']), expected, f'SELECT: {what}')
        found, pages = select(client, 'SELECT * FROM Music WHERE ' + text, *parameters, Limit=3)
        same(sorted(found, key=lambda song: song['song']), expected, f'SELECT: {what}, in pages')
        report(pages > len(expected) // 3, f'SELECT: {what}: NextToken', pages)

    found, _ = select(client, "SELECT * FROM Music WHERE artist = 'artist 2' ORDER BY song DESC", Limit=4)
    same(found, those(lambda s: s['artist'] == 'artist 2')[::-1], 'ORDER BY, in pages')
    found, _ = select(client, '''SELECT song, n FROM "Music"."by-year" WHERE "year" = ? AND song > ?''', 1991, 'song 10', Limit=2)
    same(found, [{'song': s['song'], 'n': s['n']} for s in those(lambda s: s['year'] == 1991 and s['song'] > 'song 10')],
         'an index, with a projection')
    found, _ = select(client, "SELECT n FROM Music WHERE artist IN ['artist 0', 'artist 2'] AND n < 10")
    same(sorted(got['n'] for got in found), [n for n in range(10) if n % 3 != 1], 'several partitions')
    found, pages = select(client, 'SELECT * FROM Music WHERE n > ?', 30, Limit=7, ConsistentRead=True)
    same(sorted(got['n'] for got in found), list(range(31, 40)), 'a scan')
    report(pages > 5, 'in pages of what it looks at', pages)
    first = client.execute_statement(Statement='SELECT * FROM Music', Limit=2)
    raises('ValidationException', 'NextToken of another statement', client.execute_statement,
           Statement='SELECT n FROM Music', Limit=2, NextToken=first['NextToken'])
    raises('ValidationException', 'NextToken of nobody', client.execute_statement, Statement='SELECT * FROM Music',
           NextToken='nonsense')
    capacity = client.execute_statement(Statement="SELECT * FROM Music WHERE artist = 'artist 1'",
                                        ReturnConsumedCapacity='TOTAL')['ConsumedCapacity']
    same((capacity['TableName'], capacity['CapacityUnits']), ('Music', 0.5), 'its capacity')


BY_KEY = ' WHERE artist = ? AND song = ?'


def test_batch_statements(client):
    response = client.batch_execute_statement(Statements=[
        statement('SELECT * FROM Music' + BY_KEY, 'artist 0', 'song 03'), statement('SELECT * FROM Music' + BY_KEY, 'no', 'no'),
        statement('SELECT n FROM Music' + BY_KEY, 'artist 1', 'song 04', ConsistentRead=True),
        statement('SELECT * FROM Nowhere' + BY_KEY, 'no', 'no')])
    same([plain(member.get('Item', {})) for member in response['Responses'][:3]], [SONGS[3], {}, {'n': 4}],
         'BatchExecuteStatement')
    same([member.get('TableName') for member in response['Responses'][:3]], ['Music'] * 3, 'its tables')
    same(response['Responses'][3]['Error']['Code'], 'ResourceNotFound', 'an error of one')
    response = client.batch_execute_statement(Statements=[
        statement("INSERT INTO Music VALUE {'artist': 'batch', 'song': '1', 'n': 1}"),
        statement("INSERT INTO Music VALUE {'artist': 'artist 0', 'song': 'song 00'}"),
        statement("UPDATE Music SET n = n + 1" + BY_KEY + ' AND n < 0', 'artist 0', 'song 03'),
        statement("DELETE FROM Music" + BY_KEY, 'artist 0', 'song 06'),
        statement("UPDATE Music SET n = 1 WHERE artist = 'artist 0'")])
    same([member.get('Error', {}).get('Code') for member in response['Responses']],
         [None, 'DuplicateItem', 'ConditionalCheckFailed', None, 'ValidationError'], 'each member has its own error')
    found = client.batch_execute_statement(Statements=[
        statement('SELECT n FROM Music' + BY_KEY, 'batch', '1'), statement('SELECT n FROM Music' + BY_KEY, 'artist 0', 'song 06')])
    same(['Item' in member for member in found['Responses']], [True, False], 'the others are done')
    raises('ValidationException', 'reads and writes in one batch', client.batch_execute_statement, Statements=[
        statement('SELECT * FROM Music' + BY_KEY, 'a', 'b'), statement('DELETE FROM Music' + BY_KEY, 'c', 'd')])


def test_transact_statements(client):
    exists = 'EXISTS(SELECT * FROM Music WHERE artist = ? AND song = ? AND n = ?)'
    response = client.execute_transaction(ReturnConsumedCapacity='TOTAL', TransactStatements=[
        statement("INSERT INTO Music VALUE {'artist': 'tx', 'song': '1', 'n': 1}"),
        statement('UPDATE Music SET n = n + ?' + BY_KEY, 100, 'artist 0', 'song 03'),
        statement('DELETE FROM Music' + BY_KEY, 'artist 0', 'song 09'),
        statement(exists, 'artist 1', 'song 04', 4)])
    same(response['Responses'], [{}, {}, {}, {}], 'ExecuteTransaction of writes')
    same([c['CapacityUnits'] for c in response['ConsumedCapacity']], [12.0], 'its capacity, that of the index too')
    reads = [statement('SELECT * FROM Music' + BY_KEY, *key)
             for key in (('tx', '1'), ('artist 0', 'song 03'), ('artist 0', 'song 09'))]
    response = client.execute_transaction(TransactStatements=reads)
    same([plain(member['Item']) if 'Item' in member else None for member in response['Responses']],
         [{'artist': 'tx', 'song': '1', 'n': 1}, {**SONGS[3], 'n': 103}, None], 'ExecuteTransaction of reads')
    error = raises('TransactionCanceledException', 'a transaction of statements that is cancelled', client.execute_transaction,
                   TransactStatements=[
                       statement("INSERT INTO Music VALUE {'artist': 'tx', 'song': '2'}"),
                       statement("INSERT INTO Music VALUE {'artist': 'tx', 'song': '1'}"),
                       statement(exists, 'artist 1', 'song 04', 5),
                       statement('UPDATE Music SET n = 0' + BY_KEY + ' AND n = 1', 'artist 0', 'song 03')])
    same(codes(error), ['None', 'DuplicateItem', 'ConditionalCheckFailed', 'ConditionalCheckFailed'], 'its reasons')
    same(select(client, "SELECT * FROM Music WHERE artist = 'tx' AND song = '2'")[0], [], 'it leaves nothing')
    add = dict(ClientRequestToken='statements', TransactStatements=[
        statement('UPDATE Music SET n = n + 1' + BY_KEY, 'tx', '1')])
    client.execute_transaction(**add)
    client.execute_transaction(**add)
    same(select(client, "SELECT n FROM Music WHERE artist = 'tx' AND song = '1'")[0], [{'n': 2}],
         'a token makes it take place once')
    raises('IdempotentParameterMismatchException', 'the token of other statements', client.execute_transaction,
           ClientRequestToken='statements',
           TransactStatements=[statement('UPDATE Music SET n = n + 2' + BY_KEY, 'tx', '1')])
    raises('ValidationException', 'an item twice', client.execute_transaction, TransactStatements=[
        statement('UPDATE Music SET n = n + 1' + BY_KEY, 'tx', '1'), statement('DELETE FROM Music' + BY_KEY, 'tx', '1')],
           message='Transaction request cannot include multiple operations on one item')


TESTS = {'batches': test_batches, 'legacy': test_legacy, 'transactions': test_transactions, 'bank': test_bank,
         'statements': test_statements}


if __name__ == '__main__':
    try:
        TESTS[sys.argv[1]](connect(PATIENT if sys.argv[1] == 'bank' else None))
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    print('end')
