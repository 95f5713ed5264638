/*
 * streamseq.h
 *	  Sequence numbers of stream records: where in the log a change was
 *	  committed.
 *
 * A sequence number is (epoch, commit position, ordinal in the transaction),
 * printed as decimal digits: the epoch without leading zeros, then 20 digits
 * of position, then 9 of ordinal; so that their order as integers is commit
 * order, also where positions begin anew in another cluster.
 */
#ifndef DDB_STREAMSEQ_H
#define DDB_STREAMSEQ_H

#include "access/xlogdefs.h"

#define DDB_SEQUENCE_DIGITS		40	/* at most, and room for them */
#define DDB_MAX_ORDINAL			999999999

typedef struct DdbSequence
{
	int32		epoch;			/* at least 1 */
	XLogRecPtr	commit;			/* start of the commit record */
	int32		ordinal;		/* of the record in its transaction, from 0 */
} DdbSequence;

extern int	ddb_sequence_compare(const DdbSequence *a, const DdbSequence *b);

/* digits into text, NUL-terminated; returns their number */
extern int	ddb_sequence_print(const DdbSequence *sequence, char *text);

/* false where text is no sequence number of ours */
extern bool ddb_sequence_parse(const char *text, int len, DdbSequence *out);

#endif							/* DDB_STREAMSEQ_H */
