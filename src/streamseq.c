/*
 * streamseq.c
 *	  Sequence numbers of stream records.
 */
#include "postgres.h"

#include "streamseq.h"

#define POSITION_DIGITS	20
#define ORDINAL_DIGITS	9

int
ddb_sequence_compare(const DdbSequence *a, const DdbSequence *b)
{
	if (a->epoch != b->epoch)
		return a->epoch < b->epoch ? -1 : 1;
	if (a->commit != b->commit)
		return a->commit < b->commit ? -1 : 1;
	if (a->ordinal != b->ordinal)
		return a->ordinal < b->ordinal ? -1 : 1;
	return 0;
}

int
ddb_sequence_print(const DdbSequence *sequence, char *text)
{
	return snprintf(text, DDB_SEQUENCE_DIGITS + 1, "%d%020llu%09d", sequence->epoch,
					(unsigned long long) sequence->commit, sequence->ordinal);
}

/* so many digits as a number; false for other characters or more than 64 bits */
static bool
read_digits(const char *text, int len, uint64 *out)
{
	int			i;

	*out = 0;
	for (i = 0; i < len; i++)
	{
		uint64		digit = text[i] - '0';

		if (text[i] < '0' || text[i] > '9' || *out > (PG_UINT64_MAX - digit) / 10)
			return false;
		*out = *out * 10 + digit;
	}
	return true;
}

bool
ddb_sequence_parse(const char *text, int len, DdbSequence *out)
{
	int			epoch_digits = len - POSITION_DIGITS - ORDINAL_DIGITS;
	uint64		epoch;
	uint64		position;
	uint64		ordinal;

	if (epoch_digits < 1 || epoch_digits > 10 ||
		!read_digits(text, epoch_digits, &epoch) ||
		!read_digits(text + epoch_digits, POSITION_DIGITS, &position) ||
		!read_digits(text + epoch_digits + POSITION_DIGITS, ORDINAL_DIGITS, &ordinal) ||
		epoch < 1 || epoch > PG_INT32_MAX || text[0] == '0')
		return false;
	out->epoch = (int32) epoch;
	out->commit = (XLogRecPtr) position;
	out->ordinal = (int32) ordinal;
	return true;
}
