/*
 * op_capacity.c
 *	  Capacity units of the operation under way: who may still consume, and
 *	  what was consumed.
 *
 * Uses are collected in an array of this process and settled when the
 * outermost operation ends; what operations inside triggers consume belongs to
 * it.  Nothing is allocated for an operation, but where Contributor Insights
 * wants its keys.
 *
 * What one operation does between its admission and its end is charged
 * afterwards, so that many at a time can consume more than is left; the debt
 * is then paid before anybody is admitted again.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/json.h"
#include "utils/memutils.h"

#include "guc.h"
#include "insights.h"
#include "op_capacity.h"

#define INITIAL_USES		64
#define KEPT_USES			4096	/* a larger array is given back */

/* one use that was consumed; table and index live as long as the transaction */
typedef struct Use
{
	const DdbTable *table;
	const DdbIndex *index;		/* a global one, or NULL */
	DdbMeter   *meter;
	DdbPartitionMeter *partition;	/* NULL where partitions have no limit */
	DdbUnits	kind;
	double		units;
	Jsonb	   *key;			/* for Contributor Insights; NULL if it does not want it */
} Use;

/* a table that the operation has to do with */
typedef struct UsedTable
{
	const DdbTable *table;
	DdbMeter   *meter;			/* not NULL */
	int64		returned;
	int64		failed_conditions;
	bool		throttled;
} UsedTable;

static Use *uses = NULL;
static int	nuses = 0;
static int	max_uses = 0;
static UsedTable *tables = NULL;
static int	ntables = 0;
static int	max_tables = 0;

static bool is_active = false;	/* is an operation under way? */
static int	first_mergeable = 0;	/* uses before this one are some mark's */
static MemoryContext key_context = NULL;	/* of Use.key */

/* ----------------------------------------------------------------
 * Limits
 * ----------------------------------------------------------------
 */

typedef enum Cause
{
	CAUSE_PROVISIONED,
	CAUSE_MAX_ON_DEMAND,
	CAUSE_ACCOUNT,
	CAUSE_KEY_RANGE
} Cause;

typedef struct Limit
{
	double		rate;			/* units a second */
	Cause		cause;			/* of being throttled by it */
} Limit;

static const char *const cause_names[] = {
	[CAUSE_PROVISIONED] = "ProvisionedThroughputExceeded",
	[CAUSE_MAX_ON_DEMAND] = "MaxOnDemandThroughputExceeded",
	[CAUSE_ACCOUNT] = "AccountLimitExceeded",
	[CAUSE_KEY_RANGE] = "KeyRangeThroughputExceeded"
};

static const DdbCapacity *
capacity_of(const DdbTable *table, const DdbIndex *index)
{
	return index != NULL ? &index->capacity : &table->capacity;
}

/*
 * NULL where nothing is counted.  A meter that is another relation's by now
 * was released too early, and is asked for again.
 */
static DdbMeter *
meter_of(const DdbTable *table, const DdbIndex *index)
{
	DdbCapacity *capacity = unconstify(DdbCapacity *, capacity_of(table, index));
	Oid			relid = index != NULL ? index->relid : table->relid;

	if (capacity->meter != NULL &&
		(capacity->meter->relid != relid || capacity->meter->database != MyDatabaseId))
		capacity->meter = ddb_throughput_meter(relid);
	return capacity->meter;
}

static Limit
limit_of(const DdbTable *table, const DdbIndex *index, DdbUnits kind)
{
	const DdbCapacity *capacity = capacity_of(table, index);
	int64		units = kind == DDB_UNITS_READ ? capacity->read : capacity->write;
	int			quota = kind == DDB_UNITS_READ ? ddb_table_max_read_units : ddb_table_max_write_units;
	Limit		limit = {.rate = quota, .cause = CAUSE_ACCOUNT};

	if (units <= 0 || (table->on_demand && units >= quota))
		return limit;
	limit.rate = units;
	limit.cause = table->on_demand ? CAUSE_MAX_ON_DEMAND : CAUSE_PROVISIONED;
	return limit;
}

bool
ddb_capacity_is_enforced(const DdbTable *table)
{
	if (table->capacity.meter == NULL)
		return false;
	if (table->throttling == DDB_CHOICE_DEFAULT)
		return ddb_throttling;
	return table->throttling == DDB_CHOICE_ON;
}

/* local indexes use what the table has */
static const DdbIndex *
metered_index(const DdbIndex *index)
{
	return index != NULL && index->global ? index : NULL;
}

bool
ddb_capacity_wants_key(const DdbTable *table, const DdbIndex *index)
{
	return capacity_of(table, metered_index(index))->insights != DDB_INSIGHTS_OFF ||
		(ddb_partition_throttling && ddb_capacity_is_enforced(table));
}

/* ----------------------------------------------------------------
 * Keys
 * ----------------------------------------------------------------
 */

/* the hash of a partition key; false when doc lacks it */
static bool
hash_partition_key(const DdbKeyAttr *attrs, int count, DdbDoc doc, uint64 *hash)
{
	int			i;

	*hash = 0;
	for (i = 0; i < count; i++)
	{
		DdbValue	value;
		Datum		column;

		if (!ddb_item_get(doc, attrs[i].name.str, attrs[i].name.len, &value) ||
			value.type != attrs[i].type)
			return false;
		column = ddb_key_column(&value, true);
		*hash = hash_combine64(*hash, ddb_key_partition_hash(value.type, column));
		pfree(DatumGetPointer(column));
	}
	return true;
}

/* the bucket of the partition that a use is of; NULL where it has no limit */
static DdbPartitionMeter *
partition_of(const DdbTable *table, const DdbIndex *index, DdbDoc key)
{
	uint64		hash;

	if (!ddb_partition_throttling || key.ptr == NULL || !ddb_capacity_is_enforced(table))
		return NULL;
	if (index != NULL ?
		!hash_partition_key(index->partition, index->npartition, key, &hash) :
		!hash_partition_key(table->keys.attr, 1, key, &hash))
		return NULL;
	return ddb_throughput_partition(index != NULL ? index->relid : table->relid, hash);
}

/* adds those of the attributes that doc has */
static void
add_attributes(JsonbValue *object, const DdbKeyAttr *attrs, int count, DdbDoc doc)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		JsonbValue	value;

		if (ddb_doc_get(doc, attrs[i].name.str, attrs[i].name.len, &value))
			ddb_json_add(object, attrs[i].name.str, attrs[i].name.len, &value);
	}
}

/* what Contributor Insights wants to know of doc, until the operation ends */
static Jsonb *
keep_key(const DdbTable *table, const DdbIndex *index, DdbDoc doc)
{
	MemoryContext old;
	JsonbValue	object;
	Jsonb	   *key;

	if (capacity_of(table, index)->insights == DDB_INSIGHTS_OFF || doc.ptr == NULL)
		return NULL;
	if (key_context == NULL)
		key_context = AllocSetContextCreate(TopMemoryContext, "pg_dynamo capacity",
											ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(key_context);
	ddb_json_object(&object, 2);
	if (index != NULL)
	{
		add_attributes(&object, index->partition, index->npartition, doc);
		add_attributes(&object, index->sort, index->nsort, doc);
	}
	else
		add_attributes(&object, table->keys.attr, table->keys.nattrs, doc);
	key = ddb_json_encode(&object);
	MemoryContextSwitchTo(old);
	return key;
}

/* ----------------------------------------------------------------
 * What is under way
 * ----------------------------------------------------------------
 */

/* room for one element more, by doubling */
static void *
grow(void *array, int *max, Size size)
{
	if (array == NULL)
	{
		*max = INITIAL_USES;
		return MemoryContextAlloc(TopMemoryContext, *max * size);
	}
	array = repalloc_huge(array, 2 * *max * size);
	*max *= 2;
	return array;
}

/* NULL where nothing is counted */
static UsedTable *
used_table(const DdbTable *table)
{
	DdbMeter   *meter;
	int			i;

	for (i = ntables - 1; i >= 0; i--)
	{
		if (tables[i].table == table)
			return &tables[i];
	}
	if (!is_active || (meter = meter_of(table, NULL)) == NULL)
		return NULL;
	if (ntables == max_tables)
		tables = grow(tables, &max_tables, sizeof(UsedTable));
	memset(&tables[ntables], 0, sizeof(UsedTable));
	tables[ntables].table = table;
	tables[ntables].meter = meter;
	return &tables[ntables++];
}

static void
add_use(const Use *use)
{
	int			i;

	for (i = first_mergeable; i < nuses; i++)
	{
		Use		   *other = &uses[i];

		if (other->meter == use->meter && other->kind == use->kind &&
			other->partition == use->partition && other->key == NULL && use->key == NULL)
		{
			other->units += use->units;
			return;
		}
	}
	if (nuses == max_uses)
		uses = grow(uses, &max_uses, sizeof(Use));
	uses[nuses++] = *use;
}

/* units that the operation has consumed so far of a meter, or of a partition */
static double
pending_units(const DdbMeter *meter, const DdbPartitionMeter *partition, DdbUnits kind)
{
	double		units = 0;
	int			i;

	for (i = 0; i < nuses; i++)
	{
		if (uses[i].kind == kind &&
			(partition != NULL ? uses[i].partition == partition : uses[i].meter == meter))
			units += uses[i].units;
	}
	return units;
}

int
ddb_capacity_mark(void)
{
	first_mergeable = nuses;
	return nuses;
}

void
ddb_capacity_rollback(int mark)
{
	nuses = Min(nuses, mark);
	first_mergeable = nuses;
}

/* ----------------------------------------------------------------
 * Admission
 * ----------------------------------------------------------------
 */

static const char *
message_of(const DdbTable *table, bool is_index, Cause cause)
{
	if (cause == CAUSE_ACCOUNT)
		return "Throughput exceeds the current throughput limit for your account. "
			"To request a limit increase, contact AWS Support at https://aws.amazon.com/support.";
	if (table->on_demand)
		return is_index ?
			"Throughput exceeds the current capacity for one or more global secondary indexes. "
			"DynamoDB is automatically scaling your index so please try again shortly." :
			"Throughput exceeds the current capacity of your table or index. "
			"DynamoDB is automatically scaling your table or index so please try again shortly. "
			"If exceptions persist, check if you have a hot key: "
			"https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html";
	return is_index ?
		"The level of configured provisioned throughput for one or more global secondary indexes of the table was exceeded. "
		"Consider increasing your provisioning level for the under-provisioned global secondary indexes with the UpdateTable API" :
		"The level of configured provisioned throughput for the table was exceeded. "
		"Consider increasing your provisioning level with the UpdateTable API.";
}

static DdbErrorCode
code_of(const DdbTable *table, Cause cause)
{
	if (cause == CAUSE_ACCOUNT)
		return DDB_REQUEST_LIMIT_EXCEEDED;
	return table->on_demand ? DDB_THROTTLING : DDB_PROVISIONED_THROUGHPUT_EXCEEDED;
}

/* the exception's further member, whose name differs by exception */
static char *
members_of(const DdbTable *table, const DdbIndex *index, DdbUnits kind, Cause cause)
{
	char	   *arn = ddb_arn_of_table(table->name, strlen(table->name));
	StringInfoData members;

	if (index != NULL)
		arn = psprintf("%s/index/%s", arn, index->name);
	initStringInfo(&members);
	appendStringInfo(&members, "{\"%s\":[{\"reason\":\"%s%s%s\",\"resource\":",
					 code_of(table, cause) == DDB_THROTTLING ? "throttlingReasons" :
					 "ThrottlingReasons",
					 index != NULL ? "Index" : "Table",
					 kind == DDB_UNITS_READ ? "Read" : "Write", cause_names[cause]);
	escape_json(&members, arn);
	appendStringInfoString(&members, "}]}");
	return members.data;
}

static void
note_throttled(const DdbTable *table, const DdbIndex *index, DdbDoc key, DdbUnits kind)
{
	UsedTable  *used = used_table(table);
	DdbMeter   *meter = meter_of(table, index);

	if (used != NULL)
		used->throttled = true;
	if (ddb_metrics && meter != NULL)
		pg_atomic_fetch_add_u64(&meter->throttle_events[kind], 1);
	if (capacity_of(table, index)->insights != DDB_INSIGHTS_OFF)
		ddb_insights_count(table, index, key, DDB_KEY_THROTTLED, 1);
}

/* true and *cause: nothing is left for the use */
static bool
is_exhausted(const DdbTable *table, const DdbIndex *index, DdbDoc key, DdbUnits kind,
			 double planned, Cause *cause)
{
	DdbMeter   *meter = meter_of(table, index);
	DdbPartitionMeter *partition;
	Limit		limit;

	if (meter == NULL)
		return false;
	limit = limit_of(table, index, kind);
	*cause = limit.cause;
	if (ddb_throughput_is_exhausted(meter, kind, limit.rate,
									planned + pending_units(meter, NULL, kind)))
		return true;
	*cause = CAUSE_KEY_RANGE;
	partition = partition_of(table, index, key);
	return partition != NULL &&
		ddb_throughput_partition_is_exhausted(partition, kind,
											  pending_units(meter, partition, kind));
}

bool
ddb_capacity_allows(const DdbUse *use, DdbUnits kind, double planned, DdbThrottled *error)
{
	const DdbTable *table = use->table;
	const DdbIndex *index = metered_index(use->index);
	Cause		cause;

	(void) used_table(table);
	if (!is_active || !ddb_capacity_is_enforced(table) ||
		!is_exhausted(table, index, use->key, kind, planned, &cause))
		return true;
	note_throttled(table, index, use->key, kind);
	if (error == NULL)
		return false;
	error->code = code_of(table, cause);
	error->message = message_of(table, index != NULL, cause);
	error->members = members_of(table, index, kind, cause);
	return false;
}

void
ddb_capacity_raise(const DdbThrottled *error)
{
	ddb_error_members(error->code, error->members, "%s", error->message);
}

void
ddb_capacity_admit(const DdbUse *use, DdbUnits kind, double planned)
{
	DdbThrottled error;

	if (!ddb_capacity_allows(use, kind, planned, &error))
		ddb_capacity_raise(&error);
}

void
ddb_capacity_throttle(const DdbUse *use, DdbUnits kind)
{
	note_throttled(use->table, metered_index(use->index), use->key, kind);
}

/* ----------------------------------------------------------------
 * Consumption
 * ----------------------------------------------------------------
 */

static void
consume(const DdbTable *table, const DdbIndex *index, DdbDoc key, DdbUnits kind, double units)
{
	Use			use = {.table = table, .index = index, .kind = kind, .units = units};

	if (kind == DDB_UNITS_READ)
		ddb_op_consumed.read_units += units;
	else
		ddb_op_consumed.write_units += units;
	if (!is_active || units <= 0 || (use.meter = meter_of(table, index)) == NULL)
		return;
	(void) used_table(table);
	if (key.ptr != NULL)
	{
		use.partition = partition_of(table, index, key);
		use.key = keep_key(table, index, key);
	}
	add_use(&use);
}

void
ddb_capacity_consume(const DdbUse *use, DdbUnits kind, double units)
{
	consume(use->table, metered_index(use->index), use->key, kind, units);
}

void
ddb_capacity_consume_indexes(const DdbTable *table, DdbDoc key, const double *index_units)
{
	int			i;

	if (index_units == NULL)
		return;
	for (i = 0; i < table->nindexes; i++)
	{
		if (index_units[i] > 0)
			consume(table, metered_index(&table->indexes[i]), key, DDB_UNITS_WRITE,
					index_units[i]);
	}
}

/* the same relation: index, or the table where that is NULL, before and after */
static void
change_rates(const DdbTable *before, const DdbIndex *index_before,
			 const DdbTable *after, const DdbIndex *index_after)
{
	DdbMeter   *meter = meter_of(after, index_after);
	int			kind;

	if (meter == NULL)
		return;
	for (kind = 0; kind < DDB_UNIT_KINDS; kind++)
	{
		double		rate_before = limit_of(before, index_before, kind).rate;
		double		rate_after = limit_of(after, index_after, kind).rate;

		if (rate_after > rate_before)
			ddb_throughput_raise(meter, kind, rate_before, rate_after);
	}
}

void
ddb_capacity_changed(const DdbTable *before, const DdbTable *after)
{
	int			i;
	int			k;

	change_rates(before, NULL, after, NULL);
	for (i = 0; i < before->nindexes; i++)
	{
		for (k = 0; k < after->nindexes; k++)
		{
			if (before->indexes[i].global &&
				before->indexes[i].relid == after->indexes[k].relid)
				change_rates(before, &before->indexes[i], after, &after->indexes[k]);
		}
	}
}

void
ddb_capacity_returned(const DdbTable *table, int64 items)
{
	UsedTable  *used = used_table(table);

	if (used != NULL)
		used->returned += items;
}

void
ddb_capacity_condition_failed(const DdbTable *table)
{
	UsedTable  *used = used_table(table);

	if (used != NULL)
		used->failed_conditions++;
}

/* ----------------------------------------------------------------
 * Settling
 * ----------------------------------------------------------------
 */

static void
forget(void)
{
	nuses = ntables = first_mergeable = 0;
	if (key_context != NULL)
		MemoryContextReset(key_context);
	if (max_uses > KEPT_USES)
	{
		pfree(uses);
		uses = NULL;
		max_uses = 0;
	}
}

void
ddb_capacity_begin(void)
{
	if (nuses > 0 || ntables > 0)
		forget();
	is_active = true;
}

bool
ddb_capacity_is_under_way(void)
{
	return is_active;
}

static void
settle_use(const Use *use)
{
	if (ddb_metrics)
		pg_atomic_fetch_add_u64(&use->meter->consumed[use->kind],
								(uint64) (use->units * DDB_UNIT_PARTS));
	if (ddb_capacity_is_enforced(use->table))
		ddb_throughput_charge(use->meter, use->kind,
							  limit_of(use->table, use->index, use->kind).rate, use->units);
	if (use->partition != NULL)
		ddb_throughput_partition_charge(use->partition, use->kind, use->units);
	if (use->key != NULL)
		ddb_insights_count(use->table, use->index, ddb_doc_root(use->key), DDB_KEY_ACCESSED,
						   Max(use->units, 1));
}

static void
raise_to(pg_atomic_uint64 *counter, uint64 value)
{
	uint64		present = pg_atomic_read_u64(counter);

	while (present < value &&
		   !pg_atomic_compare_exchange_u64(counter, &present, value))
		;
}

static void
count_success(DdbOpMeter *meter, const UsedTable *used, int64 microseconds)
{
	pg_atomic_fetch_add_u64(&meter->requests, 1);
	pg_atomic_fetch_add_u64(&meter->microseconds, microseconds);
	raise_to(&meter->slowest, microseconds);
	if (used->returned > 0)
		pg_atomic_fetch_add_u64(&meter->returned, used->returned);
}

static void
count_error(DdbMeter *meter, DdbOpMeter *op, const UsedTable *used, DdbOutcome outcome,
			const DdbErrorInfo *error)
{
	if (outcome == DDB_OUTCOME_REFUSED && used->throttled)
		pg_atomic_fetch_add_u64(&op->throttled, 1);
	if (error == NULL)
		return;
	if (error == ddb_error_info(DDB_TRANSACTION_CONFLICT))
		pg_atomic_fetch_add_u64(&meter->transaction_conflicts, 1);
	else if (error->http_status >= 500)
		pg_atomic_fetch_add_u64(&op->failed, 1);
}

static void
count_table(const UsedTable *used, DdbMeteredOp metered, DdbOutcome outcome,
			const DdbErrorInfo *error, int64 microseconds)
{
	DdbMeter   *meter = used->meter;
	int64		failed_conditions = used->failed_conditions;

	if (error == ddb_error_info(DDB_CONDITIONAL_CHECK_FAILED))
		failed_conditions++;
	if (failed_conditions > 0 && outcome != DDB_OUTCOME_ABANDONED)
		pg_atomic_fetch_add_u64(&meter->conditional_failures, failed_conditions);
	if (metered == DDB_METERED_NONE)
		return;
	if (outcome == DDB_OUTCOME_SUCCESS)
		count_success(&meter->op[metered], used, microseconds);
	else
		count_error(meter, &meter->op[metered], used, outcome, error);
}

/*
 * op is NULL where only what was consumed counts.  An error says what the
 * caller is answered, if he is: that of an abandoned call, too.
 */
void
ddb_capacity_settle(const DdbOperation *op, DdbOutcome outcome, const DdbErrorInfo *error,
					int64 microseconds)
{
	DdbMeteredOp metered = op != NULL ? op->metered : DDB_METERED_NONE;
	int			i;

	is_active = false;
	for (i = 0; outcome != DDB_OUTCOME_ABANDONED && i < nuses; i++)
		settle_use(&uses[i]);
	for (i = 0; ddb_metrics && i < ntables; i++)
		count_table(&tables[i], metered, outcome, error, microseconds);
	forget();
}
