/*
 * streamdrain_slot.c
 *	  The replication slot of the drain.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlogutils.h"
#include "miscadmin.h"
#include "replication/logical.h"
#include "replication/slot.h"
#include "storage/spin.h"

#include "compat.h"
#include "streamdrain_internal.h"

const char *
ddb_drain_slot_name(void)
{
	static char name[NAMEDATALEN];

	snprintf(name, sizeof(name), "pg_dynamo_%u", MyDatabaseId);
	return name;
}

DdbSlotState
ddb_drain_slot_state(void)
{
	ReplicationSlot *slot = SearchNamedReplicationSlot(ddb_drain_slot_name(), true);
	bool		lost;
	bool		complete;

	if (slot == NULL)
		return DDB_SLOT_MISSING;
	SpinLockAcquire(&slot->mutex);
	lost = ddb_slot_is_invalidated(slot);
	complete = slot->data.persistency == RS_PERSISTENT;
	SpinLockRelease(&slot->mutex);
	if (lost)
		return DDB_SLOT_LOST;
	return complete ? DDB_SLOT_USABLE : DDB_SLOT_BEGUN;
}

void
ddb_drain_slot_create(void)
{
	LogicalDecodingContext *context;

	CheckSlotPermissions();
	CheckLogicalDecodingRequirements();
	ddb_replication_slot_create(ddb_drain_slot_name(), RS_EPHEMERAL);
	context = CreateInitDecodingContext("pg_dynamo", NIL, false, InvalidXLogRecPtr,
										XL_ROUTINE(.page_read = read_local_xlog_page,
												   .segment_open = wal_segment_open,
												   .segment_close = wal_segment_close),
										NULL, NULL, NULL);
	DecodingContextFindStartpoint(context);
	FreeDecodingContext(context);
	ReplicationSlotPersist();
	ReplicationSlotRelease();
}

void
ddb_drain_slot_drop(void)
{
	ReplicationSlotDrop(ddb_drain_slot_name(), true);
}
