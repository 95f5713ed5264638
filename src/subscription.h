/*
 * subscription.h
 *	  The background worker that delivers stream records to subscriptions.
 */
#ifndef DDB_SUBSCRIPTION_H
#define DDB_SUBSCRIPTION_H

/* the worker for dynamo.database; from _PG_init, while libraries are preloaded */
extern void ddb_subscription_init(void);

#endif							/* DDB_SUBSCRIPTION_H */
