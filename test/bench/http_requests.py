#!/usr/bin/env python3
"""Signed requests of the benchmark over HTTP.

    http_requests.py ENDPOINT make DIRECTORY OPERATION COUNT ITEMS
    http_requests.py ENDPOINT load ITEMS
    http_requests.py ENDPOINT check ITEMS

ENDPOINT is host:port.  The key, its secret and the region come from
AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION.  "make" writes
DIRECTORY/OPERATION for http.lua; signatures are good for about 15 minutes.
"load" creates the table and fills it through BatchWriteItem.  "check" asks for
what the benchmark will ask for, compares the answers with the items, and says
whether the server verifies signatures.

Table and items are those of setup.sql.
"""

import hashlib
import hmac
import http.client
import json
import os
import random
import sys
import time

TABLE = 'bench'
BATCH = 25
HERE = os.path.dirname(os.path.abspath(__file__))
SIGNED_HEADERS = 'content-type;host;x-amz-date;x-amz-target'
CONTENT_TYPE = 'application/x-amz-json-1.0'


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Signer:
    """Signature Version 4, for one endpoint and the time of its making."""

    def __init__(self, endpoint, secret=None):
        region = os.environ['AWS_REGION']
        self.endpoint = endpoint
        self.key_id = os.environ['AWS_ACCESS_KEY_ID']
        self.time = time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())
        self.scope = f'{self.time[:8]}/{region}/dynamodb/aws4_request'
        self.key = ('AWS4' + (secret or os.environ['AWS_SECRET_ACCESS_KEY'])).encode()
        for part in self.scope.split('/'):
            self.key = mac(self.key, part)

    def headers(self, operation, body):
        target = f'DynamoDB_20120810.{operation}'
        canonical = (
            f'POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{self.endpoint}\n'
            f'x-amz-date:{self.time}\nx-amz-target:{target}\n\n{SIGNED_HEADERS}\n'
            f'{hashlib.sha256(body).hexdigest()}')
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        signature = mac(self.key, f'AWS4-HMAC-SHA256\n{self.time}\n{self.scope}\n{digest}')
        return {
            'Host': self.endpoint,
            'Accept-Encoding': 'identity',
            'Content-Type': CONTENT_TYPE,
            'X-Amz-Target': target,
            'X-Amz-Date': self.time,
            'Authorization': f'AWS4-HMAC-SHA256 Credential={self.key_id}/{self.scope}, '
                             f'SignedHeaders={SIGNED_HEADERS}, Signature={signature.hex()}',
            'Content-Length': str(len(body)),
        }

    def message(self, operation, request):
        body = encode(request)
        headers = self.headers(operation, body)
        lines = ''.join(f'{name}: {value}\r\n' for name, value in headers.items())
        return f'POST / HTTP/1.1\r\n{lines}\r\n'.encode() + body


def encode(request):
    return json.dumps(request, separators=(',', ':')).encode()


# ---- the items: 100 in each partition, as setup.sql numbers them ----

with open(os.path.join(HERE, 'item.json'), encoding='utf-8') as template_file:
    TEMPLATE = template_file.read()


def make_item(partition, number, rating, shelf):
    text = TEMPLATE
    for position, value in enumerate((partition, number, rating, shelf), 1):
        text = text.replace(f'%{position}$s', str(value))
    return json.loads(text)


def loaded_item(partition, number):
    return make_item(partition, number, (partition + number) % 10,
                     (partition * 31 + number) % 100)


def make_key(partition, number):
    return {'pk': {'S': f'part-{partition}'}, 'sk': {'S': f'item-{number}'}}


# ---- the operations, each of a random partition and item ----

def get_item(partition, number):
    return {'TableName': TABLE, 'Key': make_key(partition, number)}


def put_item(partition, number):
    return {'TableName': TABLE,
            'Item': make_item(partition, number, random.randrange(10), random.randrange(100))}


def update_item(partition, number):
    return {'TableName': TABLE, 'Key': make_key(partition, number),
            'UpdateExpression': 'SET rating = :r ADD votes :one',
            'ConditionExpression': 'attribute_exists(pk) AND rating < :max',
            'ExpressionAttributeValues': {
                ':r': {'N': str(random.randrange(10))},
                ':one': {'N': '1'}, ':max': {'N': '11'}}}


def query(partition, number):
    """Ten items: those numbered from 110, 120, ... 190."""
    return {'TableName': TABLE,
            'KeyConditionExpression': 'pk = :p AND begins_with(sk, :s)',
            'ExpressionAttributeValues': {
                ':p': {'S': f'part-{partition}'},
                ':s': {'S': f'item-{11 + number % 9}'}}}


OPERATIONS = {'GetItem': get_item, 'Query': query, 'PutItem': put_item,
              'UpdateItem': update_item}


def random_place(partitions):
    return random.randint(1001, 1000 + partitions), random.randint(101, 200)


def make(endpoint, directory, operation, count, items):
    signer = Signer(endpoint)
    build = OPERATIONS[operation]
    with open(os.path.join(directory, operation), 'wb') as out:
        for _ in range(count):
            message = signer.message(operation, build(*random_place(items // 100)))
            out.write(b'%d\n%s' % (len(message), message))


# ---- asking a server, one request after the other ----

class Client:
    def __init__(self, endpoint):
        self.connection = http.client.HTTPConnection(endpoint, timeout=60)
        self.endpoint = endpoint
        self.signer = Signer(endpoint)

    def send(self, operation, request, signer=None):
        body = encode(request)
        headers = (signer or self.signer).headers(operation, body)
        self.connection.request('POST', '/', body, headers)
        response = self.connection.getresponse()
        return response.status, response.read()

    def call(self, operation, request):
        status, body = self.send(operation, request)
        if status != 200:
            sys.exit(f'{self.endpoint}: {operation}: {status} {body.decode()}')
        return json.loads(body)


def wait_until_active(client):
    for _ in range(300):
        table = client.call('DescribeTable', {'TableName': TABLE})['Table']
        if table['TableStatus'] == 'ACTIVE':
            return
        time.sleep(0.1)
    sys.exit(f'{client.endpoint}: the table does not become active')


def load(endpoint, items):
    client = Client(endpoint)
    client.call('CreateTable', {
        'TableName': TABLE,
        'AttributeDefinitions': [
            {'AttributeName': 'pk', 'AttributeType': 'S'},
            {'AttributeName': 'sk', 'AttributeType': 'S'}],
        'KeySchema': [
            {'AttributeName': 'pk', 'KeyType': 'HASH'},
            {'AttributeName': 'sk', 'KeyType': 'RANGE'}],
        'BillingMode': 'PAY_PER_REQUEST'})
    wait_until_active(client)
    for partition in range(1001, 1001 + items // 100):
        client.signer = Signer(endpoint)
        for first in range(101, 201, BATCH):
            writes = {TABLE: [{'PutRequest': {'Item': loaded_item(partition, number)}}
                              for number in range(first, first + BATCH)]}
            while writes:
                answer = client.call('BatchWriteItem', {'RequestItems': writes})
                writes = answer.get('UnprocessedItems')


def check(endpoint, items):
    client = Client(endpoint)
    partitions = items // 100
    for partition in sorted({1001, 1000 + partitions, 1000 + (partitions + 1) // 2}):
        found = client.call('Query', {
            'TableName': TABLE, 'KeyConditionExpression': 'pk = :p',
            'ExpressionAttributeValues': {':p': {'S': f'part-{partition}'}}})
        wanted = [loaded_item(partition, number) for number in range(101, 201)]
        if found['Items'] != wanted:
            sys.exit(f'{endpoint}: partition {partition} holds other items')
        ten = client.call('Query', query(partition, 104))
        if ten['Items'] != wanted[59:69]:
            sys.exit(f'{endpoint}: Query returned {ten["Count"]} items')
        got = client.call('GetItem', get_item(partition, 150))
        if got.get('Item') != wanted[49]:
            sys.exit(f'{endpoint}: GetItem returned another item')
        client.call('UpdateItem', update_item(partition, 150))
        changed = client.call('GetItem', get_item(partition, 150))['Item']
        if changed['votes'] != {'N': str(int(wanted[49]['votes']['N']) + 1)}:
            sys.exit(f'{endpoint}: UpdateItem did not count')
        client.call('PutItem', {'TableName': TABLE, 'Item': wanted[49]})
    forged, _ = client.send('GetItem', get_item(1001, 150), Signer(endpoint, 'wrong'))
    print('no' if forged == 200 else 'yes')


def main(arguments):
    commands = {'make': make, 'load': load, 'check': check}
    endpoint, command, *rest = arguments
    commands[command](endpoint, *(int(word) if word.isdigit() else word for word in rest))


if __name__ == '__main__':
    main(sys.argv[1:])
