# What the durability tests share: servers that lose at a kill what they did
# not sync (test/durability/walshim.c), and the client that remembers what they
# promised (test/durability/load.py).
#
#	my $node = shimmed_node('main', conf => ...);
#	start_shimmed($node, 3000);		# a sync of the log takes 3 ms more
#	my $forgotten = kill_server($node, 1);
#	my $load = start_load();
#	ask_load($load, 'begin', 1, $port);

package Durability;

use strict;
use warnings;
use Exporter 'import';
use File::Copy ();
use FindBin;
use IO::Handle;
use IPC::Open2 ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(endpoint_conf shimmed_node start_shimmed kill_server start_load ask_load
  ask_all ask_later hear stop_load restart_shimmed);

my $source = "$FindBin::RealBin/../durability";
my $segment_name = qr/^[0-9A-F]{24}$/;
my $shim;

# A slow machine still ends: whoever waits for a server or the client, waits
# this many seconds.
my $patience = 120;

sub build_shim
{
	return $shim if $shim;
	$shim = "${PostgreSQL::Test::Utils::tmp_check}/walshim.so";
	system_or_bail($ENV{CC} || 'gcc', '-std=gnu99', '-D_GNU_SOURCE', '-O2', '-Wall', '-Wextra',
		'-shared', '-fPIC', '-o', $shim, "$source/walshim.c", '-ldl');
	return $shim;
}

# Settings of a server that serves HTTP to the load client.  The WAL writer
# sleeps, so that it does not sync in time by accident what somebody else
# should have synced; and the buffers are small, so that much is written before
# it is synced.
sub endpoint_conf
{
	my ($port) = @_;

	return <<"END";
fsync = on
wal_sync_method = fdatasync
wal_recycle = off
wal_init_zero = on
wal_buffers = 64kB
wal_receiver_status_interval = 1s
wal_writer_delay = 10s
wal_writer_flush_after = 1GB
log_statement = none
log_checkpoints = off
shared_buffers = 32MB
max_connections = 20
autovacuum_naptime = 1s
shared_preload_libraries = 'pg_dynamo'
dynamo.http_workers = 2
dynamo.port = $port
dynamo.listen_addresses = '127.0.0.1'
dynamo.auth = none
END
}

# A new node, not started: small segments, and a place for the shadows.
# Options: conf.
sub shimmed_node
{
	my ($name, %option) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	build_shim();
	$node->init(allows_streaming => 1, extra => ['--wal-segsize=1']);
	$node->append_conf('postgresql.conf', $option{conf});
	return $node;
}

sub shadow_dir { return $_[0]->basedir . '/shadow' }

sub segments_in
{
	my ($dir) = @_;

	opendir my $handle, $dir or die "$dir: $!";
	return grep { /$segment_name/ } readdir $handle;
}

# Start with everything in pg_wal taken as synced.
sub start_shimmed
{
	my ($node, $delay) = @_;
	my $shadows = shadow_dir($node);
	my $wal = $node->data_dir . '/pg_wal';

	mkdir $shadows;
	unlink glob "$shadows/*";
	for my $name (segments_in($wal))
	{
		File::Copy::copy("$wal/$name", "$shadows/$name") or die "$name: $!";
	}
	local $ENV{LD_PRELOAD} = build_shim();
	local $ENV{WALSHIM_DIR} = $shadows;
	local $ENV{WALSHIM_DELAY} = $delay // 0;
	$node->start;
	return;
}

sub restart_shimmed
{
	my ($node, $delay) = @_;

	$node->stop;
	start_shimmed($node, $delay);
	return;
}

sub is_alive
{
	my ($pid) = @_;

	open my $stat, '<', "/proc/$pid/stat" or return 0;
	return (<$stat> // ') Z') !~ /\) Z/;
}

sub children_of
{
	my ($postmaster) = @_;
	my @children;

	for my $file (glob '/proc/[0-9]*/stat')
	{
		open my $stat, '<', $file or next;
		my ($pid, $parent) = (<$stat> // '') =~ /^(\d+) .*\) \S (\d+) /;
		push @children, $pid if defined $parent && $parent == $postmaster;
	}
	return @children;
}

# Bytes of a segment that differ from its shadow.
sub difference
{
	my ($file, $shadow) = @_;
	my ($a, $b) = map { slurp_file($_) } $file, $shadow;

	return 0 if $a eq $b;
	return ($a ^ $b) =~ tr/\0//c;
}

# In the place of the log, what was synced of it.  Returns how many bytes are
# forgotten.
sub forget_unsynced
{
	my ($node) = @_;
	my $shadows = shadow_dir($node);
	my $wal = $node->data_dir . '/pg_wal';
	my $forgotten = 0;

	for my $name (segments_in($wal))
	{
		next if -e "$shadows/$name";
		unlink "$wal/$name" or die "$name: $!";
	}
	for my $name (segments_in($shadows))
	{
		$forgotten += difference("$wal/$name", "$shadows/$name") if -e "$wal/$name";
		rename "$shadows/$name", "$wal/$name" or die "$name: $!";
	}
	return $forgotten;
}

# SIGKILL for the postmaster and its children, all stopped first, so that none
# sees another one die.  With $forget the log loses what was not synced, and
# the number of bytes is returned.
sub kill_server
{
	my ($node, $forget) = @_;
	my $file = $node->data_dir . '/postmaster.pid';
	my $postmaster = (split /\n/, slurp_file($file))[0];
	my @processes;

	kill 'STOP', $postmaster;
	@processes = children_of($postmaster);
	kill 'KILL', @processes;
	$node->kill9;
	push @processes, $postmaster;
	for (1 .. $patience * 200)
	{
		last unless grep { is_alive($_) } @processes;
		select undef, undef, undef, 0.005;
	}
	die 'a killed process is alive' if grep { is_alive($_) } @processes;
	# where process 1 is slow to reap it, the number of the postmaster stays in
	# use, and its lock files mislead the next one
	unlink $file, $node->host . '/.s.PGSQL.' . $node->port . '.lock';
	return $forget ? forget_unsynced($node) : 0;
}

# The system's own Python goes before whatever else the path has.
sub start_load
{
	my ($python) = grep { -x } '/usr/bin/python3';
	my $pid = IPC::Open2::open2(my $out, my $in, $python // 'python3', "$source/load.py");

	return { pid => $pid, in => $in, out => $out };
}

# Sends a command to the load client; hear_all waits for what it answers.
sub ask_later
{
	my ($load, @command) = @_;

	$load->{command} = "@command";
	print { $load->{in} } "@command\n";
	$load->{in}->flush;
	return;
}

sub hear_all
{
	my ($load) = @_;
	my @lines;

	local $SIG{ALRM} = sub { die "the load client does not answer: $load->{command}\n" };
	alarm $patience;
	do
	{
		my $line = readline $load->{out};
		die "the load client died: $load->{command}\n" unless defined $line;
		chomp $line;
		push @lines, $line;
	} while ($lines[-1] =~ /^lost /);
	alarm 0;
	die "$load->{command}: $lines[-1]\n" if $lines[-1] =~ /^error/;
	return @lines;
}

# All lines of an answer are losses, except the last.
sub ask_all
{
	ask_later(@_);
	return hear_all($_[0]);
}

sub hear { return (hear_all(@_))[-1] }

sub ask_load { return (ask_all(@_))[-1] }

sub stop_load
{
	my ($load) = @_;

	close $load->{in};
	waitpid $load->{pid}, 0;
	return $? >> 8;
}

1;
