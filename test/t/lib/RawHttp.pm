# Requests byte by byte, for what no SDK sends.
#
#	my $client = RawHttp->new(port => ..., key_id => ..., secret => ...);
#	my $response = $client->exchange(operation => 'ListTables', body => '{}');
#	is($response->{status}, 200);
#
#	my $connection = $client->connect;
#	$connection->write($client->request(operation => 'ListTables'));
#	my $response = $connection->read;		# undef: closed, or nothing came
#
# A response has version, status, reason, head (its bytes), headers (a hash
# from lower-case name to the list of values) and body.

package RawHttp;

use strict;
use warnings;
use Digest::SHA qw(sha256_hex hmac_sha256 hmac_sha256_hex);
use POSIX qw(strftime);

our $api = 'DynamoDB_20120810';
our $algorithm = 'AWS4-HMAC-SHA256';

# Settings: port, key_id, secret; host, region, service, token.
sub new
{
	my ($class, %settings) = @_;

	$SIG{PIPE} = 'IGNORE';
	return bless { host => '127.0.0.1', region => 'us-east-1', service => 'dynamodb',
		%settings }, $class;
}

# The same client with other settings.
sub with
{
	my ($self, %settings) = @_;

	return bless { %$self, %settings }, ref $self;
}

sub connect
{
	my ($self) = @_;

	return RawHttp::Connection->new($self->{host}, $self->{port});
}

sub iso_date { return strftime('%Y%m%dT%H%M%SZ', gmtime $_[0]) }

sub encode
{
	my ($text, $keep) = @_;

	$text =~ s/([^A-Za-z0-9_.~$keep-])/sprintf '%%%02X', ord $1/ge;
	return $text;
}

sub decode { return $_[0] =~ s/%([0-9A-Fa-f]{2})/chr hex $1/ger }

sub canonical_query
{
	my ($query) = @_;
	my @pairs;

	for my $pair (split /&/, $query // '')
	{
		my ($name, $value) = split /=/, $pair, 2;
		push @pairs, [ encode(decode($name), ''), encode(decode($value // ''), '') ];
	}
	return join '&', map { "$_->[0]=$_->[1]" }
	  sort { $a->[0] cmp $b->[0] || $a->[1] cmp $b->[1] } @pairs;
}

sub canonical_headers
{
	my ($headers, $names) = @_;
	my %values;

	for my $header (@$headers)
	{
		my $value = $header->[1] =~ s/^[ \t]+|[ \t]+$//gr =~ s/[ \t]+/ /gr;
		push @{ $values{ lc $header->[0] } }, $value;
	}
	return join '', map { "$_:" . join(',', @{ $values{$_} // [''] }) . "\n" } @$names;
}

# The signature of a request: method, uri, headers, body, names (signed
# headers), date, scope_date, region, service, terminator, secret.
sub signature
{
	my (%r) = @_;
	my ($path, $query) = split /\?/, $r{uri}, 2;
	my $canonical = join "\n", $r{method}, encode(decode($path), '/'), canonical_query($query),
	  canonical_headers($r{headers}, $r{names}), join(';', @{ $r{names} }), sha256_hex($r{body});
	my $scope = "$r{scope_date}/$r{region}/$r{service}/$r{terminator}";
	my $to_sign = join "\n", $algorithm, $r{date}, $scope, sha256_hex($canonical);
	my $key = "AWS4$r{secret}";

	$key = hmac_sha256($_, $key) for $r{scope_date}, $r{region}, $r{service}, $r{terminator};
	return hmac_sha256_hex($to_sign, $key);
}

# What can be said about a signature, with defaults.
sub claim
{
	my ($self, %option) = @_;
	my $date = $option{date} // iso_date(time);

	return (
		secret => $self->{secret}, key_id => $self->{key_id}, token => $self->{token},
		region => $self->{region}, service => $self->{service},
		scope_date => substr($date, 0, 8), terminator => 'aws4_request',
		names => [ 'host', 'x-amz-date' ], %option, date => $date);
}

# Headers of a request before it is signed.  Options: host, type, target,
# operation, headers (a list of pairs); undef leaves a header out.
sub plain_headers
{
	my ($self, %option) = @_;
	my %default = (
		host => "$self->{host}:$self->{port}",
		type => 'application/x-amz-json-1.0',
		target => defined $option{operation} ? "$api.$option{operation}" : undef);
	my %value = (%default, %option);
	my @all = ([ 'Host', $value{host} ], [ 'Content-Type', $value{type} ],
		[ 'X-Amz-Target', $value{target} ]);

	return [ (grep { defined $_->[1] } @all), @{ $option{headers} // [] } ];
}

# Bytes of a request as it is given: method, uri, version, headers, body,
# chunks (a list of bodies instead of one), length (the one to claim; undef
# for none).
sub message
{
	my (%r) = @_;
	my $version = $r{version} // 'HTTP/1.1';
	my @headers = @{ $r{headers} // [] };
	my $length = exists $r{length} ? $r{length} : length($r{body} // '');

	if ($r{chunks})
	{
		push @headers, [ 'Transfer-Encoding', 'chunked' ];
	}
	elsif (defined $length && defined $r{body})
	{
		push @headers, [ 'Content-Length', $length ];
	}
	my $head = join '', "$r{method} $r{uri} $version\r\n", (map { "$_->[0]: $_->[1]\r\n" } @headers), "\r\n";

	return $head . ($r{body} // '') unless $r{chunks};
	return join '', $head, (map { sprintf "%x\r\n%s\r\n", length, $_ } @{ $r{chunks} }), "0\r\n\r\n";
}

# Bytes of a request of the API, signed in its header.  Options: those of
# plain_headers, message and claim; unsigned; authorization (the whole header);
# signature (instead of the right one); body, by default {}.
sub request
{
	my ($self, %option) = @_;
	my $body = $option{chunks} ? join('', @{ $option{chunks} }) : $option{body} // '{}';
	my %r = (method => 'POST', uri => '/', %option, body => $body);
	my $headers = $self->plain_headers(%r);

	if (!$option{unsigned})
	{
		my %claim = $self->claim(%option);
		push @$headers, [ 'X-Amz-Date', $claim{date} ] unless $option{no_date};
		push @$headers, [ 'X-Amz-Security-Token', $claim{token} ] if defined $claim{token};
		my $signature = $option{signature}
		  // signature(%claim, method => $r{method}, uri => $r{uri}, headers => $headers, body => $body);
		my $scope = "$claim{key_id}/$claim{scope_date}/$claim{region}/$claim{service}/$claim{terminator}";
		push @$headers, [ 'Authorization', $option{authorization}
			  // "$algorithm Credential=$scope, SignedHeaders="
			  . join(';', @{ $claim{names} }) . ", Signature=$signature" ];
	}
	return message(%r, headers => $headers);
}

# Bytes of a request signed in its query.  Options as for request; drop, a list
# of parameters to leave out; parameters, a hash of others' values.
sub presigned
{
	my ($self, %option) = @_;
	my $body = $option{body} // '{}';
	my %claim = $self->claim(names => ['host'], %option);
	my %parameter = (
		'X-Amz-Algorithm' => $algorithm,
		'X-Amz-Credential' => "$claim{key_id}/$claim{scope_date}/$claim{region}/$claim{service}/$claim{terminator}",
		'X-Amz-Date' => $claim{date},
		'X-Amz-SignedHeaders' => join(';', @{ $claim{names} }),
		defined $claim{token} ? ('X-Amz-Security-Token' => $claim{token}) : (),
		%{ $option{parameters} // {} });

	delete @parameter{ @{ $option{drop} // [] } };
	my $uri = '/?' . join '&', map { encode($_, '') . '=' . encode($parameter{$_}, '') } sort keys %parameter;
	my %r = (method => 'POST', %option, body => $body, uri => $uri);
	my $headers = $self->plain_headers(%option);
	my $signature = $option{signature} // signature(%claim, %r, headers => $headers);

	$r{uri} .= "&X-Amz-Signature=$signature"
	  unless grep { $_ eq 'X-Amz-Signature' } @{ $option{drop} // [] };
	return message(%r, headers => $headers);
}

# One request of the API on a connection of its own.
sub exchange
{
	my ($self, %option) = @_;

	return $self->answer($self->request(%option));
}

# The answer to these bytes, on a connection of their own.
sub answer
{
	my ($self, $bytes) = @_;
	my $connection = $self->connect or return undef;

	$connection->write($bytes);
	return $connection->read;
}

package RawHttp::Connection;

use strict;
use warnings;
use Errno qw(EAGAIN EWOULDBLOCK EINTR);
use IO::Socket::INET;
use Socket qw(IPPROTO_TCP TCP_NODELAY SOL_SOCKET SO_RCVBUF);
use Time::HiRes qw(time);

our $timeout = 60;

# undef if the connection is refused
sub new
{
	my ($class, $host, $port) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => $host, PeerPort => $port, Timeout => $timeout)
	  or return undef;

	setsockopt $socket, IPPROTO_TCP, TCP_NODELAY, 1;
	$socket->blocking(0);
	return bless { socket => $socket, buffer => '' }, $class;
}

sub wait_for
{
	my ($self, $write, $seconds) = @_;
	my $bits = '';

	vec($bits, fileno $self->{socket}, 1) = 1;
	return $write ? select(undef, my $w = $bits, undef, $seconds)
	  : select(my $r = $bits, undef, undef, $seconds);
}

# Send all of it; what comes meanwhile is kept.  False if the other end closed.
sub write
{
	my ($self, $bytes) = @_;
	my $offset = 0;

	while ($offset < length $bytes)
	{
		my $n = syswrite $self->{socket}, $bytes, 65536, $offset;

		if (defined $n)
		{
			$offset += $n;
			next;
		}
		return 0 unless $!{EAGAIN} || $!{EWOULDBLOCK} || $!{EINTR};
		$self->wait_for(1, $timeout) or return 0;
	}
	return 1;
}

# Read what is there within the time; false at the end of the stream.
sub fill
{
	my ($self, $deadline) = @_;

	while (1)
	{
		my $n = sysread $self->{socket}, $self->{buffer}, 262144, length $self->{buffer};

		return $n if defined $n;
		return 0 unless $!{EAGAIN} || $!{EWOULDBLOCK} || $!{EINTR};
		my $left = $deadline - time;
		return 0 if $left <= 0;
		$self->wait_for(0, $left);
	}
}

# The next response; no_body for one to HEAD.  undef: closed, or too slow.
sub read
{
	my ($self, %option) = @_;
	my $deadline = time + ($option{timeout} // $timeout);

	while (index($self->{buffer}, "\r\n\r\n") < 0)
	{
		$self->fill($deadline) or return undef;
	}
	$self->{buffer} =~ s/\A(.*?)\r\n\r\n//s;
	my $head = $1;
	my ($line, @lines) = split /\r\n/, $head;
	my %headers;
	for (@lines)
	{
		my ($name, $value) = /^([^:]+):[ \t]*(.*?)[ \t]*$/;
		push @{ $headers{ lc $name } }, $value;
	}
	my ($version, $status, $reason) = split / /, $line, 3;
	my $length = $headers{'content-length'}[0];
	$length = 0 if $option{no_body} || $status < 200;

	while (!defined $length || length $self->{buffer} < $length)
	{
		$self->fill($deadline) and next;
		return undef if defined $length;
		last;
	}
	return {
		version => $version, status => $status, reason => $reason, head => $head,
		headers => \%headers, body => substr($self->{buffer}, 0, $length // length $self->{buffer}, '') };
}

# Does the other end close, within so many seconds, without another byte?
sub is_closed
{
	my ($self, $seconds) = @_;
	my $deadline = time + ($seconds // 10);

	return 0 if length $self->{buffer};
	while (time < $deadline)
	{
		$self->wait_for(0, $deadline - time) or next;
		my $n = sysread $self->{socket}, $self->{buffer}, 1;
		return 1 if defined $n ? $n == 0 : $!{ECONNRESET};
		return 0 if defined $n;
	}
	return 0;
}

sub close { $_[0]{socket}->close; return }

1;
