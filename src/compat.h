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

#endif							/* DDB_COMPAT_H */
