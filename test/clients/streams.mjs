// The Streams API as the JavaScript SDK sees it: a consumer that follows the
// lineage of shards while they roll, as the Kinesis adapter does.
//
// Reports its tests on standard output, as PgDynamoHttp.pm says.

import * as sdk from '@aws-sdk/client-dynamodb-streams'
import { connect, create, drop, raises, report, same } from './harness.mjs'

const items = 90
const patience = 60000
const client = connect()
const streams = new sdk.DynamoDBStreams({ region: 'us-east-1', endpoint: process.env.ENDPOINT })
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms))

async function shardsOf(StreamArn) {
	const shards = []
	let ExclusiveStartShardId

	do {
		const { StreamDescription } = await streams.describeStream({ StreamArn, Limit: 2, ExclusiveStartShardId })

		shards.push(...StreamDescription.Shards)
		ExclusiveStartShardId = StreamDescription.LastEvaluatedShardId
	} while (ExclusiveStartShardId)
	return shards
}

// to the shard's end, and then its children's
async function consume(StreamArn, shard, take) {
	const start = await streams.getShardIterator({ StreamArn, ShardId: shard.ShardId, ShardIteratorType: 'TRIM_HORIZON' })
	const until = Date.now() + patience
	let ShardIterator = start.ShardIterator

	while (ShardIterator && Date.now() < until) {
		const { Records, NextShardIterator } = await streams.getRecords({ ShardIterator, Limit: 10 })

		Records.forEach(record => take(record, shard))
		if (!Records.length)
			await sleep(20)
		ShardIterator = NextShardIterator
	}
	const { StreamDescription } = await streams.describeStream({ StreamArn,
		ShardFilter: { Type: 'CHILD_SHARDS', ShardId: shard.ShardId } })

	await Promise.all(StreamDescription.Shards.map(child => consume(StreamArn, child, take)))
}

async function write(TableName) {
	for (let i = 0; i < items; i++) {
		const Key = { id: { S: `i${i % 9}` } }

		await client.updateItem({ TableName, Key, UpdateExpression: 'SET n = :n',
			ExpressionAttributeValues: { ':n': { N: `${i}` } } })
		await sleep(60)
	}
	await client.updateTable({ TableName, StreamSpecification: { StreamEnabled: false } })
}

async function test() {
	const specification = { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' }

	await create(client, 'Followed', ['id S'], { StreamSpecification: specification })
	const { Table } = await client.describeTable({ TableName: 'Followed' })
	const StreamArn = Table.LatestStreamArn
	const seen = {}
	const numbers = {}
	const latest = await streams.getShardIterator({ StreamArn, ShardId: (await shardsOf(StreamArn))[0].ShardId,
		ShardIteratorType: 'LATEST' })

	same((await streams.getRecords(latest)).Records, [], 'LATEST')
	same(Table.StreamSpecification, specification, 'specification')
	const roots = await shardsOf(StreamArn)

	await Promise.all([write('Followed'), ...roots.map(root => consume(StreamArn, root, (record, shard) => {
		(seen[record.dynamodb.Keys.id.S] ??= []).push(record.dynamodb.NewImage.n.N);
		(numbers[shard.ShardId] ??= []).push(BigInt(record.dynamodb.SequenceNumber))
	}))])
	const expected = {}

	for (let i = 0; i < items; i++)
		(expected[`i${i % 9}`] ??= []).push(`${i}`)
	same(seen, expected, 'each change once and in order, along the lineage of shards')
	report(Object.keys(numbers).length > roots.length, 'more shards than at first', numbers)
	report(Object.values(numbers).every(list => list.every((n, i) => i == 0 || list[i - 1] < n)), 'numbers grow in each shard')
	same((await streams.listStreams({ TableName: 'Followed' })).Streams.map(stream => stream.StreamArn), [StreamArn],
		'a disabled stream is listed')
	await raises('ValidationException', 'no sequence number', streams.getShardIterator({ StreamArn,
		ShardId: roots[0].ShardId, ShardIteratorType: 'AT_SEQUENCE_NUMBER' }))
	await raises(sdk.ResourceNotFoundException, 'no such stream', streams.describeStream({
		StreamArn: StreamArn.replace('Followed', 'Folowed') }))
	await drop(client, 'Followed')
}

try {
	await test()
} catch (error) {
	report(false, 'streams.mjs gets to its end', error.stack)
}
console.log('end')
process.exit()
