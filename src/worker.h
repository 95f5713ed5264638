/*
 * worker.h
 *	  The background workers: registration, and what they share.
 */
#ifndef DDB_WORKER_H
#define DDB_WORKER_H

/* from _PG_init, while libraries are preloaded */
extern void ddb_worker_init(void);

#endif							/* DDB_WORKER_H */
