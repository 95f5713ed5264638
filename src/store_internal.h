/*
 * store_internal.h
 *	  What the files of the store share.
 */
#ifndef DDB_STORE_INTERNAL_H
#define DDB_STORE_INTERNAL_H

#include "store.h"

/*
 * The new item, where write knows it from the size of the stored one, a datum
 * as it is in the row; NULL otherwise.
 */
extern Jsonb *ddb_store_replace_by_size(DdbWrite *write, Datum stored);

#endif							/* DDB_STORE_INTERNAL_H */
