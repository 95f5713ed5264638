/*
 * op_table.h
 *	  What CreateTable and UpdateTable share: members that mean the same in
 *	  both, and the rules of key schemas and secondary indexes.
 */
#ifndef DDB_OP_TABLE_H
#define DDB_OP_TABLE_H

#include "indextable.h"
#include "shape.h"
#include "streamlog.h"
#include "tableinfo.h"

#define INVALID_PARAMETERS	"One or more parameter values were invalid: "

#define DDB_MAX_THROUGHPUT	INT64CONST(1000000000000)

#define DDB_MAX_GLOBAL_INDEXES		20	/* of a table */
#define DDB_MAX_NON_KEY_ATTRIBUTES	100 /* over all indexes of a table */

typedef enum DdbBillingMode
{
	DDB_BILLING_PROVISIONED,
	DDB_BILLING_PAY_PER_REQUEST,
	DDB_BILLING_ABSENT
} DdbBillingMode;

typedef struct DdbThroughput
{
	bool		given;
	int64		read;			/* 0 where absent */
	int64		write;
} DdbThroughput;

/* a member of a request that this version refuses */
typedef struct DdbUnavailableMember
{
	const char *name;
	const char *feature;
} DdbUnavailableMember;

/* names of TableClass; index 1 is infrequent access */
extern const char *const ddb_op_table_classes[];

/* ---- op_table_parts.c ---- */

/* is the member there as a list, and empty? */
extern bool ddb_op_is_empty_list(DdbDoc object, const char *name);

extern DdbBillingMode ddb_op_read_billing_mode(DdbDoc request);

/* ProvisionedThroughput of a table, an index or an index update */
extern DdbThroughput ddb_op_read_throughput(DdbDoc object);
extern void ddb_op_check_throughput_bounds(const DdbThroughput *throughput);
extern void ddb_op_refuse_throughput_on_demand(void);

/*
 * New provisioned throughput of a table or an index in place of what before
 * says, which was not on demand: into after, with the time of the change and
 * the count of decreases, which are limited by LimitExceededException.
 */
extern void ddb_op_change_throughput(const DdbThroughput *throughput,
									 const DdbTableSettings *before,
									 DdbTableSettings *after, int64 now);

/* what the answer to a change shows: throughput as it is until it takes effect */
extern DdbTableSettings ddb_op_shown_settings(const DdbTableSettings *before,
											  const DdbTableSettings *after);

/* raise for the first of the members that is there and no empty list */
extern void ddb_op_refuse_unavailable(DdbDoc request,
									  const DdbUnavailableMember *members, int n);

/*
 * Whether a StreamSpecification asks for a stream, and its view type; raises
 * where switch and view type contradict each other.
 */
extern bool ddb_op_read_stream(DdbDoc specification, DdbViewType *view);

/* a response of one member, a TableDescription */
extern Jsonb *ddb_op_description_response(const char *member,
										  const DdbTableView *view);

/* TableName, where it may be an ARN; action is the IAM action */
extern DdbText ddb_op_request_table_name(DdbDoc request, const char *action);

/* ---- op_table_schema.c ---- */

/* AttributeName of an element of KeySchema or AttributeDefinitions */
extern DdbText ddb_op_attribute_name(DdbDoc element);

/* false where no definition has the name */
extern bool ddb_op_find_definition(DdbDoc definitions, DdbText name,
								   DdbType *type);

/* the key schema of a table, checked; names in keys point into the request */
extern void ddb_op_read_key_schema(DdbDoc key_schema, DdbDoc definitions,
								   DdbKeySchema *keys);

/* the indexes of a CreateTable request; ptr is NULL where a list is absent */
typedef struct DdbIndexRequest
{
	DdbDoc		definitions;
	DdbDoc		local_indexes;
	DdbDoc		global_indexes;
	const DdbKeySchema *keys;	/* of the table */
	bool		on_demand;
} DdbIndexRequest;

/* throughput of global indexes within bounds; known before any key is */
extern void ddb_op_check_index_bounds(DdbDoc global_indexes);

/*
 * The rules of secondary indexes, index by index, local ones first; then that
 * table and indexes together use every definition.
 */
extern void ddb_op_check_indexes(const DdbIndexRequest *request);

/* throughput of a global index: given unless the table is on demand */
extern void ddb_op_check_index_throughput(DdbDoc index, bool on_demand);

/*
 * Key schema and projection of one global index to be made by UpdateTable,
 * with the definitions of that call (ptr is NULL where absent).
 */
extern void ddb_op_check_new_index(DdbDoc index, DdbDoc definitions);

/*
 * Name, keys and projection of an index that has passed the checks, into a
 * zeroed struct.
 */
extern void ddb_op_read_index_schema(DdbDoc index, DdbDoc definitions, DdbIndex *out);

/* ---- op_table_index.c ---- */

/*
 * The indexes of a CreateTable request that has passed the checks: a palloc'd
 * array, local ones first.
 */
extern DdbIndex *ddb_op_read_indexes(const DdbIndexRequest *request, int *count);

/*
 * How the indexes of a table are described: as they are, or all of them as
 * being created with their table, without measuring.  palloc'd.
 */
extern DdbIndexView *ddb_op_view_indexes(const DdbTable *table,
										 const DdbTableSettings *settings,
										 bool creating);

/* is an index in a state that is not ACTIVE? in that state? */
extern bool ddb_op_has_building_index(const DdbTable *table);
extern bool ddb_op_has_index_in(const DdbTable *table, DdbIndexStatus status);

/* raise ResourceInUseException */
extern void ddb_op_refuse_busy_table(const DdbTable *table) pg_attribute_noreturn();

/* what one call of UpdateTable does with the indexes of a table */
typedef struct DdbIndexChanges DdbIndexChanges;

/* the rules of GlobalSecondaryIndexUpdates that need no table; ptr may be NULL */
extern void ddb_op_check_index_updates(DdbDoc updates);

/* does the call create or delete an index? */
extern bool ddb_op_has_index_change(DdbDoc request);

/*
 * The rules that need the table, and what follows from them: the table's
 * settings have their new billing mode in after.  Nothing is done yet.
 */
extern DdbIndexChanges *ddb_op_plan_index_changes(const DdbTable *table, DdbDoc request,
												  const DdbTableSettings *before,
												  const DdbTableSettings *after,
												  int64 now);

/* the indexes as the answer shows them; to be called before they change */
extern DdbIndexView *ddb_op_view_index_changes(DdbIndexChanges *changes, int *count);

/* do it; returns the table with its indexes as the answer shows them */
extern const DdbTable *ddb_op_apply_index_changes(DdbIndexChanges *changes);

#endif							/* DDB_OP_TABLE_H */
