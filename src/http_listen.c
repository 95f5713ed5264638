/*
 * http_listen.c
 *	  Listening sockets that the workers of one server share.
 *
 * Every worker opens a socket of its own for each address, with SO_REUSEPORT,
 * and the kernel spreads connections over them.  That option would also let
 * another server of the same user join in, and take a part of the requests:
 * so the first worker, while no other of ours listens, binds without it, which
 * fails if anybody holds the port.  A lock orders the workers.
 */
#include "postgres.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/ip.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/varlena.h"

#include "guc.h"
#include "http_listen.h"

#define BACKLOG 1024

/* workers that listen now, under lock */
static int *listening;
static LWLock *lock;
static bool we_listen = false;
static bool leaves_at_exit = false;

Size
ddb_http_listen_shmem_size(void)
{
	return sizeof(int);
}

void
ddb_http_listen_shmem_init(void)
{
	bool		found;

	listening = ShmemInitStruct("pg_dynamo listening workers",
								ddb_http_listen_shmem_size(), &found);
	if (!found)
		*listening = 0;
	lock = &GetNamedLWLockTranche(HTTP_LISTEN_TRANCHE)->lock;
}

static void
leave(int code, Datum arg)
{
	if (!we_listen)
		return;
	LWLockAcquire(lock, LW_EXCLUSIVE);
	(*listening)--;
	LWLockRelease(lock);
	we_listen = false;
}

/* ---- addresses ---- */

static bool
is_loopback(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return (ntohl(((const struct sockaddr_in *) address)->sin_addr.s_addr) >> 24) == 127;
	if (address->sa_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *) address)->sin6_addr);
	return false;
}

/*
 * The addresses of one name, to be freed with freeaddrinfo; NULL with a
 * reason when it has none.
 */
static struct addrinfo *
resolve(const char *name, char **reason)
{
	struct addrinfo hints;
	struct addrinfo *result = NULL;
	char		port[12];
	int			status;

	MemSet(&hints, 0, sizeof(hints));
	hints.ai_family = AF_UNSPEC;
	hints.ai_socktype = SOCK_STREAM;
	hints.ai_flags = AI_PASSIVE;
	snprintf(port, sizeof(port), "%d", ddb_port);
	status = getaddrinfo(strcmp(name, "*") == 0 ? NULL : name, port, &hints, &result);
	if (status != 0)
	{
		*reason = psprintf("could not resolve \"%s\" of dynamo.listen_addresses: %s",
						   name, gai_strerror(status));
		return NULL;
	}
	return result;
}

/* ---- sockets ---- */

/*
 * A bound socket, or PGINVALID_SOCKET with errno set.
 */
static pgsocket
bind_socket(const struct addrinfo *address, bool share)
{
	int			on = 1;
	int			saved_errno;
	pgsocket	sock = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (sock == PGINVALID_SOCKET)
		return sock;
	if (setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		(!share || setsockopt(sock, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) == 0) &&
		(address->ai_family != AF_INET6 ||
		 setsockopt(sock, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) == 0) &&
		bind(sock, address->ai_addr, address->ai_addrlen) == 0)
		return sock;
	saved_errno = errno;
	close(sock);
	errno = saved_errno;
	return PGINVALID_SOCKET;
}

/* does the machine lack this kind of address (IPv6 switched off)? */
static bool
is_unavailable(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == EPROTONOSUPPORT;
}

static char *
bind_failure(const struct addrinfo *address)
{
	char		host[NI_MAXHOST] = "?";
	int			saved_errno = errno;

	getnameinfo(address->ai_addr, address->ai_addrlen, host, sizeof(host), NULL, 0,
				NI_NUMERICHOST);
	errno = saved_errno;
	return psprintf("could not listen on %s, port %d: %m", host, ddb_port);
}

/* is a socket open for this address already (two names of one address)? */
static bool
is_open(const HttpListen *listener, const struct addrinfo *address)
{
	int			i;

	for (i = 0; i < listener->nsockets; i++)
	{
		struct sockaddr_storage bound;
		socklen_t	len = sizeof(bound);

		if (getsockname(listener->sockets[i], (struct sockaddr *) &bound, &len) == 0 &&
			len == address->ai_addrlen && memcmp(&bound, address->ai_addr, len) == 0)
			return true;
	}
	return false;
}

/* false with a reason when somebody else holds the port */
static bool
probe(const struct addrinfo *address, char **reason)
{
	pgsocket	sock = bind_socket(address, false);

	if (sock == PGINVALID_SOCKET)
	{
		if (is_unavailable(errno))
			return true;
		*reason = bind_failure(address);
		return false;
	}
	close(sock);
	return true;
}

static bool
open_address(HttpListen *listener, const struct addrinfo *address, char **reason)
{
	pgsocket	sock;

	if (ddb_auth == DDB_AUTH_NONE && !is_loopback(address->ai_addr))
	{
		*reason = pstrdup("dynamo.auth = none needs a loopback address in dynamo.listen_addresses: "
						  "everybody who can reach the port could do everything");
		return false;
	}
	if (listener->nsockets == HTTP_MAX_SOCKETS)
	{
		*reason = psprintf("dynamo.listen_addresses has more than %d addresses", HTTP_MAX_SOCKETS);
		return false;
	}
	if (is_open(listener, address))
		return true;
	if (*listening == 0 && !probe(address, reason))
		return false;
	sock = bind_socket(address, true);
	if (sock == PGINVALID_SOCKET && is_unavailable(errno))
		return true;
	if (sock == PGINVALID_SOCKET || listen(sock, BACKLOG) != 0)
	{
		*reason = bind_failure(address);
		if (sock != PGINVALID_SOCKET)
			close(sock);
		return false;
	}
	listener->sockets[listener->nsockets++] = sock;
	return true;
}

static bool
open_all(HttpListen *listener, struct addrinfo **addresses, int naddresses, char **reason)
{
	struct addrinfo *address;
	int			i;

	for (i = 0; i < naddresses; i++)
	{
		for (address = addresses[i]; address != NULL; address = address->ai_next)
		{
			if (!open_address(listener, address, reason))
				return false;
		}
	}
	if (listener->nsockets == 0)
		*reason = pstrdup("dynamo.listen_addresses names no address of this machine");
	return listener->nsockets > 0;
}

bool
ddb_http_listen(HttpListen *listener, char **reason)
{
	char	   *names = pstrdup(ddb_listen_addresses);
	struct addrinfo *addresses[HTTP_MAX_SOCKETS];
	int			naddresses = 0;
	List	   *list;
	ListCell   *lc;
	bool		opened = true;

	listener->nsockets = 0;
	if (!SplitGUCList(names, ',', &list) || list_length(list) > HTTP_MAX_SOCKETS)
	{
		*reason = pstrdup("dynamo.listen_addresses is not a list of addresses");
		return false;
	}
	foreach(lc, list)
	{
		addresses[naddresses] = resolve(lfirst(lc), reason);
		if (addresses[naddresses] == NULL)
		{
			opened = false;
			break;
		}
		naddresses++;
	}

	if (opened)
	{
		LWLockAcquire(lock, LW_EXCLUSIVE);
		opened = open_all(listener, addresses, naddresses, reason);
		if (opened)
			(*listening)++;
		LWLockRelease(lock);
	}
	while (naddresses > 0)
		freeaddrinfo(addresses[--naddresses]);
	if (!opened)
	{
		ddb_http_unlisten(listener);
		return false;
	}
	if (!leaves_at_exit)
		before_shmem_exit(leave, (Datum) 0);
	leaves_at_exit = true;
	we_listen = true;
	return true;
}

void
ddb_http_unlisten(HttpListen *listener)
{
	while (listener->nsockets > 0)
		close(listener->sockets[--listener->nsockets]);
	leave(0, (Datum) 0);
}

pgsocket
ddb_http_accept(pgsocket listener)
{
	int			on = 1;
	pgsocket	sock = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (sock != PGINVALID_SOCKET)
		(void) setsockopt(sock, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return sock;
}
