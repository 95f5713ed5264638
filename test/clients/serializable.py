"""Is a history strictly serializable?  serializable.py lists | registers FILE...; serializable.py test

A history is a list of records, one per transaction or single call, from JSON
lines.  Each has "start" and "end", by one clock, and "outcome": "ok"; "fail",
it changed nothing; "unknown", it may have taken place at any time after
"start", or not at all.  What a failed one observed is true of one moment.

Lists.  An item is a list to which every append adds a value that nobody else
adds; an absent item is the empty list.  "appends" are pairs of key and value,
"reads" are pairs of key and what was there before: a list, {"size": n}, or
{"exists": true}.  A record with "final" reads keys after everything else has
ended.  Since a list shows all its earlier versions, in order, it tells which
transaction must have preceded which:

    ww  one appended just after the value of another
    wr  one read what another had appended
    rw  one did not yet see what another appended
    rt  one had ended before another began

A cycle of these contradicts every serial order.  They are named after Adya:
G0 of ww alone, G1c of ww and wr, G-single with one rw, G2 with several; the
suffix -realtime says that it takes an rt as well.

Registers.  An item is a value that is replaced and deleted at will, so that
nothing tells the order of its versions; all orders are tried, of the records
of one "window", which have keys of their own.  "expects" maps keys to the
value that must be there before, null for absent, {"exists": true} for any;
"sets" maps keys to the value that is there afterwards, null for absent.
"""

import json
import math
import sys
from collections import deque

WW, WR, RW, RT = 'ww', 'wr', 'rw', 'rt'


# ---- graphs: node -> {node: set of kinds} ----

def add_edge(graph, source, target, kind):
    if source != target:
        graph.setdefault(source, {}).setdefault(target, set()).add(kind)


def within(graph, kinds):
    """The edges of some kinds."""
    return {source: {target: edge & kinds for target, edge in targets.items() if edge & kinds}
            for source, targets in graph.items()}


def components(graph):
    """Sets of nodes that all reach each other, of at least two nodes (Tarjan)."""
    number, low, stack, on_stack, found = {}, {}, [], set(), []
    for root in graph:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        path = [(root, iter(graph[root]))]
        while path:
            node, targets = path[-1]
            for target in targets:
                if target not in number:
                    number[target] = low[target] = len(number)
                    stack.append(target)
                    on_stack.add(target)
                    path.append((target, iter(graph.get(target, ()))))
                    break
                if target in on_stack:
                    low[node] = min(low[node], number[target])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == number[node]:
                    members = set()
                    while node not in members:
                        members.add(stack.pop())
                    on_stack -= members
                    if len(members) > 1:
                        found.append(members)
    return found


def shortest_path(graph, source, target, members):
    """Nodes from source to target inside members, None if there is no path."""
    before = {source: None}
    queue = deque([source])
    while queue:
        node = queue.popleft()
        if node == target:
            path = [node]
            while before[path[-1]] is not None:
                path.append(before[path[-1]])
            return path[::-1]
        for following in graph.get(node, ()):
            if following in members and following not in before:
                before[following] = node
                queue.append(following)
    return None


def cycle_with_one_rw(graph, others, members):
    """The nodes of a cycle inside members: an rw edge, and others back to its source."""
    for source in members:
        for target, kinds in graph.get(source, {}).items():
            if target in members and RW in kinds:
                path = shortest_path(others, target, source, members)
                if path:
                    return [source] + path
    return None


def any_cycle(graph, members):
    start = next(iter(members))
    for following in graph[start]:
        if following in members:
            path = shortest_path(graph, following, start, members)
            if path:
                return [start] + path
    return None


# ---- list histories ----

class Lists:
    """The anomalies of a list history: pairs of a name and a sentence."""

    def __init__(self, history):
        self.history = history
        self.anomalies = []
        self.graph = {}
        self.writer = {}        # (key, value) -> record
        self.order = {}         # key -> longest list that was read
        self.final = set()      # keys read at the end
        self.find_writers()
        self.find_orders()
        self.check_values()
        self.link()
        self.find_cycles()

    def report(self, name, text):
        self.anomalies.append((name, text))

    def describe(self, number):
        record = self.history[number]
        return f'{number} ({record.get("kind", "")} reads {record.get("reads", [])} appends {record.get("appends", [])})'

    def find_writers(self):
        for number, record in enumerate(self.history):
            for key, value in record.get('appends', ()):
                if (key, value) in self.writer:
                    raise ValueError(f'{value} is appended to {key} twice')
                self.writer[key, value] = number

    def find_orders(self):
        """Of each key the longest list that was read; all others must be its
        beginnings."""
        for number, record in enumerate(self.history):
            if record.get('final'):
                self.final |= {key for key, _ in record['reads']}
            for key, seen in record.get('reads', ()):
                if (isinstance(seen, list) and record['outcome'] != 'unknown'
                        and len(seen) > len(self.order.get(key, []))):
                    self.order[key] = seen

    def check_values(self):
        self.committed = [record['outcome'] == 'ok' for record in self.history]
        for key, values in self.order.items():
            if len(set(values)) < len(values):
                self.report('duplicate', f'{key}: {values}')
            for value in values:
                writer = self.writer.get((key, value))
                if writer is None:
                    self.report('garbage', f'{value} of {key} was never appended')
                elif self.history[writer]['outcome'] == 'fail':
                    self.report('G1a', f'{value} of {key} was read, but {self.describe(writer)} failed')
                else:
                    self.committed[writer] = True
        self.position = {key: {value: n for n, value in enumerate(values)} for key, values in self.order.items()}
        for (key, value), writer in self.writer.items():
            if self.committed[writer] and key in self.final and value not in self.position.get(key, {}):
                self.report('lost', f'{value} of {key}, appended by {self.describe(writer)}')

    def link(self):
        for key, values in self.order.items():
            writers = [self.writer[key, value] for value in values if (key, value) in self.writer]
            for earlier, later in zip(writers, writers[1:]):
                add_edge(self.graph, earlier, later, WW)
        for number, record in enumerate(self.history):
            if record['outcome'] == 'fail' or self.committed[number]:
                for key, seen in record.get('reads', ()):
                    self.link_read(number, key, seen)
        self.link_times()

    def link_read(self, number, key, seen):
        values = self.order.get(key, [])
        if isinstance(seen, list):
            size = len(seen)
        elif 'size' in seen:
            size = seen['size']
        else:
            size = 1
        if size > len(values):
            self.report('garbage', f'{key} had {size} values for {self.describe(number)}')
            return
        if isinstance(seen, list) and seen != values[:size]:
            self.report('incompatible order', f'{key}: {values} and {seen} of {self.describe(number)}')
            return
        if size > 0:
            writer = self.writer.get((key, values[size - 1]))
            if writer is not None:
                add_edge(self.graph, writer, number, WR)
                last = [value for name, value in self.history[writer]['appends'] if name == key][-1]
                if last != values[size - 1] and writer != number and isinstance(seen, list):
                    self.report('G1b', f'{self.describe(number)} read a middle state of {self.describe(writer)}')
        if 'exists' not in seen and size < len(values):
            writer = self.writer.get((key, values[size]))
            if writer is not None:
                add_edge(self.graph, number, writer, RW)

    def link_times(self):
        """A node per end, each followed by the next, stands for all pairs of an
        end and a later start."""
        ends = sorted({record['end'] for number, record in enumerate(self.history)
                       if record['outcome'] != 'unknown'})
        place = {end: n for n, end in enumerate(ends)}
        starts = sorted((record['start'], number) for number, record in enumerate(self.history))
        for n in range(1, len(ends)):
            add_edge(self.graph, ('time', n - 1), ('time', n), RT)
        for number, record in enumerate(self.history):
            if record['outcome'] != 'unknown':
                add_edge(self.graph, number, ('time', place[record['end']]), RT)
        n = -1
        for start, number in starts:
            while n + 1 < len(ends) and ends[n + 1] < start:
                n += 1
            if n >= 0:
                add_edge(self.graph, ('time', n), number, RT)

    def find_cycles(self):
        told = []
        for suffix, more in ('', set()), ('-realtime', {RT}):
            for name, kinds in ('G0', {WW}), ('G1c', {WW, WR}), ('G2', {WW, WR, RW}):
                graph = within(self.graph, kinds | more)
                for members in components(graph):
                    if any(other <= members for other in told):
                        continue
                    told.append(members)
                    self.report_cycle(name, suffix, graph, members)

    def report_cycle(self, name, suffix, graph, members):
        cycle = None
        if name == 'G2':
            others = within(graph, {WW, WR, RT})
            cycle = cycle_with_one_rw(graph, others, members)
            if cycle:
                name = 'G-single'
        cycle = cycle or any_cycle(graph, members)
        text = self.describe(cycle[0]) if not isinstance(cycle[0], tuple) else ''
        for source, target in zip(cycle, cycle[1:]):
            if not isinstance(target, tuple):
                text += f' {"/".join(sorted(graph[source][target]))}-> {self.describe(target)}'
        self.report(name + suffix, text)


def list_anomalies(history):
    return Lists(history).anomalies


# ---- register histories ----

def holds(expected, value):
    if isinstance(expected, dict):
        return value is not None
    return expected == value


def apply(record, state):
    """The state afterwards, None where the record cannot take place."""
    for key, expected in record.get('expects', {}).items():
        if not holds(expected, state.get(key)):
            return None
    if record['outcome'] == 'fail' or not record.get('sets'):
        return state
    return {**state, **record['sets']}


def explain(records):
    """None if some order explains the records of a window, else the longest
    beginning of an order.  Depth first; what led nowhere is not tried again."""
    records = sorted((record for record in records if record['outcome'] != 'fail' or record.get('expects')),
                     key=lambda record: record['start'])
    ends = [math.inf if record['outcome'] == 'unknown' else record['end'] for record in records]
    must = sum(1 << n for n, end in enumerate(ends) if end < math.inf)
    best = []

    def candidates(done):
        """Those that may come next: no other one left ended before they began."""
        limit = min((ends[n] for n in range(len(records)) if not done >> n & 1), default=math.inf)
        for n, record in enumerate(records):
            if record['start'] > limit:
                break
            if not done >> n & 1:
                yield n

    seen = set()
    path = [(0, {}, candidates(0))]
    order = []
    while path:
        done, state, choices = path[-1]
        if done & must == must:
            return None
        for n in choices:
            after = apply(records[n], state)
            if after is None:
                continue
            now = done | 1 << n
            mark = now, tuple(sorted(item for item in after.items() if item[1] is not None))
            if mark in seen:
                continue
            seen.add(mark)
            path.append((now, after, candidates(now)))
            order.append(n)
            if len(order) > len(best):
                best = order[:]
            break
        else:
            path.pop()
            if order:
                order.pop()
    return [records[n] for n in best]


def register_anomalies(history):
    windows = {}
    for record in history:
        windows.setdefault(record.get('window'), []).append(record)
    anomalies = []
    for window, records in windows.items():
        best = explain(records)
        if best is not None:
            rest = [record for record in records if record not in best]
            anomalies.append(('no order', f'window {window}: after {best} none of {rest}'))
    return anomalies


# ---- the checker checked ----

def record(start, end, reads=(), appends=(), outcome='ok', **more):
    return {'start': start, 'end': end, 'reads': [list(pair) for pair in reads],
            'appends': [list(pair) for pair in appends], 'outcome': outcome, **more}


def final(**lists):
    return record(1000, 1001, list(lists.items()), final=True)


# All but those about time run at the same time, from 0 to 10.
LIST_CASES = {
    'nothing': (set(), []),
    'one after the other': (set(), [
        record(0, 1, appends=[('x', 1)]), record(2, 3, [('x', [1])], [('x', 2)]), final(x=[1, 2])]),
    'concurrent, in either order': (set(), [
        record(0, 10, [('x', []), ('y', [])], [('x', 1)]), record(0, 10, [('x', [1]), ('y', [])], [('y', 2)]),
        record(0, 10, [('x', [1]), ('y', [])]), final(x=[1], y=[2])]),
    'an unknown outcome that took place, late': (set(), [
        record(0, 1, appends=[('x', 1), ('y', 2)], outcome='unknown'), record(2, 3, [('x', []), ('y', [])]),
        final(x=[1], y=[2])]),
    'an unknown outcome that did not': (set(), [
        record(0, 1, appends=[('x', 1), ('y', 2)], outcome='unknown'), record(2, 3, [('x', [])]), final(x=[], y=[])]),
    'an unknown outcome whose condition was never true': (set(), [
        record(0, 1, [('x', [9])], [('y', 1)], outcome='unknown'),
        record(0, 1, [('x', {'size': 5})], [('y', 2)], outcome='unknown'), final(x=[], y=[])]),
    'a size that fits': (set(), [
        record(0, 1, appends=[('x', 1)]), record(2, 3, [('x', {'size': 1})], [('x', 2)]), final(x=[1, 2])]),
    'lost update': ({'G-single'}, [
        record(0, 10, [('x', [])], [('x', 1)]), record(0, 10, [('x', [])], [('x', 2)]), final(x=[1, 2])]),
    'lost update, by size': ({'G-single'}, [
        record(0, 10, [('x', {'size': 0})], [('x', 1)]), record(0, 10, [('x', {'size': 0})], [('x', 2)]),
        final(x=[1, 2])]),
    'write skew on absent items': ({'G2'}, [
        record(0, 10, [('y', [])], [('x', 1)]), record(0, 10, [('x', [])], [('y', 2)]), final(x=[1], y=[2])]),
    'write skew on items that are there': ({'G2'}, [
        record(0, 1, appends=[('x', 8), ('y', 9)]), record(2, 10, [('x', [8]), ('y', [9])], [('x', 1)]),
        record(2, 10, [('x', [8]), ('y', [9])], [('y', 2)]), final(x=[8, 1], y=[9, 2])]),
    'read skew': ({'G-single'}, [
        record(0, 10, appends=[('x', 1), ('y', 2)]), record(0, 10, [('x', [1]), ('y', [])]), final(x=[1], y=[2])]),
    'two readers who disagree (long fork)': ({'G2'}, [
        record(0, 10, appends=[('x', 1)]), record(0, 10, appends=[('y', 2)]),
        record(0, 10, [('x', [1]), ('y', [])]), record(0, 10, [('x', []), ('y', [2])]), final(x=[1], y=[2])]),
    'writes in different orders': ({'G0'}, [
        record(0, 10, appends=[('x', 1), ('y', 1)]), record(0, 10, appends=[('x', 2), ('y', 2)]),
        final(x=[1, 2], y=[2, 1])]),
    'each reads what the other wrote': ({'G1c'}, [
        record(0, 10, [('y', [2])], [('x', 1)]), record(0, 10, [('x', [1])], [('y', 2)]), final(x=[1], y=[2])]),
    'an item exists before it was made': ({'G1c'}, [
        record(0, 10, [('y', {'exists': True})], [('x', 1)]), record(0, 10, [('x', [1])], [('y', 2)]),
        final(x=[1], y=[2])]),
    'a failed write is read': ({'G1a'}, [
        record(0, 10, appends=[('x', 1)], outcome='fail'), record(0, 10, [('x', [1])])]),
    'a middle state is read': ({'G1b', 'G1c', 'G-single'}, [
        record(0, 10, appends=[('x', 1), ('x', 2)]), record(0, 10, [('x', [1])]), final(x=[1, 2])]),
    'half of an unknown outcome': ({'lost'}, [
        record(0, 1, appends=[('x', 1), ('y', 2)], outcome='unknown'), final(x=[1], y=[])]),
    'an acknowledged write is lost': ({'lost'}, [
        record(0, 1, appends=[('x', 1)]), record(2, 3, appends=[('x', 2)]), final(x=[2])]),
    'a write takes place twice': ({'duplicate'}, [record(0, 1, appends=[('x', 1)]), final(x=[1, 1])]),
    'a value from nowhere': ({'garbage'}, [final(x=[1])]),
    'readers of different pasts': ({'incompatible order'}, [
        record(0, 10, appends=[('x', 1)]), record(0, 10, appends=[('x', 2)]),
        record(0, 10, [('x', [1, 2])]), record(0, 10, [('x', [2])])]),
    'stale read': ({'G-single-realtime'}, [
        record(0, 1, appends=[('x', 1)]), record(2, 3, [('x', [])]), final(x=[1])]),
    'stale size': ({'G-single-realtime'}, [
        record(0, 1, appends=[('x', 1)]), record(2, 3, [('x', {'size': 0})]), final(x=[1])]),
    'stale read of a failed condition': ({'G-single-realtime'}, [
        record(0, 1, appends=[('x', 1)]), record(2, 3, [('x', [])], outcome='fail'), final(x=[1])]),
    'a read of the future': ({'G1c-realtime'}, [
        record(0, 1, [('x', [1])]), record(2, 3, appends=[('x', 1)]), final(x=[1])]),
    'writes against time': ({'G0-realtime'}, [
        record(0, 1, appends=[('x', 1)]), record(2, 3, appends=[('x', 2)]), final(x=[2, 1])]),
    'an unknown outcome read before it began': ({'G1c-realtime'}, [
        record(0, 1, [('x', [1])]), record(2, 3, appends=[('x', 1)], outcome='unknown'), final(x=[1])]),
}


def change(start, end, expects=None, sets=None, outcome='ok'):
    return {'start': start, 'end': end, 'expects': expects or {}, 'sets': sets or {}, 'outcome': outcome}


REGISTER_CASES = {
    'nothing': (True, []),
    'there and gone': (True, [
        change(0, 1, {'x': None}, {'x': 1}), change(2, 3, {'x': 1}, {'x': None}), change(4, 5, {'x': None})]),
    'concurrent writes, either first': (True, [
        change(0, 10, sets={'x': 1}), change(0, 10, sets={'x': 2}), change(11, 12, {'x': 1})]),
    'unknown outcomes, one of which took place late': (True, [
        change(0, 1, sets={'x': 1}, outcome='unknown'), change(2, 3, sets={'x': 2}, outcome='unknown'),
        change(4, 5, {'x': None}), change(6, 7, {'x': 1}), change(8, 9, {'x': 1})]),
    'a failed one that saw what was there': (True, [
        change(0, 1, sets={'x': 1}), change(2, 3, {'x': 1}, outcome='fail')]),
    'a failed one that would have changed it': (True, [
        change(0, 1, {'x': None}, {'x': 1}, outcome='fail'), change(2, 3, {'x': None})]),
    'lost update': (False, [
        change(0, 1, sets={'x': 1}), change(2, 10, {'x': 1}, {'x': 2}), change(2, 10, {'x': 1}, {'x': 3})]),
    'write skew on absent items': (False, [
        change(0, 10, {'y': None}, {'x': 1}), change(0, 10, {'x': None}, {'y': 2}),
        change(11, 12, {'x': 1, 'y': 2})]),
    'write skew by deletion': (False, [
        change(0, 1, sets={'x': 1, 'y': 1}), change(2, 10, {'x': {'exists': True}}, {'y': None}),
        change(2, 10, {'y': {'exists': True}}, {'x': None})]),
    'read skew': (False, [
        change(0, 1, sets={'x': 1, 'y': 1}), change(2, 10, sets={'x': 2, 'y': 2}), change(2, 10, {'x': 1, 'y': 2})]),
    'stale read': (False, [change(0, 1, sets={'x': 1}), change(2, 3, {'x': None})]),
    'a deletion undone': (False, [
        change(0, 1, sets={'x': 1}), change(2, 3, sets={'x': None}), change(4, 5, {'x': 1})]),
    'made twice': (False, [change(0, 10, {'x': None}, {'x': 1}), change(0, 10, {'x': None}, {'x': 2})]),
    'an unknown outcome that came and went': (False, [
        change(0, 1, sets={'x': 1}, outcome='unknown'), change(2, 3, {'x': 1}), change(4, 5, {'x': None})]),
    'a failed write that took place': (False, [
        change(0, 1, {'x': 5}, {'x': 1}, outcome='fail'), change(2, 3, {'x': 1})]),
    'readers who disagree': (False, [
        change(0, 10, sets={'x': 1}), change(0, 10, sets={'y': 1}),
        change(0, 10, {'x': 1, 'y': None}), change(0, 10, {'x': None, 'y': 1})]),
}


def test():
    """Hand-made histories, good and bad."""
    for name, (expected, history) in LIST_CASES.items():
        found = {anomaly for anomaly, _ in list_anomalies(history)}
        good = bool(found) and found <= expected if expected else not found
        yield good, f'lists, {name}: {", ".join(sorted(expected)) or "good"}', found
    for name, (expected, history) in REGISTER_CASES.items():
        found = register_anomalies(history)
        yield (not found) == expected, f'registers, {name}: {"good" if expected else "bad"}', found


def read_history(files):
    history = []
    for file in files:
        with open(file, encoding='utf-8') as lines:
            history += map(json.loads, lines)
    return history


def main(command, *files):
    if command == 'test':
        for passed, name, found in test():
            if not passed:
                print(f'{name}: found {found}', file=sys.stderr)
            print(('ok ' if passed else 'not ok ') + name)
        print('end')
        return 0
    anomalies = {'lists': list_anomalies, 'registers': register_anomalies}[command](read_history(files))
    for name, text in anomalies[:20]:
        print(f'{name}: {text}'[:2000])
    return 1 if anomalies else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
