/*
 * fuzz_support.h
 *	  What a fuzz harness gets from fuzz_support.c, and what it must offer.
 *
 * A harness is one .c file for one pure module.  It defines the two functions
 * of the first block; fuzz_support.c supplies the rest: the server's palloc
 * family and check_stack_depth, the error helpers of error.h, and a main()
 * that replays files or generates inputs.  With libFuzzer, which brings its
 * own main(), compile fuzz_support.c with -DFUZZ_LIBFUZZER.
 */
#ifndef FUZZ_SUPPORT_H
#define FUZZ_SUPPORT_H

/* ---- defined by the harness ---- */

/*
 * Run one input and abort (fuzz_check) when a property does not hold.  Must
 * end with fuzz_release() and return 0.
 */
extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/*
 * Write one plausible input, at most capacity bytes, into buf; returns its
 * size.  All randomness comes from fuzz_random, so that a seed repeats a run.
 * The driver mutates about half of what it gets.
 */
extern size_t fuzz_generate(uint8_t *buf, size_t capacity);

/* ---- offered to the harness ---- */

#define FUZZ_INPUT_MAX	8192	/* capacity given to fuzz_generate, in bytes */

/* a random number of 0 .. bound - 1; bound > 0 */
extern uint32_t fuzz_random(uint32_t bound);

/* append one of count strings, chosen at random, to buf; returns the new size */
extern size_t fuzz_pick(uint8_t *buf, size_t size, size_t capacity,
						const char *const *words, size_t count);

/*
 * Call body(arg).  False when it raised an API error, whose code and message
 * are then in fuzz_error_code and fuzz_error_message until the next call.
 * Calls do not nest.
 */
extern bool fuzz_catch(void (*body) (void *arg), void *arg);
extern int	fuzz_error_code;	/* a DdbErrorCode */
extern char fuzz_error_message[1024];

/* abort, naming the property, unless it holds */
#define fuzz_check(condition) \
	((condition) ? (void) 0 : fuzz_fail(#condition, __FILE__, __LINE__))

extern void fuzz_fail(const char *property, const char *file, int line)
			pg_attribute_noreturn();

/* free all that palloc gave out since the last call */
extern void fuzz_release(void);

/* as in the server; raises an API error where the stack is too deep */
extern void check_stack_depth(void);

#endif							/* FUZZ_SUPPORT_H */
