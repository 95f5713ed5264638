// Batches, transactions, PartiQL and the legacy parameters as the JavaScript
// SDK and its document client see them:
// transact.mjs batches | legacy | transactions | bank | statements
//
// Reports its tests on standard output, as PgDynamoHttp.pm says.

import * as sdk from '@aws-sdk/client-dynamodb'
import * as lib from '@aws-sdk/lib-dynamodb'
import { collect, connect, create, drop, raises, report, same, sayAndWait } from './harness.mjs'

const bankTime = 3000
const client = connect()
const documents = lib.DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } })
const send = (command, ...input) => documents.send(new lib[`${command}Command`](...input))
const put = Item => ({ PutRequest: { Item } })
const range = n => Array.from({ length: n }, (_, i) => i)
const bySort = (a, b) => a.sk - b.sk

// ---- batches ----

// as applications do: what was not processed is sent again; resolves to the number of calls
async function writeAll(TableName, requests) {
	let calls = 0

	while (requests.length) {
		const { UnprocessedItems } = await send('BatchWrite', { RequestItems: { [TableName]: requests.slice(0, 25) } })

		requests = [...UnprocessedItems[TableName] ?? [], ...requests.slice(25)]
		calls++
	}
	return calls
}

async function testBatches() {
	await create(client, 'Batch', ['pk S', 'sk N'])
	await create(client, 'Other', ['id S'])
	const items = range(20).map(sk => ({ pk: 'a', sk, set: new Set(['x', `${sk}`]), bytes: Uint8Array.of(sk), no: null }))
	const others = range(5).map(n => ({ id: `o${n}`, list: [n, { deep: [] }] }))
	const written = await send('BatchWrite', { RequestItems: { Batch: items.map(put), Other: others.map(put) },
		ReturnConsumedCapacity: 'TOTAL' })

	same(written.UnprocessedItems, {}, 'BatchWriteItem in two tables')
	same(Object.fromEntries(written.ConsumedCapacity.map(c => [c.TableName, c.CapacityUnits])), { Batch: 20, Other: 5 },
		'its capacity')
	const got = await send('BatchGet', { RequestItems: {
		Batch: { Keys: [...items.map(({ pk, sk }) => ({ pk, sk })), { pk: 'none', sk: 0 }] },
		Other: { Keys: others.map(({ id }) => ({ id })), ProjectionExpression: '#l[1].deep',
			ExpressionAttributeNames: { '#l': 'list' } } } })
	same(got.Responses.Batch.sort(bySort), items, 'BatchGetItem')
	same(got.Responses.Other, others.map(() => ({ list: [{ deep: [] }] })), 'with a projection')
	same(got.UnprocessedKeys, {}, 'all are processed')

	const text = 'x'.repeat(399000)
	const keys = range(50).map(sk => ({ pk: 'large', sk }))
	await writeAll('Batch', keys.map(key => put({ ...key, text })))
	let request = { Batch: { Keys: keys, ConsistentRead: true } }
	const found = []
	const sizes = []
	while (Object.keys(request).length) {
		const { Responses, UnprocessedKeys } = await send('BatchGet', { RequestItems: request })

		found.push(...Responses.Batch)
		sizes.push(Responses.Batch.length)
		request = UnprocessedKeys
	}
	same(found.sort(bySort), keys.map(key => ({ ...key, text })), 'BatchGetItem of 20 MB, with what was unprocessed')
	report(sizes.length === 2 && sizes[0] > 40, 'the first answer is full', sizes)
	await writeAll('Batch', keys.map(Key => ({ DeleteRequest: { Key } })))
	same((await collect(lib.paginateScan({ client: documents, pageSize: 7 }, { TableName: 'Batch' }), 'Items')).sort(bySort),
		items, 'deletions')
	await raises('ValidationException', 'an item twice',
		send('BatchWrite', { RequestItems: { Batch: [put({ pk: 'd', sk: 1 }), { DeleteRequest: { Key: { pk: 'd', sk: 1 } } }] } }),
		'Provided list of item keys contains duplicates')

	await create(client, 'Retry', ['pk S'])
	await writeAll('Retry', ['a', 'b'].map(pk => put({ pk, n: 0 })))
	await sayAndWait('lock')
	const { UnprocessedItems } = await send('BatchWrite', { RequestItems: { Retry: ['a', 'b'].map(pk => put({ pk, n: 1 })) } })
	same(UnprocessedItems, { Retry: [put({ pk: 'a', n: 1 })] }, 'a locked item stays unprocessed')
	report(await writeAll('Retry', UnprocessedItems.Retry ?? []) > 1, 'it takes more than one call')
	same((await send('Scan', { TableName: 'Retry' })).Items.map(({ n }) => n), [1, 1], 'in the end all are written')
	for (const name of ['Batch', 'Other', 'Retry'])
		await drop(client, name)
}

// ---- legacy parameters ----

const condition = (ComparisonOperator, ...AttributeValueList) =>
	({ ComparisonOperator, ...AttributeValueList.length && { AttributeValueList } })

async function testLegacy() {
	const TableName = 'Legacy'
	const Key = { pk: 'a', sk: 1 }

	await create(client, TableName, ['pk S', 'sk N'])
	const first = { TableName, Item: { ...Key, n: 5, tags: new Set(['x', 'y']) }, Expected: { pk: { Exists: false } } }
	await send('Put', first)
	await raises(sdk.ConditionalCheckFailedException, 'Expected: not there', send('Put', first), 'The conditional request failed')
	const { Attributes } = await send('Update', { TableName, Key, ReturnValues: 'ALL_NEW',
		Expected: { n: condition('GE', 100), tags: condition('CONTAINS', 'x') }, ConditionalOperator: 'OR',
		AttributeUpdates: { n: { Action: 'ADD', Value: -2 }, tags: { Action: 'DELETE', Value: new Set(['x']) },
			fresh: { Action: 'PUT', Value: [1, null] } } })
	same(Attributes, { ...Key, n: 3, tags: new Set(['y']), fresh: [1, null] }, 'AttributeUpdates')
	await raises(sdk.ConditionalCheckFailedException, 'Expected: a value',
		send('Delete', { TableName, Key, Expected: { n: { Value: 5 } } }))

	await Promise.all(range(30).map(n => send('Put', { TableName, Item: { pk: 'b', sk: n, n: n % 3 } })))
	const query = { TableName, KeyConditions: { pk: condition('EQ', 'b'), sk: condition('LT', 20) } }
	same((await collect(lib.paginateQuery({ client: documents, pageSize: 6 }, { ...query }), 'Items')).map(({ sk }) => sk),
		range(20), 'KeyConditions, in pages')
	same((await send('Query', { ...query, QueryFilter: { n: condition('IN', 1, 7) }, AttributesToGet: ['sk'] })).Items,
		range(20).filter(n => n % 3 === 1).map(sk => ({ sk })), 'QueryFilter and AttributesToGet')
	same((await collect(lib.paginateScan({ client: documents, pageSize: 8 },
		{ TableName, ScanFilter: { sk: condition('BETWEEN', 25, 27) } }), 'Items')).map(({ sk }) => sk).sort(), [25, 26, 27],
	'ScanFilter, in pages')
	await raises('ValidationException', 'expressions and legacy parameters',
		send('Query', { ...query, FilterExpression: 'n = :n', ExpressionAttributeValues: { ':n': 1 },
			QueryFilter: { n: condition('EQ', 1) } }), 'Can not use both expression and non-expression parameters')
	await drop(client, TableName)
}

// ---- transactions ----

const ALL_OLD = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }
const absent = { ConditionExpression: 'attribute_not_exists(pk)', ...ALL_OLD }
const write = (...TransactItems) => send('TransactWrite', { TransactItems })

// items, undefined for what is not there
async function read(...gets) {
	const { Responses } = await send('TransactGet', { TransactItems: gets.map(Get => ({ Get })) })

	return Responses.map(({ Item }) => Item)
}

async function testTransactions() {
	const [stock, orders] = ['Stock', 'Orders']
	const pen = { TableName: stock, Key: { pk: 'pen' } }
	const order = { TableName: orders, Key: { pk: 'order', sk: 1 } }

	await create(client, stock, ['pk S'])
	await create(client, orders, ['pk S', 'sk N'])
	await send('Put', { TableName: stock, Item: { pk: 'pen', n: 10 } })
	await send('Put', { TableName: stock, Item: { pk: 'old' } })
	await write(
		{ Put: { TableName: orders, Item: { ...order.Key, parts: [{ what: 'pen', n: 3 }] }, ...absent } },
		{ Update: { ...pen, UpdateExpression: 'SET n = n - :n', ConditionExpression: 'n >= :n',
			ExpressionAttributeValues: { ':n': 3 } } },
		{ Delete: { TableName: stock, Key: { pk: 'old' }, ConditionExpression: 'attribute_exists(pk)' } },
		{ ConditionCheck: { TableName: stock, Key: { pk: 'closed' }, ConditionExpression: 'attribute_not_exists(pk)' } })
	same(await read(pen, order, { TableName: stock, Key: { pk: 'old' } }, { ...order, ProjectionExpression: 'parts[0].n' }).catch(e => e.name),
		'ValidationException', 'TransactGetItems with an item twice')
	same(await read(pen, { ...order, ProjectionExpression: 'parts[0].n' }, { TableName: stock, Key: { pk: 'old' } }),
		[{ pk: 'pen', n: 7 }, { parts: [{ n: 3 }] }, undefined], 'TransactWriteItems, TransactGetItems')

	const error = await raises(sdk.TransactionCanceledException, 'a transaction that is cancelled', write(
		{ Put: { TableName: orders, Item: { pk: 'order', sk: 2 }, ...absent } },
		{ Put: { TableName: stock, Item: { pk: 'pen' }, ...absent } },
		{ Update: { TableName: stock, Key: { pk: 'none' }, UpdateExpression: 'REMOVE n',
			ConditionExpression: 'n > :n', ExpressionAttributeValues: { ':n': 1 } } }),
	'Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed, ConditionalCheckFailed]')
	same(error?.CancellationReasons?.map(({ Code, Message, Item }) => [Code, Message, Item]), [
		['None', undefined, undefined],
		['ConditionalCheckFailed', 'The conditional request failed', { pk: { S: 'pen' }, n: { N: '7' } }],
		['ConditionalCheckFailed', 'The conditional request failed', undefined]], 'CancellationReasons in order')
	same(await read({ TableName: orders, Key: { pk: 'order', sk: 2 } }), [undefined], 'it leaves nothing')

	const add = n => ({ Update: { TableName: stock, Key: { pk: 'counter' }, UpdateExpression: 'ADD n :n',
		ExpressionAttributeValues: { ':n': n } } })
	const token = { TransactItems: [add(1)], ClientRequestToken: 'a token' }
	await Promise.all(range(4).map(() => send('TransactWrite', token)))
	same(await read({ TableName: stock, Key: { pk: 'counter' } }), [{ pk: 'counter', n: 1 }],
		'a token makes a transaction take place once, asked for at the same time')
	await raises(sdk.IdempotentParameterMismatchException, 'the token of another request',
		send('TransactWrite', { ...token, TransactItems: [add(2)] }))

	await create(client, 'Retry', ['pk S'])
	await send('Put', { TableName: 'Retry', Item: { pk: 'a', n: 1 } })
	await sayAndWait('lock')
	const once = lib.DynamoDBDocumentClient.from(connect({ maxAttempts: 1 }))
	const conflict = await raises(sdk.TransactionCanceledException, 'a conflict', once.send(new lib.TransactWriteCommand({
		TransactItems: [add(1), { Delete: { TableName: 'Retry', Key: { pk: 'a' } } }] })))
	same(conflict?.CancellationReasons?.map(({ Code }) => Code), ['None', 'TransactionConflict'], 'its reasons')
	await raises(sdk.TransactionConflictException, 'a single write',
		once.send(new lib.DeleteCommand({ TableName: 'Retry', Key: { pk: 'a' } })), 'Transaction is ongoing for the item')
	await drop(connect({ maxAttempts: 20 }), 'Retry')
	for (const name of [stock, orders])
		await drop(client, name)
}

// ---- a bank ----

async function testBank() {
	const accounts = range(6)
	const account = n => n % 2 ? { TableName: 'Savings', Key: { pk: `${n}` } } : { TableName: 'Current', Key: { pk: `${n}`, sk: 0 } }
	const until = Date.now() + bankTime
	const totals = new Set()
	const states = new Set()
	const moved = range(6).map(() => 0)

	await create(client, 'Savings', ['pk S'])
	await create(client, 'Current', ['pk S', 'sk N'])
	await write(...accounts.map(account).map(({ TableName, Key }) => ({ Put: { TableName, Item: { ...Key, n: 100 } } })))

	const teller = async number => {
		for (let i = 0; Date.now() < until; i++) {
			const source = (number + i) % accounts.length
			const target = (source + 1 + i % (accounts.length - 1)) % accounts.length
			const ExpressionAttributeValues = { ':n': 1 + i % 50 }

			try {
				await write(
					{ Update: { ...account(source), UpdateExpression: 'SET n = n - :n', ConditionExpression: 'n >= :n',
						ExpressionAttributeValues } },
					{ Update: { ...account(target), UpdateExpression: 'SET n = n + :n', ExpressionAttributeValues } })
				moved[number]++
			} catch (error) {
				if (!(error instanceof sdk.TransactionCanceledException))
					throw error
			}
		}
	}
	const auditor = async () => {
		while (Date.now() < until) {
			const balances = (await read(...accounts.map(account))).map(({ n }) => n)

			totals.add(Math.min(...balances) < 0 ? 'negative' : balances.reduce((a, b) => a + b))
			states.add(balances.join())
		}
	}
	await Promise.all([...accounts.map(teller), ...range(3).map(auditor)])
	same([...totals], [100 * accounts.length], 'bank: auditors always see the same total')
	report(states.size > 10, 'bank: in many states', states.size)
	report(Math.min(...moved) > 0, 'bank: every teller moved something', moved)
	for (const name of ['Savings', 'Current'])
		await drop(client, name)
}

// ---- PartiQL ----

const execute = (Statement, Parameters, more) => send('ExecuteStatement', { Statement, Parameters, ...more })

// all items of a statement, page by page, and how many pages
async function select(...statement) {
	const items = []
	let pages = 0
	let NextToken

	do {
		const page = await execute(statement[0], statement[1], { ...statement[2], NextToken })

		items.push(...page.Items)
		NextToken = page.NextToken
		pages++
	} while (NextToken)
	return [items, pages]
}

async function testStatements() {
	const item = { pk: 'a', sk: 1, set: new Set(['p', 'q']), list: [1, 'two', null], map: { x: { y: true } }, bytes: Uint8Array.of(0, 255) }

	await create(client, 'Words', ['pk S', 'sk N'])
	same((await execute("INSERT INTO Words VALUE {'pk': ?, 'sk': ?, 'set': ?, 'list': ?, 'map': ?, 'bytes': ?}",
		Object.values(item))).Items, [], 'INSERT')
	same(await select('SELECT * FROM Words WHERE pk = ? AND sk = ?', ['a', 1]), [[item], 1], 'SELECT')
	await raises(sdk.DuplicateItemException, 'INSERT of an item that is there', execute("INSERT INTO Words VALUE {'pk': 'a', 'sk': 1}"))
	same((await execute(`UPDATE Words SET list = list_append(list, [?]) SET "set" = set_add("set", <<'r'>>) REMOVE map.x.y
		WHERE pk = 'a' AND sk = 1 RETURNING ALL NEW *`, ['end'])).Items,
	[{ ...item, list: [1, 'two', null, 'end'], set: new Set(['p', 'q', 'r']), map: { x: {} } }], 'UPDATE')
	const error = await raises(sdk.ConditionalCheckFailedException, 'a condition of UPDATE',
		execute("UPDATE Words SET n = 1 WHERE pk = 'a' AND sk = 1 AND n > 0", undefined, ALL_OLD), 'The conditional request failed')
	same(error?.Item && Object.keys(error.Item).sort(), Object.keys(item).sort(), 'and the item')
	await raises('ValidationException', 'a statement that is not well formed', execute('SELECT FROM WHERE'),
		"Statement wasn't well formed, can't be processed")

	await Promise.all(range(30).map(sk => send('Put', { TableName: 'Words', Item: { pk: 'b', sk, n: sk % 4 } })))
	const [found, pages] = await select('SELECT sk FROM Words WHERE pk = ? AND sk BETWEEN ? AND ? AND n IN [1, 2] ORDER BY sk DESC',
		['b', 5, 25], { Limit: 4 })
	same(found.map(({ sk }) => sk), range(30).filter(n => n >= 5 && n <= 25 && [1, 2].includes(n % 4)).reverse(),
		'SELECT in order, in pages')
	report(pages > 4, 'with NextToken', pages)

	const by = 'FROM Words WHERE pk = ? AND sk = ?'
	const batch = await send('BatchExecuteStatement', { Statements: [
		{ Statement: `SELECT n ${by}`, Parameters: ['b', 3] }, { Statement: `SELECT n ${by}`, Parameters: ['none', 3] } ] })
	same(batch.Responses.map(({ Item, TableName }) => [Item, TableName]), [[{ n: 3 }, 'Words'], [undefined, 'Words']],
		'BatchExecuteStatement')
	const writes = await send('BatchExecuteStatement', { Statements: [
		{ Statement: "INSERT INTO Words VALUE {'pk': 'c', 'sk': 1}" }, { Statement: "INSERT INTO Words VALUE {'pk': 'a', 'sk': 1}" },
		{ Statement: `DELETE ${by} AND n = 0`, Parameters: ['b', 3], ...ALL_OLD } ] })
	same(writes.Responses.map(({ Error }) => [Error?.Code, Error?.Item]),
		[[undefined, undefined], ['DuplicateItem', undefined], ['ConditionalCheckFailed', { pk: 'b', sk: 3, n: 3 }]],
		'with errors of members')

	same((await send('ExecuteTransaction', { TransactStatements: [
		{ Statement: `DELETE ${by}`, Parameters: ['c', 1] },
		{ Statement: "UPDATE Words SET n = n + 10 WHERE pk = 'b' AND sk = 3" },
		{ Statement: `EXISTS(SELECT * ${by} AND n = ?)`, Parameters: ['b', 2, 2] } ] })).Responses.length, 3, 'ExecuteTransaction')
	same((await send('ExecuteTransaction', { TransactStatements: [
		{ Statement: `SELECT n ${by}`, Parameters: ['b', 3] }, { Statement: `SELECT * ${by}`, Parameters: ['c', 1] } ] }))
		.Responses.map(({ Item }) => Item), [{ n: 13 }, undefined], 'of reads')
	const cancelled = await raises(sdk.TransactionCanceledException, 'that is cancelled', send('ExecuteTransaction', {
		TransactStatements: [{ Statement: "INSERT INTO Words VALUE {'pk': 'a', 'sk': 1}" },
			{ Statement: "UPDATE Words SET n = 0 WHERE pk = 'b' AND sk = 3" },
			{ Statement: "UPDATE Words SET n = 0 WHERE pk = 'b' AND sk = 4 AND n > 5", ...ALL_OLD }] }))
	same(cancelled?.CancellationReasons?.map(({ Code, Item }) => [Code, Item]),
		[['DuplicateItem', undefined], ['None', undefined], ['ConditionalCheckFailed', { pk: { S: 'b' }, sk: { N: '4' }, n: { N: '0' } }]], 'its reasons')
	await drop(client, 'Words')
}

await { batches: testBatches, legacy: testLegacy, transactions: testTransactions, bank: testBank,
	statements: testStatements }[process.argv[2]]()
console.log('end')
process.exit(0)
