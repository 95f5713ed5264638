// The JavaScript SDK as applications use it: sdk.mjs all | short
//
// Reports its tests on standard output, as PgDynamoHttp.pm says.  ENDPOINT is
// the address, MOVIES the file of movies.

import * as sdk from '@aws-sdk/client-dynamodb'
import * as lib from '@aws-sdk/lib-dynamodb'
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { collect, connect, create, drop, raises, report, same, sayAndWait } from './harness.mjs'

async function testTables(client) {
	const TableName = 'Things'
	const made = await create(client, TableName, ['pk S', 'sk N'], { Tags: [{ Key: 'team', Value: 'a' }] })
	const ResourceArn = made.TableArn
	const described = async () => (await client.describeTable({ TableName })).Table

	same(ResourceArn, 'arn:aws:dynamodb:us-east-1:000000000000:table/Things', 'ARN of the new table')
	report(made.CreationDateTime instanceof Date, 'its creation time', made)
	same((await described()).TableStatus, 'ACTIVE', 'the waiter waits until the table exists')
	same((await client.listTagsOfResource({ ResourceArn })).Tags, [{ Key: 'team', Value: 'a' }], 'tags of a new table')
	await client.tagResource({ ResourceArn, Tags: [{ Key: 'stage', Value: 'test' }] })
	await client.untagResource({ ResourceArn, TagKeys: ['team'] })
	same((await client.listTagsOfResource({ ResourceArn })).Tags, [{ Key: 'stage', Value: 'test' }], 'tags after changes')

	for (const name of ['Page1', 'Page2', 'Page3'])
		await create(client, name, ['id B'])
	same(await collect(sdk.paginateListTables({ client, pageSize: 2 }, {}), 'TableNames'),
		['Page1', 'Page2', 'Page3', 'Things'], 'the list of tables in pages')
	for (const name of ['Page1', 'Page2', 'Page3'])
		await drop(client, name)
	same((await client.listTables({})).TableNames, [TableName], 'the waiter waits until a table does not exist')

	await client.updateTable({ TableName, DeletionProtectionEnabled: true })
	same((await described()).DeletionProtectionEnabled, true, 'UpdateTable')
	await raises('ValidationException', 'a protected table', client.deleteTable({ TableName }),
		'Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.')
	await client.updateTable({ TableName, DeletionProtectionEnabled: false })
	report((await client.describeLimits({})).TableMaxReadCapacityUnits > 0, 'DescribeLimits')
	report((await client.describeEndpoints({})).Endpoints[0].CachePeriodInMinutes > 0, 'DescribeEndpoints')
}

async function testItems(client) {
	const TableName = 'Things'
	const Key = { pk: { S: 'update' }, sk: { N: '1' } }
	const expected = {
		NONE: undefined, ALL_OLD: { n: '1', m: '1' }, UPDATED_OLD: { n: '2' },
		ALL_NEW: { n: '4', m: '1' }, UPDATED_NEW: { n: '5' } }

	await client.putItem({ TableName, Item: { ...Key, m: { N: '1' } } })
	for (const [ReturnValues, attributes] of Object.entries(expected)) {
		const { Attributes } = await client.updateItem({
			TableName, Key, ReturnValues, UpdateExpression: 'ADD #n :one',
			ExpressionAttributeNames: { '#n': 'n' }, ExpressionAttributeValues: { ':one': { N: '1' } } })
		const got = Attributes && Object.fromEntries(Object.entries(Attributes)
			.filter(([name]) => !(name in Key)).map(([name, value]) => [name, value.N]))

		same(got, attributes, `UpdateItem with ReturnValues ${ReturnValues}`)
	}

	const failing = { TableName, ConditionExpression: 'attribute_not_exists(pk)',
		ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }
	const item = { ...Key, m: { N: '1' }, n: { N: '5' } }

	for (const [name, call] of Object.entries({
		PutItem: () => client.putItem({ ...failing, Item: Key }),
		UpdateItem: () => client.updateItem({ ...failing, Key, UpdateExpression: 'REMOVE m' }),
		DeleteItem: () => client.deleteItem({ ...failing, Key }) })) {
		const error = await raises(sdk.ConditionalCheckFailedException, `a condition that fails in ${name}`,
			call(), 'The conditional request failed')

		same(error?.Item, item, `and its item`)
	}
	same((await client.deleteItem({ TableName, Key, ReturnValues: 'ALL_OLD' })).Attributes, item, 'DeleteItem')
	same((await client.getItem({ TableName, Key, ConsistentRead: true })).Item, undefined, 'GetItem of nothing')
}

async function testDocuments(client) {
	const documents = lib.DynamoDBDocument.from(client, { marshallOptions: { removeUndefinedValues: true } })
	const exact = lib.DynamoDBDocument.from(connect(), { unmarshallOptions: { wrapNumbers: lib.NumberValue.from } })
	const TableName = 'Things'
	const Key = { pk: 'document \u0000 🎬', sk: 1 }
	const Item = {
		...Key,
		string: 'grüße 𝄞 🎬 \u0000 \\ " \u2028 \u007f \ufeff \u{10ffff}', empty: '',
		number: -1.5e-7, big: 9007199254740991, zero: 0,
		bytes: Uint8Array.from({ length: 256 }, (_, i) => i), nothing: null, yes: true, no: false,
		strings: new Set(['a', 'ß', '\u0000']), numbers: new Set([1, 2.5, -3]),
		binaries: new Set([Uint8Array.of(0), Uint8Array.of(255, 254)]),
		list: [1, 'two', null, [], {}, [[['deep']]]], map: { 'a.b': { ' ': [{ c: new Set(['x']) }] } } }

	await documents.put({ TableName, Item: { ...Item, unset: undefined } })
	const got = (await documents.get({ TableName, Key })).Item
	for (const name of Object.keys(Item))
		same(got[name], Item[name], `document: ${name} there and back`)
	same(Object.keys(got).sort(), Object.keys(Item).sort(), 'document: nothing else')

	const digits = '1234567890123456789012345678.9012345678'
	await exact.put({ TableName, Item: { pk: 'digits', sk: 1, n: lib.NumberValue.from(digits) } })
	same((await exact.get({ TableName, Key: { pk: 'digits', sk: 1 } })).Item.n.toString(), digits,
		'document: 38 digits there and back')

	same((await documents.update({
		TableName, Key, ReturnValues: 'UPDATED_NEW',
		UpdateExpression: 'SET #m.#ab.#n = list_append(#l, :l) ADD strings :s REMOVE #l[0]',
		ConditionExpression: 'contains(strings, :x) AND size(#l) = :six AND attribute_type(bytes, :b)',
		ExpressionAttributeNames: { '#m': 'map', '#ab': 'a.b', '#n': 'new', '#l': 'list' },
		ExpressionAttributeValues: { ':l': ['end'], ':s': new Set(['b']), ':x': 'ß', ':six': 6, ':b': 'B' }
	})).Attributes.strings, new Set(['\u0000', 'a', 'b', 'ß']), 'document: an update')
	same((await documents.get({ TableName, Key, ProjectionExpression: '#m.#ab.#n[6], #l[0]',
		ExpressionAttributeNames: { '#m': 'map', '#ab': 'a.b', '#n': 'new', '#l': 'list' } })).Item,
	{ map: { 'a.b': { new: ['end'] } }, list: ['two'] }, 'document: a projection')
	const error = await raises(sdk.ConditionalCheckFailedException, 'document: a condition that fails',
		documents.delete({ TableName, Key, ConditionExpression: 'yes = :no', ExpressionAttributeValues: { ':no': false } }))
	report(error instanceof sdk.DynamoDBServiceException, 'document: its base class', error)
	same((await documents.delete({ TableName, Key, ReturnValues: 'ALL_OLD' })).Attributes.bytes, Item.bytes,
		'document: a deletion')
}

async function testMovies(client) {
	const documents = lib.DynamoDBDocument.from(client)
	const TableName = 'Movies'
	const movies = fs.readFileSync(process.env.MOVIES, 'utf8').trimEnd().split('\n').map(line => JSON.parse(line))
	const queue = movies.values()
	const key = movie => `${movie.year} ${movie.title}`

	await create(client, TableName, ['year N', 'title S'])
	await Promise.all(Array.from({ length: 32 }, async () => {
		for (const Item of queue)
			await documents.put({ TableName, Item })
	}))

	const titles = movies.filter(movie => movie.year === 2013).map(movie => movie.title)
		.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
	const query = { TableName, KeyConditionExpression: '#y = :y',
		ExpressionAttributeNames: { '#y': 'year' }, ExpressionAttributeValues: { ':y': 2013 } }
	const found = await collect(lib.paginateQuery({ client: documents, pageSize: 7 }, { ...query }), 'Items')

	same(found.map(item => item.title), titles, 'Query in pages, in the order of the sort key')
	same((await collect(lib.paginateQuery({ client: documents, pageSize: 50 },
		{ ...query, ScanIndexForward: false }), 'Items')).map(item => item.title), titles.reverse(), 'Query backwards')
	same((await documents.query({ ...query, Select: 'COUNT', Limit: 3 })).Count, 3, 'Query that counts')

	const everything = await collect(lib.paginateScan({ client: documents, pageSize: 400 }, { TableName }), 'Items')
	const byKey = (a, b) => key(a) < key(b) ? -1 : 1
	same(everything.sort(byKey), movies.sort(byKey), 'Scan brings every movie as it was')
	same((await collect(lib.paginateScan({ client: documents, pageSize: 300 }, {
		TableName, FilterExpression: 'info.rating >= :r AND contains(info.genres, :g)',
		ProjectionExpression: '#y, title, info.rating', ExpressionAttributeNames: { '#y': 'year' },
		ExpressionAttributeValues: { ':r': 8.5, ':g': 'Drama' } }), 'Items')).sort(byKey),
	movies.filter(movie => movie.info.rating >= 8.5 && movie.info.genres?.includes('Drama'))
		.map(({ year, title, info: { rating } }) => ({ year, title, info: { rating } })),
	'Scan with a filter and a projection')
	const segments = await Promise.all([0, 1, 2].map(Segment =>
		collect(lib.paginateScan({ client: documents }, { TableName, Segment, TotalSegments: 3 }), 'Items')))
	same(segments.flat().map(key).sort(), movies.map(key).sort(), 'Scan in three segments at a time')
	await drop(client, TableName)
}

async function testErrors(client) {
	const Key = { pk: { S: 'x' }, sk: { N: '1' } }
	const keys = { KeySchema: [{ AttributeName: 'a', KeyType: 'HASH' }],
		AttributeDefinitions: [{ AttributeName: 'a', AttributeType: 'S' }], BillingMode: 'PAY_PER_REQUEST' }

	await raises(sdk.ResourceNotFoundException, 'no such table', client.getItem({ TableName: 'Nowhere', Key }),
		'Requested resource not found')
	await raises(sdk.ResourceInUseException, 'a table that exists', client.createTable({ TableName: 'Things', ...keys }),
		'Table already exists: Things')
	await raises('ValidationException', 'a wrong key', client.getItem({ TableName: 'Things', Key: { pk: { S: 'x' } } }),
		'The provided key element does not match the schema')
	const error = await raises('ValidationException', 'a wrong expression',
		client.scan({ TableName: 'Things', FilterExpression: 'a ==' }), 'Invalid FilterExpression: Syntax error')
	same(error?.$metadata.httpStatusCode, 400, 'its status')
	same(error?.$metadata.requestId.length, 52, 'its request id')
	same(error?.$fault, 'client', 'whose fault it is')
}

async function testSignatures() {
	const credentials = { accessKeyId: process.env.AWS_ACCESS_KEY_ID, secretAccessKey: 'wrong' }
	const skewed = config => connect({ systemClockOffset: -3600e3, ...config })

	await raises('UnrecognizedClientException', 'an unknown key',
		connect({ credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'any' } }).listTables({}),
		'The security token included in the request is invalid.')
	await raises('InvalidSignatureException', 'a wrong secret', connect({ credentials }).listTables({}),
		'The request signature we calculated does not match the signature you provided.')
	await raises('InvalidSignatureException', 'a clock that is wrong', skewed({ maxAttempts: 1 }).listTables({}),
		'Signature expired: ')
	const { $metadata } = await skewed().listTables({})
	same($metadata.attempts, 2, 'the SDK corrects its clock by our Date')
}

// The SDK does not repeat these; resolves to the response and how many there were.
async function untilThereIsNoConflict(call) {
	for (let conflicts = 0; ; conflicts++) {
		try {
			return [await call(), conflicts]
		} catch (error) {
			if (!(error instanceof sdk.TransactionConflictException))
				throw error
		}
	}
}

async function testRetries() {
	const client = connect({ maxAttempts: 12 })
	const TableName = 'Retry'
	const Key = { pk: { S: 'a' } }

	await create(client, TableName, ['pk S'])
	await client.putItem({ TableName, Item: { ...Key, n: { N: '0' } } })
	await sayAndWait('lock')
	const [{ Attributes }, conflicts] = await untilThereIsNoConflict(() => client.updateItem({
		TableName, Key, UpdateExpression: 'SET n = n + :one', ReturnValues: 'ALL_NEW',
		ExpressionAttributeValues: { ':one': { N: '1' } } }))
	same(Attributes.n, { N: '1' }, 'an update of a locked item, once, in the end')
	report(conflicts > 0, 'met TransactionConflictException, and was repeated', conflicts)

	// the SDK's own number of attempts gets it past a lost connection
	for (const [event, caller] of [['terminate', connect()], ['restart', client]]) {
		const until = Date.now() + 5000
		let calls = 0
		const loop = async pk => {
			while (Date.now() < until) {
				const n = { N: String(calls++) }
				await caller.putItem({ TableName, Item: { pk, n } })
				const { Item } = await caller.getItem({ TableName, Key: { pk }, ConsistentRead: true })
				assert.deepEqual(Item.n, n)
				await sleep(1)
			}
		}

		console.log(`during ${event}`)
		await Promise.all([0, 1, 2, 3].map(i => loop({ S: `${event} ${i}` })))
		report(calls > 0, `calls through "${event}" all succeed, if need be again`)
	}
	await drop(client, TableName)
}

async function testShort() {
	const client = connect()

	await create(client, 'Short', ['pk S'])
	await client.putItem({ TableName: 'Short', Item: { pk: { S: 'a' }, v: { S: 'b' } } })
	same((await client.getItem({ TableName: 'Short', Key: { pk: { S: 'a' } } })).Item.v, { S: 'b' }, 'put and get')
	await drop(client, 'Short')
}

async function testAll() {
	const client = connect()

	await testTables(client)
	await testItems(client)
	await testDocuments(client)
	await testMovies(client)
	await testErrors(client)
	await testSignatures()
	await drop(client, 'Things')
	await testRetries()
	same((await client.listTables({})).TableNames, [], 'nothing is left')
}

await { all: testAll, short: testShort }[process.argv[2]]()
console.log('end')
process.exit(0)
