#!/usr/bin/python3
"""A receiver of subscriptions for the tests: subscriber.py PORT-FILE LOG-FILE.

Listens on a free port of 127.0.0.1, which it writes to PORT-FILE, and appends
one JSON line for each request to LOG-FILE.  The path says what it answers.
"""

import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

lock = threading.Lock()
seen = {}


def key_of(record):
    return record["dynamodb"]["Keys"]["pk"]["S"]


def first_times(path, times):
    """Has the path been asked for at most so often?"""
    with lock:
        seen[path] = seen.get(path, 0) + 1
        return seen[path] <= times


def answer(path, records):
    """Status and body."""
    keys = [key_of(r) for r in records]
    if path == "/hook/fail":
        return 500, ""
    if path == "/hook/flaky":
        return (503, "") if first_times(path, 3) else (200, "")
    if path == "/hook/slow":
        time.sleep(60)
    if path == "/hook/poison":
        return (500, "") if "bad" in keys else (200, "")
    if path == "/hook/redirect":
        return 302, ""
    if path == "/hook/partial":
        failed = [r for r in records if key_of(r) == "bad"]
        if failed and first_times(path, 2):
            return 200, json.dumps({"batchItemFailures": [
                {"itemIdentifier": r["dynamodb"]["SequenceNumber"]} for r in failed]})
    if path == "/hook/nonsense":
        return 200, json.dumps({"batchItemFailures": [{"itemIdentifier": "1"}]})
    if path == "/hook/endless":
        return 200, "x" * (2 * 1024 * 1024)
    return 200, ""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        records = json.loads(body)["Records"]
        status, text = answer(self.path, records)
        with lock, open(sys.argv[2], "a") as log:
            log.write(json.dumps({
                "path": self.path, "status": status, "time": time.time(),
                "type": self.headers["Content-Type"],
                "signature": self.headers["X-Pg-Dynamo-Signature"],
                "arn": records[0].get("eventSourceARN"),
                "keys": [key_of(r) for r in records],
                "body": body.decode()}) + "\n")
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/hook/target")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *args):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
with open(sys.argv[1] + ".new", "w") as f:
    f.write(str(server.server_address[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
server.serve_forever()
