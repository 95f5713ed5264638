#!/bin/bash
# awscli.sh all | short | throttling | policies
#	The AWS command line as people use it.
#
# Reports its tests on standard output, as PgDynamoHttp.pm says.  ENDPOINT is
# the address, MOVIES the file of movies.

set -u

# ddb COMMAND OPTIONS: the response
ddb() { /usr/bin/aws --endpoint-url "$ENDPOINT" --output json dynamodb "$@"; }

# query PATH COMMAND OPTIONS: a part of the response, as text
query() { /usr/bin/aws --endpoint-url "$ENDPOINT" --output text dynamodb "${@:2}" --query "$1"; }

# same GOT EXPECTED NAME
same()
{
	if [ "$1" = "$2" ]; then
		echo "ok $3"
	else
		echo "$3: got $1, expected $2" >&2
		echo "not ok $3"
	fi
}

# works NAME COMMAND OPTIONS: no output is wanted, or none that matters
works()
{
	local name=$1

	shift
	ddb "$@" >/dev/null
	same $? 0 "$name"
}

# fails EXCEPTION MESSAGE NAME COMMAND OPTIONS
fails()
{
	local output

	output=$(ddb "${@:4}" 2>&1 >/dev/null)
	case $output in
		*"An error occurred ($1) when calling the "*" operation"*": $2"*) echo "ok $3" ;;
		*)
			echo "$3: $output" >&2
			echo "not ok $3"
			;;
	esac
}

# create_table NAME KEY TYPE [SORT-KEY TYPE [OPTIONS]]
create_table()
{
	ddb create-table --table-name "$1" --billing-mode PAY_PER_REQUEST \
		--key-schema AttributeName="$2",KeyType=HASH ${4:+AttributeName="$4",KeyType=RANGE} \
		--attribute-definitions AttributeName="$2",AttributeType="$3" \
		${4:+AttributeName="$4",AttributeType="$5"} "${@:6}" >/dev/null
	same $? 0 "create-table $1"
	works "wait table-exists $1" wait table-exists --table-name "$1"
}

drop_table()
{
	works "delete-table $1" delete-table --table-name "$1"
	works "wait table-not-exists $1" wait table-not-exists --table-name "$1"
}

test_tables()
{
	local arn=arn:aws:dynamodb:us-east-1:000000000000:table/Music

	create_table Music pk S sk N --tags Key=team,Value=a
	same "$(query 'Table.[TableStatus,TableArn]' describe-table --table-name Music)" \
		$'ACTIVE\t'"$arn" 'describe-table'
	works 'tag-resource' tag-resource --resource-arn "$arn" --tags Key=stage,Value=test
	works 'untag-resource' untag-resource --resource-arn "$arn" --tag-keys team
	same "$(query 'Tags[].[Key,Value]' list-tags-of-resource --resource-arn "$arn")" \
		$'stage\ttest' 'list-tags-of-resource'
	works 'update-table' update-table --table-name Music --billing-mode PROVISIONED \
		--provisioned-throughput ReadCapacityUnits=5,WriteCapacityUnits=5
	works 'wait after update-table' wait table-exists --table-name Music
	same "$(query Table.ProvisionedThroughput.ReadCapacityUnits describe-table --table-name Music)" \
		5 'what update-table changed'
	works 'describe-limits' describe-limits
	works 'describe-endpoints' describe-endpoints
}

test_items()
{
	local key='{"pk": {"S": "a"}, "sk": {"N": "1"}}' n=0 values choice

	works 'put-item' put-item --table-name Music --item \
		'{"pk": {"S": "a"}, "sk": {"N": "1"}, "title": {"S": "Für Elise 🎹"}, "bytes": {"B": "AP8="},
		"tags": {"SS": ["x", "y"]}, "list": {"L": [{"NULL": true}, {"BOOL": false}]}, "map": {"M": {"n": {"N": "1.50"}}}}'
	same "$(ddb get-item --table-name Music --key "$key" --consistent-read \
		--projection-expression '#m.n, #l, bytes, tags' --expression-attribute-names '{"#m": "map", "#l": "list"}' |
		/usr/bin/python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin), sort_keys=True))')" \
		'{"Item": {"bytes": {"B": "AP8="}, "list": {"L": [{"NULL": true}, {"BOOL": false}]}, "map": {"M": {"n": {"N": "1.5"}}}, "tags": {"SS": ["x", "y"]}}}' \
		'get-item'
	same "$(query Item.title.S get-item --table-name Music --key "$key")" 'Für Elise 🎹' 'text beyond ASCII'
	for values in NONE:None ALL_OLD:1 UPDATED_OLD:2 ALL_NEW:4 UPDATED_NEW:5; do
		choice=${values%:*}
		same "$(query Attributes.plays.N update-item --table-name Music --key "$key" \
			--update-expression 'ADD plays :one' --return-values "$choice" \
			--expression-attribute-values '{":one": {"N": "1"}}')" \
			"${values#*:}" "update-item with --return-values $choice"
	done
	fails ConditionalCheckFailedException 'The conditional request failed' 'a condition that fails' \
		put-item --table-name Music --item "$key" --condition-expression 'attribute_not_exists(pk)'
	for n in 2 3 4 5; do
		works "put-item $n" put-item --table-name Music \
			--item '{"pk": {"S": "a"}, "sk": {"N": "'$n'"}}'
	done
	same "$(query 'Items[].sk.N' query --table-name Music --page-size 2 --key-condition-expression 'pk = :p AND sk > :s' \
		--expression-attribute-values '{":p": {"S": "a"}, ":s": {"N": "1"}}' | tr '\n\t' '  ')" \
		'2 3 4 5 ' 'query in pages'
	same "$(query 'Items[].sk.N' query --table-name Music --max-items 2 --no-scan-index-forward \
		--key-condition-expression 'pk = :p' --expression-attribute-values '{":p": {"S": "a"}}' |
		head -n 1)" $'5\t4' 'query --max-items'
	same "$(query 'Items[].plays.N' scan --table-name Music --page-size 3 --filter-expression 'plays >= :n' \
		--expression-attribute-values '{":n": {"N": "5"}}' | grep -v None)" 5 'scan with a filter'
	same "$(query Attributes.plays.N delete-item --table-name Music --key "$key" --return-values ALL_OLD)" \
		5 'delete-item'
	same "$(ddb get-item --table-name Music --key "$key")" '' 'get-item of nothing'
	works 'put-item again' put-item --table-name Music --item "$key"
}

# The command line starts anew for each item, so a few of the movies must do.
test_movies()
{
	local input=$TMPDIR/movie.$$.json line=0 movie

	create_table Movies year N title S
	while [ $((line += 1)) -le 5 ]; do
		movie=$(sed -n "${line}p" "$MOVIES")
		/usr/bin/python3 -c '
import json, sys
def typed(value):
    if isinstance(value, dict):
        return {"M": {name: typed(member) for name, member in value.items()}}
    if isinstance(value, list):
        return {"L": [typed(element) for element in value]}
    return {"S": value} if isinstance(value, str) else {"N": str(value)}
item = typed(json.loads(sys.argv[1]))["M"]
print(json.dumps({"TableName": "Movies", "Item": item}))' "$movie" >"$input"
		works "put-item of movie $line" put-item --cli-input-json "file://$input"
	done
	rm -f "$input"
	same "$(query 'Items[].title.S' scan --table-name Movies --page-size 2 | tr '\t' '\n' | wc -l)" \
		5 'scan in pages'
	same "$(query Items[0].info.M.directors.L[0].S query --table-name Movies \
		--key-condition-expression '#y = :y AND title = :t' --expression-attribute-names '{"#y": "year"}' \
		--expression-attribute-values '{":y": {"N": "2013"}, ":t": {"S": "Rush"}}')" 'Ron Howard' 'query of a movie'
	drop_table Movies
	same "$(query TableNames list-tables)" Music 'list-tables'
}

test_errors()
{
	fails ResourceNotFoundException 'Requested resource not found' 'no such table' \
		get-item --table-name Nowhere --key '{"pk": {"S": "a"}}'
	fails ResourceInUseException 'Table already exists: Music' 'a table that exists' \
		create-table --table-name Music --billing-mode PAY_PER_REQUEST \
		--key-schema AttributeName=a,KeyType=HASH --attribute-definitions AttributeName=a,AttributeType=S
	fails ValidationException 'The provided key element does not match the schema' 'a wrong key' \
		get-item --table-name Music --key '{"pk": {"S": "a"}}'
	AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE fails UnrecognizedClientException \
		'The security token included in the request is invalid.' 'an unknown key' list-tables
	AWS_SECRET_ACCESS_KEY=wrong fails InvalidSignatureException \
		'The request signature we calculated does not match the signature you provided.' 'a wrong secret' list-tables
}

test_retries()
{
	echo 'at lock'
	read -r _
	local update=(update-item --table-name Music --key '{"pk": {"S": "a"}, "sk": {"N": "1"}}'
		--update-expression 'ADD n :one' --return-values ALL_NEW
		--expression-attribute-values '{":one": {"N": "1"}}')
	fails TransactionConflictException 'Transaction is ongoing for the item' 'an update of a locked item' "${update[@]}"
	sleep 3		# the lock is held for two
	same "$(query Attributes.n.N "${update[@]}")" 1 'once it is free'
}

test_short()
{
	create_table Short pk S
	works 'put-item' put-item --table-name Short --item '{"pk": {"S": "a"}}'
	same "$(query Item.pk.S get-item --table-name Short --key '{"pk": {"S": "a"}}')" a 'get-item'
	drop_table Short
}

test_all()
{
	test_tables
	test_items
	test_movies
	test_errors
	test_retries
	drop_table Music
	same "$(query 'length(TableNames)' list-tables)" 0 'nothing is left'
}

# an item that takes what would last for minutes, as a file for --cli-input-json
large_item()
{
	printf '{"TableName": "Small", "Item": {"pk": {"S": "large"}, "text": {"S": "%0300000d"}}}' 0
}

test_throttling()
{
	local input=$TMPDIR/large.$$.json
	local message='The level of configured provisioned throughput for the table was exceeded.'
	local refused='ProvisionedThroughputExceededException'

	ddb create-table --table-name Small --provisioned-throughput ReadCapacityUnits=1,WriteCapacityUnits=1 \
		--key-schema AttributeName=pk,KeyType=HASH --attribute-definitions AttributeName=pk,AttributeType=S >/dev/null
	works 'wait for a table of one unit' wait table-exists --table-name Small
	large_item >"$input"
	works 'a large item' put-item --cli-input-json "file://$input"
	rm -f "$input"
	AWS_MAX_ATTEMPTS=1 fails "$refused" "$message" 'put-item is throttled' \
		put-item --table-name Small --item '{"pk": {"S": "a"}}'
	AWS_MAX_ATTEMPTS=2 fails "$refused" "$message" 'and again, if it tries twice' \
		put-item --table-name Small --item '{"pk": {"S": "a"}}'
	AWS_MAX_ATTEMPTS=1 fails "$refused" "$message" 'batch-write-item is throttled' \
		batch-write-item --request-items '{"Small": [{"PutRequest": {"Item": {"pk": {"S": "a"}}}}]}'
	works 'get-item is not' get-item --table-name Small --key '{"pk": {"S": "large"}}'
	AWS_MAX_ATTEMPTS=1 fails "$refused" "$message" 'until it has read as much' \
		get-item --table-name Small --key '{"pk": {"S": "large"}}'
	drop_table Small
}

# deny USER ACTION ARN
deny()
{
	printf '{"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "dynamodb:%s", "Resource": "%s",
		"Principal": {"AWS": "arn:aws:iam::000000000000:user/%s"}}}' "$2" "$3" "$1"
}

test_resource_policies()
{
	local arn=$1 revision

	fails PolicyNotFoundException '' 'a table without a policy' get-resource-policy --resource-arn "$arn"
	revision=$(query RevisionId put-resource-policy --resource-arn "$arn" --policy "$(deny app GetItem "$arn")" \
		--expected-revision-id NO_POLICY)
	same "$(query RevisionId get-resource-policy --resource-arn "$arn")" "$revision" 'put-resource-policy'
	fails AccessDeniedException "User: arn:aws:iam::000000000000:user/app is not authorized to perform: dynamodb:GetItem on resource: $arn with an explicit deny in a resource-based policy" \
		'get-item is denied' get-item --table-name Policies --key '{"pk": {"S": "a"}}'
	fails PolicyNotFoundException '' 'another revision' delete-resource-policy --resource-arn "$arn" \
		--expected-revision-id 1
	same "$(query RevisionId delete-resource-policy --resource-arn "$arn" --expected-revision-id "$revision")" \
		"$revision" 'delete-resource-policy'
	works 'get-item is not' get-item --table-name Policies --key '{"pk": {"S": "a"}}'
	arn=${arn%Policies}Born
	create_table Born pk S '' '' --resource-policy "$(deny app PutItem "$arn")"
	fails AccessDeniedException '' 'create-table --resource-policy' put-item --table-name Born --item '{"pk": {"S": "a"}}'
	drop_table Born
}

test_policies()
{
	local arn=arn:aws:dynamodb:us-east-1:000000000000:table/Policies
	local scaling='MinimumUnits=5,MaximumUnits=50,ScalingPolicyUpdate={TargetTrackingScalingPolicyConfiguration={TargetValue=70}}'

	create_table Policies pk S
	test_resource_policies "$arn"
	same "$(query ContributorInsightsStatus update-contributor-insights --table-name Policies \
		--contributor-insights-action ENABLE --contributor-insights-mode THROTTLED_KEYS)" ENABLING 'update-contributor-insights'
	same "$(query '[ContributorInsightsStatus,ContributorInsightsMode]' describe-contributor-insights --table-name Policies)" \
		$'ENABLED\tTHROTTLED_KEYS' 'describe-contributor-insights'
	same "$(query 'ContributorInsightsSummaries[].TableName' list-contributor-insights)" Policies 'list-contributor-insights'
	same "$(query '[TableMaxReadCapacityUnits,TableMaxWriteCapacityUnits]' describe-limits)" $'40000\t40000' 'describe-limits'
	works 'update-table' update-table --table-name Policies --billing-mode PROVISIONED \
		--provisioned-throughput ReadCapacityUnits=5,WriteCapacityUnits=5
	works 'update-table-replica-auto-scaling' update-table-replica-auto-scaling --table-name Policies \
		--provisioned-write-capacity-auto-scaling-update "$scaling"
	same "$(query 'TableAutoScalingDescription.Replicas[0].ReplicaProvisionedWriteCapacityAutoScalingSettings.[MinimumUnits,MaximumUnits]' \
		describe-table-replica-auto-scaling --table-name Policies)" $'5\t50' 'describe-table-replica-auto-scaling'
	drop_table Policies
}

TMPDIR=${TMPDIR:-/tmp}
"test_$1"
echo end
