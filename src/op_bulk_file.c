/*
 * op_bulk_file.c
 *	  Buckets and objects: directories and files below dynamo.s3_directory.
 *
 * A bucket is a subdirectory of that directory, and a key the path of a
 * regular file below it.  Names come from requests, so no path is ever given
 * to the system as a whole: each part is opened relative to the directory
 * before it, and no part may be a symbolic link, "." or "..".  Keys of input
 * are those that reading the directories shows; a prefix is only compared
 * with them.
 *
 * Descriptors are the process's own, not the transaction's: a reader outlives
 * many.  Nothing here knows what is in a line.
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"

#include "error.h"
#include "guc.h"
#include "op_bulk.h"

#define MAX_OBJECTS			50000
#define MAX_KEY_LENGTH		1024
#define MAX_BUCKET_LENGTH	255
#define MAX_LINE_LENGTH		(16 * 1024 * 1024)
#define CHUNK				65536
#define GZIP_WINDOW_BITS	(15 + 16)	/* the largest, in gzip format */

const char *const ddb_bulk_output_types[] = {"ERROR", "CONDITION_CHECK_FAILURE", NULL};

struct DdbBulkReader
{
	int			fd;
	bool		gzip;
	bool		inflating;		/* stream is to be ended */
	bool		in_member;		/* a gzip member has begun and not ended */
	z_stream	stream;
	int64		position;
	int64		line;
	int64		bytes;
	int			next;			/* in data */
	int			count;
	char	   *file;			/* CHUNK bytes, compressed; NULL unless gzip */
	char	   *data;			/* CHUNK bytes */
	StringInfoData text;
};

/* ----------------------------------------------------------------
 * Opening without following anything
 * ----------------------------------------------------------------
 */

bool
ddb_bulk_is_bucket(DdbText name)
{
	int			i;

	if (name.len < 2 || name.len > MAX_BUCKET_LENGTH)
		return false;
	for (i = 0; i < name.len; i++)
	{
		char		c = name.str[i];
		bool		alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		(c >= '0' && c <= '9');

		if (!alnum && (i == 0 || i == name.len - 1 || (c != '.' && c != '-' && c != '_')))
			return false;
	}
	return true;
}

void
ddb_bulk_check_directory(void)
{
	if (ddb_s3_directory == NULL || ddb_s3_directory[0] == '\0')
		ddb_error_hint(DDB_VALIDATION,
					   "Buckets are the subdirectories of the directory that dynamo.s3_directory names.",
					   "Bulk operations are not available: there are no buckets on this server");
}

/* links and files in the place of directories are as good as forbidden */
static void
forbid_detours(void)
{
	if (errno == ELOOP || errno == ENOTDIR || errno == EISDIR)
		errno = EACCES;
}

static void
raise_file_error(const char *what, const char *name)
{
	forbid_detours();
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not open %s \"%s\": %m", what, name)));
}

static int
open_bucket(const char *bucket)
{
	int			base;
	int			fd;

	ddb_bulk_check_directory();
	base = open(ddb_s3_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base < 0)
		ereport(ERROR,
				(errcode_for_file_access(),
				 errmsg("could not open the directory of dynamo.s3_directory: %m")));
	fd = openat(base, bucket, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(base);
	if (fd < 0)
		raise_file_error("bucket", bucket);
	return fd;
}

static bool
is_forbidden(const char *part)
{
	return part[0] == '\0' || strcmp(part, ".") == 0 || strcmp(part, "..") == 0;
}

/* one step down; made if it is to be.  Closes parent; -1 and errno on failure */
static int
enter(int parent, const char *part, bool make)
{
	int			fd = -1;
	int			save_errno;

	errno = EACCES;
	if (!is_forbidden(part))
	{
		if (make && mkdirat(parent, part, S_IRWXU) == 0)
			(void) fsync(parent);
		fd = openat(parent, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	save_errno = errno;
	close(parent);
	errno = save_errno;
	return fd;
}

/*
 * The directory of a bucket at a path, which may be empty; -1 and errno on
 * failure below the bucket.
 */
static int
open_directory(const char *bucket, const char *path, bool make)
{
	int			fd = open_bucket(bucket);
	char	   *copy = pstrdup(path);
	char	   *part = copy;

	while (fd >= 0 && *part != '\0')
	{
		char	   *slash = strchr(part, '/');

		if (slash != NULL)
			*slash = '\0';
		fd = enter(fd, part, make);
		part = slash != NULL ? slash + 1 : "";
	}
	pfree(copy);
	return fd;
}

/* a regular file in a directory; -1 and errno on failure.  Closes directory */
static int
open_file(int directory, const char *name, int flags)
{
	struct stat st;
	int			fd = -1;
	int			save_errno;

	errno = EACCES;
	if (!is_forbidden(name))
		fd = openat(directory, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
					S_IRUSR | S_IWUSR);
	if (fd >= 0 && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)))
	{
		close(fd);
		fd = -1;
		errno = EACCES;
	}
	save_errno = errno;
	close(directory);
	errno = save_errno;
	return fd;
}

static int
open_object(const char *bucket, const char *key)
{
	const char *slash = strrchr(key, '/');
	char	   *path = slash == NULL ? pstrdup("") : pnstrdup(key, slash - key);
	int			directory = open_directory(bucket, path, false);

	pfree(path);
	if (directory < 0)
		return -1;
	return open_file(directory, slash == NULL ? key : slash + 1, O_RDONLY);
}

/* ----------------------------------------------------------------
 * Listing
 * ----------------------------------------------------------------
 */

typedef struct Listing
{
	const char *bucket;
	const char *prefix;
	const char *except;			/* NULL: nothing */
	DdbBulkObject *objects;
	int			count;
	int			room;
} Listing;

static bool
begins_with(const char *str, const char *prefix)
{
	return strncmp(str, prefix, strlen(prefix)) == 0;
}

static void
add_object(Listing *listing, const char *key, int64 size)
{
	DdbBulkObject *object;

	if (listing->count >= MAX_OBJECTS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("there are more than %d objects with this prefix", MAX_OBJECTS)));
	if (listing->count == listing->room)
	{
		listing->room *= 2;
		listing->objects = repalloc(listing->objects, listing->room * sizeof(DdbBulkObject));
	}
	object = &listing->objects[listing->count++];
	object->key = pstrdup(key);
	object->size = size;
}

/*
 * One name in a directory: an object, or a directory to be looked into, which
 * goes to deeper.  What is neither, and names that are no keys, are not there.
 */
static void
look_at(Listing *listing, DIR *dir, const char *path, const char *name, List **deeper)
{
	struct stat st;
	char	   *key;
	int			shared;

	if (is_forbidden(name) || strlen(path) + strlen(name) + 2 > MAX_KEY_LENGTH ||
		!pg_verifymbstr(name, strlen(name), true) ||
		fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return;
	key = psprintf("%s%s%s", path, path[0] == '\0' ? "" : "/", name);
	if (S_ISREG(st.st_mode) && begins_with(key, listing->prefix) &&
		(listing->except == NULL || !begins_with(key, listing->except)))
		add_object(listing, key, st.st_size);
	else if (S_ISDIR(st.st_mode))
	{
		shared = Min(strlen(key), strlen(listing->prefix));
		if (strncmp(key, listing->prefix, shared) == 0)
			*deeper = lappend(*deeper, pstrdup(key));
	}
	pfree(key);
}

/*
 * The names in one directory are read before those below it, so that few
 * descriptors are open at a time.
 */
static void
list_directory(Listing *listing, const char *path)
{
	int			fd = open_directory(listing->bucket, path, false);
	DIR		   *dir = fd >= 0 ? fdopendir(fd) : NULL;
	List	   *deeper = NIL;
	ListCell   *lc;

	check_stack_depth();
	if (dir == NULL)
	{
		int			save_errno = errno;

		if (fd >= 0)
			close(fd);
		if (save_errno == ENOENT)
			return;
		errno = save_errno;
		raise_file_error("directory", path);
	}
	PG_TRY();
	{
		struct dirent *entry;

		while ((entry = readdir(dir)) != NULL)
		{
			CHECK_FOR_INTERRUPTS();
			look_at(listing, dir, path, entry->d_name, &deeper);
		}
	}
	PG_FINALLY();
	{
		closedir(dir);
	}
	PG_END_TRY();
	foreach(lc, deeper)
		list_directory(listing, lfirst(lc));
	list_free_deep(deeper);
}

static int
compare_objects(const void *a, const void *b)
{
	return strcmp(((const DdbBulkObject *) a)->key, ((const DdbBulkObject *) b)->key);
}

DdbBulkObject *
ddb_bulk_objects(const char *bucket, const char *prefix, const char *except, int *count)
{
	Listing		listing = {.bucket = bucket, .prefix = prefix, .except = except};

	listing.room = 64;
	listing.objects = palloc(listing.room * sizeof(DdbBulkObject));
	list_directory(&listing, "");
	qsort(listing.objects, listing.count, sizeof(DdbBulkObject), compare_objects);
	*count = listing.count;
	return listing.objects;
}

/* ----------------------------------------------------------------
 * Reading
 * ----------------------------------------------------------------
 */

/* the next bytes of the file itself; how many, -1 on failure */
static int
read_file(DdbBulkReader *reader, char *buffer)
{
	ssize_t		count;

	do
	{
		CHECK_FOR_INTERRUPTS();
		count = read(reader->fd, buffer, CHUNK);
	} while (count < 0 && errno == EINTR);
	if (count > 0)
		reader->bytes += count;
	return (int) count;
}

/* what inflate made of the bytes at hand; false when they are malformed */
static bool
inflate_some(DdbBulkReader *reader)
{
	z_stream   *stream = &reader->stream;
	int			status;

	stream->next_out = (Bytef *) reader->data;
	stream->avail_out = CHUNK;
	if (!reader->in_member && inflateReset(stream) != Z_OK)
		return false;
	reader->in_member = true;
	status = inflate(stream, Z_NO_FLUSH);
	if (status == Z_MEM_ERROR)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (status == Z_STREAM_END)
		reader->in_member = false;
	reader->count = CHUNK - stream->avail_out;
	return status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR;
}

/* the next decompressed bytes into data; false when they are malformed */
static bool
fill_from_gzip(DdbBulkReader *reader)
{
	z_stream   *stream = &reader->stream;

	for (;;)
	{
		CHECK_FOR_INTERRUPTS();
		if (stream->avail_in == 0)
		{
			int			count = read_file(reader, reader->file);

			if (count <= 0)
				return count == 0 && !reader->in_member;
			stream->next_in = (Bytef *) reader->file;
			stream->avail_in = count;
		}
		if (!inflate_some(reader))
			return false;
		if (reader->count > 0)
			return true;
	}
}

/* more data, of which there is none at the end; false when it cannot be read */
static bool
fill(DdbBulkReader *reader)
{
	reader->next = reader->count = 0;
	if (reader->gzip)
		return fill_from_gzip(reader);
	reader->count = read_file(reader, reader->data);
	return reader->count >= 0;
}

/*
 * Go to a position; false when the object does not reach it.
 */
static bool
skip_to(DdbBulkReader *reader, int64 position)
{
	if (!reader->gzip)
	{
		reader->position = reader->bytes = position;
		return lseek(reader->fd, position, SEEK_SET) == position;
	}
	while (reader->position < position)
	{
		int			count;

		if (reader->next == reader->count && (!fill(reader) || reader->count == 0))
			return false;
		count = Min(position - reader->position, reader->count - reader->next);
		reader->next += count;
		reader->position += count;
	}
	return true;
}

DdbBulkReader *
ddb_bulk_open(const char *bucket, const char *key, bool gzip, int64 position, int64 line)
{
	int			fd = open_object(bucket, key);
	DdbBulkReader *reader;

	if (fd < 0)
		return NULL;
	reader = palloc0(sizeof(DdbBulkReader));
	reader->fd = fd;
	reader->gzip = gzip;
	reader->data = palloc(CHUNK);
	initStringInfo(&reader->text);
	if (gzip)
	{
		reader->file = palloc(CHUNK);
		if (inflateInit2(&reader->stream, GZIP_WINDOW_BITS) != Z_OK)
		{
			ddb_bulk_close(reader);
			ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
		}
		reader->inflating = true;
	}
	if (!skip_to(reader, position))
	{
		ddb_bulk_close(reader);
		return NULL;
	}
	reader->line = line;
	return reader;
}

void
ddb_bulk_close(DdbBulkReader *reader)
{
	close(reader->fd);
	if (reader->inflating)
		inflateEnd(&reader->stream);
	if (reader->file != NULL)
		pfree(reader->file);
	pfree(reader->data);
	pfree(reader->text.data);
	pfree(reader);
}

/*
 * Lines end with LF or CRLF, the last one maybe with the object.  Of one that
 * is too long no more than a chunk is kept at a time.
 */
DdbBulkLine
ddb_bulk_next(DdbBulkReader *reader, DdbText *text)
{
	StringInfo	line = &reader->text;
	bool		too_long = false;
	bool		begun = false;

	resetStringInfo(line);
	for (;;)
	{
		char	   *start;
		char	   *end;
		int			count;

		if (reader->next == reader->count && !fill(reader))
			return DDB_BULK_LINE_UNREADABLE;
		if (reader->count == 0)
			break;
		start = reader->data + reader->next;
		end = memchr(start, '\n', reader->count - reader->next);
		count = end != NULL ? end - start : reader->count - reader->next;
		begun = true;
		if (!too_long && line->len + count <= MAX_LINE_LENGTH)
			appendBinaryStringInfo(line, start, count);
		else
			too_long = true;
		reader->next += count + (end != NULL ? 1 : 0);
		reader->position += count + (end != NULL ? 1 : 0);
		if (end != NULL)
			break;
	}
	if (!begun)
		return DDB_BULK_LINE_NONE;
	reader->line++;
	if (line->len > 0 && line->data[line->len - 1] == '\r')
		line->data[--line->len] = '\0';
	text->str = line->data;
	text->len = line->len;
	return too_long ? DDB_BULK_LINE_TOO_LONG : DDB_BULK_LINE;
}

int64
ddb_bulk_position(const DdbBulkReader *reader)
{
	return reader->position;
}

int64
ddb_bulk_line_number(const DdbBulkReader *reader)
{
	return reader->line;
}

int64
ddb_bulk_bytes(const DdbBulkReader *reader)
{
	return reader->bytes;
}

/* ----------------------------------------------------------------
 * Writing
 * ----------------------------------------------------------------
 */

static void
raise_write_error(const char *directory, const char *name)
{
	forbid_detours();
	ereport(ERROR,
			(errcode_for_file_access(),
			 errmsg("could not write output object \"%s/%s\": %m", directory, name)));
}

/* closes fd before it raises */
static void
write_at(int fd, const char *directory, const char *name, int64 length, StringInfo data)
{
	struct stat st;
	int			done = 0;
	bool		good;

	good = fstat(fd, &st) == 0;
	if (good && (st.st_size < length || st.st_nlink != 1))
	{
		close(fd);
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("output object \"%s/%s\" has been changed", directory, name)));
	}
	good = good && ftruncate(fd, length) == 0;
	while (good && done < data->len)
	{
		ssize_t		count = pwrite(fd, data->data + done, data->len - done, length + done);

		if (count > 0)
			done += count;
		else if (errno != EINTR)
			good = false;
	}
	good = good && fsync(fd) == 0;
	if (!good)
	{
		int			save_errno = errno != 0 ? errno : ENOSPC;

		close(fd);
		errno = save_errno;
		raise_write_error(directory, name);
	}
	close(fd);
}

void
ddb_bulk_write(const char *bucket, const char *directory, const char *name, int64 length,
			   StringInfo data)
{
	bool		make = data->len > 0;
	int			at = open_directory(bucket, directory, make);
	int			synced = at >= 0 && make && length == 0 ? dup(at) : -1;
	int			fd = at < 0 ? -1 : open_file(at, name, O_WRONLY | (make ? O_CREAT : 0));

	if (synced >= 0)
	{
		int			save_errno = errno;

		(void) fsync(synced);
		close(synced);
		errno = save_errno;
	}
	if (fd < 0 && errno == ENOENT && !make && length == 0)
		return;
	if (fd < 0)
		raise_write_error(directory, name);
	errno = 0;
	write_at(fd, directory, name, length, data);
}
