# Signature Version 4: what is refused with which words, and what is the same
# request all the same.

use strict;
use warnings;
use Compress::Zlib qw(memGzip);
use FindBin;
use lib "$FindBin::RealBin/lib";
use IO::Socket::INET;
use JSON::PP;
use PgDynamo;
use PgDynamoHttp;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use RawHttp;
use Test::More;

my $json = JSON::PP->new->canonical;
my $http = start_http_node('main', conf => 'log_statement = none');
my $node = $http->{node};
my $client = RawHttp->new(port => $http->{port}, key_id => $http->{key_id}, secret => $http->{secret});
my $key_id = $http->{key_id};
my @list = (operation => 'ListTables');
my $mismatch = 'The request signature we calculated does not match the signature you provided. '
  . 'Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';
my $invalid_token = 'The security token included in the request is invalid.';

sub accepted
{
	my ($response, $what) = @_;

	return is($response ? "$response->{status} $response->{body}" : 'no answer', '200 {"TableNames":[]}', $what);
}

# The message may be a pattern.
sub refused
{
	my ($response, $name, $message, $what) = @_;
	my $error = $response ? $json->decode($response->{body}) : {};

	is(($response ? $response->{status} : 'no answer') . ' ' . ($error->{__type} // 'no error'),
		"400 com.amazon.coral.service#$name", $what);
	is(join(' ', sort keys %$error), '__type message', "$what: its members");
	return like($error->{message}, $message, "$what: the message") if ref $message;
	return is($error->{message}, $message, "$what: the message");
}

sub mismatch
{
	my ($response, $what) = @_;

	return refused($response, 'InvalidSignatureException', qr/\A\Q$mismatch\E(\n\nThe Canonical String .*)?\z/s, $what);
}

# What an Authorization header is answered, word for word.
sub authorization
{
	my ($value, $name, $message, %option) = @_;

	return refused($client->exchange(@list, authorization => $value, %option), $name, $message,
		"Authorization '" . substr($value, 0, 60) . "'");
}

accepted($client->exchange(@list), 'a signature in the header');
accepted($client->answer($client->presigned(@list)), 'a signature in the query');

# ---- the form ----

# both, neither, another scheme
refused($client->answer($client->presigned(@list, headers => [ [ 'Authorization', 'AWS4-HMAC-SHA256 x' ] ])),
	'InvalidSignatureException',
	q{Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.}, 'header and query');
refused($client->exchange(@list, uri => '/?X-Amz-Algorithm'), 'InvalidSignatureException',
	q{Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.}, 'header and a bare parameter');
my $no_token = 'Request is missing Authentication Token';
refused($client->exchange(@list, unsigned => 1), 'MissingAuthenticationTokenException', $no_token, 'no signature');
refused($client->exchange(@list, unsigned => 1, uri => '/?X-Amz-Signature=0&X-Amz-Credential=x'),
	'MissingAuthenticationTokenException', $no_token, 'a query without algorithm');
authorization($_, 'MissingAuthenticationTokenException', $no_token)
  for '', 'Basic dXNlcjpwYXNzd29yZA==', 'Bearer x', 'AWS AKIA:x', 'AWS4', 'aws4-hmac-sha256 x', 'xAWS4-HMAC-SHA256';

# parts that are missing
my @parts = ([ 'Credential', 'a/b/c/d/e' ], [ 'Signature', '0' ], [ 'SignedHeaders', 'host' ]);
for my $present (0 .. 7)
{
	my @there = map { $parts[$_] } grep { $present >> $_ & 1 } 0 .. 2;
	my @missing = map { $parts[$_] } grep { !($present >> $_ & 1) } 0 .. 2;
	my $value = 'AWS4-HMAC-SHA256 ' . join ', ', map { "$_->[0]=$_->[1]" } @there;
	my $message = join '', map { "Authorization header requires '$_->[0]' parameter. " } @missing;
	my $date = q{Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. };

	$value =~ s/ $//;
	authorization($value, 'IncompleteSignatureException', "${message}Authorization=$value") if @missing;
	authorization($value, 'IncompleteSignatureException', "$message${date}Authorization=$value", no_date => 1);
}
authorization('AWS4-', 'IncompleteSignatureException', q{Authorization header requires 'Credential' parameter. }
	. q{Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-});

# parts that are no pairs
for my $piece ('x', 'Credential', '%s', '"')
{
	my $value = "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, $piece, Signature=0, SignedHeaders=host";

	authorization($value, 'IncompleteSignatureException',
		"'$piece' not a valid key=value pair (missing equal-sign) in Authorization header: '$value'.");
}

# the query form
my @parameters = qw(X-Amz-Algorithm X-Amz-Credential X-Amz-Signature X-Amz-SignedHeaders X-Amz-Date);
for my $drop ((map { [$_] } @parameters[1 .. 4]), [ @parameters[1, 2] ], [ @parameters[3, 4] ], [ @parameters[1 .. 4] ])
{
	refused($client->answer($client->presigned(@list, drop => $drop)), 'IncompleteSignatureException',
		join('', map { "AWS query-string parameters must include '$_'. " } @$drop) . 'Re-examine the query-string parameters.',
		"without @$drop");
}
refused($client->answer($client->presigned(@list, parameters => { 'X-Amz-Algorithm' => '' })), 'IncompleteSignatureException',
	q{AWS query-string parameters must include 'X-Amz-Algorithm'. Re-examine the query-string parameters.}, 'an empty algorithm');

# ---- the date ----

for my $date ('x', '20200101', '2020-01-01T00:00:00Z', '20201301T000000Z', '20200101T250000Z', '20200101T000000', '20200101T000000z',
	'20200230T000000Z', '9' x 16, '+0200101T000000Z')
{
	refused($client->exchange(@list, date => $date, scope_date => '20200101'), 'IncompleteSignatureException',
		"Date must be in ISO-8601 'basic format'. Got '$date'. See http://en.wikipedia.org/wiki/ISO_8601", "date $date");
}
refused($client->exchange(@list, no_date => 1, names => ['host'], headers => [ [ 'Date', 'yesterday' ] ]), 'IncompleteSignatureException',
	q{Date must be in ISO-8601 'basic format'. Got 'yesterday'. See http://en.wikipedia.org/wiki/ISO_8601}, 'a Date that is none');

sub seconds_of
{
	my @fields = $_[0] =~ /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/ or return -1;
	local $ENV{TZ} = 'UTC';
	POSIX::tzset();
	return POSIX::mktime(@fields[5, 4, 3, 2], $fields[1] - 1, $fields[0] - 1900);
}

for my $minutes (-16, -60, -1_000_000, 16, 60, 1_000_000)
{
	my $date = RawHttp::iso_date(time + 60 * $minutes);
	my $response = $client->exchange(@list, date => $date);
	my ($sign, $words, $type) = $minutes < 0 ? ('-', 'now earlier', 'expired') : ('+', 'still later', 'not yet current');
	my $shape = qr/\ASignature \Q$type\E: $date is \Q$words\E than (\w+) \((\w+) \Q$sign\E 15 min\.\)\z/;

	refused($response, 'InvalidSignatureException', $shape, "$minutes minutes");
	my ($limit, $now) = $json->decode($response->{body})->{message} =~ $shape;
	is(seconds_of($limit // '') - seconds_of($now // ''), 15 * 60 * ($minutes < 0 ? -1 : 1), "$minutes minutes: the limit it names");
	cmp_ok(abs(seconds_of($now // '') - time), '<', 10, "$minutes minutes: the time it names");
}
accepted($client->exchange(@list, date => RawHttp::iso_date(time + 60 * $_)), "$_ minutes") for -14, 14;
accepted($client->exchange(@list, no_date => 1, names => [ 'date', 'host' ], date => RawHttp::iso_date($_),
	headers => [ [ 'Date', strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime $_) ] ]), 'Date of RFC 1123') for time;
accepted($client->exchange(@list, no_date => 1, names => [ 'date', 'host' ], date => RawHttp::iso_date($_),
	headers => [ [ 'Date', RawHttp::iso_date($_) ] ]), 'Date in basic format') for time;
accepted($client->exchange(@list, headers => [ [ 'Date', 'Thu, 01 Jan 1970 00:00:00 GMT' ] ]), 'X-Amz-Date comes before Date');

# ---- host, algorithm, credential, scope ----

refused($client->exchange(@list, names => ['x-amz-date']), 'InvalidSignatureException',
	qr/\A'Host' (or ':authority' )?must be a 'SignedHeader' in the AWS Authorization\.\z/, 'Host not signed');
refused($client->answer($client->presigned(@list, names => ['content-type'])), 'InvalidSignatureException',
	qr/\A'Host' (or ':authority' )?must be a 'SignedHeader' in the AWS Authorization\.\z/, 'Host not signed in the query');

my $date = RawHttp::iso_date(time);
my $day = substr $date, 0, 8;
my $scope = "$day/us-east-1/dynamodb/aws4_request";
for my $algorithm ('AWS4-HMAC-SHA1', 'AWS4-HMAC-SHA512', 'AWS4-ECDSA-P256-SHA256', 'AWS4-')
{
	authorization("$algorithm Credential=$key_id/$scope, SignedHeaders=host, Signature=0", 'IncompleteSignatureException',
		"Unsupported AWS 'algorithm': '$algorithm' (only AWS4-HMAC-SHA256 for now). ");
}
refused($client->answer($client->presigned(@list, parameters => { 'X-Amz-Algorithm' => 'x y' })), 'IncompleteSignatureException',
	q{Unsupported AWS 'algorithm': 'x y' (only AWS4-HMAC-SHA256 for now). }, 'an unknown algorithm in the query');
for my $credential ($key_id, "$key_id/", "$key_id/$day/us-east-1/dynamodb", "$key_id/$scope/", "$key_id/$scope/x", '/', '/' x 100)
{
	authorization("AWS4-HMAC-SHA256 Credential=$credential, SignedHeaders=host, Signature=0", 'IncompleteSignatureException',
		"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '$credential'");
}
my $wrong_region = q{Credential should be scoped to a valid region, not 'eu-west-9'. };
my $wrong_service = q{Credential should be scoped to correct service: 'dynamodb'. };
my $wrong_terminator = q{Credential should be scoped with a valid terminator: 'aws4_request', not 'aws4'. };
my $wrong_date = "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20200101' != '$day', from '$date'.";
my %wrong = (
	region => [ 'eu-west-9', $wrong_region ], service => [ 's3', $wrong_service ],
	terminator => [ 'aws4', $wrong_terminator ], scope_date => [ '20200101', $wrong_date ]);
for my $names ([qw(region)], [qw(service)], [qw(terminator)], [qw(scope_date)], [qw(region scope_date)], [qw(service terminator)],
	[qw(region service terminator scope_date)])
{
	my %change = map { $_ => $wrong{$_}[0] } @$names;
	my $message = join '', map { $wrong{$_}[1] } @$names;

	refused($client->exchange(@list, date => $date, %change), 'InvalidSignatureException', $message, "wrong @$names");
	refused($client->answer($client->presigned(@list, date => $date, %change)), 'InvalidSignatureException', $message,
		"wrong @$names in the query");
}
refused($client->exchange(@list, service => 'DynamoDB'), 'InvalidSignatureException', $wrong_service, 'the service in capitals');
refused($client->exchange(@list, key_id => 'AKIAUNKNOWN', region => 'eu-west-9'), 'InvalidSignatureException', $wrong_region,
	'the scope before the key');

# ---- keys ----

my $unknown = 'UnrecognizedClientException';
refused($client->exchange(@list, key_id => $_), $unknown, $invalid_token, "key id '$_'")
  for 'AKIAUNKNOWN', '', lc $key_id, "${key_id}X", substr($key_id, 0, -1), 'A' x 200, q{'OR"true"--}, '%', "\xc3\xa4", "\xff";
mismatch($client->exchange(@list, secret => $_), "secret '$_'") for '', 'wrong', "$http->{secret}x", lc $http->{secret} . uc $http->{secret};
mismatch($client->answer($client->presigned(@list, secret => 'wrong')), 'a wrong secret in the query');
mismatch($client->exchange(@list, signature => $_), "signature '" . substr($_, 0, 10) . "'")
  for '0', 'x', '0' x 63, '0' x 64, '0' x 65, 'f' x 1000, "\xff" x 64, '-1';

# one bit of the right one, and the right one in another spelling
{
	my ($right) = (my $request = $client->request(@list)) =~ /Signature=([0-9a-f]{64})/;
	my $last = substr($right, -1) eq '0' ? '1' : '0';

	accepted($client->answer($request), 'the right signature');
	mismatch($client->answer($request =~ s/$right/substr($right, 0, 63) . $last/er), 'its last digit changed');
	mismatch($client->answer($request =~ s/$right/$right=/r), 'with something behind it');
	accepted($client->answer($request), 'the same request once more');
}

my ($id, $secret) = split /\|/, $node->safe_psql('postgres', q{SELECT * FROM dynamo.create_access_key('app')});
my $other = $client->with(key_id => $id, secret => $secret);
my $kept = $other->connect;

sub ask_kept
{
	$kept->write($other->request(@list));
	return $kept->read;
}

sub admin
{
	my ($statement) = @_;

	return $node->safe_psql('postgres', "SELECT * FROM dynamo.$statement");
}

accepted(ask_kept(), 'another key');
mismatch($client->exchange(@list, key_id => $id), 'one id with the secret of another');
admin("disable_access_key('$id')");
refused(ask_kept(), $unknown, $invalid_token, 'a disabled key, at once');
admin("enable_access_key('$id')");
accepted(ask_kept(), 'the key enabled again');
my ($new_id, $new_secret) = split /\|/, admin("rotate_access_key('$id')");
refused(ask_kept(), $unknown, $invalid_token, 'a rotated key');
accepted($client->exchange(@list, key_id => $new_id, secret => $new_secret), 'the key that it was rotated to');
admin("enable_access_key('$id')");
accepted(ask_kept(), 'the old one enabled again');
admin("delete_access_key('$id')");
refused(ask_kept(), $unknown, $invalid_token, 'a deleted key');
$node->safe_psql('postgres', 'CREATE ROLE guest');
($id, $secret) = split /\|/, admin(q{create_access_key('guest')});
$other = $client->with(key_id => $id, secret => $secret);
is($other->exchange(@list)->{body} =~ /UnrecognizedClient|InvalidSignature/ ? 'refused' : 'recognized', 'recognized', 'the key of a role');
$node->safe_psql('postgres', 'DROP ROLE guest');
refused($other->exchange(@list), $unknown, $invalid_token, 'the role is dropped');
$node->safe_psql('postgres', 'CREATE ROLE guest');
refused($other->exchange(@list), $unknown, $invalid_token, 'and created again');

# ---- what is signed ----

{
	my $request = $client->request(@list, body => '{"Limit":5}');

	mismatch($client->answer($request =~ s/5\}\z/6}/r), 'the body altered');
	mismatch($client->answer($request =~ s/Host: [0-9.:]+/Host: example.org/r), 'the host altered');
	mismatch($client->answer($request =~ s/(Host: [0-9.]+):\d+/$1/r), 'the port left out');
	mismatch($client->answer($request =~ s/(X-Amz-Date: \d+T\d{5})(\d)/$1 . (9 - $2)/er), 'the time altered');
	mismatch($client->answer($request =~ s{ / HTTP}{ /?a=1 HTTP}r), 'a query added');
}
mismatch($client->answer($client->request(@list) =~ s/\{\}\z/{ }/r =~ s/Content-Length: 2/Content-Length: 3/r), 'a blank in the body');
mismatch($client->answer($client->request(@list, names => [qw(host x-amz-date x-amz-target)]) =~ s/ListTables/DescribeLimits/r),
	'the target altered');
mismatch($client->answer($client->request(@list, names => [qw(host x-amz-date x-extra)])
	=~ s/\r\n\r\n/\r\nX-Extra: x\r\n\r\n/r), 'a signed header added');
mismatch($client->answer($client->presigned(@list) =~ s/X-Amz-Date=/a=1&X-Amz-Date=/r), 'a parameter added');
mismatch($client->answer($client->presigned(@list, body => '{"Limit":5}') =~ s/5\}\z/6}/r), 'the body of a presigned request altered');
accepted($client->answer($client->request(@list) =~ s/\r\n\r\n/\r\nX-Extra: x\r\n\r\n/r), 'an unsigned header added');

# ---- headers in other spellings ----

my @all = qw(content-type host x-amz-date x-amz-target);
accepted($client->exchange(@list, names => \@all), 'more signed headers');
accepted($client->exchange(@list, names => [ @all, 'x-v' ], headers => [ [ 'X-V', $_ ] ]), "value '$_'")
  for 'a', ' a ', "\ta", 'a  b', 'a   b  c', '"a  b"', 'a,b', 'a, b', ',', '', '=', 'a=b;c', "\xc3\xa4";
accepted($client->exchange(@list, names => [ @all, 'x-v' ], headers => [ [ 'X-V', 'b' ], [ 'x-v', 'a' ], [ 'X-v', ' c  d ' ] ]),
	'a header three times');
accepted($client->exchange(@list, names => [ 'accept-encoding', @all ], headers => [ [ 'Accept-Encoding', 'gzip' ], [ 'Accept-Encoding', 'identity' ] ]),
	'two Accept-Encoding headers, both signed');
mismatch($client->answer($client->request(@list, names => [ @all, 'x-v' ], headers => [ [ 'X-V', 1 ], [ 'X-V', 2 ] ])
	=~ s/X-V: 1\r\nX-V: 2/X-V: 2\r\nX-V: 1/r), 'its values in another order');
mismatch($client->answer($client->request(@list, names => [ @all, 'x-v' ], headers => [ [ 'X-V', 1 ] ]) =~ s/X-V: 1/X-V: 1\r\nX-V: 1/r),
	'and once more');
{
	my $request = $client->request(@list, names => \@all);
	my ($line, $headers, $body) = $request =~ /\A(.*?\r\n)(.*?\r\n)\r\n(.*)\z/s;
	my $reversed = join '', map { "$_\r\n" } reverse split /\r\n/, $headers;

	accepted($client->answer("$line$reversed\r\n$body"), 'headers in another order');
	accepted($client->answer($request =~ s/^([A-Za-z-]+): /uc($1) . ':   '/gemr), 'names in capitals, more blanks');
	accepted($client->answer($request =~ s/^([A-Za-z-]+): /lc($1) . ':'/gemr), 'names in lower case, no blanks');
}
accepted($client->answer($client->request(@list) =~ s/, SignedHeaders/$_ . 'SignedHeaders'/er =~ s/, Signature/$_ . 'Signature'/er),
	"components separated by '$_'") for ',', ' ', ' , ', ',  ', '  ', ' ,, ';
accepted($client->answer($client->request(@list)
	=~ s/(Credential=\S+), (SignedHeaders=\S+), (Signature=\w+)/$3, $2, $1/r), 'components in another order');
accepted($client->exchange(@list, names => [ 'host', 'x-amz-date' ], host => 'example.org'), 'the host is the header');
accepted($client->exchange(@list, host => $_), "Host $_") for 'localhost', 'dynamodb.us-east-1.amazonaws.com', 'EXAMPLE.org:1', '[::1]:8000';

# ---- the query ----

accepted($client->exchange(@list, uri => "/?$_"), "query $_")
  for 'a=1', 'b=2&a=1', 'a=2&a=1', 'a=b%20c', 'a=%7e~', 'a', 'a=', 'a=%c3%a4', 'a=/', 'A=1&a=1&B=1', 'a%3Db=1', 'a=b%3Dc';
accepted($client->answer($client->presigned(@list) =~ s/%2F/%2f/gr), 'a presigned request with digits in lower case');
accepted($client->answer($client->presigned(@list) =~ s/%2F/\//gr), 'with bare slashes');
{
	my $request = $client->presigned(@list);
	my ($query) = $request =~ m{^POST /\?(\S+)};
	my $reversed = join '&', reverse split /&/, $query;

	accepted($client->answer($request =~ s/\Q$query/$reversed/r), 'its parameters in another order');
}
accepted($client->answer($client->presigned(@list, parameters => { 'X-Amz-Expires' => 60 })), 'with X-Amz-Expires');

# ---- bodies ----

accepted($client->exchange(@list, body => $_), 'body ' . $_) for '{ }', '{"Limit":5}', qq({"x":"\xc3\xa4"});
accepted($client->exchange(@list, body => memGzip('{}'), headers => [ [ 'Content-Encoding', 'gzip' ] ]), 'the compressed body is signed');
accepted($client->exchange(@list, chunks => [ '{', '}' ]), 'a body in chunks');

# ---- session tokens ----

($id, $secret, my $token) = split /\|/, admin(q{create_session_token('app')});
my $session = $client->with(key_id => $id, secret => $secret, token => $token);
accepted($session->exchange(@list), 'a session token');
accepted($session->exchange(@list, names => [qw(host x-amz-date x-amz-security-token)]), 'signed');
accepted($session->answer($session->presigned(@list)), 'in the query');
my $wrong_token = 'The security token included in the request is invalid';
refused($session->exchange(@list, token => $_), $unknown, qr/\A\Q$wrong_token\E\.?\z/, 'token ' . (defined $_ ? "'" . substr($_, 0, 10) . "'" : 'missing'))
  for undef, '', 'x', "${token}x", substr($token, 0, -1), lc $token . 'x';
refused($client->exchange(@list, token => $token), $unknown, qr/\A\Q$wrong_token\E\.?\z/, 'the token of another key');
mismatch($session->exchange(@list, secret => 'wrong'), 'a token with a wrong secret');
$node->safe_psql('postgres', q{SELECT dynamo.import_access_key('ASIAEXPIRED123456789', 'app', 'secretsecretsecretsecretsecretsecretsecr', 'sometoken',
	now() - interval '1 hour')});
refused($client->exchange(@list, key_id => 'ASIAEXPIRED123456789', secret => 'secretsecretsecretsecretsecretsecretsecr', token => 'sometoken'),
	'ExpiredTokenException', 'The security token included in the request is expired', 'an expired token');
$node->safe_psql('postgres', q{SELECT dynamo.import_access_key('ASIASHORT12345678901', 'app', 'secretsecretsecretsecretsecretsecretsecr', 'sometoken',
	now() + interval '3 seconds')});
my $short = $client->with(key_id => 'ASIASHORT12345678901', secret => 'secretsecretsecretsecretsecretsecretsecr', token => 'sometoken');
accepted($short->exchange(@list), 'a token that is going to expire');
sleep 4;
refused($short->exchange(@list), 'ExpiredTokenException', 'The security token included in the request is expired', 'it has expired');

# ---- nothing of it is in the log ----

ok(slurp_file($node->logfile) !~ /\Q$http->{secret}\E|\Q$new_secret\E|\Q$token\E/, 'the log has no secret');
$node->stop;

# ---- dynamo.auth = none ----

$http = start_http_node('none', auth => 'none');
$node = $http->{node};
$client = RawHttp->new(port => $http->{port}, key_id => 'any', secret => 'any');
accepted($client->exchange(@list), 'auth none: any signature');
accepted($client->exchange(@list, signature => 'x', region => 'nowhere', service => 's3', date => '20010101T000000Z', token => 'x'),
	'auth none: any scope and date');
accepted($client->answer($client->presigned(@list)), 'auth none: in the query');
refused($client->exchange(@list, unsigned => 1), 'MissingAuthenticationTokenException', $no_token, 'auth none: no signature');
authorization('Basic x', 'MissingAuthenticationTokenException', $no_token);
refused($client->answer($client->presigned(@list, headers => [ [ 'Authorization', 'AWS4-HMAC-SHA256 x' ] ])), 'InvalidSignatureException',
	q{Found both 'X-Amz-Algorithm' as a query-string param and 'Authorization' as HTTP header.}, 'auth none: header and query');
authorization('AWS4-HMAC-SHA256 Credential=a', 'IncompleteSignatureException',
	q{Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. Authorization=AWS4-HMAC-SHA256 Credential=a});
authorization('AWS4-HMAC-SHA256 Credential=a, x, Signature=b, SignedHeaders=c', 'IncompleteSignatureException',
	q{'x' not a valid key=value pair (missing equal-sign) in Authorization header: 'AWS4-HMAC-SHA256 Credential=a, x, Signature=b, SignedHeaders=c'.});
refused($client->answer($client->presigned(@list, drop => ['X-Amz-Date'])), 'IncompleteSignatureException',
	q{AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters.}, 'auth none: a query without date');

# only behind a loopback address
for my $addresses ('*', '0.0.0.0', '127.0.0.1, 0.0.0.0', '::')
{
	my $seen = -s $node->logfile;

	$node->append_conf('postgresql.conf', "dynamo.listen_addresses = '$addresses'");
	$node->restart;
	my $log = '';
	for (1 .. 100)
	{
		$log = substr slurp_file($node->logfile), $seen;
		last if $log =~ /loopback/;
		select undef, undef, undef, 0.1;
	}
	like($log, qr/dynamo\.auth.*loopback/, "auth none on '$addresses': the log says why it does not listen");
	is(IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $http->{port}, Timeout => 5), undef,
		"auth none on '$addresses': nobody answers");
	is($node->safe_psql('postgres', 'SELECT 1'), '1', 'the server itself does');
}
for my $addresses ('localhost', '127.0.0.2', '127.0.0.1,localhost')
{
	$node->append_conf('postgresql.conf', "dynamo.listen_addresses = '$addresses'");
	$node->restart;
	my $there = 0;
	for (1 .. 100)
	{
		my $try = $client->with(host => $addresses =~ /^127\.0\.0\.2/ ? '127.0.0.2' : '127.0.0.1');

		last if $there = eval { $try->exchange(@list)->{status} == 200 };
		select undef, undef, undef, 0.1;
	}
	ok($there, "auth none on '$addresses'");
}
$node->stop;
done_testing();
