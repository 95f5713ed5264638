/*
 * op_read.h
 *	  A page of items read from a table or an index, as Query, Scan and
 *	  PartiQL's SELECT read it.
 */
#ifndef DDB_OP_READ_H
#define DDB_OP_READ_H

#include "expr_bind.h"
#include "op_capacity.h"
#include "op_read_key.h"
#include "scan.h"

/* what is to be read; zero it, then fill it in */
typedef struct DdbRead
{
	const DdbTable *table;
	const DdbIndex *index;		/* NULL: the table itself */
	ExprBinding *filter;		/* NULL if none */
	ExprBinding *projection;	/* NULL if none */
	Jsonb	   *(*project) (const ExprBinding *projection, DdbDoc item);	/* applies it */
	DdbKeyQuery query;			/* its conditions are of a read by partition only */
	int64		limit;			/* of evaluated items; 0 for none */
	bool		consistent;
	bool		count_only;		/* collect no items */
	bool		all_attributes; /* what an index does not hold is wanted, too */
	bool		filter_fetches; /* of ddb_read_check_projection: the filter needs the whole item */
	bool		output_fetches; /* what is returned does */
} DdbRead;

/* a part of the table or of the index, whichever is read */
typedef struct DdbScanPart
{
	int			segment;
	int			total;			/* at least 1 */
	DdbKey		table_start;	/* if there is a start key, one of these */
	DdbIndexPosition index_start;
} DdbScanPart;

/* a page under way, and done */
typedef struct DdbPage
{
	const DdbRead *read;
	MemoryContext context;		/* owns what the response needs */
	int64		scanned;		/* items before the filter */
	int64		bytes;			/* of those */
	double		fetch_units;	/* of items fetched for a local index */
	int64		count;			/* items after the filter */
	JsonbValue	items;			/* array, empty with count_only */
	bool		more;			/* page ended before the range did */
	JsonbValue	last_key;		/* LastEvaluatedKey, if more */
} DdbPage;

/*
 * ddb_read_open: lock and set the table, and the index unless index_name.str
 * is NULL; raise what the index alone says against the request.
 */
extern void ddb_read_open(DdbRead *read, DdbText table_name, DdbText index_name,
						  const char *action);

/*
 * What the request wants beyond what the index holds: raises for a global
 * index; for a local one sets the fetches.
 */
extern void ddb_read_check_projection(DdbRead *read);

/* of what reading consumes */
extern void ddb_read_use(const DdbRead *read, DdbUse *use);

/* raises when nothing is left for reading */
extern void ddb_read_admit(const DdbRead *read);

/* the page's context is CurrentMemoryContext */
extern void ddb_page_init(DdbPage *page, const DdbRead *read);

/*
 * Read into the page until it is full: Limit items, or dynamo.page_size bytes,
 * counted before the filter.  A page may be read into several times, with
 * other ranges, as long as it has no more.
 */
extern void ddb_read_partition(const DdbRead *read, bool forward, DdbPage *page);
extern void ddb_read_part(const DdbRead *read, const DdbScanPart *part, DdbPage *page);

/* read units of the page, without those of fetches; all of them are consumed */
extern double ddb_page_units(const DdbPage *page);

/*
 * ConsumedCapacity of a page of an index, where the request asks for it: a
 * global index stands alone, a local one beside the table.
 */
extern void ddb_read_index_capacity(JsonbValue *capacity, bool with_indexes, DdbText table_name,
									const DdbPage *page, double index_units);

#endif							/* DDB_OP_READ_H */
