# The README's blocks of code, run as they stand there by the programs they are
# for, with the endpoint's address for that of the README.
#
#	my @blocks = readme_blocks('Streams', 'sql');
#	my ($out, $err) = run_block($server, $block, 'its name');

package Readme;

use strict;
use warnings;
use Exporter 'import';
use FindBin;
use IPC::Run;
use PgDynamoHttp;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(readme_blocks run_block grant_tables);

my $seconds = $PostgreSQL::Test::Utils::timeout_default;

my %interpreter = (
	sql => [ 'psql', '-XAtq', '-v', 'VERBOSITY=terse', '-f', '-' ],
	sh => [ 'sh', '-e', '-u' ],
	python => [ '/usr/bin/python3', '-' ]);

# The blocks of a section in their order, of some languages or of all: hashes
# with language, text and heading, which is that of the ### above it.
sub readme_blocks
{
	my ($section, @languages) = @_;
	my ($inside, $heading, $block, @found) = (0, '');

	for my $line (split /\n/, slurp_file("$FindBin::RealBin/../../README.md"))
	{
		if ($block)
		{
			$block = undef, next if $line =~ /^```\s*$/;
			$block->{text} .= "$line\n";
		}
		elsif ($line =~ /^```(\w*)/)
		{
			$block = { language => $1, text => '', heading => $heading };
			push @found, $block if $inside;
		}
		elsif ($line =~ /^## (.*?)\s*$/)
		{
			($inside, $heading) = ($1 eq $section, '');
		}
		elsif ($line =~ /^### (.*?)\s*$/)
		{
			$heading = $1;
		}
	}
	return @found if !@languages;
	return grep { my $block = $_; grep { $_ eq $block->{language} } @languages } @found;
}

# Run a block in database "postgres" or against the endpoint; the program must
# succeed.  Returns what it prints, also to its standard error.
sub run_block
{
	my ($server, $block, $name) = @_;
	my $text = $block->{text};
	my ($out, $err) = ('', '');
	my $node = $server->{node};
	local %ENV = client_environment($server, PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'postgres');

	$text =~ s{http://127\.0\.0\.1:8000}{$server->{endpoint}}g;
	my $run = IPC::Run::start($interpreter{ $block->{language} }, '<', \$text, '>', \$out, '2>', \$err,
		IPC::Run::timeout($seconds));
	$run->finish;
	ok($? == 0, $name) or diag($err);
	return ($out, $err);
}

# As in the server of "make serve": clients may use the tables that psql makes.
sub grant_tables
{
	my ($server) = @_;

	$server->{node}->safe_psql('postgres', 'ALTER DEFAULT PRIVILEGES IN SCHEMA dynamo_tables
		GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO app');
	return;
}

1;
