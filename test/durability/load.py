#!/usr/bin/python3
"""Load for the durability tests: remembers what a server promised.

Connections write and read counters and items of their own through the HTTP
endpoint, and note what was acknowledged and what was read.  After the server
was killed and has recovered, "verify" compares: whatever a response reported,
written by this connection, by another, or by an SQL session, must still be so.

Commands come on standard input, one per line, and each is answered by one line
(verify: by one line per loss before it):

    setup PORT              create the table and its counters
    begin ROUND PORT        start the connections
    expect                  from here on connections may break; tells how many
                            broke before, and why
    end                     wait until all connections are broken; counts
    verify PORT             compare, over a new connection
    put PORT SECONDS KEY    one request: its status, or "none" in that time
    get PORT SECONDS KEY
    health PORT SECONDS

A counter only grows, so that the highest value in any response is the least
that recovery must find.  An item is put once and deleted at most once, so that
a response that reports it, or its absence after the put, is final as well.
"""

import http.client
import json
import random
import socket
import sys
import threading
import time

CONNECTIONS = 16
TABLE = "Durable"
COUNTERS = [("add", f"c{i}") for i in range(6)] + [("swap", f"c{i}") for i in range(3)]
SQL_COUNTERS = [("sql", "c0")]
LETTERS = random.Random(0).randbytes(40000).hex()  # does not compress
PATIENCE = 60  # seconds for a server to recover


class Broken(Exception):
    """The connection ended, or no complete response came."""


class Connection:
    """One keep-alive connection; a response counts only if it is complete."""

    HEAD = (
        "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Content-Type: application/x-amz-json-1.0\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request,"
        " SignedHeaders=host, Signature=b\r\n"
        "X-Amz-Date: 20260101T000000Z\r\n"
        "X-Amz-Target: DynamoDB_20120810.%s\r\nContent-Length: %d\r\n\r\n"
    )

    def __init__(self, port, seconds=None):
        self.buffer = b""
        try:
            self.socket = socket.create_connection(("127.0.0.1", port), seconds)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            raise Broken(f"connect: {error}")

    def receive(self):
        try:
            data = self.socket.recv(65536)
        except socket.timeout:
            raise Broken("timeout")
        except OSError as error:
            raise Broken(f"receive: {error}")
        if not data:
            raise Broken("end of file")
        self.buffer += data

    def call(self, operation, request):
        """Status and decoded body."""
        body = json.dumps(request).encode()
        head = (self.HEAD % (operation, len(body))).encode()
        try:
            self.socket.sendall(head + body)
        except OSError as error:
            raise Broken(f"send: {error}")
        while (end := self.buffer.find(b"\r\n\r\n")) < 0:
            self.receive()
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:])
        length = int(headers["content-length"])
        while len(self.buffer) < end + 4 + length:
            self.receive()
        answer = self.buffer[end + 4 : end + 4 + length]
        self.buffer = self.buffer[end + 4 + length :]
        return int(lines[0].split()[1]), json.loads(answer)

    def close(self):
        self.socket.close()


def key_of(key):
    return {"pk": {"S": key[0]}, "sk": {"S": key[1]}}


def key_in(item):
    return item["pk"]["S"], item["sk"]["S"]


class Item:
    """What is known of an item that is put once and perhaps deleted once."""

    def __init__(self):
        self.there = False  # a response reported it
        self.deleting = False  # a request to delete it was sent
        self.gone = False  # a response reported that it was deleted

    def agrees(self, found):
        if self.gone:
            return not found
        return found or self.deleting or not self.there


class Promises:
    """Everything that responses reported, of all rounds or of this one."""

    def __init__(self):
        self.least = {}  # counter -> highest value reported
        self.sent = {}  # counter -> additions sent since it was last verified
        self.base = {}  # counter -> value when it was last verified
        self.items = {}  # of this round
        self.tables = {}  # the same for tables, of all rounds
        self.acknowledged = 0
        self.read = 0
        self.unexpected = []

    def report(self, counter, value):
        # threads race here: the loser must not lower the value
        with lock:
            if value > self.least.get(counter, 0):
                self.least[counter] = value


lock = threading.Lock()
promises = Promises()


class Client(threading.Thread):
    """One connection and its requests, until it breaks."""

    def __init__(self, number, round_, port):
        super().__init__(daemon=True)
        self.random = random.Random(round_ * 1000 + number)
        self.partition = f"r{round_}w{number}"
        self.table = f"Round{round_}" if number == 0 and round_ % 4 == 0 else None
        self.connection = Connection(port)
        self.own = []  # keys that may be deleted
        # who only reads has no write of its own to wait for
        if number % 2 == 0:
            self.actions = (
                [self.add] * 6 + [self.swap] * 3 + [self.swap_whole] + [self.put] * 5
                + [self.delete] * 2 + [self.get_counter] + [self.get_item])
        else:
            self.actions = (
                [self.get_counter] * 4 + [self.probe] * 4 + [self.get_item] * 4 + [self.query])
        self.serial = 0
        self.why = None
        self.acknowledged = 0
        self.read = 0

    def run(self):
        try:
            while True:
                if self.table and self.serial == 5:
                    self.create_table()
                self.random.choice(self.actions)()
        except Broken as error:
            self.why = str(error)

    def call(self, operation, request, condition=False):
        """The body, or that of a failed condition; None if it went wrong."""
        status, body = self.connection.call(operation, {"TableName": TABLE, **request})
        if status == 200:
            return body
        if condition and body.get("__type", "").endswith("#ConditionalCheckFailedException"):
            return {"failed": True, **body}
        with lock:
            promises.unexpected.append(f"{operation}: {status} {json.dumps(body)}")
        return None

    def saw(self, item):
        """A response carried this counter."""
        promises.report(key_in(item), int(item["n"]["N"]))
        self.read += 1

    def add(self):
        counter = self.random.choice(COUNTERS[:6])
        with lock:
            promises.sent[counter] = promises.sent.get(counter, 0) + 1
        body = self.call("UpdateItem", {
            "Key": key_of(counter), "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}}, "ReturnValues": "UPDATED_NEW"})
        if body:
            promises.report(counter, int(body["Attributes"]["n"]["N"]))
            self.acknowledged += 1

    def get_counter(self):
        counter = self.random.choice(COUNTERS + SQL_COUNTERS * 4)
        body = self.call("GetItem", {
            "Key": key_of(counter), "ConsistentRead": self.random.random() < 0.5})
        if body:
            self.saw(body["Item"])

    def probe(self):
        """A condition that never holds, and what its failure tells."""
        counter = self.random.choice(COUNTERS + SQL_COUNTERS * 4)
        body = self.call("UpdateItem", {
            "Key": key_of(counter), "UpdateExpression": "SET n = :no",
            "ConditionExpression": "n < :no", "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
            "ExpressionAttributeValues": {":no": {"N": "-1"}}}, condition=True)
        if body:
            self.saw(body["Item"])

    def query(self):
        body = self.call("Query", {
            "KeyConditionExpression": "pk = :p",
            "ExpressionAttributeValues": {":p": {"S": self.random.choice(("add", "swap"))}}})
        for item in body["Items"] if body else []:
            self.saw(item)

    def compare_and_swap(self, operation, request, counter, old):
        condition = {
            "ConditionExpression": "n = :old", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        values = {":old": {"N": str(old)}, **request.pop("ExpressionAttributeValues", {})}
        body = self.call(operation, {
            **request, **condition, "ExpressionAttributeValues": values}, condition=True)
        if body and body.get("failed"):
            self.saw(body["Item"])
        elif body is not None:
            promises.report(counter, old + 1)
            self.acknowledged += 1

    def swap(self):
        counter = self.random.choice(COUNTERS[6:])
        old = promises.least.get(counter, 0)
        self.compare_and_swap("UpdateItem", {
            "Key": key_of(counter), "UpdateExpression": "SET n = :new",
            "ExpressionAttributeValues": {":new": {"N": str(old + 1)}}}, counter, old)

    def swap_whole(self):
        counter = self.random.choice(COUNTERS[6:])
        old = promises.least.get(counter, 0)
        self.compare_and_swap("PutItem", {
            "Item": {**key_of(counter), "n": {"N": str(old + 1)}}}, counter, old)

    def put(self):
        self.serial += 1
        key = (self.partition, str(self.serial))
        item = promises.items[key] = Item()
        length = self.random.choice((10, 200, 200, 1000, 3000, 40000))
        request = {"Item": {**key_of(key), "text": {"S": LETTERS[self.serial : self.serial + length]}}}
        if self.serial % 2:
            request["ConditionExpression"] = "attribute_not_exists(pk)"
        if self.call("PutItem", request) is not None:
            item.there = True
            self.own.append(key)
            self.acknowledged += 1

    def delete(self):
        if not self.own:
            return
        key = self.own.pop(self.random.randrange(len(self.own)))
        item = promises.items[key]
        item.deleting = True
        if self.call("DeleteItem", {"Key": key_of(key)}) is not None:
            item.gone = True
            self.acknowledged += 1

    def get_item(self):
        """An item of any connection, perhaps being put or deleted just now."""
        with lock:
            keys = list(promises.items)[-3 * CONNECTIONS :]
        if not keys:
            return
        key = self.random.choice(keys)
        item = promises.items[key]
        was_there = item.there
        body = self.call("GetItem", {"Key": key_of(key), "ProjectionExpression": "pk"})
        if body is None:
            return
        self.read += 1
        if "Item" in body:
            item.there = True
        elif was_there:
            item.gone = True

    def create_table(self):
        """This round's table for an earlier one."""
        for name, table in list(promises.tables.items()):
            if table.there and not table.deleting:
                table.deleting = True
                if self.call("DeleteTable", {"TableName": name}) is not None:
                    table.gone = True
                    self.acknowledged += 1
        table = promises.tables[self.table] = Item()
        if make_table(self.call, self.table) is not None:
            table.there = True
            self.acknowledged += 1
        self.table = None


def make_table(call, name):
    return call("CreateTable", {
        "TableName": name, "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"},
                      {"AttributeName": "sk", "KeyType": "RANGE"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"},
                                 {"AttributeName": "sk", "AttributeType": "S"}]})


# ---- commands ----

clients = []


def must(connection, operation, request):
    status, body = connection.call(operation, request)
    if status != 200:
        raise Broken(f"{operation}: {status} {json.dumps(body)}")
    return body


def await_server(port):
    """A connection to a server that answers; it may be starting."""
    deadline = time.monotonic() + PATIENCE
    while True:
        connection = None
        try:
            connection = Connection(port, PATIENCE)
            must(connection, "ListTables", {})
            return connection
        except (Broken, ValueError, KeyError) as error:
            if connection:
                connection.close()
            if time.monotonic() > deadline:
                raise Broken(f"no server: {error}")
            time.sleep(0.01)


def setup(port):
    connection = await_server(int(port))
    make_table(lambda operation, request: must(connection, operation, request), TABLE)
    for counter in COUNTERS + SQL_COUNTERS:
        must(connection, "PutItem", {
            "TableName": TABLE, "Item": {**key_of(counter), "n": {"N": "0"}}})
        promises.base[counter] = 0
    connection.close()
    return "done"


def begin(round_, port):
    await_server(int(port)).close()
    promises.items = {}
    clients[:] = [Client(number, int(round_), int(port)) for number in range(CONNECTIONS)]
    for client in clients:
        client.start()
    return "begun"


def expect():
    early = [client.why for client in clients if client.why]
    return f"early {len(early)} {early[0] if early else ''}"


def end():
    for client in clients:
        client.join(PATIENCE)
        client.connection.close()
    if any(client.is_alive() for client in clients):
        return "error: a connection did not end"
    acknowledged = sum(client.acknowledged for client in clients)
    read = sum(client.read for client in clients)
    unexpected = promises.unexpected
    promises.unexpected = []
    return f"ended {acknowledged} {read} {len(unexpected)} {unexpected[0] if unexpected else ''}"


def query_all(connection, partition):
    """All items of a partition, without their text."""
    request = {
        "TableName": TABLE, "KeyConditionExpression": "pk = :p",
        "ProjectionExpression": "pk, sk, n", "ConsistentRead": True,
        "ExpressionAttributeValues": {":p": {"S": partition}}}
    while True:
        body = must(connection, "Query", request)
        yield from body["Items"]
        if "LastEvaluatedKey" not in body:
            return
        request["ExclusiveStartKey"] = body["LastEvaluatedKey"]


def table_names(connection):
    request = {}
    while True:
        body = must(connection, "ListTables", request)
        yield from body["TableNames"]
        if "LastEvaluatedTableName" not in body:
            return
        request["ExclusiveStartTableName"] = body["LastEvaluatedTableName"]


def verify_counters(connection):
    found = {}
    for partition in {counter[0] for counter in COUNTERS + SQL_COUNTERS}:
        for item in query_all(connection, partition):
            found[key_in(item)] = int(item["n"]["N"])
    for counter in COUNTERS + SQL_COUNTERS:
        value = found.get(counter, -1)
        least = promises.least.get(counter, 0)
        if value < least:
            yield f"counter {counter}: {least} was reported, {value} is there"
        most = promises.base[counter] + promises.sent.get(counter, 0)
        if counter[0] == "add" and value > most:
            yield f"counter {counter}: {most} was sent, {value} is there"
        promises.base[counter] = value
        promises.least[counter] = value
    promises.sent = {}


def verify_items(connection):
    found = set()
    for partition in {key[0] for key in promises.items}:
        found.update(key_in(item) for item in query_all(connection, partition))
    for key, item in promises.items.items():
        if not item.agrees(key in found):
            yield f"item {key}: {vars(item)}, found: {key in found}"
    tables = set(table_names(connection))
    for name, table in promises.tables.items():
        if not table.agrees(name in tables):
            yield f"table {name}: {vars(table)}, found: {name in tables}"


def verify(port):
    connection = await_server(int(port))
    losses = 0
    for check in (verify_counters, verify_items):
        for loss in check(connection):
            print("lost", loss)
            losses += 1
    connection.close()
    return f"verified {losses}"


def single(port, seconds, operation, request):
    try:
        connection = Connection(int(port), float(seconds))
        status, body = connection.call(operation, {"TableName": TABLE, **request})
    except Broken as error:
        return f"none: {error}"
    connection.close()
    return f"{status} {json.dumps(body)}"


def put(port, seconds, key):
    return single(port, seconds, "PutItem", {"Item": key_of(("single", key))})


def get(port, seconds, key):
    return single(port, seconds, "GetItem", {"Key": key_of(("single", key))})


def health(port, seconds):
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=float(seconds))
    try:
        connection.request("GET", "/")
        return str(connection.getresponse().status)
    except OSError as error:
        return f"none: {error}"
    finally:
        connection.close()


COMMANDS = {f.__name__: f for f in (setup, begin, expect, end, verify, put, get, health)}


def main():
    for line in sys.stdin:
        name, *arguments = line.split()
        try:
            print(COMMANDS[name](*arguments), flush=True)
        except Broken as error:
            print(f"error: {error}", flush=True)


main()
