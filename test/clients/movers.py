"""Clients that move a few items between index keys: movers.py TABLE SECONDS

Reports on standard output, as PgDynamoHttp.pm says.
"""

import random
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from botocore.config import Config

from clients import THREADS, connect, raises, report

OTHER_KEYS = 'g', 'h', 'c'


def attributes():
    """What an item may have beside its key; some indexes lack some of them."""
    item = {'v': {'S': 'x' * random.choice((1, 100, 3000))}}
    if random.random() < 0.8:
        item['g'] = {'S': random.choice('abc')}
    if random.random() < 0.7:
        item['h'] = {'N': str(random.randrange(3))}
    if random.random() < 0.5:
        item['c'] = {'B': bytes([random.randrange(3)])}
    return item


def change(client, table):
    key = {'pk': {'S': f'p{random.randrange(3)}'}, 'sk': {'N': str(random.randrange(4))}}
    choice = random.randrange(4)
    if choice == 0:
        client.put_item(TableName=table, Item={**key, **attributes()})
    elif choice == 1:
        client.delete_item(TableName=table, Key=key)
    elif choice == 2:
        client.update_item(TableName=table, Key=key, UpdateExpression='SET g = :g REMOVE h',
                           ExpressionAttributeValues={':g': {'S': random.choice('abc')}})
    else:
        client.update_item(TableName=table, Key=key, UpdateExpression='REMOVE ' + random.choice(OTHER_KEYS))


def read(client, table):
    """A page of an index shows an item once."""
    items = client.query(TableName=table, IndexName='byG', KeyConditionExpression='g = :g',
                         ExpressionAttributeValues={':g': {'S': random.choice('abc')}})['Items']
    keys = [(item['pk']['S'], item['sk']['N']) for item in items]
    if len(keys) != len(set(keys)):
        raise AssertionError(f'a page shows {sorted(keys)}')


def work(client, table, until):
    count = 0
    while time.monotonic() < until:
        for _ in range(4):
            change(client, table)
        read(client, table)
        count += 1
    return count


def main(table, seconds):
    client = connect(Config(retries={'max_attempts': 20, 'mode': 'standard'}))
    until = time.monotonic() + float(seconds)
    with ThreadPoolExecutor(THREADS) as pool:
        rounds = list(pool.map(lambda _: work(client, table, until), range(THREADS)))
    report(min(rounds) > 0, f'{table}: all clients got on', rounds)
    raises('ValidationException', f'{table}: an index key of the wrong type', client.put_item, TableName=table,
           Item={'pk': {'S': 'p0'}, 'sk': {'N': '0'}, 'h': {'S': 'x'}}, message='Type mismatch for Index Key h')


if __name__ == '__main__':
    try:
        main(*sys.argv[1:])
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    print('end')
