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

#endif							/* DDB_COMPAT_H */
