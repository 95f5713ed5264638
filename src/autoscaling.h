/*
 * autoscaling.h
 *	  Provisioned capacity that follows what is consumed.
 */
#ifndef DDB_AUTOSCALING_H
#define DDB_AUTOSCALING_H

#include "datatype/timestamp.h"

/*
 * ddb_autoscaling_evaluate: the period that ended then is a data point of every
 * target; change what is due.  For a background worker, after every
 * dynamo.metrics_period, outside a transaction.  Errors are recorded, or logged,
 * and do not come out.
 */
extern void ddb_autoscaling_evaluate(TimestampTz period_end);

#endif							/* DDB_AUTOSCALING_H */
