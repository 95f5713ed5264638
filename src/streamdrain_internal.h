/*
 * streamdrain_internal.h
 *	  What the files of the drain share: its slot, its spool, its tables.
 */
#ifndef DDB_STREAMDRAIN_INTERNAL_H
#define DDB_STREAMDRAIN_INTERNAL_H

#include "lib/stringinfo.h"
#include "storage/buffile.h"

#include "streamdrain.h"
#include "streamformat.h"
#include "streamlog.h"

/* ---- streamdrain_slot.c: the replication slot ---- */

/* name of this database's slot; a static buffer */
extern const char *ddb_drain_slot_name(void);

/* is it there, and can it still be read from? */
typedef enum DdbSlotState
{
	DDB_SLOT_MISSING,
	DDB_SLOT_BEGUN,				/* being made: it does not show changes yet */
	DDB_SLOT_USABLE,
	DDB_SLOT_LOST				/* the server has removed log that it needs */
} DdbSlotState;

extern DdbSlotState ddb_drain_slot_state(void);

/* outside a transaction; creating waits for the transactions that are running */
extern void ddb_drain_slot_create(void);
extern void ddb_drain_slot_drop(void);

/* ---- streamdrain_spool.c: outputs of the plugin until they are stored ---- */

typedef struct DdbSpool DdbSpool;

extern DdbSpool *ddb_spool_create(MemoryContext parent);
extern void ddb_spool_append(DdbSpool *spool, const char *data, int len);
extern int64 ddb_spool_bytes(const DdbSpool *spool);

/* from the beginning; false at the end.  The data is valid until the next call. */
extern void ddb_spool_rewind(DdbSpool *spool);
extern bool ddb_spool_next(DdbSpool *spool, char **data, int *len);
extern void ddb_spool_reset(DdbSpool *spool);

/* ---- streamdrain_store.c: each of these is one transaction ---- */

/* is the extension in this database? */
extern bool ddb_drain_extension_exists(void);

/* is any stream enabled, or one of its shards still open? */
extern bool ddb_drain_is_needed(void);

/* a new epoch, for a slot about to be created; returns it */
extern int32 ddb_drain_begin_epoch(void);

/* was there ever an epoch? */
extern bool ddb_drain_has_epoch(void);

/* records committed before this position are stored; false while there is none */
extern bool ddb_drain_position(DdbSequence *out);

/*
 * Was that position written on this timeline?  A slot of another one is a
 * leftover from before a failover: nothing has held back what it needs.
 */
extern bool ddb_drain_is_of_timeline(TimeLineID timeline);

/*
 * The slot has been made anew: shards of earlier epochs are closed where they
 * ended, children begin here.  Reports the gap, if there can be one.  False if
 * there is no epoch: the slot is left from before the extension was dropped.
 */
extern bool ddb_drain_begin_slot(XLogRecPtr start);

/*
 * Store what the spool holds and that everything committed before position is,
 * which is no less than what was in the log at the time complete_to (0: unknown).
 * What an earlier life of the drain has stored is left out.
 */
extern void ddb_drain_store(DdbSpool *spool, XLogRecPtr position, TimestampTz complete_to);

/*
 * Shards that are old get children; the ring turns; what is over goes.
 * Everything committed before position is stored; InvalidXLogRecPtr while no
 * slot is read.  Nothing happens where the extension is gone.
 */
extern void ddb_drain_maintain(XLogRecPtr position);

#endif							/* DDB_STREAMDRAIN_INTERNAL_H */
