// dynamodb-admin as people use it, in chromium: the tables' list, the form of a
// new table, the editor of items, scan, query and filters.
//
// Reports its tests on standard output, as PgDynamoHttp.pm says.  ADMIN is
// dynamodb-admin's address.

import { chromium } from 'playwright-core'
import { setTimeout as sleep } from 'node:timers/promises'

const admin = process.env.ADMIN
const table = `${admin}/tables/Books`

function report(passed, name, detail) {
	if (!passed)
		console.error(`${name}:`, detail)
	console.log(`${passed ? 'ok' : 'not ok'} ${name}`)
}

// dynamodb-admin has just been started
async function untilItAnswers() {
	for (let i = 0; i < 300; i++) {
		if (await fetch(`${admin}/assets/`).then(() => true, () => false))
			return
		await sleep(100)
	}
	throw new Error(`${admin} does not answer`)
}

// The form sends the numbers of its fields as strings, which DynamoDB refuses,
// and so do we; numbers must go out to see the rest.
async function sendNumbers(route) {
	const body = route.request().postDataJSON()

	for (const name of ['ReadCapacityUnits', 'WriteCapacityUnits'])
		body.TableDefinition[name] = Number(body.TableDefinition[name])
	await route.continue({ postData: JSON.stringify(body) })
}

async function createTable(page) {
	await page.goto(admin)
	await page.getByText('Create table').first().click()
	await page.fill('#TableName', 'Books')
	await page.fill('#HashAttributeName', 'pk')
	await page.fill('#RangeAttributeName', 'sk')
	await page.selectOption('select[name=RangeAttributeType]', 'N')
	await page.click('#saveButton')
	await page.getByText('STRING_VALUE cannot be converted to Long').waitFor()
	report(true, 'an error is shown as DynamoDB words it')
	await page.route('**/create-table', sendNumbers)
	await page.click('#saveButton')
	await page.waitForURL(`${admin}/`)
	await page.getByRole('link', { name: 'Books' }).first().waitFor()
	report(true, 'a table made in the form is in the list')
}

const edit = (page, item) => page.evaluate(text => window.ace.edit('documentTextarea').setValue(text),
	JSON.stringify(item))

async function addItem(page, item) {
	await page.goto(table)
	await page.getByRole('link', { name: 'Create item' }).click()
	await page.waitForURL(`${table}/add-item`)
	await edit(page, item)
	await page.click('#saveButton')
	await page.waitForURL(`${table}/items/${item.pk}%2C${item.sk}`)
	const shown = await page.evaluate(() => JSON.parse(window.ace.edit('documentTextarea').getValue()))
	report(shown.title === item.title, `the item "${item.title}" is shown once it is saved`, shown)
}

// the rows of the list of items, once it has as many
async function rows(page, count) {
	const list = page.locator('#items-container tr')

	await page.waitForFunction(n => document.querySelectorAll('#items-container tr').length === n, count,
		{ timeout: 10000 }).catch(() => {})
	return list.allInnerTexts()
}

async function findItems(page) {
	await page.goto(table)
	let found = await rows(page, 3)
	report(found.length === 3, 'a scan finds the items', found)

	await page.selectOption('select[name=operationType]', 'query')
	await page.fill('.filter-row-key[readonly] >> xpath=../.. >> .filter-row-value', 'b1')
	await page.getByRole('button', { name: 'Search' }).click()
	found = await rows(page, 2)
	report(found.length === 2 && found.every(row => row.includes('b1')), 'a query finds those of a key', found)

	await page.goto(table)
	await page.fill('.filter-row-key', 'title')
	await page.selectOption('.filter-row-operator', 'begins_with')
	await page.fill('.filter-row-value', 'Another')
	await page.getByRole('button', { name: 'Search' }).click()
	found = await rows(page, 1)
	report(found.length === 1 && found[0].includes('Another'), 'a filter finds one', found)
}

async function changeItems(page) {
	await page.goto(`${table}/items/b1,1`)
	await edit(page, { pk: 'b1', sk: 1, title: 'A book', pages: 300 })
	await page.click('#saveButton')
	await page.locator('#saveButton.btn-success').waitFor()
	await page.goto(`${table}/get`)
	report((await page.content()).includes('sk'), 'the form to get an item knows the keys')
	await page.goto(`${table}/items/b2,1`)
	await page.getByRole('button', { name: 'Delete' }).click()
	await page.waitForURL(table)
	const found = await rows(page, 2)
	report(found.length === 2 && found.some(row => row.includes('300')), 'a change and a deletion', found)
	await page.goto(`${table}/meta`)
	report((await page.content()).includes('arn:aws:dynamodb:'), 'the description of the table')
}

async function test() {
	await untilItAnswers()
	const browser = await chromium.launch({
		executablePath: '/usr/bin/chromium',
		args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
			'--disable-background-networking', '--disable-component-update', '--disable-sync',
			'--disable-dev-shm-usage'] })

	try {
		const page = await browser.newPage()

		await createTable(page)
		await addItem(page, { pk: 'b1', sk: 1, title: 'A book' })
		await addItem(page, { pk: 'b1', sk: 2, title: 'Another book' })
		await addItem(page, { pk: 'b2', sk: 1, title: 'Ein Büchlein 📖' })
		await findItems(page)
		await changeItems(page)
	} finally {
		await browser.close()
	}
}

await test()
console.log('end')
process.exit(0)
