// Throttling as the JavaScript SDK meets it: throttling.mjs errors | rates
//
// Reports its tests on standard output, as PgDynamoHttp.pm says.

import * as sdk from '@aws-sdk/client-dynamodb'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect, create, drop, raises, report, same } from './harness.mjs'

const rate = 25				// units a second
const items = 20 * rate		// for as many seconds
const plenty = 1000			// units a second
const clients = 8			// calls at a time
const once = { maxAttempts: 1 }
const large = { pk: { S: 'large' }, text: { S: 'x'.repeat(300_000) } }		// units for minutes
const small = { pk: { S: 'small' } }
const Key = { pk: { S: 'large' } }
const tableMessage = 'The level of configured provisioned throughput for the table was exceeded. '
	+ 'Consider increasing your provisioning level with the UpdateTable API.'

const provision = (client, name, ReadCapacityUnits, WriteCapacityUnits) => create(client, name, ['pk S'],
	{ BillingMode: 'PROVISIONED', ProvisionedThroughput: { ReadCapacityUnits, WriteCapacityUnits } })

// ---- what throttled calls answer ----

async function throttled(name, reason, resource, call) {
	const error = await raises(sdk.ProvisionedThroughputExceededException, name, call, tableMessage)

	same(error?.ThrottlingReasons, [{ reason, resource }], `${name}: reasons`)
	same(error?.$metadata.httpStatusCode, 400, `${name}: status`)
}

async function testErrors() {
	const client = connect(once)
	const TableName = 'Small'
	const { TableArn } = await provision(client, TableName, 1, 1)

	await client.putItem({ TableName, Item: large })
	await throttled('PutItem', 'TableWriteProvisionedThroughputExceeded', TableArn, client.putItem({ TableName, Item: small }))
	await throttled('BatchWriteItem', 'TableWriteProvisionedThroughputExceeded', TableArn,
		client.batchWriteItem({ RequestItems: { [TableName]: [{ PutRequest: { Item: small } }] } }))
	const canceled = await raises(sdk.TransactionCanceledException, 'TransactWriteItems',
		client.transactWriteItems({ TransactItems: [{ Put: { TableName, Item: small } }] }))

	same(canceled?.CancellationReasons, [{ Code: 'ProvisionedThroughputExceeded', Message: tableMessage }], 'its reasons')
	same((await client.getItem({ TableName, Key, ConsistentRead: true })).Item, large, 'reads are apart from writes')
	await throttled('GetItem', 'TableReadProvisionedThroughputExceeded', TableArn, client.getItem({ TableName, Key }))
	await throttled('Query', 'TableReadProvisionedThroughputExceeded', TableArn, client.query({ TableName,
		KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: { ':p': Key.pk } }))
	await drop(client, TableName)

	const demand = await create(client, 'Demand', ['pk S'], { OnDemandThroughput: { MaxWriteRequestUnits: 1 } })

	await client.putItem({ TableName: 'Demand', Item: large })
	const error = await raises(sdk.ThrottlingException, 'the maximum of an on-demand table',
		client.putItem({ TableName: 'Demand', Item: small }), 'Throughput exceeds the current capacity of your table or index.')

	same(error?.throttlingReasons, [{ reason: 'TableWriteMaxOnDemandThroughputExceeded', resource: demand.TableArn }], 'its reasons')
	await drop(client, 'Demand')
}

// ---- rates ----

const isThrottled = error => error instanceof sdk.ProvisionedThroughputExceededException

// Repeats a call until it succeeds.
async function persist(call) {
	for (;;) {
		try {
			return await call()
		} catch (error) {
			if (!isThrottled(error))
				throw error
			await sleep(200 * Math.random())
		}
	}
}

// Take what a new table has; the call is repeated by nobody.
async function drain(call) {
	try {
		for (let n = 0; n < 4 * rate; n++)
			await call()
		report(false, 'a new table is throttled after a while')
	} catch (error) {
		report(isThrottled(error), 'a new table is throttled after a while', error)
	}
}

// Calls at twice the rate, each again until it succeeds; resolves to how many a
// second did, without the last, which nobody competes with.
async function offer(call) {
	const begin = performance.now()
	const measured = items - 2 * clients
	const ends = []
	let next = 0

	await Promise.all(Array.from({ length: clients }, async () => {
		while (next < items) {
			const n = next++

			await sleep(Math.max(0, begin + n * 1000 / (2 * rate) - performance.now()))
			await persist(() => call(n))
			ends.push(performance.now())
		}
	}))
	return measured * 1000 / (ends[measured - 1] - begin)
}

function isRate(got, name) {
	console.error(`${name}: ${got.toFixed(2)} a second`)
	report(0.9 * rate <= got && got <= 1.1 * rate, `${name} at the provisioned rate`, got)
}

async function count(TableName) {
	let total = 0

	for await (const page of sdk.paginateScan({ client: connect() }, { TableName, Select: 'COUNT' }))
		total += page.Count
	return total
}

async function writeSingly(retryMode) {
	const TableName = `Single-${retryMode}`
	const [single, client] = [connect(once), connect({ retryMode })]

	await provision(single, TableName, plenty, rate)
	await drain(() => single.putItem({ TableName, Item: { pk: { S: 'p0' } } }))
	isRate(await offer(n => client.putItem({ TableName, Item: { pk: { S: `p${n}` } } })), `writes in mode ${retryMode}`)
	same(await count(TableName), items, `all items are written in mode ${retryMode}`)
}

// What was not processed is sent again, as the documentation has it.
async function writeBatches() {
	const TableName = 'Batches'
	const client = connect()

	await provision(client, TableName, plenty, rate)
	let waiting = Array.from({ length: items + rate }, (_, n) => ({ PutRequest: { Item: { pk: { S: `p${n}` } } } }))
	const begin = performance.now()

	while (waiting.length) {
		const { UnprocessedItems } = await persist(
			() => client.batchWriteItem({ RequestItems: { [TableName]: waiting.slice(0, 25) } }))

		waiting = [...UnprocessedItems[TableName] ?? [], ...waiting.slice(25)]
		await sleep(25 / (2 * rate) * 2000 * Math.random())
	}
	// the first second's worth was there at the beginning
	isRate(items * 1000 / (performance.now() - begin), 'batches')
	same(await count(TableName), items + rate, 'all items of batches are written')
}

async function testRates() {
	await Promise.all([writeSingly('standard'), writeSingly('adaptive'), writeBatches()])
	for (const table of ['Single-standard', 'Single-adaptive', 'Batches'])
		await drop(connect(), table)
}

await { errors: testErrors, rates: testRates }[process.argv[2]]()
console.log('end')
process.exit(0)
