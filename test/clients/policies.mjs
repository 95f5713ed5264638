// The operations of policies, Contributor Insights, limits and auto scaling as
// the JavaScript SDK has them.
//
// Reports its tests on standard output, as PgDynamoHttp.pm says.

import * as sdk from '@aws-sdk/client-dynamodb'
import { connect, create, drop, raises, report, same } from './harness.mjs'

const client = connect()
const TableName = 'Policies'
const units = n => ({ ReadCapacityUnits: n, WriteCapacityUnits: n })

const policyOf = (arn, action, user = 'somebody') => JSON.stringify({ Version: '2012-10-17', Statement: [{
	Effect: 'Deny', Principal: { AWS: `arn:aws:iam::000000000000:user/${user}` }, Action: `dynamodb:${action}`, Resource: arn }] })

async function testPolicies(ResourceArn) {
	const Policy = policyOf(ResourceArn, 'GetItem', 'app')

	await raises(sdk.PolicyNotFoundException, 'a table without a policy', client.getResourcePolicy({ ResourceArn }))
	const { RevisionId } = await client.putResourcePolicy({ ResourceArn, Policy, ExpectedRevisionId: 'NO_POLICY',
		ConfirmRemoveSelfResourceAccess: true })
	const got = await client.getResourcePolicy({ ResourceArn })

	same([JSON.parse(got.Policy), got.RevisionId], [JSON.parse(Policy), RevisionId], 'GetResourcePolicy')
	await raises('AccessDeniedException', 'GetItem is denied', client.getItem({ TableName, Key: { pk: { S: 'a' } } }),
		'with an explicit deny in a resource-based policy')
	await raises(sdk.PolicyNotFoundException, 'another revision is expected',
		client.deleteResourcePolicy({ ResourceArn, ExpectedRevisionId: 'other' }))
	same((await client.deleteResourcePolicy({ ResourceArn })).RevisionId, RevisionId, 'DeleteResourcePolicy')
	same((await client.deleteResourcePolicy({ ResourceArn })).RevisionId, undefined, 'and again')
	await raises(sdk.ResourceNotFoundException, 'the policy of no table',
		client.getResourcePolicy({ ResourceArn: ResourceArn.replace(TableName, 'Nowhere') }))
	await raises('ValidationException', 'no policy', client.putResourcePolicy({ ResourceArn, Policy: '{}' }))

	const born = await create(client, 'Born', ['pk S'], { ResourcePolicy: policyOf(ResourceArn.replace(TableName, 'Born'), 'GetItem') })

	report((await client.getResourcePolicy({ ResourceArn: born.TableArn })).RevisionId, 'a table born with a policy')
	await drop(client, 'Born')
}

async function testInsights() {
	const enabled = await client.updateContributorInsights({ TableName, ContributorInsightsAction: 'ENABLE', ContributorInsightsMode: 'THROTTLED_KEYS' })

	same([enabled.ContributorInsightsStatus, enabled.ContributorInsightsMode], ['ENABLING', 'THROTTLED_KEYS'], 'UpdateContributorInsights')
	const described = await client.describeContributorInsights({ TableName })

	same([described.ContributorInsightsStatus, described.ContributorInsightsMode], ['ENABLED', 'THROTTLED_KEYS'], 'DescribeContributorInsights')
	report(described.LastUpdateDateTime instanceof Date, 'the time of the change', described)
	same((await client.listContributorInsights({})).ContributorInsightsSummaries,
		[{ TableName, ContributorInsightsStatus: 'ENABLED', ContributorInsightsMode: 'THROTTLED_KEYS' }], 'ListContributorInsights')
	await client.updateContributorInsights({ TableName, ContributorInsightsAction: 'DISABLE' })
}

async function testScaling() {
	const tracking = { TargetValue: 70.5, DisableScaleIn: true, ScaleInCooldown: 1, ScaleOutCooldown: 2 }

	same((await client.describeLimits({})).TableMaxWriteCapacityUnits, 40000, 'DescribeLimits')
	await client.updateTableReplicaAutoScaling({ TableName, ProvisionedWriteCapacityAutoScalingUpdate: {
		MinimumUnits: 1, MaximumUnits: 100, ScalingPolicyUpdate: { PolicyName: 'own', TargetTrackingScalingPolicyConfiguration: tracking } } })
	const { TableAutoScalingDescription } = await client.describeTableReplicaAutoScaling({ TableName })
	const settings = TableAutoScalingDescription.Replicas[0].ReplicaProvisionedWriteCapacityAutoScalingSettings

	same([settings.MinimumUnits, settings.MaximumUnits, settings.ScalingPolicies],
		[1, 100, [{ PolicyName: 'own', TargetTrackingScalingPolicyConfiguration: tracking }]], 'how writes are scaled')
}

const { TableArn } = await create(client, TableName, ['pk S'], { BillingMode: 'PROVISIONED', ProvisionedThroughput: units(10) })

await testPolicies(TableArn)
await testInsights()
await testScaling()
await drop(client, TableName)
console.log('end')
process.exit(0)
