/*
 * ttlsweep.h
 *	  Deleting expired items.
 */
#ifndef DDB_TTLSWEEP_H
#define DDB_TTLSWEEP_H

/* register the worker; from _PG_init, while libraries are preloaded */
extern void ddb_ttl_sweep_init(void);

#endif							/* DDB_TTLSWEEP_H */
