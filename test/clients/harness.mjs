// What the clients of the JavaScript SDK share: reports of their tests on
// standard output, as PgDynamoHttp.pm says, and tables.  ENDPOINT is the
// address.

import * as sdk from '@aws-sdk/client-dynamodb'
import assert from 'node:assert/strict'
import readline from 'node:readline'

const answers = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()

export function report(passed, name, detail) {
	if (!passed)
		console.error(`${name}:`, detail)
	console.log(`${passed ? 'ok' : 'not ok'} ${name}`)
}

export function same(got, expected, name) {
	try {
		assert.deepStrictEqual(got, expected)
		report(true, name)
	} catch (error) {
		report(false, name, error.message)
	}
}

export async function sayAndWait(event) {
	console.log(`at ${event}`)
	await answers.next()
}

export const connect = config => new sdk.DynamoDB({
	region: 'us-east-1', endpoint: process.env.ENDPOINT, ...config })

// The call fails with this class of error; resolves to the error.
export async function raises(expected, name, call, message = '') {
	try {
		await call
		report(false, name, 'no error')
	} catch (error) {
		const kind = typeof expected === 'string' ? error.name === expected : error instanceof expected

		report(kind && error.message.includes(message), name, error)
		return error
	}
}

// a table with keys like ['pk S', 'sk S'], once it is active
export async function create(client, TableName, keys, more = {}) {
	const pairs = keys.map(key => key.split(' '))
	const { TableDescription } = await client.createTable({
		TableName,
		BillingMode: 'PAY_PER_REQUEST',
		KeySchema: pairs.map(([AttributeName], i) => ({ AttributeName, KeyType: ['HASH', 'RANGE'][i] })),
		AttributeDefinitions: pairs.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
		...more })

	await sdk.waitUntilTableExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName })
	return TableDescription
}

export async function drop(client, TableName) {
	await client.deleteTable({ TableName })
	await sdk.waitUntilTableNotExists({ client, maxWaitTime: 30, minDelay: 1 }, { TableName })
}

export async function collect(pages, member) {
	const all = []

	for await (const page of pages)
		all.push(...page[member])
	return all
}
