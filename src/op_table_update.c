/*
 * op_table_update.c
 *	  UpdateTable.
 *
 * Steps that need no table come first, then steps that compare with the table
 * as it is.  A change takes effect when its transaction commits, so the state
 * UPDATING is seen only in the response of the call itself.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/acl.h"

#include "error.h"
#include "op.h"
#include "op_capacity.h"
#include "op_stream.h"
#include "op_table.h"
#include "streamdrain.h"

#define ON_DEMAND_SWITCH_PERIOD DDB_MS_PER_DAY
#define CLASS_CHANGE_PERIOD		(30 * DDB_MS_PER_DAY)

typedef struct UpdateRequest
{
	DdbDoc		request;
	const DdbTable *table;
	int64		now;			/* ms since 1970 */
	int64		created;
	DdbTableSettings before;
	DdbTableSettings after;
	bool		updating;		/* a change that leaves ACTIVE for a while */
	DdbStream  *stream;			/* the enabled one, or the last; NULL if none was */
	bool		changes_stream;
	bool		wants_stream;
	DdbViewType stream_view;
	DdbIndexChanges *indexes;
} UpdateRequest;

static const DdbUnavailableMember update_unavailable[] = {
	{"ReplicaUpdates", "global tables"},
	{"MultiRegionConsistency", "global tables"},
	{"GlobalTableWitnessUpdates", "global tables"},
	{"GlobalTableSettingsReplicationMode", "global tables"},
	{"VectorIndexUpdates", "vector indexes"},
	{"DisassociationProtectionEnabled", "global tables"},
};

/* each of them is a change that UpdateTable can make; empty lists are none */
static const char *const update_changes[] = {
	"BillingMode",
	"ProvisionedThroughput",
	"GlobalSecondaryIndexUpdates",
	"StreamSpecification",
	"SSESpecification",
	"ReplicaUpdates",
	"TableClass",
	"DeletionProtectionEnabled",
	"MultiRegionConsistency",
	"GlobalTableWitnessUpdates",
	"OnDemandThroughput",
	"WarmThroughput",
	"GlobalTableSettingsReplicationMode",
	"VectorIndexUpdates",
	"DisassociationProtectionEnabled",
};

/* ---- UpdateTable: what needs no table ---- */

static void
update_check_something(UpdateRequest *update)
{
	int			i;

	for (i = 0; i < lengthof(update_changes); i++)
	{
		if (ddb_request_has(update->request, update_changes[i]) &&
			!ddb_op_is_empty_list(update->request, update_changes[i]))
			return;
	}
	ddb_validation_error("At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required");
}

static void
update_check_throughput(UpdateRequest *update)
{
	DdbThroughput throughput = ddb_op_read_throughput(update->request);
	DdbBillingMode mode = ddb_op_read_billing_mode(update->request);

	if (mode == DDB_BILLING_PROVISIONED && !throughput.given)
		ddb_validation_error(INVALID_PARAMETERS "ProvisionedThroughput must be specified when BillingMode is PROVISIONED");
	if (mode == DDB_BILLING_PAY_PER_REQUEST && throughput.given)
		ddb_op_refuse_throughput_on_demand();
	ddb_op_check_throughput_bounds(&throughput);
}

static void
update_check_indexes(UpdateRequest *update)
{
	ddb_op_check_index_updates(ddb_request_doc(update->request,
											   "GlobalSecondaryIndexUpdates"));
}

/*
 * While an index is about to be built nothing else may change; another index
 * operation has a text of its own.
 */
static void
update_check_state(UpdateRequest *update)
{
	if (ddb_op_has_index_in(update->table, DDB_INDEX_CREATING) &&
		!ddb_op_has_index_change(update->request))
		ddb_op_refuse_busy_table(update->table);
}

/* ---- UpdateTable: the changes ---- */

static void
update_stream(UpdateRequest *update)
{
	DdbDoc		specification = ddb_request_doc(update->request,
												"StreamSpecification");
	bool		enabled;

	if (specification.ptr == NULL)
		return;
	update->changes_stream = true;
	update->wants_stream = ddb_op_read_stream(specification, &update->stream_view);
	enabled = update->stream != NULL && update->stream->disabled == 0;
	if (update->wants_stream && enabled)
		ddb_validation_error("Table already has an enabled stream: TableName: %s",
							 update->table->name);
	if (!update->wants_stream && !enabled)
		ddb_validation_error("Table has no stream to disable: TableName: %s",
							 update->table->name);
	update->updating = true;
}

/* put now in front of a list of times, or false where all are in the period */
static bool
push_time(int64 *times, int count, int64 period, int64 now)
{
	if (times[count - 1] != 0 && now - times[count - 1] < period)
		return false;
	memmove(times + 1, times, sizeof(int64) * (count - 1));
	times[0] = now;
	return true;
}

/* a table that was created on demand was not switched to it */
static bool
count_switch(UpdateRequest *update)
{
	int64	   *times = update->after.on_demand_since;
	int64	   *oldest = &times[DDB_ON_DEMAND_SWITCHES - 1];

	if (*oldest == update->created)
		*oldest = 0;
	return push_time(times, DDB_ON_DEMAND_SWITCHES, ON_DEMAND_SWITCH_PERIOD, update->now);
}

/*
 * Switching to on-demand is limited, going back is not.  Maxima belong to the
 * on-demand mode and end with it.
 */
static void
update_billing(UpdateRequest *update)
{
	DdbBillingMode mode = ddb_op_read_billing_mode(update->request);
	DdbTableSettings *after = &update->after;

	if (mode == DDB_BILLING_ABSENT ||
		(mode == DDB_BILLING_PAY_PER_REQUEST) == after->on_demand)
		return;
	after->on_demand = mode == DDB_BILLING_PAY_PER_REQUEST;
	after->read_units = 0;
	after->write_units = 0;
	after->max_read_requests = 0;
	after->max_write_requests = 0;
	update->updating = true;
	if (after->on_demand && !count_switch(update))
		ddb_error(DDB_LIMIT_EXCEEDED,
				  "Subscriber limit exceeded: Updates to PAY_PER_REQUEST mode are limited to %d in 24 hours",
				  DDB_ON_DEMAND_SWITCHES);
}

static void
refuse_same_throughput(const DdbThroughput *throughput)
{
	int64		read = throughput->read;
	int64		write = throughput->write;

	ddb_validation_error("The provisioned throughput for the table will not change. The requested value equals the current value. Current ReadCapacityUnits provisioned for the table: " INT64_FORMAT ". Requested ReadCapacityUnits: " INT64_FORMAT ". Current WriteCapacityUnits provisioned for the table: " INT64_FORMAT ". Requested WriteCapacityUnits: " INT64_FORMAT ". Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits.",
						 read, read, write, write);
}

/* coming from on-demand, throughput neither rises nor falls */
static void
update_throughput(UpdateRequest *update)
{
	DdbThroughput throughput = ddb_op_read_throughput(update->request);
	const DdbTableSettings *before = &update->before;
	DdbTableSettings *after = &update->after;

	if (!throughput.given)
		return;
	if (after->on_demand)
		ddb_op_refuse_throughput_on_demand();
	if (!before->on_demand)
	{
		if (throughput.read == before->read_units &&
			throughput.write == before->write_units)
			refuse_same_throughput(&throughput);
		ddb_op_change_throughput(&throughput, before, after, update->now);
	}
	after->read_units = throughput.read;
	after->write_units = throughput.write;
	update->updating = true;
}

/* what the table could serve before stays, whatever its throughput now is */
static void
update_capacity(UpdateRequest *update)
{
	DdbTableSettings *after = &update->after;
	int64		read;
	int64		write;

	ddb_tableinfo_warm(&update->before, &read, &write);
	after->warm_read = Max(after->warm_read, read);
	after->warm_write = Max(after->warm_write, write);
	ddb_tableinfo_read_on_demand_throughput(update->request, after);
	ddb_tableinfo_read_warm_throughput(update->request, after);
	if (ddb_request_has(update->request, "OnDemandThroughput") ||
		ddb_request_has(update->request, "WarmThroughput"))
		update->updating = true;
}

static void
update_table_class(UpdateRequest *update)
{
	DdbTableSettings *after = &update->after;
	int			table_class = ddb_request_enum(update->request, "TableClass",
											   ddb_op_table_classes, -1);

	if (table_class < 0 || (table_class == 1) == after->infrequent_access)
		return;
	after->infrequent_access = table_class == 1;
	update->updating = true;
	if (!push_time(after->class_changed, DDB_CLASS_CHANGES,
				   CLASS_CHANGE_PERIOD, update->now))
		ddb_error(DDB_LIMIT_EXCEEDED,
				  "Subscriber limit exceeded: Updates to TableClass are limited to %d in 30 days",
				  DDB_CLASS_CHANGES);
}

/* protection takes effect at once, without leaving ACTIVE */
static void
update_options(UpdateRequest *update)
{
	ddb_request_bool(update->request, "DeletionProtectionEnabled",
					 &update->after.deletion_protection);
	ddb_tableinfo_read_encryption(update->request, &update->after);
	if (ddb_request_has(update->request, "SSESpecification"))
		update->updating = true;
}

/* settings have the billing mode that shall be */
static void
update_indexes(UpdateRequest *update)
{
	update->indexes = ddb_op_plan_index_changes(update->table, update->request,
												&update->before, &update->after,
												update->now);
	if (ddb_request_has(update->request, "GlobalSecondaryIndexUpdates") &&
		!ddb_op_is_empty_list(update->request, "GlobalSecondaryIndexUpdates"))
		update->updating = true;
}

/* after everything that the API itself has to say about the request */
static void
update_refuse_unavailable(UpdateRequest *update)
{
	ddb_op_refuse_unavailable(update->request, update_unavailable,
							  lengthof(update_unavailable));
}

static void (*const update_checks[]) (UpdateRequest *) = {
	update_check_something,
	update_check_throughput,
	update_check_indexes,
};

static void (*const update_steps[]) (UpdateRequest *) = {
	update_check_state,
	update_stream,
	update_billing,
	update_throughput,
	update_indexes,
	update_capacity,
	update_table_class,
	update_options,
	update_refuse_unavailable,
};

static void
update_apply_stream(UpdateRequest *update)
{
	if (!update->changes_stream)
		return;
	if (update->wants_stream)
		update->stream = ddb_op_enable_stream(update->table, update->stream_view);
	else
		ddb_op_disable_stream(update->table, update->stream);
}

/*
 * The answer shows what is known at once: the billing mode, the times of
 * throughput changes, protection; throughput, its count of decreases and the
 * time of a switch to on-demand are as before, until the table is active.
 * Indexes are shown as the call found them, for it may delete one.
 */
static Jsonb *
update_apply(UpdateRequest *update, DdbTableRow *row)
{
	DdbTableSettings shown = ddb_op_shown_settings(&update->before, &update->after);
	DdbTableView view = {row, &shown, "ACTIVE", "ACTIVE"};

	if (update->updating)
		view.status = "UPDATING";
	if (ddb_request_has(update->request, "WarmThroughput"))
		view.warm_status = "UPDATING";
	ddb_item_table_measure(update->table, &view.items, &view.bytes);
	view.indexes = ddb_op_view_index_changes(update->indexes, &view.nindexes);
	update_apply_stream(update);
	view.stream = update->stream;

	ddb_catalog_update_settings(update->table,
								ddb_tableinfo_encode(&update->after));
	row->table = ddb_op_apply_index_changes(update->indexes);
	CommandCounterIncrement();
	ddb_capacity_changed(update->table,
						 ddb_catalog_find(update->table->name, strlen(update->table->name)));
	return ddb_op_description_response("TableDescription", &view);
}

/*
 * Does the request enable a stream, and is it its user's to enable?  The slot
 * must be there before this transaction writes, or takes a lock; those who may
 * not are refused when the table is opened.
 */
static bool
enables_stream(DdbDoc request, DdbText table_name)
{
	DdbDoc		specification = ddb_request_doc(request, "StreamSpecification");
	bool		enabled = false;
	const DdbTable *table;

	if (specification.ptr == NULL ||
		!ddb_request_bool(specification, "StreamEnabled", &enabled) || !enabled)
		return false;
	table = ddb_catalog_find(table_name.str, table_name.len);
	return table != NULL && pg_class_ownercheck(table->relid, GetUserId());
}

/*
 * ddb_op_update_table: creating and deleting an index keeps writers out for
 * a moment, all else only other changes of the definition.
 */
Jsonb *
ddb_op_update_table(DdbDoc request)
{
	UpdateRequest update;
	DdbTableRow row;
	LOCKMODE	lockmode = ShareUpdateExclusiveLock;
	DdbText		name;
	int			i;

	memset(&update, 0, sizeof(update));
	update.request = request;
	update.now = ddb_tableinfo_now();
	for (i = 0; i < lengthof(update_checks); i++)
		update_checks[i] (&update);

	if (ddb_op_has_index_change(request))
		lockmode = ShareRowExclusiveLock;
	if (ddb_request_has(request, "StreamSpecification"))
		lockmode = AccessExclusiveLock;
	name = ddb_op_request_table_name(request, "UpdateTable");
	if (enables_stream(request, name))
		ddb_streamdrain_prepare(ddb_op_door.repeats);
	update.table = ddb_catalog_open(name, lockmode, DDB_ACL_OWNER, "UpdateTable", true);
	ddb_catalog_read(update.table, &row);
	update.stream = ddb_stream_of_table(update.table);
	update.created = ddb_tableinfo_time(row.created);
	ddb_tableinfo_decode(row.settings, update.now, &update.before);
	update.after = update.before;
	for (i = 0; i < lengthof(update_steps); i++)
		update_steps[i] (&update);
	return update_apply(&update, &row);
}
