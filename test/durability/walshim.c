/*
 * walshim.c
 *	  Preloaded into a server: keeps, beside pg_wal, what a power failure would
 *	  leave of it.
 *
 * A killed server's writes survive in the page cache, whether they were synced
 * or not, so that killing it shows nothing about an acknowledgement that was
 * sent before its flush.  Therefore the directory WALSHIM_DIR holds a shadow of
 * each WAL segment, under the same name, that changes only when the segment is
 * synced:
 *
 *		pwrite			the bytes are noted as dirty
 *		fsync, fdatasync	once it has succeeded, the dirty bytes are copied
 *		rename			a segment comes into being whole and synced
 *		unlink			the shadow goes as well
 *
 * Who kills the server then puts the shadows in the place of the segments.
 * Before the first start the shadows are copies of the segments.
 *
 * Dirty ranges are shared by all processes of the server through the file
 * "dirty" in that directory.  No lock is needed: the server writes and syncs a
 * segment under its WALWriteLock only.  Data files are left alone: the server
 * syncs the log before it writes them, and what they are ahead of is what
 * recovery is for.  A kill does not take anything from them; so syncing them,
 * which would take most of a short test's time, is left out.
 *
 * WALSHIM_DELAY makes every sync of a segment take so many microseconds more,
 * as a slower disk does; the log is at risk for all of that time.
 *
 * What would escape all this ends the process: segments opened for synchronous
 * writes, recycled, or more than the table of dirty ranges holds.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define SEGMENT_NAME_LENGTH	24
#define MAX_SEGMENTS		16384	/* that one server run may touch */
#define MAX_DESCRIPTORS		65536
#define COPY_SIZE			65536

typedef struct
{
	uint64_t name;		/* of the segment, see segment_number; 0: free */
	uint64_t dirty;		/* first byte << 32 | byte after the last; 0: none */
} Segment;

static const char *directory;
static useconds_t delay;
static Segment *segments;
static Segment *by_descriptor[MAX_DESCRIPTORS];

static void
give_up(const char *what, const char *name)
{
	fprintf(stderr, "walshim: %s: %s: %s\n", name, what, strerror(errno));
	abort();
}

/* the function of this name that we stand in front of */
static void *
next(void **function, const char *name)
{
	if (*function == NULL && (*function = dlsym(RTLD_NEXT, name)) == NULL)
		abort();
	return *function;
}

#define NEXT(name) \
	static void *function; \
	__typeof__(&name) real = next(&function, #name)

/* not through our own wrappers, which might not know these files yet */
static int
plain_open(const char *path, int flags, mode_t mode)
{
	NEXT(open);

	return real(path, flags, mode);
}

static ssize_t
plain_pwrite(int fd, const void *data, size_t size, off_t at)
{
	NEXT(pwrite);

	return real(fd, data, size, at);
}

static int
plain_close(int fd)
{
	NEXT(close);

	return real(fd);
}

/* The part of a path that names a WAL segment, or NULL. */
static const char *
segment_name(const char *path)
{
	size_t		len = strlen(path);
	const char *name;

	if (directory == NULL || len < SEGMENT_NAME_LENGTH + 7)
		return NULL;
	name = path + len - SEGMENT_NAME_LENGTH;
	if (strspn(name, "0123456789ABCDEF") != SEGMENT_NAME_LENGTH)
		return NULL;
	return memcmp(name - 7, "pg_wal/", 7) == 0 ? name : NULL;
}

/* timeline and number of a segment in one word, which is never 0 */
static uint64_t
segment_number(const char *name)
{
	unsigned int timeline;
	unsigned int high;
	unsigned int low;

	sscanf(name, "%8X%8X%8X", &timeline, &high, &low);
	return (uint64_t) (timeline & 0xFFF) << 52 |
		(uint64_t) (high & 0xFFFFF) << 32 | low;
}

/* The shared entry of a segment, made if need be. */
static Segment *
find_segment(const char *name)
{
	uint64_t	number = segment_number(name);

	for (uint64_t i = 0; i < MAX_SEGMENTS; i++)
	{
		Segment    *segment = &segments[(number + i) % MAX_SEGMENTS];
		uint64_t	found = 0;

		if (__atomic_compare_exchange_n(&segment->name, &found, number,
										false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) ||
			found == number)
			return segment;
	}
	give_up("too many segments", name);
	return NULL;
}

static void
shadow_path(char *path, const char *name)
{
	snprintf(path, PATH_MAX, "%s/%s", directory, name);
}

/* The name belongs to an entry, for messages and its shadow. */
static void
name_of(const Segment *segment, char *name)
{
	uint64_t	number = segment->name;

	snprintf(name, SEGMENT_NAME_LENGTH + 1, "%08X%08X%08X",
			 (unsigned int) (number >> 52),
			 (unsigned int) (number >> 32 & 0xFFFFF),
			 (unsigned int) number);
}

static void
copy_range(int from, int to, off_t start, off_t end, const char *name)
{
	static char buffer[COPY_SIZE];

	while (start < end)
	{
		size_t		want = end - start < COPY_SIZE ? end - start : COPY_SIZE;
		ssize_t		got = pread(from, buffer, want, start);

		if (got <= 0)
			give_up("read", name);
		if (plain_pwrite(to, buffer, got, start) != got)
			give_up("write its shadow", name);
		start += got;
	}
}

static void
make_shadow(const char *segment_path, const char *name)
{
	char		path[PATH_MAX];
	struct stat status;
	int			from = plain_open(segment_path, O_RDONLY, 0);
	int			to;

	shadow_path(path, name);
	to = plain_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (from < 0 || to < 0 || fstat(from, &status) != 0)
		give_up("open its shadow", name);
	copy_range(from, to, 0, status.st_size, name);
	plain_close(from);
	plain_close(to);
}

static Segment *
segment_of(int fd)
{
	return fd >= 0 && fd < MAX_DESCRIPTORS ? by_descriptor[fd] : NULL;
}

static void
note_open(int fd, const char *path, int flags)
{
	const char *name = segment_name(path);

	if (name == NULL || fd < 0)
		return;
	if (fd >= MAX_DESCRIPTORS)
		give_up("descriptor out of range", name);
	if ((flags & O_ACCMODE) != O_RDONLY && (flags & (O_DSYNC | O_CREAT | O_TRUNC)))
		give_up("opened in a way that is not watched", name);
	by_descriptor[fd] = find_segment(name);
}

static void
note_write(int fd, off_t at, ssize_t written)
{
	Segment    *segment = segment_of(fd);
	uint64_t	old;
	uint64_t	new;

	if (segment == NULL || written <= 0)
		return;
	old = segment->dirty;
	do
	{
		uint64_t	first = old ? old >> 32 : (uint64_t) at;
		uint64_t	last = old ? (uint32_t) old : 0;

		if ((uint64_t) at < first)
			first = at;
		if ((uint64_t) (at + written) > last)
			last = at + written;
		new = first << 32 | last;
	} while (!__atomic_compare_exchange_n(&segment->dirty, &old, new,
										  false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
}

/* Sync, and then let the shadow catch up. */
static int
sync_segment(int fd, int (*real) (int), Segment *segment)
{
	char		name[SEGMENT_NAME_LENGTH + 1];
	char		path[PATH_MAX];
	uint64_t	dirty;
	int			shadow;

	if (delay > 0)
		usleep(delay);
	dirty = __atomic_exchange_n(&segment->dirty, 0, __ATOMIC_SEQ_CST);
	name_of(segment, name);
	if (real(fd) != 0)
		give_up("sync", name);
	if (dirty == 0)
		return 0;
	shadow_path(path, name);
	shadow = plain_open(path, O_WRONLY, 0);
	if (shadow < 0)
		give_up("open its shadow", name);
	copy_range(fd, shadow, dirty >> 32, (uint32_t) dirty, name);
	plain_close(shadow);
	return 0;
}

/* ---- what the server calls ---- */

#define OPEN(name) \
int \
name(const char *path, int flags, ...) \
{ \
	mode_t		mode = 0; \
	int			fd; \
	NEXT(name); \
\
	if (flags & (O_CREAT | O_TMPFILE)) \
	{ \
		va_list		args; \
\
		va_start(args, flags); \
		mode = va_arg(args, mode_t); \
		va_end(args); \
	} \
	fd = real(path, flags, mode); \
	note_open(fd, path, flags); \
	return fd; \
}

#define PWRITE(name, offset) \
ssize_t \
name(int fd, const void *data, size_t size, offset at) \
{ \
	ssize_t		written; \
	NEXT(name); \
\
	written = real(fd, data, size, at); \
	note_write(fd, at, written); \
	return written; \
}

#define PWRITEV(name, offset) \
ssize_t \
name(int fd, const struct iovec *parts, int count, offset at) \
{ \
	ssize_t		written; \
	NEXT(name); \
\
	written = real(fd, parts, count, at); \
	note_write(fd, at, written); \
	return written; \
}

#define SYNC(name) \
int \
name(int fd) \
{ \
	Segment    *segment = segment_of(fd); \
	NEXT(name); \
\
	return directory == NULL ? real(fd) : \
		segment ? sync_segment(fd, real, segment) : 0; \
}

#define RENAME(name) \
int \
name(const char *from, const char *to) \
{ \
	const char *segment = segment_name(to); \
	int			result; \
	NEXT(name); \
\
	if (segment && segment_name(from)) \
		give_up("recycled", segment); \
	result = real(from, to); \
	if (result == 0 && segment) \
		make_shadow(to, segment); \
	return result; \
}

OPEN(open)
OPEN(open64)
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)
PWRITEV(pwritev, off_t)
PWRITEV(pwritev64, off64_t)
SYNC(fsync)
SYNC(fdatasync)
RENAME(rename)
RENAME(link)

int
unlink(const char *path)
{
	const char *name = segment_name(path);
	NEXT(unlink);

	if (name)
	{
		char		shadow[PATH_MAX];

		shadow_path(shadow, name);
		real(shadow);
	}
	return real(path);
}

int
close(int fd)
{
	NEXT(close);

	if (fd >= 0 && fd < MAX_DESCRIPTORS)
		by_descriptor[fd] = NULL;
	return real(fd);
}

static void __attribute__((constructor))
begin(void)
{
	const char *where = getenv("WALSHIM_DIR");
	const char *how_long = getenv("WALSHIM_DELAY");
	char		path[PATH_MAX];
	size_t		size = MAX_SEGMENTS * sizeof(Segment);
	int			fd;

	if (where == NULL)
		return;
	snprintf(path, sizeof(path), "%s/dirty", where);
	fd = plain_open(path, O_RDWR | O_CREAT, 0600);
	if (fd < 0 || ftruncate(fd, size) != 0)
		give_up("open", path);
	segments = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (segments == MAP_FAILED)
		give_up("map", path);
	plain_close(fd);
	delay = how_long ? atoi(how_long) : 0;
	directory = strdup(where);	/* the server overwrites its environment */
}
