/*
 * compat.h
 *	  Every difference between server versions, and nowhere else.
 *
 * The extension is built and tested on PostgreSQL 15.
 */
#ifndef DDB_COMPAT_H
#define DDB_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "pg_dynamo needs PostgreSQL 15 or later"
#endif

/*
 * DDB_FUNCTION declares and registers a function that SQL calls.  The library
 * is built with hidden visibility; up to release 15 PGDLLEXPORT expands to
 * nothing and PG_FUNCTION_INFO_V1 marks only its info record.
 */
#if PG_VERSION_NUM < 160000
#define DDB_EXPORT __attribute__((visibility("default")))
#else
#define DDB_EXPORT PGDLLEXPORT
#endif

#define DDB_FUNCTION(name) \
	extern DDB_EXPORT Datum name(PG_FUNCTION_ARGS); \
	extern DDB_EXPORT const Pg_finfo_record *CppConcat(pg_finfo_, name)(void); \
	PG_FUNCTION_INFO_V1(name)

/*
 * Replication slots: has the server removed what the slot needs?  Make one.
 * (replication/slot.h)
 */
#if PG_VERSION_NUM < 160000
#define ddb_slot_is_invalidated(slot) \
	(XLogRecPtrIsInvalid((slot)->data.restart_lsn) && \
	 !XLogRecPtrIsInvalid((slot)->data.invalidated_at))
#else
#define ddb_slot_is_invalidated(slot)	((slot)->data.invalidated != RS_INVAL_NONE)
#endif
#if PG_VERSION_NUM < 170000
#define ddb_replication_slot_create(name, persistency) \
	ReplicationSlotCreate(name, true, persistency, false)
#else
#define ddb_replication_slot_create(name, persistency) \
	ReplicationSlotCreate(name, true, persistency, false, false, false)
#endif

/* a logical message in the log, flushed with its transaction (replication/message.h) */
#if PG_VERSION_NUM < 170000
#define ddb_log_logical_message(prefix, message, size, transactional) \
	LogLogicalMessage(prefix, message, size, transactional)
#else
#define ddb_log_logical_message(prefix, message, size, transactional) \
	LogLogicalMessage(prefix, message, size, transactional, false)
#endif

/* the running transaction, by its number in this process (storage/proc.h) */
#if PG_VERSION_NUM < 170000
#define DDB_MY_LXID		(MyProc->lxid)
#else
#define DDB_MY_LXID		(MyProc->vxid.lxid)
#endif

/* is this lock held in this very mode? (storage/lock.h) */
#if PG_VERSION_NUM < 170000
#define ddb_lock_is_held(tag, mode)	LockHeldByMe(tag, mode)
#else
#define ddb_lock_is_held(tag, mode)	LockHeldByMe(tag, mode, false)
#endif

/* does a saved search path equal the present one? (catalog/namespace.h) */
#if PG_VERSION_NUM < 170000
#define ddb_search_path_matches(path)	OverrideSearchPathMatchesCurrent(path)
#else
#define ddb_search_path_matches(path)	SearchPathMatchesCurrentEnvironment(path)
#endif

/*
 * Are synchronous standbys configured?  Minor releases differ as well: newer
 * ones know that the flag is not there yet at start-up.
 * (replication/walsender_private.h)
 */
#ifdef SYNC_STANDBY_DEFINED
#define ddb_sync_standbys_status() \
	(((volatile WalSndCtlData *) WalSndCtl)->sync_standbys_status)
#define ddb_sync_standbys_defined() \
	((ddb_sync_standbys_status() & SYNC_STANDBY_INIT) ? \
	 (ddb_sync_standbys_status() & SYNC_STANDBY_DEFINED) != 0 : \
	 SyncRepStandbyNames != NULL && SyncRepStandbyNames[0] != '\0')
#else
#define ddb_sync_standbys_defined() \
	(((volatile WalSndCtlData *) WalSndCtl)->sync_standbys_defined)
#endif

/*
 * What table_tuple_update says of the row's index entries: whether it needs
 * new ones, and whether only in indexes that summarize ranges of the table.
 * (access/tableam.h, executor/executor.h)
 */
#if PG_VERSION_NUM < 160000
#define DdbUpdateIndexes				bool
#define ddb_updates_indexes(update)		(update)
#define ddb_only_summarizing(update)	false
#define ddb_insert_index_tuples(result, slot, estate, only_summarizing) \
	ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL)
#else
#define DdbUpdateIndexes				TU_UpdateIndexes
#define ddb_updates_indexes(update)		((update) != TU_None)
#define ddb_only_summarizing(update)	((update) == TU_Summarizing)
#define ddb_insert_index_tuples(result, slot, estate, only_summarizing) \
	ExecInsertIndexTuples(result, slot, estate, false, false, NULL, NIL, only_summarizing)
#endif

/* (access/genam.h) */
#if PG_VERSION_NUM < 180000
#define ddb_index_beginscan(heap, btree, snapshot, nkeys) \
	index_beginscan(heap, btree, snapshot, nkeys, 0)
#else
#define ddb_index_beginscan(heap, btree, snapshot, nkeys) \
	index_beginscan(heap, btree, snapshot, NULL, nkeys, 0)
#endif

/* a tuple of a decoded change, or NULL (replication/reorderbuffer.h) */
#if PG_VERSION_NUM < 170000
#define ddb_change_tuple(buffer)		((buffer) != NULL ? &(buffer)->tuple : NULL)
#else
#define ddb_change_tuple(buffer)		(buffer)
#endif

/* the historic snapshot of what has been read of the log (replication/snapbuild.h) */
#if PG_VERSION_NUM < 160000
#define ddb_historic_snapshot(builder, xid) SnapBuildGetOrBuildSnapshot(builder, xid)
#else
#define ddb_historic_snapshot(builder, xid) SnapBuildGetOrBuildSnapshot(builder)
#endif

/* rights on functions and schemas (utils/acl.h) */
#if PG_VERSION_NUM < 160000
#define ddb_function_aclcheck(function, role, mode)	pg_proc_aclcheck(function, role, mode)
#define ddb_schema_aclcheck(schema, role, mode)		pg_namespace_aclcheck(schema, role, mode)
#else
#define ddb_function_aclcheck(function, role, mode) \
	object_aclcheck(ProcedureRelationId, function, role, mode)
#define ddb_schema_aclcheck(schema, role, mode) \
	object_aclcheck(NamespaceRelationId, schema, role, mode)
#endif

#endif							/* DDB_COMPAT_H */
