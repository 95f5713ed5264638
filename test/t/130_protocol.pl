# The protocol of the HTTP endpoint, to the byte: heads, targets, order of
# checks, messages, compression, CORS, sizes, and what HTTP itself allows.

use strict;
use warnings;
use Compress::Zlib qw(compress crc32 memGzip memGunzip uncompress);
use FindBin;
use lib "$FindBin::RealBin/lib";
use JSON::PP;
use PgDynamo;
use PgDynamoHttp;
use PostgreSQL::Test::Utils;
use RawHttp;
use Test::More;

my $megabyte = 1024 * 1024;
my $json = JSON::PP->new->canonical->allow_nonref;
my $bytes = JSON::PP->new->canonical->utf8;
my $http = start_http_node('main');
my $node = $http->{node};
my $client = RawHttp->new(port => $http->{port}, key_id => $http->{key_id}, secret => $http->{secret});

my $not_found = "<UnknownOperationException/>\n";
my $serialization = '{"__type":"com.amazon.coral.service#SerializationException"}';
my $unknown = '{"__type":"com.amazon.coral.service#UnknownOperationException"}';

sub error_body
{
	my ($prefix, $name, $key, $message) = @_;

	return $json->encode({ __type => "$prefix#$name", $key => $message });
}

sub serialization { return error_body('com.amazon.coral.service', 'SerializationException', 'Message', $_[0]) }
sub validation { return error_body('com.amazon.coral.validate', 'ValidationException', 'message', $_[0]) }
sub missing_token
{
	return error_body('com.amazon.coral.service', 'MissingAuthenticationTokenException',
		'message', 'Request is missing Authentication Token');
}

sub header
{
	my ($response, $name) = @_;

	return join ' and ', @{ $response->{headers}{$name} // [] };
}

# A response by its body, its status and what every response of the API has in
# its head.  Options: type, headers (a hash; undef for none of that name).
sub answers
{
	my ($response, $status, $body, $what, %option) = @_;
	return fail("$what: an answer") unless $response;
	my %wanted = (
		'content-type' => $option{type} // 'application/x-amz-json-1.0',
		'content-length' => length($response->{body} // ''),
		'x-amz-crc32' => crc32($response->{body} // ''),
		'server' => 'Server',
		'connection' => 'keep-alive',
		'transfer-encoding' => undef,
		'content-encoding' => undef,
		'access-control-allow-origin' => undef,
		%{ $option{headers} // {} });
	my @wrong;

	push @wrong, "HTTP $response->{status}" if $response->{status} != $status;
	push @wrong, "version $response->{version}" if $response->{version} ne 'HTTP/1.1';
	if (ref $body)
	{
		push @wrong, 'body ' . substr($response->{body}, 0, 500) if $response->{body} !~ $body;
	}
	elsif (!same_text($response->{body}, $body))
	{
		push @wrong, 'body ' . substr($response->{body}, 0, 500);
	}
	push @wrong, 'request id ' . header($response, 'x-amzn-requestid')
	  if header($response, 'x-amzn-requestid') !~ /^[0-9A-Z]{52}$/;
	push @wrong, 'date ' . header($response, 'date')
	  if header($response, 'date') !~ /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z][a-z] \d{4} \d\d:\d\d:\d\d GMT$/;
	for my $name (sort keys %wanted)
	{
		my $value = header($response, $name);

		$value = lc $value if $name eq 'connection';
		push @wrong, "$name: $value" if $value ne ($wanted{$name} // '');
	}
	return ok(!@wrong, "$what: $status") || diag join "\n", @wrong;
}

# Members of an object are in no order.
sub same_text
{
	my ($got, $wanted) = @_;
	my @texts = ($got, $wanted);

	for (@texts)
	{
		my $value = eval { $bytes->decode($_) };
		$_ = $bytes->encode($value) if ref $value;
	}
	return $texts[0] eq $texts[1];
}

sub not_found
{
	my ($response, $what, %option) = @_;

	return answers($response, 404, $not_found, $what,
		type => $response ? header($response, 'content-type') : '',
		headers => { 'x-amz-crc32' => '3552371480', 'content-length' => '29', %option });
}

sub call_http
{
	my ($operation, $request, %option) = @_;

	return $client->exchange(operation => $operation, body => $json->encode($request), %option);
}

# ---- an ordinary request ----

my $tables = '{"TableNames":[]}';
answers($client->exchange(operation => 'ListTables'), 200, $tables, 'ListTables');
{
	my %ids;
	my $connection = $client->connect;
	for (1 .. 50)
	{
		$connection->write($client->request(operation => 'ListTables'));
		$ids{ header($connection->read, 'x-amzn-requestid') } = 1;
	}
	is(keys %ids, 50, 'every request has an id of its own');
}

my %types = (
	'application/x-amz-json-1.0' => 'application/x-amz-json-1.0',
	'application/x-amz-json-1.0;charset=utf-8' => 'application/x-amz-json-1.0',
	'application/x-amz-json-1.0 ; charset=UTF-8' => 'application/x-amz-json-1.0',
	"  application/x-amz-json-1.0 \t" => 'application/x-amz-json-1.0',
	'application/json' => 'application/json',
	'application/json; charset=utf-8' => 'application/json',
	'application/json;' => 'application/json',
	' application/json ;x' => 'application/json');
for my $type (sort keys %types)
{
	answers($client->exchange(operation => 'ListTables', type => $type), 200, $tables,
		"type '$type'", type => $types{$type});
	answers($client->exchange(operation => 'Nothing', type => $type), 400, $unknown,
		"type '$type', an error", type => $types{$type});
}
for my $type (undef, '', 'application/x-amz-json-1.1', 'application/x-amz-json-1.00',
	'text/plain', 'application/x-www-form-urlencoded', 'application/jsonx',
	'application/cbor', ';application/json', 'application/x-amz-json-1.0, application/json')
{
	not_found($client->exchange(operation => 'ListTables', type => $type),
		defined $type ? "type '$type'" : 'no type');
}

# ---- targets ----

answers($client->exchange(target => 'DynamoDBStreams_20120810.ListTabels'), 400, $unknown,
	'an unknown operation of the streams');
for my $target (undef, '', 'ListTables', '.ListTables', 'DynamoDB_20120810', 'DynamoDB_20120810.',
	'DynamoDB_20120810.ListTabels', 'DynamoDB_20120810.listtables', 'DynamoDB_20120810.ListTables.',
	'DynamoDB_20120810..ListTables', 'DynamoDB_20120810.ListTablesX', 'DynamoDB_20120810.ListTable',
	'DynamoDB_20120810 ListTables', 'DynamoDB_20120810.ListTables ListTables',
	'DynamoDB_20111205.ListTables', 'dynamodb_20120810.ListTables', 'DynamoDB_20120811.ListTables',
	'DynamoDBStreams_20120810', 'DynamoDBStream_20120810.ListTables', 'Kinesis_20131202.ListStreams',
	'DynamoDB_20120810.CreateGlobalTable', 'DynamoDB_20120810.' . 'L' x 5000, '%s%n', "\xff\xfe")
{
	my $name = defined $target ? "target '" . substr($target, 0, 50) . "'" : 'no target';

	answers($client->exchange(target => $target), 400, $unknown, $name);
}

# ---- order of the checks ----

my @broken = ('{', 'hello', '{"Limit":1,}', '{"Limit"}', '{"Limit":}', '{} x', '{}{}', '[', '[}', '"', "{'Limit':1}",
	'{Limit:1}', 'nul', '{"Limit":01}', '{"Limit":+1}', '{"Limit":.5}', '{"Limit":0x10}', '{"Limit":NaN}', '{"a":"\x"}',
	'{"a":"\u12"}', "{\"a\":\"\xff\"}", "{\"a\":\"\xc0\x80\"}", "\xef\xbb\xbf{", "{}\0", "\0", '/**/{}', '{"a":1 "b":2}',
	'}', ',', '[' x 1000, '{"a":' x 1000);
for my $body (@broken)
{
	my $name = 'body ' . substr($body, 0, 20) =~ s/([^ -~])/sprintf '\\x%02x', ord $1/ger;

	answers($client->exchange(operation => 'ListTables', body => $body), 400, $serialization, $name);
	answers($client->exchange(target => 'Nothing', unsigned => 1, body => $body), 400, $serialization,
		"$name before target and signature");
}
answers($client->exchange(target => 'Nothing', unsigned => 1), 400, $unknown, 'the target before the signature');
answers($client->exchange(target => 'Nothing', unsigned => 1, body => ''), 400, $unknown, 'and before an empty body');
answers($client->exchange(operation => 'ListTables', unsigned => 1), 400, missing_token(), 'no signature');
answers($client->exchange(operation => 'ListTables', unsigned => 1, body => ''), 400, missing_token(),
	'the signature before an empty body');
answers($client->exchange(operation => 'ListTables', unsigned => 1, body => '{"Limit":"x"}'), 400, missing_token(),
	'and before types');
answers($client->exchange(operation => 'ListTables', signature => '0' x 64, body => '{"Limit":"x"}'), 400,
	qr/#InvalidSignatureException"/, 'the signature is verified before types');
answers($client->exchange(operation => 'ListTables', body => ''), 400, $serialization, 'an empty body');
answers($client->exchange(operation => 'ListTables', body => '{"Limit":"x","ExclusiveStartTableName":""}'), 400,
	serialization('STRING_VALUE cannot be converted to Integer'), 'types before constraints');
for my $body (" \r\n\t{}\n ", '{"Nothing":{"a":[1,2.5e3,null,true,"\ud83d\ude00"]}}', '{"Limit":null}',
	'{"":1}', '{"Limit":10.9}', '{"Limit":1e1}')
{
	answers($client->exchange(operation => 'ListTables', body => $body), 200, $tables,
		'body ' . $body =~ s/\s/ /gr);
}

for my $body ('[]', '"x"', '1', 'null', 'true', '[{}]')
{
	answers($client->exchange(operation => 'ListTables', body => $body), 400,
		qr/^\{"__type":"com\.amazon\.coral\.service#SerializationException"[,}]/, "body $body");
}

# ---- types ----

sub type_errors
{
	my ($operation, $template, %cases) = @_;

	for my $value (sort keys %cases)
	{
		my $body = $template =~ s/\?/$value/r;

		answers($client->exchange(operation => $operation, body => $body), 400, serialization($cases{$value}),
			"$operation $body");
	}
}

sub shape { return "com.amazonaws.dynamodb.v20120810.$_[0]" }
my $structure = 'Start of structure or map found where not expected';

type_errors('GetItem', '{"TableName":?}',
	'1' => 'NUMBER_VALUE cannot be converted to String',
	'1.5' => 'DECIMAL_VALUE cannot be converted to String',
	'true' => 'TRUE_VALUE cannot be converted to String',
	'false' => 'FALSE_VALUE cannot be converted to String',
	'[]' => 'Unrecognized collection type class java.lang.String',
	'{}' => $structure);
type_errors('GetItem', '{"TableName":"abc","ConsistentRead":?}',
	'"x"' => 'Unexpected token received from parser',
	'1' => 'NUMBER_VALUE cannot be converted to Boolean',
	'1.5' => 'DECIMAL_VALUE cannot be converted to Boolean',
	'[]' => 'Unrecognized collection type class java.lang.Boolean',
	'{}' => $structure);
type_errors('ListTables', '{"Limit":?}',
	'"1"' => 'STRING_VALUE cannot be converted to Integer',
	'true' => 'TRUE_VALUE cannot be converted to Integer',
	'false' => 'FALSE_VALUE cannot be converted to Integer',
	'[]' => 'Unrecognized collection type class java.lang.Integer',
	'{}' => $structure);
type_errors('CreateTable', '{"ProvisionedThroughput":{"ReadCapacityUnits":?}}',
	'"1"' => 'STRING_VALUE cannot be converted to Long',
	'true' => 'TRUE_VALUE cannot be converted to Long',
	'[]' => 'Unrecognized collection type class java.lang.Long',
	'{}' => $structure);
type_errors('PutItem', '{"Item":{"a":{"B":?}}}',
	'"abc"' => 'Base64 encoded length is expected a multiple of 4 bytes but found: 3',
	'"YR=="' => 'Invalid last non-pad Base64 character dectected',
	'1' => 'only base-64-encoded strings are convertible to bytes',
	'true' => 'only base-64-encoded strings are convertible to bytes',
	'[]' => 'Unrecognized collection type class java.nio.ByteBuffer',
	'{}' => $structure);
type_errors('PutItem', '{"Item":{"a":{"N":?}}}',
	'123' => 'NUMBER_VALUE cannot be converted to String',
	'1.5' => 'DECIMAL_VALUE cannot be converted to String');
type_errors('GetItem', '{"AttributesToGet":?}',
	'"x"' => 'Unexpected field type',
	'1' => 'Unexpected field type',
	'true' => 'Unexpected field type',
	'{}' => $structure,
	'[1]' => 'NUMBER_VALUE cannot be converted to String');
type_errors('PutItem', '{"Item":?}',
	'"x"' => 'Unexpected field type',
	'1' => 'Unexpected field type',
	'true' => 'Unexpected field type',
	'[]' => 'Unrecognized collection type java.util.Map<java.lang.String, ' . shape('AttributeValue') . '>');
type_errors('CreateTable', '{"ProvisionedThroughput":?}',
	'"x"' => 'Unexpected field type',
	'1' => 'Unexpected field type',
	'[]' => 'Unrecognized collection type class ' . shape('ProvisionedThroughput'));
type_errors('PutItem', '{"Item":{"a":?}}',
	'"x"' => 'Unexpected value type in payload',
	'1' => 'Unexpected value type in payload',
	'true' => 'Unexpected value type in payload',
	'[]' => 'Unrecognized collection type class ' . shape('AttributeValue'));
type_errors('CreateTable', '{"KeySchema":[?]}',
	'"x"' => 'Unexpected value type in payload',
	'[]' => 'Unrecognized collection type class ' . shape('KeySchemaElement'));

# ---- errors of the other layers ----

answers($client->exchange(operation => 'GetItem', body => '{"TableName":"Things","Key":{"id":{"S":"a"}}}'), 400,
	error_body('com.amazonaws.dynamodb.v20120810', 'ResourceNotFoundException', 'message', 'Requested resource not found'),
	'a missing table');
answers($client->exchange(operation => 'DescribeTable', body => '{"TableName":"Things"}'), 400,
	error_body('com.amazonaws.dynamodb.v20120810', 'ResourceNotFoundException', 'message',
		'Requested resource not found: Table: Things not found'), 'DescribeTable of a missing table');
answers($client->exchange(operation => 'DescribeTable'), 400,
	validation(q{The parameter 'TableName' is required but was not present in the request}), 'a missing parameter');
answers(call_http('CreateTable', { TableName => 'Things', BillingMode => 'PAY_PER_REQUEST',
	KeySchema => [ { AttributeName => 'id', KeyType => 'HASH' } ],
	AttributeDefinitions => [ { AttributeName => 'id', AttributeType => 'S' } ] }), 200, qr/"TableStatus":"/, 'CreateTable');
answers($client->exchange(operation => 'ListTables'), 200, '{"TableNames":["Things"]}', 'it is there');
answers($client->exchange(target => 'DynamoDB_20120810.ListTables', body => '{"Limit":0}'), 400,
	validation(q{1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: }
		. 'Member must have value greater than or equal to 1'), 'a constraint');
answers(call_http('PutItem', { TableName => 'Things', Item => { id => { S => 'a' } } }), 200, '{}', 'PutItem');
answers(call_http('PutItem', { TableName => 'Things', Item => { id => { S => 'a' } },
	ConditionExpression => 'attribute_not_exists(id)', ReturnValuesOnConditionCheckFailure => 'ALL_OLD' }), 400,
	'{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",'
	. '"message":"The conditional request failed","Item":{"id":{"S":"a"}}}', 'a condition');
answers(call_http('CreateTable', { TableName => 'Things', BillingMode => 'PAY_PER_REQUEST',
	KeySchema => [ { AttributeName => 'id', KeyType => 'HASH' } ],
	AttributeDefinitions => [ { AttributeName => 'id', AttributeType => 'S' } ] }), 400,
	error_body('com.amazonaws.dynamodb.v20120810', 'ResourceInUseException', 'message', 'Table already exists: Things'),
	'a table that exists');

$node->safe_psql('postgres', q{CREATE ROLE "no""body"; GRANT USAGE ON SCHEMA dynamo TO "no""body"});
{
	my ($id, $secret) = split /\|/, $node->safe_psql('postgres',
		q{SELECT * FROM dynamo.create_access_key('"no""body"')});
	my $nobody = $client->with(key_id => $id, secret => $secret);

	answers($nobody->exchange(operation => 'GetItem', body => '{"TableName":"Things","Key":{"id":{"S":"a"}}}'), 400,
		qr/^\{"__type":"com\.amazon\.coral\.service#AccessDeniedException","Message":".+"\}$/, 'a role without rights');
}

# ---- what JSON allows ----

answers($client->exchange(operation => 'PutItem',
		body => '{"TableName":"Other","Item":{"id":{"S":"x"}},"TableName":"Things","Item":{"id":{"S":"x"},"id":{"S":"last"},"v":{"S":"1"},"v":{"S":"2"}}}'),
	200, '{}', 'members that appear twice');
answers(call_http('GetItem', { TableName => 'Things', Key => { id => { S => 'last' } } }), 200,
	'{"Item":{"id":{"S":"last"},"v":{"S":"2"}}}', 'the last one counts');
answers($client->exchange(operation => 'GetItem', body => '{"TableName":1,"TableName":"Things","Key":{"id":{"S":"none"}}}'),
	200, '{}', 'for the type, too');
for my $text ('\u0000', 'a\u0000b', '\u0000\u0000\u0001\u0002', '\u0001', '\"\\\\\/\b\f\n\r\t', '\u001f\u007f',
	'\ud83d\ude00', "\xf0\x9f\x98\x80 \xc3\xa4", '\u00e4\u2028')
{
	my $item = qq({"id":{"S":"text"},"v":{"S":"$text"},"m":{"M":{"$text":{"L":[{"SS":["$text"]}]}}}});

	answers($client->exchange(operation => 'PutItem', body => qq({"TableName":"Things","Item":$item})), 200, '{}', "text $text");
	answers(call_http('GetItem', { TableName => 'Things', Key => { id => { S => 'text' } } }), 200, qq({"Item":$item}),
		"text $text comes back");
	answers($client->exchange(operation => 'PutItem', body => qq({"TableName":"Things","Item":{"id":{"S":"k$text"}}})),
		200, '{}', "text $text in a key");
	answers($client->exchange(operation => 'DeleteItem',
			body => qq({"TableName":"Things","Key":{"id":{"S":"k$text"}},"ReturnValues":"ALL_OLD"})),
		200, qq({"Attributes":{"id":{"S":"k$text"}}}), "text $text finds the key");
}
answers($client->exchange(operation => 'PutItem', body => '{"TableName":"Things","Item":{"id":{"S":"u"},"v":{"S":"\ud800"}}}'),
	400, qr/^\{"__type":"com\.amazon/, 'half a surrogate pair');

# ---- compressed requests ----

my $get = '{"TableName":"Things","Key":{"id":{"S":"last"}}}';
my $last = '{"Item":{"id":{"S":"last"},"v":{"S":"2"}}}';

sub encoded
{
	my ($encoding, $body, %option) = @_;

	return $client->exchange(operation => 'GetItem', body => $body,
		headers => [ [ 'Content-Encoding', $encoding ], @{ $option{headers} // [] } ]);
}

sub internal_error
{
	my ($response, $what) = @_;

	return answers($response, 500, qr/^\{"__type":"com\.amazon[a-z0-9.]*#InternalServerError"[,}]/, $what);
}

answers(encoded('gzip', memGzip($get)), 200, $last, 'a gzip body');
answers(encoded('deflate', compress($get)), 200, $last, 'a deflate body');
answers(encoded('identity', $get), 200, $last, 'an identity body');
answers(encoded('GZIP', memGzip($get)), 200, $last, 'GZIP');
answers(encoded('gzip', memGzip(substr $get, 0, 10) . memGzip(substr $get, 10)), 200, $last, 'two gzip members');
answers(encoded('gzip', join '', map { memGzip($_) } split //, $get), 200, $last, 'a gzip member for each byte');
answers(encoded('gzip', memGzip('{')), 400, $serialization, 'a gzip body that is no JSON');
my $gzip = memGzip($get);
my %malformed = (
	'no gzip' => $get, 'empty' => '', 'cut short' => substr($gzip, 0, -1), 'half of it' => substr($gzip, 0, 20),
	'only its head' => substr($gzip, 0, 10), 'one byte' => "\x1f", 'a wrong checksum' => substr($gzip, 0, -8) . "\0" x 8,
	'garbage after it' => "${gzip}garbage", 'a second member cut short' => $gzip . substr($gzip, 0, 15),
	'deflate as gzip' => compress($get));
internal_error(encoded('gzip', $malformed{$_}), "gzip, $_") for sort keys %malformed;
my $deflate = compress($get);
my %malformed_deflate = (
	'no deflate' => $get, 'empty' => '', 'cut short' => substr($deflate, 0, -1), 'gzip as deflate' => $gzip,
	'two streams' => compress(substr $get, 0, 10) . compress(substr $get, 10));
internal_error(encoded('deflate', $malformed_deflate{$_}), "deflate, $_") for sort keys %malformed_deflate;
for my $encoding ('br', 'compress', 'gzip, gzip', 'x')
{
	my $response = $client->exchange(operation => 'PutItem', body => '{"TableName":"Things","Item":{"id":{"S":"encoded"}}}',
		headers => [ [ 'Content-Encoding', $encoding ] ]);
	cmp_ok($response->{status}, '>=', 400, "Content-Encoding $encoding is refused");
}
answers($client->exchange(operation => 'GetItem', body => '{"TableName":"Things","Key":{"id":{"S":"encoded"}}}'), 200, '{}',
	'and nothing is executed');
internal_error(encoded('gzip', memGzip($get . ' ' x (16 * $megabyte - length($get) + 1))), 'a body of 16 MB and 1 byte, compressed');
answers(encoded('gzip', memGzip($get . ' ' x (16 * $megabyte - length $get))), 200, $last, 'exactly 16 MB, compressed');
answers(encoded('deflate', compress($get . ' ' x (16 * $megabyte - length $get))), 200, $last, 'exactly 16 MB, deflate');

# ---- compressed responses ----

sub item_of
{
	my ($size) = @_;
	my $frame = '{"Item":{"id":{"S":"sized"},"v":{"S":""}}}';
	my $text = join '', map { chr 97 + $_ % 23 } 1 .. $size - length $frame;

	call_http('PutItem', { TableName => 'Things', Item => { id => { S => 'sized' }, v => { S => $text } } });
	return qq({"Item":{"id":{"S":"sized"},"v":{"S":"$text"}}});
}

sub sized
{
	return call_http('GetItem', { TableName => 'Things', Key => { id => { S => 'sized' } } },
		headers => [ map { [ 'Accept-Encoding', $_ ] } @_ ]);
}

my %decoder = (gzip => sub { memGunzip(my $copy = $_[0]) }, deflate => sub { uncompress($_[0]) });
sub is_encoded
{
	my ($response, $encoding, $body, $what) = @_;

	answers($response, 200, qr/./s, $what, headers => { 'content-encoding' => $encoding });
	is(length($decoder{$encoding}->($response->{body}) // ''), length $body, "$what: its size");
	ok(same_text($decoder{$encoding}->($response->{body}) // '', $body), "$what: its text");
	cmp_ok(length $response->{body}, '<', length $body, "$what: it is smaller");
}

my $body = item_of(4096);
is(length $body, 4096, 'a response of 4 KB');
answers(sized(), 200, $body, '4 KB');
answers(sized('gzip'), 200, $body, '4 KB, gzip accepted');
answers(sized('deflate'), 200, $body, '4 KB, deflate accepted');
$body = item_of(4097);
answers(sized(), 200, $body, 'more than 4 KB');
answers(sized($_), 200, $body, "more than 4 KB, $_ accepted") for 'identity', 'br', '';
is_encoded(sized($_), 'gzip', $body, "more than 4 KB, $_ accepted")
  for 'gzip', 'gzip, deflate', 'deflate, gzip', 'gzip,deflate,br', 'br, gzip', 'gzip;q=1.0, identity; q=0.5', 'GZIP';
is_encoded(sized('deflate'), 'deflate', $body, 'more than 4 KB, deflate accepted');
answers(sized('identity', 'gzip'), 200, $body, 'only the first Accept-Encoding counts');
is_encoded(sized('gzip', 'identity'), 'gzip', $body, 'which is gzip here');
$body = item_of(300_000);
is_encoded(sized('gzip'), 'gzip', $body, '300 KB');
answers(sized(), 200, $body, '300 KB as they are');
answers($client->exchange(target => 'Nothing', headers => [ [ 'Accept-Encoding', 'gzip' ] ]), 400, $unknown, 'an error stays short');

# ---- requests that are not of the API ----

sub ask_plain
{
	my ($method, $uri, %option) = @_;
	my $connection = $client->connect;

	$connection->write(RawHttp::message(method => $method, uri => $uri, %option,
			headers => [ [ 'Host', 'localhost' ], @{ $option{headers} // [] } ]));
	return $connection->read(no_body => $method eq 'HEAD');
}

answers(ask_plain('GET', '/'), 200, 'healthy: dynamodb.us-east-1.amazonaws.com ', 'GET /',
	type => header(ask_plain('GET', '/'), 'content-type'));
not_found(ask_plain('GET', $_), "GET $_")
  for '/x', '/index.html', '//', '/./', '/favicon.ico', '/shell/', '/%00', '/' . 'x' x 5000;
for my $method ('PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'post', 'PoST', 'BREW')
{
	my $response = ask_plain($method, '/');

	if ($method =~ /[a-z]|BREW/ && $response && $response->{status} == 400)
	{
		pass("$method is refused");
		next;
	}
	not_found($response, $method);
}
not_found(ask_plain($_, '/', body => '{}', headers => [ [ 'Content-Type', 'application/json' ] ]), "$_ with a body")
  for 'PUT', 'DELETE';
is(ask_plain('HEAD', '/')->{status}, 404, 'HEAD');
not_found(ask_plain('POST', '/', body => 'hello'), 'POST of something');
not_found(ask_plain('POST', '/service/DynamoDB_20120810/operation/ListTables', body => "\xa0",
		headers => [ [ 'Smithy-Protocol', 'rpc-v2-cbor' ], [ 'Content-Type', 'application/cbor' ], [ 'Accept', 'application/cbor' ] ]),
	'an operation of RPC v2 CBOR');
is(ask_plain('GET', '/health/ready')->{status}, 200, 'GET /health/ready');
is(ask_plain('GET', '/metrics')->{status}, 200, 'GET /metrics');

# ---- CORS ----

my @origin = ([ 'Origin', 'https://example.org' ]);
my $allowed = { 'access-control-allow-origin' => '*', 'access-control-max-age' => undef,
	'access-control-allow-headers' => undef, 'access-control-allow-methods' => undef };
answers($client->exchange(operation => 'ListTables', headers => \@origin), 200, qr/TableNames/, 'CORS', headers => $allowed);
answers($client->exchange(target => 'Nothing', headers => \@origin), 400, $unknown, 'CORS, an error', headers => $allowed);
answers($client->exchange(operation => 'ListTables', body => '{', headers => \@origin), 400, $serialization,
	'CORS, broken JSON', headers => $allowed);
answers($client->exchange(operation => 'ListTables', unsigned => 1, headers => \@origin), 400, missing_token(),
	'CORS, no signature', headers => $allowed);
internal_error_cors();
not_found(ask_plain('PUT', '/', headers => \@origin), 'CORS, 404', %$allowed);
is(header(ask_plain($_, '/', headers => \@origin), 'access-control-allow-origin'), '*', "CORS, $_ /") for 'GET', 'HEAD';
is(header(ask_plain('GET', $_, headers => \@origin), 'access-control-allow-origin'), '*', "CORS, GET $_") for '/health/ready', '/metrics';
is(header($client->exchange(operation => 'ListTables', headers => [ @origin, [ 'X-Long', 'x' x 20_000 ] ]), 'access-control-allow-origin'),
	'*', 'CORS, headers too large');
is(header($client->exchange(operation => 'ListTables', unsigned => 1, body => '{' x (16 * $megabyte + 1), headers => \@origin),
	'access-control-allow-origin'), '*', 'CORS, a body too large');
for my $asked ([ 'POST', 'x-amz-target,content-type, authorization' ], [ 'PUT', 'X-One' ], [ undef, undef ])
{
	my ($method, $names) = @$asked;
	my $response = ask_plain('OPTIONS', '/', headers => [ @origin,
		defined $method ? [ 'Access-Control-Request-Method', $method ] : (),
		defined $names ? [ 'Access-Control-Request-Headers', $names ] : () ]);

	answers($response, 200, '', 'preflight', type => header($response, 'content-type'),
		headers => { 'access-control-allow-origin' => '*', 'access-control-max-age' => '172800',
			'access-control-allow-headers' => $names, 'access-control-allow-methods' => $method,
			'content-length' => '0', 'x-amz-crc32' => header($response, 'x-amz-crc32') });
}

sub internal_error_cors
{
	my $response = encoded('gzip', 'x', headers => \@origin);

	is("$response->{status} " . header($response, 'access-control-allow-origin'), '500 *', 'CORS, broken gzip');
}

# ---- sizes ----

my $put = '{"TableName":"Things","Item":{"id":{"S":"large"},"v":{"S":"?"}}}';
my $too_large = validation('Item size has exceeded the maximum allowed size');

sub padded { my ($size) = @_; return $put =~ s/\?/'x' x ($size - length($put) + 1)/er }

my $full = padded(16 * $megabyte);
is(length $full, 16 * $megabyte, 'a body of 16 MB');
answers($client->exchange(operation => 'PutItem', body => $full), 400, $too_large, 'it is accepted');
answers($client->exchange(operation => 'PutItem', chunks => [ unpack '(a100000)*', $full ]), 400, $too_large, 'in chunks');
{
	my $over = padded(16 * $megabyte + 1);
	my %sent = (
		'with its length' => $client->request(operation => 'PutItem', body => $over),
		'in chunks' => $client->request(operation => 'PutItem', chunks => [ unpack '(a100000)*', $over ]),
		'unsigned' => $client->request(operation => 'PutItem', body => $over, unsigned => 1),
		'to nobody' => $client->request(target => 'Nothing', body => "{$over", unsigned => 1));
	for my $how (sort keys %sent)
	{
		my $response = $client->answer($sent{$how});

		is($response && $response->{status}, 413, "16 MB and 1 byte, $how");
		unlike($response ? $response->{body} : '', qr/__type/, "16 MB and 1 byte, $how: no error of the API");
	}
}

sub with_header { return $client->exchange(operation => 'ListTables', headers => [ [ 'X-Long', 'x' x $_[0] ] ]) }
is(with_header(15_000)->{status}, 200, 'a header of 15,000 bytes');
is(with_header(20_000)->{status}, 400, 'a header of 20,000 bytes');
like(with_header($_)->{status}, qr/^4\d\d$/, "a header of $_ bytes") for 30_000, 100_000;
is($client->exchange(operation => 'ListTables', headers => [ map { [ "X-$_", 'x' x 100 ] } 1 .. 120 ])->{status}, 200,
	'headers of 13,000 bytes');
is($client->exchange(operation => 'ListTables', headers => [ map { [ "X-$_", 'x' x 100 ] } 1 .. 180 ])->{status}, 400,
	'headers of 20,000 bytes');
is(ask_plain('GET', '/' . 'x' x 17_000)->{status}, 400, 'a request line of 17,000 bytes');
like(ask_plain('GET', '/' . 'x' x 100_000)->{status}, qr/^4\d\d$/, 'a request line of 100,000 bytes');

# ---- connections ----

my @things = $client->request(operation => 'ListTables');
my $listed = '{"TableNames":["Things"]}';

sub goes_on
{
	my ($connection, $what) = @_;

	$connection->write($client->request(operation => 'ListTables'));
	answers($connection->read, 200, $listed, "the connection goes on after $what");
}

{
	my $connection = $client->connect;
	my %requests = (
		'broken JSON' => $client->request(operation => 'ListTables', body => '{'),
		'an unknown target' => $client->request(target => 'Nothing'),
		'no signature' => $client->request(operation => 'ListTables', unsigned => 1),
		'a wrong signature' => $client->request(operation => 'ListTables', signature => '0' x 64),
		'an unknown key' => $client->request(operation => 'ListTables', key_id => 'AKIAUNKNOWN'),
		'an empty body' => $client->request(operation => 'ListTables', body => ''),
		'a wrong type' => $client->request(operation => 'ListTables', body => '{"Limit":"x"}'),
		'a validation error' => $client->request(operation => 'ListTables', body => '{"Limit":0}'),
		'a missing table' => $client->request(operation => 'DescribeTable', body => '{"TableName":"None"}'),
		'a large item' => $client->request(operation => 'PutItem', body => padded(2 * $megabyte)),
		'a wrong content type' => $client->request(operation => 'PutItem', type => 'text/plain', body => padded(2 * $megabyte)),
		'PUT' => $client->request(operation => 'ListTables', method => 'PUT', unsigned => 1, body => 'x' x 1000),
		'DELETE with a body' => $client->request(operation => 'ListTables', method => 'DELETE', unsigned => 1, body => 'x' x 1000),
		'broken gzip' => $client->request(operation => 'ListTables', headers => [ [ 'Content-Encoding', 'gzip' ] ]),
		'a zip bomb' => $client->request(operation => 'ListTables', body => memGzip('x' x (17 * $megabyte)),
			headers => [ [ 'Content-Encoding', 'gzip' ] ]),
		'GET' => RawHttp::message(method => 'GET', uri => '/', headers => [ [ 'Host', 'x' ] ]),
		'a preflight' => RawHttp::message(method => 'OPTIONS', uri => '/', headers => [ [ 'Host', 'x' ], @origin ]));
	for my $what (sort keys %requests)
	{
		$connection->write($requests{$what});
		ok($connection->read, "an answer to $what");
		goes_on($connection, $what);
	}
}

# a connection that has to end does so after its answer
for my $case ([ 'HTTP/1.0', 'HTTP/1.0' ], [ 'Connection: close', 'HTTP/1.1', [ 'Connection', 'close' ] ])
{
	my ($what, $version, @headers) = @$case;
	my $connection = $client->connect;

	$connection->write($client->request(operation => 'ListTables', version => $version, headers => \@headers));
	my $response = $connection->read;
	is($response->{status}, 200, $what);
	is($response->{body}, $listed, "$what: its body");
	ok($connection->is_closed, "$what: the connection ends");
}
{
	my $connection = $client->connect;

	for my $n (1, 2)
	{
		$connection->write($client->request(operation => 'ListTables', version => 'HTTP/1.0',
				headers => [ [ 'Connection', 'keep-alive' ] ]));
		my $response = $connection->read;
		is($response && $response->{body}, $listed, "HTTP/1.0 with keep-alive, request $n");
		last if $response && header($response, 'connection') eq 'close';
	}
}

# pipelining
{
	my $connection = $client->connect;
	my ($sent, @bodies) = ('');

	for my $n (1 .. 20)
	{
		call_http('PutItem', { TableName => 'Things', Item => { id => { S => "p$n" }, n => { N => "$n" } } });
		$sent .= $client->request(operation => 'GetItem', body => qq({"TableName":"Things","Key":{"id":{"S":"p$n"}}}));
		push @bodies, qq({"Item":{"id":{"S":"p$n"},"n":{"N":"$n"}}});
	}
	$connection->write($sent);
	answers($connection->read, 200, $_, 'one of 20 requests at once') for @bodies;

	$connection->write($client->request(operation => 'GetItem', body => '{"TableName":"Things","Key":{"id":{"S":"p1"}}}')
		  . $client->request(target => 'Nothing') . RawHttp::message(method => 'GET', uri => '/', headers => [ [ 'Host', 'x' ] ])
		  . $client->request(operation => 'UpdateItem', body => '{"TableName":"Things","Key":{"id":{"S":"p1"}},"UpdateExpression":"SET n = n + :n","ExpressionAttributeValues":{":n":{"N":"1"}}}')
		  . $client->request(operation => 'GetItem', body => '{"TableName":"Things","Key":{"id":{"S":"p1"}}}')
		  . $client->request(operation => 'ListTables', body => '{') . $client->request(operation => 'ListTables'));
	is(join(' ', map { my $r = $connection->read; $r ? "$r->{status}:" . length $r->{body} : 'none' } 1 .. 7),
		join(' ', '200:' . length $bodies[0], '400:' . length $unknown, '200:42', '200:2', '200:' . length $bodies[0],
			'400:' . length $serialization, '200:' . length $listed), 'requests of several kinds at once');
}

# a request that waits for a lock holds up those behind it on its connection,
# and nobody else
{
	my $session = open_session($node);
	my ($waiting, $other) = ($client->connect, $client->connect);
	my $update = '{"TableName":"Things","Key":{"id":{"S":"p2"}},"UpdateExpression":"SET n = n + :n","ExpressionAttributeValues":{":n":{"N":"1"}}}';
	my $read = $client->request(operation => 'GetItem', body => '{"TableName":"Things","Key":{"id":{"S":"p2"}},"ProjectionExpression":"n"}');

	ask($session, q{BEGIN; SELECT FROM dynamo_tables."Things" WHERE pk = 'p2' FOR UPDATE});
	$waiting->write($client->request(operation => 'UpdateItem', body => $update) . $read
		  . $client->request(operation => 'UpdateItem', body => $update) . $read);
	for (1 .. 10)
	{
		$other->write($read);
		answers($other->read(timeout => 5), 200, '{"Item":{"n":{"N":"2"}}}', 'others are served beside a request that waits');
	}
	is($waiting->read(timeout => 0.5), undef, 'which has no answer yet');
	ask($session, 'COMMIT');
	answers($waiting->read, 200, $_, 'the answers behind a lock come in order')
	  for '{}', '{"Item":{"n":{"N":"3"}}}', '{}', '{"Item":{"n":{"N":"4"}}}';
	$session->quit;
}

# one client's writes are seen by its next read, whoever serves that
{
	my ($one, $two) = ($client->connect, $client->connect);
	my $wrong = 0;

	for my $n (1 .. 100)
	{
		$one->write($client->request(operation => 'PutItem', body => qq({"TableName":"Things","Item":{"id":{"S":"own"},"n":{"N":"$n"}}})));
		$one->read;
		$two->write($client->request(operation => 'GetItem', body => '{"TableName":"Things","Key":{"id":{"S":"own"}},"ConsistentRead":true}'));
		$wrong++ unless $two->read->{body} =~ /"N":"$n"/;
	}
	is($wrong, 0, 'a read on another connection sees what was acknowledged');
}

# pieces
sub in_pieces
{
	my ($bytes, $size, $pause) = @_;
	my $connection = $client->connect;

	for my $piece (unpack "(a$size)*", $bytes)
	{
		$connection->write($piece);
		select undef, undef, undef, $pause if $pause;
	}
	return $connection->read;
}

answers(in_pieces($things[0], 1, 0.001), 200, $listed, 'byte by byte');
answers(in_pieces($things[0], $_, 0.005), 200, $listed, "$_ bytes at a time") for 7, 64, length($things[0]) - 1, length($things[0]) - 2;
answers(in_pieces($client->request(operation => 'ListTables', chunks => [ '{', '}' ]), 1, 0.001), 200, $listed,
	'chunks, byte by byte');

# chunks
for my $chunks ([ '{}' ], [ '{', '}' ], [ map { $_ } split //, '{"Limit":10}' ])
{
	answers($client->exchange(operation => 'ListTables', chunks => $chunks), 200, $listed, scalar(@$chunks) . ' chunks');
}
answers($client->exchange(operation => 'ListTables', chunks => []), 400, $serialization, 'no chunk at all');
{
	my $request = $client->request(operation => 'ListTables', chunks => ['{}']);
	my ($head) = $request =~ /\A(.*?\r\n\r\n)/s;

	answers($client->answer("${head}2;name=value\r\n{}\r\n0\r\n\r\n"), 200, $listed, 'a chunk with an extension');
	answers($client->answer("${head}002\r\n{}\r\n000\r\n\r\n"), 200, $listed, 'a chunk whose size has zeros before it');
	answers($client->answer("${head}2\r\n{}\r\n0\r\nX-Trailer: x\r\n\r\n"), 200, $listed, 'a trailer');
	for my $broken ("x\r\n{}\r\n0\r\n\r\n", "-2\r\n{}\r\n0\r\n\r\n", "2\r\n{}{}\r\n0\r\n\r\n", "fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
		"\r\n{}\r\n0\r\n\r\n")
	{
		my $connection = $client->connect;

		$connection->write($head . $broken);
		my $response = $connection->read(timeout => 5);
		like($response ? $response->{status} : 'closed', qr/^(4\d\d|closed)$/, 'chunks ' . $broken =~ s/\r\n/ /gr);
		ok($connection->is_closed, 'after which the connection ends');
	}
}

# Expect: 100-continue
{
	my $connection = $client->connect;
	my $request = $client->request(operation => 'ListTables', headers => [ [ 'Expect', '100-continue' ] ]);
	my ($head, $body) = $request =~ /\A(.*?\r\n\r\n)(.*)\z/s;

	$connection->write($head);
	my $response = $connection->read;
	is($response && $response->{status}, '100', 'Expect: the body is asked for');
	$connection->write($body);
	answers($connection->read, 200, $listed, 'Expect: then the answer comes');
	goes_on($connection, 'Expect');
	$connection->write($request);
	$response = $connection->read;
	$response = $connection->read if $response && $response->{status} == 100;
	answers($response, 200, $listed, 'Expect: a client that does not wait');

	$connection = $client->connect;
	$connection->write($head =~ s/Content-Length: 2/'Content-Length: ' . (17 * $megabyte)/er);
	$response = $connection->read;
	is($response && $response->{status}, 413, 'Expect: a body that will be too large is not asked for');
}

# lengths
{
	my $connection = $client->connect;

	$connection->write($client->request(operation => 'ListTables', body => '{}', length => 1));
	answers($connection->read, 400, $serialization, 'Content-Length too short: what it covers is no JSON');
	my $response = $connection->read(timeout => 2);
	ok(!$response || $response->{status} >= 400, 'the rest is no request');
	$connection->close;

	for my $length ('-1', 'x', '2x', '0x2', '99999999999999999999', '18446744073709551618', '1e1')
	{
		$connection = $client->connect;
		$connection->write($client->request(operation => 'ListTables', length => $length));
		my $response = $connection->read(timeout => 5);
		like($response ? $response->{status} : 'closed', qr/^(4\d\d|closed)$/, "Content-Length: $length");
	}

	# two lengths, or a length and chunks, must not make two requests of one
	my $inner = RawHttp::message(method => 'GET', uri => '/', headers => [ [ 'Host', 'x' ] ]);
	for my $headers ([ [ 'Content-Length', 2 ] ], [ [ 'Content-Length', 2 + length $inner ] ], [ [ 'Transfer-Encoding', 'chunked' ] ])
	{
		$connection = $client->connect;
		$connection->write($client->request(operation => 'ListTables', headers => $headers) . $inner);
		my @statuses = map { my $r = $connection->read(timeout => 1); $r ? $r->{status} : () } 1, 2, 3;
		cmp_ok(scalar(grep { $_ == 200 } @statuses), '<=', 2, "$headers->[0][0] twice: @statuses");
	}
}

# the head
answers($client->exchange(operation => 'ListTables', headers => [ [ 'x-empty', '' ], [ 'X-Twice', 1 ], [ 'x-twice', 2 ] ]),
	200, $listed, 'odd headers');
answers($client->answer($things[0] =~ s/X-Amz-Target/x-AMZ-tARGET/r =~ s/Content-Type/CONTENT-TYPE/r), 200, $listed,
	'names of headers in any case');
answers($client->answer($things[0] =~ s/Host: /Host:/r =~ s/X-Amz-Target: /X-Amz-Target:   \t /r), 200, $listed,
	'blanks before values');
answers($client->answer("\r\n$things[0]"), 200, $listed, 'an empty line before the request');
{
	my $absolute = $client->exchange(operation => 'ListTables', uri => "http://127.0.0.1:$http->{port}/");
	ok($absolute, 'an absolute URI is answered');

	my $response = $client->exchange(operation => 'ListTables', host => undef);
	is($response->{status}, 400, 'no Host');
}

# everything still stands
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_dynamo http worker'}), '2',
	'both workers are there');
$node->stop;
ok(slurp_file($node->logfile) !~ /terminated by signal|PANIC|TRAP/, 'nothing crashed');
done_testing();
