/*
 * fuzz_support.c
 *	  The world in which a pure module is fuzzed, and the driver of a run.
 *
 * The modules under test are built with -DFRONTEND.  They call the server's
 * palloc family and the error helpers; here are stand-ins for both.  Memory is
 * plain malloc with a list of what is out, so that an input leaves nothing
 * behind, even when an error cut it short, and the address sanitizer sees
 * every single block.
 *
 * The driver replays the files it is given; with -runs=N it generates N
 * inputs.  Inputs are reproducible from -seed=S alone.  A failing input is
 * left in the file crash-<program>, which can be replayed.
 */
#include "postgres_fe.h"

#include <setjmp.h>
#include <signal.h>

#include "common/fe_memutils.h"
#include "error.h"
#include "fuzz_support.h"

#define STACK_LIMIT		(512 * 1024)	/* in bytes */

int			fuzz_error_code = -1;
char		fuzz_error_message[1024];

static jmp_buf *error_target = NULL;
static char *stack_base = NULL;

/* ---- memory ---- */

static void **blocks = NULL;
static size_t nblocks = 0;
static size_t blocks_size = 0;

static void
out_of_memory(void)
{
	fprintf(stderr, "out of memory\n");
	exit(EXIT_FAILURE);
}

static void *
remember(void *block)
{
	if (block == NULL)
		out_of_memory();
	if (nblocks == blocks_size)
	{
		blocks_size = Max(blocks_size * 2, 64);
		blocks = realloc(blocks, blocks_size * sizeof(void *));
		if (blocks == NULL)
			out_of_memory();
	}
	blocks[nblocks++] = block;
	return block;
}

static void
forget(void *block)
{
	size_t		i;

	for (i = nblocks; i-- > 0;)
	{
		if (blocks[i] == block)
		{
			blocks[i] = blocks[--nblocks];
			return;
		}
	}
	fuzz_fail("pointer came from palloc", __FILE__, __LINE__);
}

void *
palloc(Size size)
{
	return remember(malloc(Max(size, 1)));
}

void *
palloc0(Size size)
{
	return remember(calloc(1, Max(size, 1)));
}

void *
palloc_extended(Size size, int flags)
{
	return (flags & MCXT_ALLOC_ZERO) != 0 ? palloc0(size) : palloc(size);
}

void *
repalloc(void *pointer, Size size)
{
	forget(pointer);
	return remember(realloc(pointer, Max(size, 1)));
}

void
pfree(void *pointer)
{
	forget(pointer);
	free(pointer);
}

char *
pnstrdup(const char *in, Size size)
{
	size_t		len = strnlen(in, size);
	char	   *copy = palloc(len + 1);

	memcpy(copy, in, len);
	copy[len] = '\0';
	return copy;
}

char *
pstrdup(const char *in)
{
	return pnstrdup(in, strlen(in));
}

void
fuzz_release(void)
{
	while (nblocks > 0)
		free(blocks[--nblocks]);
}

/* ---- errors ---- */

static void raise_error(DdbErrorCode code, const char *fmt, va_list args)
			pg_attribute_printf(2, 0) pg_attribute_noreturn();

static void
raise_error(DdbErrorCode code, const char *fmt, va_list args)
{
	fuzz_error_code = code;
	vsnprintf(fuzz_error_message, sizeof(fuzz_error_message), fmt, args);
	if (error_target == NULL)
		fuzz_fail("errors are raised inside fuzz_catch only", __FILE__, __LINE__);
	longjmp(*error_target, 1);
}

void
ddb_error(DdbErrorCode code, const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	raise_error(code, fmt, args);
}

void
ddb_error_members(DdbErrorCode code, const char *members, const char *fmt,...)
{
	va_list		args;

	va_start(args, fmt);
	raise_error(code, fmt, args);
}

void
check_stack_depth(void)
{
	ptrdiff_t	depth = stack_base - (char *) __builtin_frame_address(0);

	if (stack_base != NULL && (depth > STACK_LIMIT || depth < -STACK_LIMIT))
		ddb_error(DDB_INTERNAL_SERVER_ERROR, "stack depth limit exceeded");
}

bool
fuzz_catch(void (*body) (void *arg), void *arg)
{
	jmp_buf		target;

	fuzz_error_code = -1;
	fuzz_error_message[0] = '\0';
	error_target = &target;
	stack_base = __builtin_frame_address(0);
	if (setjmp(target) == 0)
	{
		body(arg);
		error_target = NULL;
		stack_base = NULL;
		return true;
	}
	error_target = NULL;
	stack_base = NULL;
	return false;
}

void
fuzz_fail(const char *property, const char *file, int line)
{
	fprintf(stderr, "%s:%d: property does not hold: %s\n", file, line, property);
	abort();
}

/* ---- randomness ---- */

static uint64_t random_state = 1;

/* xorshift64*, whose high half is good enough here */
uint32_t
fuzz_random(uint32_t bound)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t) ((random_state * UINT64CONST(2685821657736338717)) >> 32) % bound;
}

size_t
fuzz_pick(uint8_t *buf, size_t size, size_t capacity,
		  const char *const *words, size_t count)
{
	const char *word = words[fuzz_random(count)];
	size_t		len = Min(strlen(word), capacity - size);

	memcpy(buf + size, word, len);
	return size + len;
}

#ifndef FUZZ_LIBFUZZER

/* ---- driver ---- */

static const char *program = "fuzz";
static const uint8_t *current_input = NULL;
static size_t current_size = 0;

/* Leave the input that is being run in a file; must not allocate. */
static void
save_input(void)
{
	char		path[256];
	FILE	   *file;

	if (current_input == NULL)
		return;
	snprintf(path, sizeof(path), "crash-%s", program);
	file = fopen(path, "wb");
	if (file == NULL)
		return;
	fwrite(current_input, 1, current_size, file);
	fclose(file);
	fprintf(stderr, "%s: the failing input of %zu bytes is in %s\n",
			program, current_size, path);
	current_input = NULL;
}

static void
handle_abort(int signal_number)
{
	save_input();
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/* the sanitizers' runtime, where linked in, calls back before it exits */
extern void __sanitizer_set_death_callback(void (*callback) (void)) __attribute__((weak));

/* an exact-size copy, so that reading beyond the end is seen */
static void
run_input(const uint8_t *data, size_t size)
{
	uint8_t    *copy = malloc(size);

	if (copy == NULL && size > 0)
		out_of_memory();
	memcpy(copy, data, size);
	current_input = copy;
	current_size = size;
	LLVMFuzzerTestOneInput(copy, size);
	current_input = NULL;
	free(copy);
}

static void
replay_file(const char *path)
{
	static uint8_t buf[1024 * 1024];
	FILE	   *file = fopen(path, "rb");
	size_t		size;

	if (file == NULL)
	{
		fprintf(stderr, "%s: could not open \"%s\"\n", program, path);
		exit(EXIT_FAILURE);
	}
	size = fread(buf, 1, sizeof(buf), file);
	fclose(file);
	run_input(buf, size);
}

typedef enum Mutation
{
	MUTATE_BYTE,
	MUTATE_FLIP,
	MUTATE_INSERT,
	MUTATE_DELETE,
	MUTATE_REPEAT,
	MUTATE_CUT
} Mutation;

#define MUTATIONS (MUTATE_CUT + 1)

/* Change an input of size > 0 in one place; returns the new size. */
static size_t
mutate(uint8_t *buf, size_t size, size_t capacity)
{
	size_t		at = fuzz_random(size);
	size_t		len = 1 + fuzz_random(Min(size - at, 40));

	switch ((Mutation) fuzz_random(MUTATIONS))
	{
		case MUTATE_BYTE:
			buf[at] = fuzz_random(256);
			return size;
		case MUTATE_FLIP:
			buf[at] ^= 1 << fuzz_random(8);
			return size;
		case MUTATE_INSERT:
			if (size == capacity)
				return size;
			memmove(buf + at + 1, buf + at, size - at);
			buf[at] = fuzz_random(2) ? fuzz_random(128) : buf[fuzz_random(size)];
			return size + 1;
		case MUTATE_DELETE:
			memmove(buf + at, buf + at + len, size - at - len);
			return size - len;
		case MUTATE_REPEAT:
			if (len > capacity - size)
				return size;
			memmove(buf + at + len, buf + at, size - at);
			return size + len;
		case MUTATE_CUT:
			return at;
	}
	return size;
}

static void
run_random(unsigned long runs)
{
	static uint8_t buf[FUZZ_INPUT_MAX];
	unsigned long run;

	for (run = 0; run < runs; run++)
	{
		size_t		size = fuzz_generate(buf, sizeof(buf));

		if (fuzz_random(2) == 0)
		{
			int			times = 1 + fuzz_random(4);

			while (times-- > 0 && size > 0)
				size = mutate(buf, size, sizeof(buf));
		}
		run_input(buf, size);
	}
}

int
main(int argc, char **argv)
{
	unsigned long runs = 0;
	unsigned long seed = 1;
	const char *slash = strrchr(argv[0], '/');
	int			i;

	program = (slash != NULL) ? slash + 1 : argv[0];
	signal(SIGABRT, handle_abort);
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(save_input);

	for (i = 1; i < argc; i++)
	{
		if (strncmp(argv[i], "-runs=", 6) == 0)
			runs = strtoul(argv[i] + 6, NULL, 10);
		else if (strncmp(argv[i], "-seed=", 6) == 0)
			seed = strtoul(argv[i] + 6, NULL, 10);
		else if (argv[i][0] == '-')
		{
			fprintf(stderr, "usage: %s [-runs=N] [-seed=S] [FILE ...]\n", program);
			return EXIT_FAILURE;
		}
		else
			replay_file(argv[i]);
	}
	random_state = (seed + 1) * UINT64CONST(0x9E3779B97F4A7C15) | 1;
	run_random(runs);
	free(blocks);
	printf("%s: ok\n", program);
	return EXIT_SUCCESS;
}

#endif							/* FUZZ_LIBFUZZER */
