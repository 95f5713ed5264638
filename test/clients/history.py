"""Clients whose calls are recorded, for serializable.py: history.py DIRECTORY SECONDS CRASHES [CARELESS]

Half of the processes append to lists, half replace and delete registers, few
at a time, new ones all the time, so that absent items are as common as others.
They are in two tables: Here with key pk S, There with keys pk S and sk N.
While they do, CRASHES times, it announces a "crash", of which there may be
none: a call that gets no answer may have taken place or not, but some carry a
token and are repeated until there is one.

CARELESS is a way in which a client could do without transactions, so that the
checker has something to find: "reads" gets the items of TransactGetItems one
by one, "writes" does the same with those of TransactWriteItems, "checks"
checks conditions on other items first.

The records go to files in DIRECTORY, whose name the items begin with.  Reports
on standard output, as PgDynamoHttp.pm says; ENDPOINT is the address.
"""

import http.client
import json
import os
import random
import sys
import time
import traceback
from concurrent.futures import ProcessPoolExecutor, wait
from urllib.parse import urlparse

PROCESSES = 8
PATIENCE = 60           # seconds for a server to come back
ACTIVE = 4              # lists at a time
LIST_SECONDS = 0.08     # then a new one comes, and the oldest rests
PAIR_SECONDS = 0.02     # the same for pairs of lists that exclude each other
REGISTERS = 3           # of a window
WINDOW_SECONDS = 0.06
HEADERS = {
    'Content-Type': 'application/x-amz-json-1.0',
    'Authorization': 'AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, '
                     'SignedHeaders=host, Signature=b',
    'X-Amz-Date': '20260101T000000Z'}

now = time.monotonic
UNKNOWN = object()      # not None, which is what an absent register holds


class Lost(Exception):
    """No answer, or one that does not tell."""


class Refused(Exception):
    """Nothing was done."""

    def __init__(self, name, body):
        super().__init__(f'{name}: {body.get("message") or body.get("Message")}')
        self.name = name
        self.body = body


class Caller:
    """One connection at a time."""

    def __init__(self):
        self.address = urlparse(os.environ['ENDPOINT']).netloc
        self.connection = None

    def connect(self):
        until = now() + PATIENCE
        while self.connection is None:
            connection = http.client.HTTPConnection(self.address, timeout=PATIENCE)
            try:
                connection.connect()
                self.connection = connection
            except OSError:
                if now() > until:
                    raise
                time.sleep(0.01)

    def call(self, operation, request):
        """The response; raises Refused or Lost."""
        self.connect()
        try:
            self.connection.request('POST', '/', json.dumps(request),
                                    {**HEADERS, 'X-Amz-Target': f'DynamoDB_20120810.{operation}'})
            answer = self.connection.getresponse()
            body = json.loads(answer.read() or '{}')
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.connection.close()
            self.connection = None
            raise Lost(str(error)) from error
        if answer.status == 200:
            return body
        name = body.get('__type', '').rpartition('#')[2]
        if answer.status >= 500:
            raise Lost(name)
        raise Refused(name, body)

    def insist(self, operation, request):
        """The same, again and again until there is an answer."""
        while True:
            try:
                return self.call(operation, request)
            except Lost:
                time.sleep(0.01)
            except Refused as refusal:
                if refusal.name != 'TransactionInProgressException':
                    raise
                time.sleep(0.01)


SINGLE = {'Put': 'PutItem', 'Update': 'UpdateItem', 'Delete': 'DeleteItem'}


class CarelessCaller(Caller):
    """Without transactions, in one of three ways."""

    def __init__(self, way):
        super().__init__()
        self.way = way

    def call(self, operation, request):
        careless = {('reads', 'TransactGetItems'): self.get_one_by_one,
                    ('writes', 'TransactWriteItems'): self.write_one_by_one,
                    ('checks', 'TransactWriteItems'): self.check_first}.get((self.way, operation))
        return careless(request) if careless else super().call(operation, request)

    def get_one_by_one(self, request):
        return {'Responses': [super(CarelessCaller, self).call('GetItem', {**element['Get'], 'ConsistentRead': True})
                              for element in request['TransactItems']]}

    def write_one_by_one(self, request):
        reasons = [{'Code': 'None'} for _ in request['TransactItems']]
        for element, reason in zip(request['TransactItems'], reasons):
            (action, members), = element.items()
            try:
                if action in SINGLE:
                    super().call(SINGLE[action], members)
                else:
                    super().call('TransactWriteItems', {'TransactItems': [element]})
            except Refused as refusal:
                if refusal.name == 'TransactionCanceledException':
                    reason.update(refusal.body['CancellationReasons'][0])
                elif refusal.name == 'ConditionalCheckFailedException':
                    reason.update(Code='ConditionalCheckFailed', Item=refusal.body.get('Item'))
                else:
                    raise
                raise Refused('TransactionCanceledException', {'CancellationReasons': reasons}) from refusal
        return {}

    def check_first(self, request):
        for checks in True, False:
            places = [n for n, element in enumerate(request['TransactItems'])
                      if ('ConditionCheck' in element) == checks]
            if not places:
                continue
            try:
                super().call('TransactWriteItems', {'TransactItems': [request['TransactItems'][n] for n in places]})
            except Refused as refusal:
                if refusal.name != 'TransactionCanceledException':
                    raise
                reasons = [{'Code': 'None'} for _ in request['TransactItems']]
                for n, reason in zip(places, refusal.body['CancellationReasons']):
                    reasons[n] = reason
                raise Refused(refusal.name, {'CancellationReasons': reasons}) from refusal
        return {}


def place(key):
    """Table and Key of an item by its name; every other one is in each table."""
    attributes = {'pk': {'S': key}}
    if int(key.rpartition('.')[2]) % 2:
        return {'TableName': 'There', 'Key': {**attributes, 'sk': {'N': '0'}}}
    return {'TableName': 'Here', 'Key': attributes}


class Element:
    """One write: an action of TransactWriteItems, perhaps a call of its own.
    What is there before, if it takes place, and what it writes, are said in
    terms of the kind of history."""

    def __init__(self, key, action, condition=None, before=UNKNOWN, values=None, **members):
        self.key = key
        self.action = action
        self.before = before
        self.conditional = condition is not None
        self.written = UNKNOWN
        self.members = {**place(key), **members}
        if action == 'Put':
            self.members['Item'] = {**self.members.pop('Key'), **self.members['Item']}
        if condition:
            self.members['ConditionExpression'] = condition
            self.members['ReturnValuesOnConditionCheckFailure'] = 'ALL_OLD'
        if values:
            self.members['ExpressionAttributeValues'] = values

    def writing(self, written):
        self.written = written
        return self


class Client:
    """A process of its own, its calls one after the other; a kind of history
    says what they are and how they are recorded."""

    def __init__(self, kind, number, directory, begin, until, way):
        self.kind = kind
        self.number = number
        self.random = random.Random(f'{kind} {number} {begin}')
        self.prefix = os.path.basename(directory)
        self.caller = CarelessCaller(way) if way else Caller()
        self.begin = begin
        self.until = until
        self.file = open(f'{directory}/{kind}.{number}', 'w', encoding='utf-8')
        self.serial = 0
        self.counts = {}
        self.unexpected = []

    def next_value(self):
        self.serial += 1
        return self.serial * PROCESSES + self.number

    def note(self, start, outcome, kind, **what):
        """One record, which ends now."""
        self.counts[kind, outcome] = self.counts.get((kind, outcome), 0) + 1
        self.file.write(json.dumps({'start': start, 'end': now(), 'process': self.number,
                                    'outcome': outcome, 'kind': kind, **what}) + '\n')

    def next_slice(self, length):
        """Wait for the next slice of time, as others may do; its number."""
        slice_ = int((now() - self.begin) / length) + 1
        time.sleep(max(0, self.begin + slice_ * length - now()))
        return slice_

    def complain(self, text):
        self.unexpected.append(str(text)[:1000])

    def work(self):
        while now() < self.until:
            names, weights = zip(*self.STEPS)
            getattr(self, self.random.choices(names, weights)[0])()
        self.file.close()
        return self.counts, self.unexpected

    # ---- reading ----

    def get(self):
        key = self.random.choice(self.keys())
        self.read('GetItem', [key], {**place(key), 'ConsistentRead': True}, lambda body: [body.get('Item')])

    def transact_get(self, keys=None):
        keys = keys or self.some_keys(1)
        self.read('TransactGetItems', keys, {'TransactItems': [{'Get': place(key)} for key in keys]},
                  lambda body: [response.get('Item') for response in body['Responses']])

    def far_apart(self, keys):
        """Others between them, none of which is there, so that reading takes a
        while: 100 in all."""
        many = (100 - len(keys)) // max(1, len(keys) - 1)
        apart = []
        for n, key in enumerate(keys):
            apart += [key] + [f'{self.prefix}none.{n * many + i}' for i in range(many)]
        return apart[:len(apart) - many]

    def transact_select(self):
        """The same, but for its syntax."""
        keys = self.some_keys(1)
        self.read('ExecuteTransaction', keys, {'TransactStatements': [self.select(key) for key in keys]},
                  lambda body: [response.get('Item') for response in body['Responses']])

    def batch_get(self):
        """Each item for itself."""
        keys = self.some_keys(2)
        requests = {}
        for key in keys:
            where = place(key)
            requests.setdefault(where['TableName'], {'Keys': [], 'ConsistentRead': True})['Keys'].append(where['Key'])

        def items(body):
            found = {item['pk']['S']: item for items in body['Responses'].values() for item in items}
            return [found.get(key) for key in keys]

        self.read('BatchGetItem', keys, {'RequestItems': requests}, items, together=False)

    def select(self, key):
        where = place(key)
        statement = f'SELECT * FROM "{where["TableName"]}" WHERE ' + ' AND '.join(f'{name} = ?' for name in where['Key'])
        return {'Statement': statement, 'Parameters': list(where['Key'].values())}

    def read(self, operation, keys, request, items, together=True):
        start = now()
        try:
            found = items(self.caller.call(operation, request))
        except Lost:
            return
        except Refused as refusal:
            self.complain(refusal)
            return
        seen = [(key, self.content(item)) for key, item in zip(keys, found)]
        for part in [seen] if together else [[pair] for pair in seen]:
            self.note(start, 'ok', operation, **self.observed(part))
        self.learn(seen)

    # ---- writing ----

    def some_keys(self, least):
        keys = self.keys()
        return self.random.sample(keys, self.random.randint(least, len(keys)))

    def write_single(self, element=None):
        element = element or self.element(self.random.choice(self.keys()), single=True)
        start = now()
        try:
            body = self.caller.call(SINGLE[element.action], element.members)
        except Lost:
            self.note(start, 'unknown', SINGLE[element.action], **self.done([element]))
            return
        except Refused as refusal:
            self.refused(start, SINGLE[element.action], [element], refusal, [refusal.body])
            return
        self.note(start, 'ok', SINGLE[element.action], **self.done([element], body))
        self.learn_written([element])

    def transact_write(self):
        self.write_together(self.elements())

    def write_together(self, elements):
        request = {'TransactItems': [{element.action: element.members} for element in elements]}
        self.call_together('TransactWriteItems', request, elements)

    def call_together(self, operation, request, elements):
        call = self.caller.call
        start = now()
        if self.random.random() < 0.5:
            request['ClientRequestToken'] = f'{self.prefix} {self.kind} {self.number} {self.next_value()}'
            call = self.caller.insist
        try:
            call(operation, request)
        except Lost:
            self.note(start, 'unknown', operation, **self.done(elements))
            return
        except Refused as refusal:
            self.refused(start, operation, elements, refusal, refusal.body.get('CancellationReasons'))
            return
        self.note(start, 'ok', operation, **self.done(elements))
        self.learn_written(elements)

    def refused(self, start, operation, elements, refusal, reasons):
        """What did not take place still tells what it saw; but those elements
        that saw something need not have seen it at the same time."""
        conflict = (refusal.name == 'TransactionConflictException'
                    or any(reason.get('Code') == 'TransactionConflict' for reason in reasons or ()))
        known = ('ConditionalCheckFailedException', 'TransactionCanceledException')
        if not conflict and refusal.name not in known:
            self.complain(refusal)
        self.note(start, 'fail', f'{operation} {"conflict" if conflict else "refused"}', **self.nothing(elements))
        if conflict or refusal.name not in known:
            return
        if len(reasons) != len(elements):
            self.complain(f'{len(reasons)} reasons for {len(elements)} elements')
        for element, reason in zip(elements, reasons):
            if not element.conditional:
                continue
            code = reason.get('Code', 'ConditionalCheckFailed')
            if code == 'None':
                self.note(start, 'fail', 'saw', **self.observed([(element.key, element.before)]))
            elif code == 'ConditionalCheckFailed':
                seen = [(element.key, self.content(reason.get('Item')))]
                self.note(start, 'fail', 'saw', **self.observed(seen))
                self.learn(seen)
            elif code == 'DuplicateItem':
                self.note(start, 'fail', 'saw', **self.observed([(element.key, {'exists': True})]))
            else:
                self.complain(f'reason {reason}')

class Lists(Client):
    STEPS = [('get', 2), ('transact_get', 4), ('batch_get', 1), ('write_single', 4), ('transact_write', 6),
             ('skew', 4), ('skew_again', 6), ('tear', 3), ('transact_select', 1), ('transact_statements', 2)]

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.known = {}         # key -> the list last seen

    def keys(self):
        first = int((now() - self.begin) / LIST_SECONDS)
        return [f'{self.prefix}.{first + n}' for n in range(ACTIVE)]

    def content(self, item):
        return [int(value['N']) for value in item['l']['L']] if item else []

    def observed(self, seen):
        return {'reads': seen}

    def learn(self, seen):
        for key, values in seen:
            if isinstance(values, list):
                self.known[key] = values

    def learn_written(self, elements):
        self.learn([(element.key, element.before + [element.written]) for element in elements
                    if isinstance(element.before, list) and element.written is not UNKNOWN])

    def nothing(self, elements):
        return {'appends': [(element.key, element.written) for element in elements if element.written is not UNKNOWN]}

    def done(self, elements, body=None):
        """What those elements read and appended; the body of a single update
        may tell more."""
        reads = [(element.key, element.before) for element in elements if element.before is not UNKNOWN]
        how = elements[0].members.get('ReturnValues')
        if body is not None and how:
            seen = self.content(body.get('Attributes'))
            if how == 'ALL_NEW' and seen.pop() != elements[0].written:
                self.complain(f'ALL_NEW lacks {elements[0].written}: {body}')
            reads = [(elements[0].key, seen)]
        return {'reads': reads, **self.nothing(elements)}

    def condition(self, key, kind):
        """A condition and its values, and what is there if it is true."""
        known = self.known.get(key)
        if kind == 'same' and known:
            return {'condition': 'l = :old', 'before': known, 'values': {':old': typed(known)}}
        if kind == 'size' and known:
            return {'condition': 'size(l) = :n', 'before': {'size': len(known)}, 'values': {':n': {'N': str(len(known))}}}
        if kind == 'exists':
            return {'condition': 'attribute_exists(l)', 'before': {'exists': True}}
        if kind == 'none':
            return {}
        return {'condition': 'attribute_not_exists(pk)', 'before': []}

    def append(self, key, kind):
        """An update, with a condition of this kind."""
        condition = self.condition(key, kind)
        value = self.next_value()
        values = {**condition.pop('values', {}), ':empty': {'L': []}, ':new': typed([value])}
        return Element(key, 'Update', **condition, values=values,
                       UpdateExpression='SET l = list_append(if_not_exists(l, :empty), :new)').writing(value)

    def put(self, key, kind):
        """A whole list, where it is known what is there."""
        condition = self.condition(key, kind)
        value = self.next_value()
        return Element(key, 'Put', **condition, Item={'l': typed(condition['before'] + [value])}).writing(value)

    def check(self, key, kind):
        return Element(key, 'ConditionCheck', **self.condition(key, kind))

    def element(self, key, single=False):
        choice = self.random.choice
        how = choice(['append', 'append', 'put'] if single else ['append', 'append', 'put', 'check'])
        if how == 'append':
            element = self.append(key, choice(['none', 'none', 'absent', 'exists', 'size', 'same']))
        elif how == 'put':
            element = self.put(key, choice(['absent', 'same']))
        else:
            element = self.check(key, choice(['absent', 'exists', 'size', 'same']))
        if single and element.action == 'Update':
            element.members['ReturnValues'] = choice(['ALL_OLD', 'ALL_NEW'])
        return element

    def elements(self):
        return [self.element(key) for key in self.some_keys(1)]

    def skew(self):
        """Write one of a pair that must not be if the other is; others do the
        reverse at the same time, or write the other alone."""
        self.write_pair(self.next_slice(PAIR_SECONDS), 'absent')

    def skew_again(self):
        """The same with a pair of which something is there."""
        number = int((now() - self.begin) / PAIR_SECONDS) // 4 * 4
        self.transact_get(self.pair(number))
        self.next_slice(PAIR_SECONDS)
        self.write_pair(number, 'same')

    def tear(self):
        """Write both of a pair; others read it at the same time, slowly."""
        pair = self.pair(self.next_slice(PAIR_SECONDS) // 4 * 4 + 2)
        writes = self.random.random() < 0.5
        for _ in range(6):
            if writes:
                self.write_together([self.append(key, 'none') for key in pair])
            else:
                self.transact_get(self.far_apart(pair))

    def pair(self, number):
        return self.random.sample([f'{self.prefix}pair.{2 * number + n}' for n in range(2)], 2)

    def write_pair(self, number, kind):
        other, key = self.pair(number)
        if self.random.random() < 0.6:
            self.write_together([self.check(other, kind), self.append(key, 'none')])
        else:
            self.write_single(self.append(other, 'none'))
            self.transact_get([other, key])

    def transact_statements(self):
        """Elements as statements, which tell no items when they are refused."""
        statements, elements = [], []
        for key in self.some_keys(1):
            where = place(key)
            table = where['TableName']
            keys = list(where['Key'].values())
            by_key = ' AND '.join(f'{name} = ?' for name in where['Key'])
            known = self.known.get(key)
            value = self.next_value()
            how = self.random.choice(['insert', 'update', 'exists'])
            if how == 'insert':
                tuple_ = ', '.join(f"'{name}': ?" for name in [*where['Key'], 'l'])
                statements.append((f'INSERT INTO "{table}" VALUE {{{tuple_}}}', [*keys, typed([value])]))
                element = Element(key, 'Put', 'absent', [], Item={}).writing(value)
            elif how == 'update' or not known:
                statements.append((f'UPDATE "{table}" SET l = list_append(l, ?) WHERE {by_key}', [typed([value]), *keys]))
                element = Element(key, 'Update', 'exists', {'exists': True}).writing(value)
            else:
                statements.append((f'EXISTS(SELECT * FROM "{table}" WHERE {by_key} AND l = ?)', [*keys, typed(known)]))
                element = Element(key, 'ConditionCheck', 'same', known)
            elements.append(element)
        request = {'TransactStatements': [
            {'Statement': text, 'Parameters': parameters, 'ReturnValuesOnConditionCheckFailure': 'ALL_OLD'}
            for text, parameters in statements]}
        self.call_together('ExecuteTransaction', request, elements)


class Registers(Client):
    STEPS = [('get', 3), ('transact_get', 4), ('batch_get', 1), ('write_single', 6), ('transact_write', 6), ('skew', 5)]

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.known = {}         # key -> the value last seen
        self.window = None

    def keys(self):
        self.window = int((now() - self.begin) / WINDOW_SECONDS)
        return [f'{self.prefix}{self.window}.{n}' for n in range(REGISTERS)]

    def content(self, item):
        return int(item['v']['N']) if item else None

    def note(self, start, outcome, kind, **what):
        super().note(start, outcome, kind, window=self.window, **what)

    def observed(self, seen):
        return {'expects': {key: value for key, value in seen}}

    def learn_written(self, elements):
        self.learn([(element.key, element.written) for element in elements if element.written is not UNKNOWN])

    def nothing(self, elements):
        return {}

    def done(self, elements, body=None):
        expects = {element.key: element.before for element in elements if element.before is not UNKNOWN}
        if body is not None and 'ReturnValues' in elements[0].members:
            expects[elements[0].key] = self.content(body.get('Attributes'))
        sets = {element.key: element.written for element in elements if element.written is not UNKNOWN}
        return {'expects': expects, 'sets': sets}

    def condition(self, key):
        kind = self.random.choice(['none', 'none', 'absent', 'exists', 'same', 'same'])
        if kind == 'absent':
            return {'condition': 'attribute_not_exists(pk)', 'before': None}
        if kind == 'exists':
            return {'condition': 'attribute_exists(pk)', 'before': {'exists': True}}
        known = self.known.get(key)
        if kind == 'same' and known is not None:
            return {'condition': 'v = :old', 'before': known, 'values': {':old': {'N': str(known)}}}
        return {}

    def learn(self, seen):
        self.known.update(seen)

    def element(self, key, single=False):
        choice = self.random.choice
        condition = self.condition(key)
        action = choice(['Put', 'Update', 'Delete', 'Delete' if single else 'ConditionCheck'])
        value = self.next_value()
        if action == 'ConditionCheck' and not condition:
            condition = {'condition': 'attribute_not_exists(pk)', 'before': None}
        values = condition.pop('values', {})
        more = {}
        if action == 'Put':
            more['Item'] = {'v': {'N': str(value)}}
        elif action == 'Update':
            values = {**values, ':new': {'N': str(value)}}
            more['UpdateExpression'] = 'SET v = :new'
        if single and choice([True, False]):
            more['ReturnValues'] = 'ALL_OLD'
        element = Element(key, action, **condition, values=values, **more)
        if action != 'ConditionCheck':
            element.writing(None if action == 'Delete' else value)
        return element

    def elements(self):
        return [self.element(key) for key in self.some_keys(1)]

    def skew(self):
        """Write one where another is absent; others do the reverse, at the same time."""
        self.next_slice(WINDOW_SECONDS)
        other, key = self.random.sample(self.keys(), 2)
        check = Element(other, 'ConditionCheck', 'attribute_not_exists(pk)', None)
        if self.random.random() < 0.4:
            self.write_together([check, Element(key, 'Delete').writing(None)])
        else:
            value = self.next_value()
            self.write_together([check, Element(key, 'Put', Item={'v': {'N': str(value)}}).writing(value)])


def typed(values):
    return {'L': [{'N': str(value)} for value in values]}


KINDS = {'lists': Lists, 'registers': Registers}


def work(*arguments):
    return KINDS[arguments[0]](*arguments).work()


def read_all(caller, directory, prefix, seconds):
    """What is there in the end, as a record of the lists."""
    keys = ([f'{prefix}.{n}' for n in range(int(seconds / LIST_SECONDS) + ACTIVE + 1)] +
            [f'{prefix}pair.{n}' for n in range(2 * int(seconds / PAIR_SECONDS) + 8)])
    start = now()
    reads = []
    for key in keys:
        item = caller.insist('GetItem', {**place(key), 'ConsistentRead': True}).get('Item')
        reads.append((key, [int(value['N']) for value in item['l']['L']] if item else []))
    with open(f'{directory}/lists.final', 'w', encoding='utf-8') as file:
        file.write(json.dumps({'start': start, 'end': now(), 'outcome': 'ok', 'kind': 'final', 'final': True,
                               'reads': reads}) + '\n')
    return sum(len(values) for _, values in reads)


def main(directory, seconds, crashes, way=None):
    seconds, crashes = float(seconds), int(crashes)
    caller = Caller()
    begin = now()
    with ProcessPoolExecutor(PROCESSES) as pool:
        running = [pool.submit(work, kind, number, directory, begin, begin + seconds, way)
                   for number, kind in enumerate(list(KINDS) * (PROCESSES // 2))]
        for n in range(crashes):
            time.sleep(max(0, begin + seconds * (n + 1) / (crashes + 1) - now()))
            print('during crash')
        wait(running)
        results = [future.result() for future in running]
    title = os.path.basename(directory)
    values = read_all(caller, directory, title, seconds)

    counts = {}
    for result, _ in results:
        for (kind, outcome), count in result.items():
            counts[kind, outcome] = counts.get((kind, outcome), 0) + count
    print(f'{values} values;', '; '.join(f'{kind} {outcome} {count}' for (kind, outcome), count
                                         in sorted(counts.items())), file=sys.stderr)
    unexpected = [text for _, texts in results for text in texts]
    for text in unexpected[:10]:
        print(text, file=sys.stderr)
    print(('not ok' if unexpected else 'ok'), f'{title}: no unexpected answer')
    for kind in 'TransactWriteItems', 'TransactGetItems', 'PutItem', 'UpdateItem', 'DeleteItem', 'saw':
        count = counts.get((kind, 'fail' if kind == 'saw' else 'ok'), 0)
        print('ok' if count > 0 else 'not ok', f'{title}: there is {kind}')


if __name__ == '__main__':
    try:
        main(*sys.argv[1:])
    except Exception:
        traceback.print_exc()
        sys.exit(1)
    print('end')
