# Bulk puts: files become items, plain and compressed, under conditions, with
# what is refused in the output; cancelled, across crashes, throttled, of
# roles that may and may not; and from places that are no buckets or objects.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/lib";
use HttpCall;
use JSON::PP;
use PgDynamo;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $s3 = PostgreSQL::Test::Utils::tempdir();
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $node = start_node('main', conf => <<"END");
log_statement = none
max_worker_processes = 16
dynamo.http_workers = 1
dynamo.port = $port
dynamo.listen_addresses = '127.0.0.1'
dynamo.auth = none
dynamo.s3_directory = '$s3'
END
my $json = JSON::PP->new->canonical;

sub sql { return $node->safe_psql('postgres', $_[0]) }

sub write_file
{
	my ($path, @lines) = @_;

	open my $out, '>', "$s3/$path" or die "$path: $!";
	print $out map { "$_\n" } @lines;
	close $out or die "$path: $!";
	return;
}

sub read_lines
{
	my ($path) = @_;

	open my $in, '<', $path or return;
	return map { $json->decode($_) } <$in>;
}

sub value
{
	my ($value) = @_;

	return { L => [ map { value($_) } @$value ] } if ref $value eq 'ARRAY';
	return { M => { map { $_ => value($value->{$_}) } keys %$value } } if ref $value;
	return $value =~ /^-?\d+(\.\d+)?$/ ? { N => "$value" } : { S => $value };
}

sub request
{
	my ($table, $prefix, %more) = @_;
	my %input = %{ delete $more{input} // {} };
	my %output = %{ delete $more{output} // {} };

	return {
		TableName => $table,
		InputS3Configuration => { S3Bucket => 'in', S3KeyPrefix => $prefix, InputFormat => 'DYNAMODB_JSON', %input },
		OutputS3Configuration => { S3Bucket => 'out', OutputType => [ 'ERROR', 'CONDITION_CHECK_FAILURE' ], %output },
		%more };
}

# the ARN of a new operation
sub start
{
	my ($table, $prefix, %more) = @_;

	return call($node, 'StartBulkPutItems', request($table, $prefix, %more))
	  ->{BulkOperationDescription}{BulkOperationArn};
}

sub describe
{
	my ($arn) = @_;

	return call($node, 'DescribeBulkOperation', { BulkOperationArn => $arn })->{BulkOperationDescription};
}

# its description once it has ended
sub ended
{
	my ($arn) = @_;

	$node->poll_query_until('postgres',
		"SELECT ended_at IS NOT NULL FROM dynamo.bulk_operations WHERE arn = '$arn'")
	  or die 'the operation did not end';
	return describe($arn);
}

sub is_ended
{
	my ($arn, $status, $processed, $failed, $what) = @_;
	my $end = ended($arn);

	is("$end->{BulkOperationStatus} $end->{ProcessedItemCount} $end->{FailedItemCount}",
		"$status $processed $failed", $what);
	return $end;
}

# lines of an output file
sub output
{
	my ($arn, $type, $prefix) = @_;
	my ($name) = $arn =~ m{([^/]*)$};

	return read_lines("$s3/out/" . ($prefix // '') . "AWSDynamoDB/$name/$type.json");
}

sub wait_for_progress
{
	my ($arn, $items) = @_;

	$node->poll_query_until('postgres',
		"SELECT processed_items >= $items FROM dynamo.bulk_operations WHERE arn = '$arn'")
	  or die 'there was no progress';
	return;
}

# ---- movies: plain, in two objects, and compressed ----

mkdir "$s3/$_" or die $! for qw(in out in/movies);
my @movies = map { $json->encode({ Item => { year => value($_->{year}), title => { S => $_->{title} }, info => value($_->{info}) } }) }
  read_lines("$FindBin::RealBin/../data/movies.jsonl");
write_file('in/movies/1.json', @movies[ 0 .. 1999 ]);
write_file('in/movies/2.json', @movies[ 2000 .. $#movies ]);

sub create_movies
{
	my ($table) = @_;

	return call($node, 'CreateTable', {
		TableName => $table,
		BillingMode => 'PAY_PER_REQUEST',
		AttributeDefinitions => [ { AttributeName => 'year', AttributeType => 'N' },
			{ AttributeName => 'title', AttributeType => 'S' } ],
		KeySchema => [ { AttributeName => 'year', KeyType => 'HASH' },
			{ AttributeName => 'title', KeyType => 'RANGE' } ] });
}

sub count_items { return sql(qq{SELECT count(*) FROM dynamo_tables."$_[0]"}) }

create_movies('Movies');
my $arn = start('Movies', 'movies/');
like($arn, qr{^arn:aws:dynamodb:us-east-1:\d{12}:table/Movies/bulk-operation/\d{14}-[0-9a-f]{8}$}, 'an ARN');
my $end = is_ended($arn, 'COMPLETED', 4609, 0, 'two plain objects');
is($end->{ProcessedInputBytes}, $end->{TotalInputBytes}, 'all bytes are counted');
is($end->{BulkOperationUsage}{WriteRequestUnits}, 4609, 'and the units');
is(count_items('Movies'), '4609', 'every movie is there');
is(call($node, 'GetItem', { TableName => 'Movies', Key => { year => { N => '2013' }, title => { S => 'Rush' } } })
	  ->{Item}{info}{M}{rank}{N}, '2', 'with its attributes');
ok(!-e "$s3/out/AWSDynamoDB", 'no output without errors');

system_or_bail('sh', '-c', "gzip -c '$s3/in/movies/1.json' > '$s3/in/zip.gz' && gzip -c '$s3/in/movies/2.json' >> '$s3/in/zip.gz'");
create_movies('Zipped');
$end = is_ended(start('Zipped', 'zip', input => { InputCompressionType => 'GZIP' }), 'COMPLETED', 4609, 0,
	'a compressed object of two members');
is($end->{ProcessedInputBytes}, -s "$s3/in/zip.gz", 'its bytes are those of the file');
is(count_items('Zipped'), '4609', 'the same movies');

# ---- bad input ----

create_table($node, 'Things', 0);
sub thing { return '{"Item":{"pk":{"S":"' . $_[0] . '"},"v":{"N":"' . ($_[1] // 1) . '"}}' . ($_[2] // '') . '}' }
my $new = ',"ConditionExpression":"attribute_not_exists(pk)"';
my $less = ',"ConditionExpression":"#v < :v","ExpressionAttributeNames":{"#v":"v"},"ExpressionAttributeValues":{":v":{"N":"5"}}';
write_file('in/bad', thing('a'), '', thing('a', 2), thing('a', 3, $new), thing('a', 4, $less), thing('a', 5, $less),
	thing('a', 6, $less), thing('b', 1, $new), thing('c', 1, $less),
	'nonsense', '{"Item":[]}', '[]', '"x"', '{}', '{"Item":{}}', '{"Item":{"pk":{"N":"1"}}}', '{"Item":{"pk":{"S":""}}}',
	thing('d', 1, ',"ConditionExpression":"a ="'), thing('d', 1, ',"conditionExpression":"a"'),
	thing('d', 1, ',"ExpressionAttributeNames":{"#a":"a"}'),
	'{"Item":{"pk":{"S":"big"},"x":{"S":"' . 'x' x 409600 . '"}}}',
	'x' x (17 * 1024 * 1024), '{"Item":{"pk":{"S":"\u0000\u0001"}}}', "\xff\xfe");
open my $last, '>>', "$s3/in/bad" or die;
print $last thing('last') . "\r";
close $last;
$arn = start('Things', 'bad');
is_ended($arn, 'COMPLETED_WITH_ERRORS', 24, 14, 'bad lines are counted');
is(sql(q{SELECT string_agg(format('%s %s', item #>> '{pk,S}', item #>> '{v,N}'), ', ' ORDER BY 1) FROM
	(SELECT item FROM dynamo_tables."Things" WHERE pk NOT LIKE '%x%' ORDER BY pk) t WHERE item #>> '{v,N}' IS NOT NULL}),
	'a 5, b 1, last 1', 'the good ones are there, in their order');
my @refused = output($arn, 'CONDITION_CHECK_FAILURE');
is(join(' ', map { "$_->{Line}:$_->{Item}{v}{N}" } @refused), '4:3 7:6 9:1', 'false conditions are in the output');
is($refused[0]{Message}, 'ConditionalCheckFailedException: The conditional request failed', 'with their reason');
my @errors = output($arn, 'ERROR');
is(join(' ', map { $_->{Line} } @errors), join(' ', 10 .. 22, 24), 'and so are bad lines, by their numbers');
is($errors[12]{Message}, 'The line is longer than 16 MB', 'a line that is too long');
is($errors[0]{Object}, 'bad', 'and their object');

write_file('in/half.gz', 'this is not gzip');
system_or_bail('sh', '-c', "head -c 20000 '$s3/in/zip.gz' > '$s3/in/half2.gz'");
$arn = start('Zipped', 'half', input => { InputCompressionType => 'GZIP' },
	output => { S3KeyPrefix => 'some/where/' });
$end = ended($arn);
is("$end->{BulkOperationStatus} $end->{FailedItemCount}", 'COMPLETED_WITH_ERRORS 2', 'damaged objects are one error each');
is(scalar(() = output($arn, 'ERROR', 'some/where/')), 2, 'in the output below its prefix');
$arn = start('Things', 'bad', output => { OutputType => ['CONDITION_CHECK_FAILURE'] });
ended($arn);
is(scalar(() = output($arn, 'ERROR')), 0, 'only output of the wanted types');

# what a constraint of the user's refuses
sql(q{ALTER TABLE dynamo_tables."Things" ADD CHECK (pk <> 'no')});
write_file('in/checked', map { thing($_) } 'e1', 'no', 'e2');
$arn = start('Things', 'checked');
is_ended($arn, 'COMPLETED_WITH_ERRORS', 3, 1, 'a constraint refuses one item');
like((output($arn, 'ERROR'))[0]{Message}, qr/violates check constraint/, 'and says so');

# ---- cancelling, crashes, the rate ----

my $n = 0;
my @numbered = map { ++$n % 50 == 0 ? "bad $n" : thing("n$n", $n, $n % 25 == 1 ? $new : '') } 1 .. 6000;
write_file('in/numbered', @numbered);
system_or_bail('sh', '-c', "gzip -c '$s3/in/numbered' > '$s3/in/numbered.gz' && mkdir '$s3/in/gz' && mv '$s3/in/numbered.gz' '$s3/in/gz'");

create_table($node, 'Cancelled', 0);
$arn = start('Cancelled', 'numbered', MaxWriteRequestUnits => 1024);
wait_for_progress($arn, 1);
is(sql("SELECT phase || ' ' || (pid IS NOT NULL) FROM dynamo.stat_progress_bulk_put"), 'putting true', 'progress is shown');
is(call($node, 'CancelBulkOperation', { BulkOperationArn => $arn })->{BulkOperationStatus}, 'CANCELLING', 'cancelling');
$end = ended($arn);
is($end->{BulkOperationStatus}, 'CANCELLED', 'it ends');
is(count_items('Cancelled'), $end->{ProcessedItemCount} - $end->{FailedItemCount}, 'what was put stays');
cmp_ok($end->{ProcessedItemCount}, '<', 6000, 'the rest is not put');
like(call_error($node, 'CancelBulkOperation', { BulkOperationArn => $arn }), qr/^ResourceInUseException: /, 'an ended one cannot be cancelled');
is(sql('SELECT count(*) FROM dynamo.stat_progress_bulk_put'), '0', 'no progress is shown any more');

for my $zip (0, 1)
{
	my $table = "Crashed$zip";

	create_table($node, $table, 0);
	$arn = start($table, $zip ? 'gz/' : 'numbered', MaxWriteRequestUnits => 1024,
		input => { InputCompressionType => $zip ? 'GZIP' : 'NONE' });
	wait_for_progress($arn, 1500 + 700 * $zip);
	if ($zip)
	{
		sql("SELECT pg_cancel_backend(pid) FROM dynamo.stat_progress_bulk_put");
		$node->poll_query_until('postgres', "SELECT phase = 'stopped' AND retry_at = 'infinity' FROM dynamo.stat_progress_bulk_put")
		  or die 'it was not interrupted';
		is(sql('SELECT dynamo.resume_bulk_operations()'), '1', 'one is resumed');
		wait_for_progress($arn, 3500);
	}
	$node->stop('immediate');
	$node->start;
	$end = is_ended($arn, 'COMPLETED_WITH_ERRORS', 6000, 120, "across a crash, compressed: $zip");
	is(count_items($table), '5880', 'every item is there');
	is(sql("SELECT refused_items FROM dynamo.bulk_operations WHERE arn = '$arn'"), '0', 'none was put twice');
	is(join(' ', map { $_->{Line} } output($arn, 'ERROR')), join(' ', map { $_ * 50 } 1 .. 120), 'each error is told once');
	cmp_ok($end->{EndTime} - $end->{StartTime}, '>', 4.5, 'the rate is kept') unless $zip;
}

# ---- tokens, lists, the table ----

my $token = request('Things', 'checked', ClientToken => 't1');
$arn = call($node, 'StartBulkPutItems', $token)->{BulkOperationDescription}{BulkOperationArn};
is(call($node, 'StartBulkPutItems', $token)->{BulkOperationDescription}{BulkOperationArn}, $arn, 'a token starts one operation');
$token->{InputS3Configuration}{S3KeyPrefix} = 'bad';
like(call_error($node, 'StartBulkPutItems', $token), qr/^IdempotentParameterMismatchException: /, 'of one request');
sql(q{UPDATE dynamo.bulk_operation SET started_at = started_at - interval '9 hours' WHERE client_token = 't1'});
isnt(call($node, 'StartBulkPutItems', $token)->{BulkOperationDescription}{BulkOperationArn}, $arn, 'for eight hours');
my $total = sql('SELECT count(*) FROM dynamo.bulk_operations');
my @listed;
for (my %page = (MaxResults => 4); ;)
{
	my $response = call($node, 'ListBulkOperations', \%page);

	push @listed, map { $_->{BulkOperationArn} } @{ $response->{BulkOperationsSummaryList} };
	last unless $page{NextToken} = $response->{NextToken};
}
is(join(' ', @listed), sql(q{SELECT string_agg(table_arn || '/bulk-operation/' || name, ' ' ORDER BY operation_id DESC) FROM dynamo.bulk_operation}),
	'all are listed, newest first');
$arn = start('Cancelled', 'numbered', MaxWriteRequestUnits => 1024);
wait_for_progress($arn, 1);
call($node, 'DeleteTable', { TableName => 'Cancelled' });
is(ended($arn)->{FailureCode}, 'ResourceNotFoundException', 'a table that is deleted ends it');

# ---- places that are none ----

is(ended(start('Things', 'none'))->{FailureCode}, 'S3NoSuchKey', 'no object');
is(ended(start('Things', '', input => { S3Bucket => 'nobucket' }))->{FailureCode}, 'S3NoSuchBucket', 'no bucket');
is(ended(start('Things', 'checked', output => { S3Bucket => 'nobucket' }))->{FailureCode}, 'S3NoSuchBucket', 'no bucket for output');

my $secret = PostgreSQL::Test::Utils::tempdir();
append_to_file("$secret/items", thing('secret') . "\n");
symlink $secret, "$s3/linked" or die;
mkdir "$s3/tricks" or die;
symlink "$secret/items", "$s3/tricks/link" or die;
symlink $secret, "$s3/tricks/dir" or die;
system_or_bail('mkfifo', "$s3/tricks/fifo");
is(ended(start('Things', '', input => { S3Bucket => 'linked' }))->{FailureCode}, 'S3AccessDenied', 'a bucket that is a link');
for my $prefix ('', 'link', 'dir', 'dir/', 'dir/items', 'fifo', '../in/checked', '..', './', '/', "$secret/items")
{
	is(ended(start('Things', $prefix, input => { S3Bucket => 'tricks' }))->{FailureCode}, 'S3NoSuchKey', "no object: '$prefix'");
}
symlink $secret, "$s3/out/away" or die;
write_file('in/one-bad', 'bad');
is(ended(start('Things', 'one-bad', output => { S3KeyPrefix => 'away' }))->{FailureCode}, 'S3AccessDenied', 'output does not follow links');
is(join(' ', map { s{.*/}{}r } glob "$secret/*"), 'items', 'nothing was written there');
like(call_error($node, 'StartBulkPutItems', request('Things', '', output => { S3KeyPrefix => $_ })),
	qr/^ValidationException: S3KeyPrefix/, "output prefix " . s{\n}{\\n}r)
  for '..', 'a/../../b', './a', 'a//b', '/a', "a\nb", 'x' x 300;
is(count_items('Things'), sql(q{SELECT count(*) FROM dynamo_tables."Things" WHERE pk <> 'secret'}), 'nothing was read there');

# output beside its own input is not input
write_file('in/again', 'bad');
is_ended(start('Things', '', input => { S3Bucket => 'own' }, output => { S3Bucket => 'own' }), 'FAILED', 0, 0, 'no such bucket yet');
mkdir "$s3/own" or die;
write_file('own/x', 'bad');
is_ended(start('Things', '', input => { S3Bucket => 'own' }, output => { S3Bucket => 'own' }), 'COMPLETED_WITH_ERRORS', 1, 1, 'output is not its own input');

# ---- over HTTP ----

my $client = http_client({ port => $port, key_id => 'anybody', secret => 'anything' });
create_table($node, 'Http', 0);
write_file('in/http', thing('http'), thing('a', 1, $new));
my $answer = http_call($client, 'StartBulkPutItems', request('Http', 'http'));
is(outcome($answer), 200, 'an operation is started over HTTP');
is_ended($answer->{document}{BulkOperationDescription}{BulkOperationArn}, 'COMPLETED', 2, 0, 'and runs');
is(outcome(http_call($client, 'CancelBulkOperation', { BulkOperationArn => $answer->{document}{BulkOperationDescription}{BulkOperationArn} }))
	=~ s/:.*//r, '400 ResourceInUseException', 'an exception has its name');

# ---- roles ----

sql(q{CREATE ROLE writer LOGIN; CREATE ROLE buckets; CREATE ROLE other LOGIN;
	GRANT SELECT, INSERT, UPDATE ON dynamo_tables."Things" TO writer});
like(call_error($node, 'StartBulkPutItems', request('Things', 'checked'), user => 'writer'),
	qr/^AccessDeniedException: /, 'not every writer may use buckets');
$node->append_conf('postgresql.conf', "dynamo.s3_role = 'buckets'");
$node->reload;
sql('GRANT buckets TO writer, other; SELECT pg_sleep(0.2)');
like(call_error($node, 'StartBulkPutItems', request('Things', 'checked'), user => 'other'),
	qr/^AccessDeniedException: /, 'nor may who cannot put items');
sql(q{CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	NEW.item := NEW.item || jsonb_build_object('by', jsonb_build_object('S', current_user::text)); RETURN NEW; END $$;
	CREATE TRIGGER told BEFORE INSERT OR UPDATE ON dynamo_tables."Things" FOR EACH ROW EXECUTE FUNCTION told()});
write_file('in/mine', thing('mine'));
$arn = call($node, 'StartBulkPutItems', request('Things', 'mine'), user => 'writer')->{BulkOperationDescription}{BulkOperationArn};
is_ended($arn, 'COMPLETED', 1, 0, 'a member may');
is(call($node, 'GetItem', { TableName => 'Things', Key => { pk => { S => 'mine' } } })->{Item}{by}{S}, 'writer', 'and it is his put');
like(call_error($node, 'DescribeBulkOperation', { BulkOperationArn => $arn }, user => 'other'),
	qr/^ResourceNotFoundException: /, 'others do not see it');
is($node->safe_psql('postgres', 'SELECT count(*) FROM dynamo.bulk_operations', extra_params => [ '-U', 'writer' ]), '1', 'who started it does');
is($node->safe_psql('postgres', 'SELECT count(*) FROM dynamo.bulk_operations', extra_params => [ '-U', 'other' ]), '0', 'alone');
create_table($node, 'Slow', 0);
sql(q{GRANT ALL ON dynamo_tables."Slow" TO writer});
$arn = call($node, 'StartBulkPutItems', request('Slow', 'numbered', MaxWriteRequestUnits => 1024), user => 'writer')
  ->{BulkOperationDescription}{BulkOperationArn};
wait_for_progress($arn, 1);
sql(q{REVOKE ALL ON dynamo_tables."Slow" FROM writer});
is(ended($arn)->{FailureCode}, 'AccessDeniedException', 'a right that is revoked ends it');

$node->stop;
done_testing();
