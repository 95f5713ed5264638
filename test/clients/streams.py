"""Consumers of streams, with Python's SDK: streams.py api | rebuild

"api" calls the four operations.  "rebuild" writes in many ways while the server
and its stream worker are killed, which it announces as "server" and "worker";
then it reads all shards, parents before children, and makes a table of the
records: they are the table's, each change once.  PGHOST and PGPORT are where
SQL is spoken.

Reports on standard output, as PgDynamoHttp.pm says; ENDPOINT is the address.
"""

import os
import random
import subprocess
import sys
import threading
import time
import traceback

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from clients import connect, create, drop, options, raises, report, same

SECONDS = 12
WRITERS = 4
KEYS = 30
PATIENCE = 60
PATIENT = Config(retries={'max_attempts': 20, 'mode': 'standard'})
ONCE = Config(retries={'total_max_attempts': 1}, read_timeout=10)
BOTH = {'StreamEnabled': True, 'StreamViewType': 'NEW_AND_OLD_IMAGES'}


def connect_streams():
    return boto3.client('dynamodbstreams', **options(PATIENT))


# ---- reading ----

def shards_of(streams, arn):
    """All shards, in pages."""
    shards = []
    more = {}
    while True:
        page = streams.describe_stream(StreamArn=arn, Limit=3, **more)['StreamDescription']
        shards += page['Shards']
        if 'LastEvaluatedShardId' not in page:
            return shards
        more = {'ExclusiveStartShardId': page['LastEvaluatedShardId']}


def read_shard(streams, arn, shard, limit=100, kind='TRIM_HORIZON'):
    """Records up to the shard's end."""
    records = []
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard['ShardId'],
                                          ShardIteratorType=kind)['ShardIterator']
    until = time.monotonic() + PATIENCE
    while iterator and time.monotonic() < until:
        page = streams.get_records(ShardIterator=iterator, Limit=limit)
        records += page['Records']
        iterator = page.get('NextShardIterator')
        if iterator and not page['Records']:
            time.sleep(0.02)
    if iterator:
        raise TimeoutError(f'shard {shard["ShardId"]} does not end')
    return records


def read_stream(streams, arn):
    """Records of all shards by ShardId, parents before their children."""
    result = {}
    waiting = {shard['ShardId']: shard for shard in shards_of(streams, arn)}
    while waiting:
        ready = [shard for shard in waiting.values() if shard.get('ParentShardId') not in waiting]
        for shard in ready:
            result[shard['ShardId']] = read_shard(streams, arn, shard)
            del waiting[shard['ShardId']]
        for shard in shards_of(streams, arn):
            if shard['ShardId'] not in result:
                waiting[shard['ShardId']] = shard
    return result


def number(record):
    return int(record['dynamodb']['SequenceNumber'])


def key_text(key):
    return repr(sorted(key.items()))


# ---- rebuild ----

def random_item(rnd):
    item = {'pk': {'S': f'k{rnd.randrange(KEYS)}'}, 'v': {'N': str(rnd.randrange(10 ** 6))}}
    if rnd.random() < 0.1:
        item['big'] = {'S': rnd.choice('abc') * rnd.randrange(5000, 60000)}
    return item


def write_http(client, rnd):
    """One random change."""
    item = random_item(rnd)
    key = {'pk': item['pk']}
    kind = rnd.randrange(7)
    if kind < 2:
        client.put_item(TableName='Source', Item=item)
    elif kind < 4:
        client.update_item(TableName='Source', Key=key, UpdateExpression='SET v = :v ADD n :one',
                           ExpressionAttributeValues={':v': item['v'], ':one': {'N': '1'}})
    elif kind == 4:
        client.delete_item(TableName='Source', Key=key)
    elif kind == 5:
        keys = rnd.sample(range(KEYS), 4)
        client.transact_write_items(TransactItems=[
            {'Put': {'TableName': 'Source', 'Item': {'pk': {'S': f'k{keys[0]}'}, 't': item['v']}}},
            {'Update': {'TableName': 'Source', 'Key': {'pk': {'S': f'k{keys[1]}'}},
                        'UpdateExpression': 'SET t = :v', 'ExpressionAttributeValues': {':v': item['v']}}},
            {'Delete': {'TableName': 'Source', 'Key': {'pk': {'S': f'k{keys[2]}'}}}},
            {'ConditionCheck': {'TableName': 'Source', 'Key': {'pk': {'S': f'k{keys[3]}'}},
                                'ConditionExpression': 'attribute_exists(pk)'}}])
    else:
        keys = rnd.sample(range(KEYS), 8)
        client.batch_write_item(RequestItems={'Source': [
            {'PutRequest': {'Item': {'pk': {'S': f'k{k}'}, 'b': item['v']}}} for k in keys[:5]] + [
            {'DeleteRequest': {'Key': {'pk': {'S': f'k{k}'}}}} for k in keys[5:]]})


def http_writer(seed, stop):
    rnd = random.Random(seed)
    client = connect(ONCE)
    while not stop.is_set():
        try:
            write_http(client, rnd)
        except (BotoCoreError, ClientError):
            pass


def sql_statement(rnd):
    n = rnd.randrange(KEYS)
    v = rnd.randrange(10 ** 6)
    return rnd.choice([
        f"""SELECT dynamo.put_item('{{"TableName":"Source","Item":{{"pk":{{"S":"k{n}"}},"s":{{"N":"{v}"}}}}}}');""",
        f"""INSERT INTO dynamo_tables."Source" (item) VALUES ('{{"pk":{{"S":"k{n}"}},"i":{{"N":"{v}"}}}}')
            ON CONFLICT (pk) DO UPDATE SET item = EXCLUDED.item;""",
        f"""UPDATE dynamo_tables."Source" SET item = item || '{{"u":{{"N":"{v}"}}}}' WHERE pk = 'k{n}';""",
        f"""DELETE FROM dynamo_tables."Source" WHERE pk = 'k{n}';"""])


def sql_script(rnd):
    """A transaction; some are rolled back, in part or as a whole."""
    kind = rnd.randrange(6)
    lines = ['BEGIN;']
    if kind == 0:
        lines += ["SELECT pg_logical_emit_message(true, 'pg_dynamo', 'expiry');",
                  f"""DELETE FROM dynamo_tables."Source" WHERE pk = 'k{rnd.randrange(KEYS)}';"""]
    else:
        lines += sorted(sql_statement(rnd) for _ in range(rnd.randrange(1, 4)))
    if kind == 1:
        lines += ['SAVEPOINT a;', sql_statement(rnd), 'ROLLBACK TO a;', sql_statement(rnd)]
    if kind == 2:
        lines += ['SELECT pg_sleep(0.1);']
    lines += ['ROLLBACK;' if kind == 3 else 'COMMIT;']
    return '\n'.join(lines)


def sql_writer(seed, stop):
    rnd = random.Random(seed)
    while not stop.is_set():
        script = '\n'.join(sql_script(rnd) for _ in range(20))
        subprocess.run(['psql', '-X', '-q', '-d', 'postgres', '-f', '-'], input=script, text=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def write_and_kill(seed):
    stop = threading.Event()
    writers = [threading.Thread(target=http_writer, args=(seed + i, stop)) for i in range(WRITERS)]
    writers += [threading.Thread(target=sql_writer, args=(seed + 100 + i, stop)) for i in range(2)]
    for writer in writers:
        writer.start()
    for event in 'worker', 'server', 'worker', 'server':
        time.sleep(SECONDS / 5)
        print(f'at {event}')
        sys.stdin.readline()
    time.sleep(SECONDS / 5)
    stop.set()
    for writer in writers:
        writer.join()


class Rebuilt:
    """A table made of records."""

    def __init__(self):
        self.items = {}
        self.faults = []
        self.kinds = {}

    def fault(self, text, record):
        self.faults.append(f'{text}: {record}'[:500])

    def apply(self, record):
        change = record['dynamodb']
        key = key_text(change['Keys'])
        before, after = change.get('OldImage'), change.get('NewImage')
        name = record['eventName']
        expected = 'INSERT' if before is None else 'REMOVE' if after is None else 'MODIFY'
        if self.items.get(key) != before:
            self.fault(f'OldImage is not what was there ({self.items.get(key)})', record)
        if name != expected or before == after:
            self.fault('event of another kind', record)
        if 'userIdentity' in record:
            self.kinds['expired'] = self.kinds.get('expired', 0) + 1
            if name != 'REMOVE':
                self.fault('only deletions expire', record)
        self.kinds[name] = self.kinds.get(name, 0) + 1
        if after is None:
            self.items.pop(key, None)
        else:
            self.items[key] = after


def check_order(by_shard, shards):
    """Faults of sequence numbers and events' ids."""
    faults = []
    ranges = {shard['ShardId']: shard['SequenceNumberRange'] for shard in shards}
    everything = [record for records in by_shard.values() for record in records]
    for shard, records in by_shard.items():
        numbers = [number(record) for record in records]
        if numbers != sorted(set(numbers)):
            faults.append(f'shard {shard} is not in order')
        if numbers and not (int(ranges[shard]['StartingSequenceNumber']) <= numbers[0] and
                            numbers[-1] <= int(ranges[shard]['EndingSequenceNumber'])):
            faults.append(f'shard {shard} has records out of its range')
    for what in lambda r: r['eventID'], number:
        if len({what(record) for record in everything}) != len(everything):
            faults.append('a record is there twice')
    return faults


def test_rebuild():
    client = connect(PATIENT)
    streams = connect_streams()
    seed = int(os.environ.get('SEED', random.randrange(10 ** 6)))
    print(f'seed {seed}', file=sys.stderr)
    create(client, 'Source', ['pk S'], StreamSpecification=BOTH)
    arn = client.describe_table(TableName='Source')['Table']['LatestStreamArn']
    write_and_kill(seed)
    client.update_table(TableName='Source', StreamSpecification={'StreamEnabled': False})
    client.put_item(TableName='Source', Item={'pk': {'S': 'after'}})
    client.delete_item(TableName='Source', Key={'pk': {'S': 'after'}})

    by_shard = read_stream(streams, arn)
    shards = shards_of(streams, arn)
    report(len(shards) > 6, 'shards have rolled', len(shards))
    report(any('ParentShardId' in shard for shard in shards), 'and have parents')
    same(check_order(by_shard, shards), [], 'sequence numbers are unique and in order')

    rebuilt = Rebuilt()
    lineage = {shard['ShardId']: i for i, shard in enumerate(shards)}
    for shard in sorted(by_shard, key=lineage.get):
        for record in by_shard[shard]:
            rebuilt.apply(record)
    same(rebuilt.faults[:3], [], 'each change once: the old image is the last new one')
    print(f'{sum(map(len, by_shard.values()))} records in {len(shards)} shards: {rebuilt.kinds}', file=sys.stderr)
    report({'INSERT', 'MODIFY', 'REMOVE', 'expired'} <= set(rebuilt.kinds), 'changes of all kinds', rebuilt.kinds)
    items = {key_text({'pk': item['pk']}): item for page in client.get_paginator('scan').paginate(
        TableName='Source', ConsistentRead=True) for item in page['Items']}
    same(rebuilt.items == items, True, 'the table made of its records is the table')
    drop(client, 'Source')
    raises('ValidationException', 'a stream of another name', streams.describe_stream, StreamArn='x' * 40)
    same(streams.describe_stream(StreamArn=arn)['StreamDescription']['StreamStatus'], 'DISABLED',
         'the stream outlives its table')


# ---- api ----

def follow(streams, arn, count):
    """Records of open shards, as an application polls: the newest first shards
    and what becomes of them."""
    iterators = {}
    seen = set()
    records = []
    until = time.monotonic() + PATIENCE
    while len(records) < count and time.monotonic() < until:
        for shard in shards_of(streams, arn):
            name = shard['ShardId']
            if name not in seen and shard.get('ParentShardId') not in iterators:
                seen.add(name)
                iterators[name] = streams.get_shard_iterator(
                    StreamArn=arn, ShardId=name, ShardIteratorType='TRIM_HORIZON')['ShardIterator']
        for name in list(iterators):
            page = streams.get_records(ShardIterator=iterators.pop(name), Limit=7)
            records += page['Records']
            if 'NextShardIterator' in page:
                iterators[name] = page['NextShardIterator']
    return records


def test_api():
    client = connect(PATIENT)
    streams = connect_streams()
    made = create(client, 'Api', ['pk S', 'sk N'], StreamSpecification=BOTH)
    arn = made['LatestStreamArn']
    same(made['StreamSpecification'], BOTH, 'specification of the new table')
    same(streams.list_streams(TableName='Api')['Streams'],
         [{'StreamArn': arn, 'TableName': 'Api', 'StreamLabel': made['LatestStreamLabel']}], 'ListStreams')
    description = streams.describe_stream(StreamArn=arn)['StreamDescription']
    same((description['StreamStatus'], description['StreamViewType'], description['KeySchema']),
         ('ENABLED', 'NEW_AND_OLD_IMAGES', made['KeySchema']), 'DescribeStream')
    same(len(description['Shards']), 3, 'shards from the start')

    for i in range(60):
        client.put_item(TableName='Api', Item={'pk': {'S': f'p{i % 12}'}, 'sk': {'N': str(i)}})
    time.sleep(2.5)
    for i in range(60):
        client.update_item(TableName='Api', Key={'pk': {'S': f'p{i % 12}'}, 'sk': {'N': str(i)}},
                           UpdateExpression='SET a = :a', ExpressionAttributeValues={':a': {'B': b'\x00\xff'}})
    records = follow(streams, arn, 120)
    same(len(records), 120, 'records through the generations of shards')
    order = {}
    for record in records:
        order.setdefault(key_text(record['dynamodb']['Keys']), []).append(record['eventName'])
    same({tuple(names) for names in order.values()}, {('INSERT', 'MODIFY')}, 'changes of each item in order')
    last = [record for record in records if record['eventName'] == 'MODIFY'][-1]['dynamodb']
    same(last['NewImage']['a'], {'B': b'\x00\xff'}, 'NewImage')
    report('a' not in last['OldImage'], 'OldImage')

    shard = shards_of(streams, arn)[0]
    held = streams.get_shard_iterator(StreamArn=arn, ShardId=shard['ShardId'], ShardIteratorType='TRIM_HORIZON')
    first = streams.get_records(ShardIterator=held['ShardIterator'], Limit=2)['Records']
    same(streams.get_records(ShardIterator=held['ShardIterator'], Limit=2)['Records'], first,
         'the same iterator again')
    for kind, expected in ('AT_SEQUENCE_NUMBER', first[1]), ('AFTER_SEQUENCE_NUMBER', None):
        position = streams.get_shard_iterator(StreamArn=arn, ShardId=shard['ShardId'], ShardIteratorType=kind,
                                              SequenceNumber=first[1]['dynamodb']['SequenceNumber'])
        got = streams.get_records(ShardIterator=position['ShardIterator'], Limit=1)['Records'][0]
        same(got == first[1], expected is not None, kind)

    raises('ResourceNotFoundException', 'a shard that is not there', streams.get_shard_iterator,
           StreamArn=arn, ShardId='shardId-00000000000000000001-00000000', ShardIteratorType='LATEST')
    raises('ValidationException', 'an iterator that is none', streams.get_records, ShardIterator='garbage')
    raises('ResourceNotFoundException', 'a stream that is not there', streams.describe_stream,
           StreamArn=arn.replace('Api', 'Apx'))
    client.update_table(TableName='Api', StreamSpecification={'StreamEnabled': False})
    same(len([record for records in read_stream(streams, arn).values() for record in records]), 120,
         'the stream has an end when it is disabled')
    same(streams.describe_stream(StreamArn=arn)['StreamDescription']['StreamStatus'], 'DISABLED', 'its status')
    drop(client, 'Api')


def main():
    test = {'api': test_api, 'rebuild': test_rebuild}[sys.argv[1]]
    try:
        test()
    except Exception:
        traceback.print_exc()
        report(False, f'{sys.argv[1]} gets to its end')
    print('end')


main()
