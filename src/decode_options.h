/*
 * decode_options.h
 *	  What a reader of a slot may ask of the output plugin.
 */
#ifndef DDB_DECODE_OPTIONS_H
#define DDB_DECODE_OPTIONS_H

#include "nodes/pg_list.h"

typedef enum DdbDecodeFormat
{
	DDB_FORMAT_RECORDS,			/* an output per record, JSON */
	DDB_FORMAT_BATCHES,			/* an output per transaction, JSON */
	DDB_FORMAT_INTERNAL			/* streamformat.h */
} DdbDecodeFormat;

typedef struct DdbDecodeOptions
{
	List	   *tables;			/* names (char *); NIL: all tables */
	int			format;			/* a DdbDecodeFormat */
	bool		include_transactions;
	bool		include_index_tables;
} DdbDecodeOptions;

/*
 * ddb_decode_parse_options: from the options of a slot's reader (DefElem) to
 * *out, whose names are in CurrentMemoryContext.  Raises
 * invalid_parameter_value for an option that is unknown or given twice, and
 * for a value that it does not take.
 */
extern void ddb_decode_parse_options(List *given, DdbDecodeOptions *out);

#endif							/* DDB_DECODE_OPTIONS_H */
