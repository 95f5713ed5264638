/*
 * op_policy.h
 *	  What CreateTable does with a resource policy.
 */
#ifndef DDB_OP_POLICY_H
#define DDB_OP_POLICY_H

#include "catalog.h"

/*
 * ddb_op_check_resource_policy: a document that is no policy of a resource
 * raises ValidationException.
 */
extern void ddb_op_check_resource_policy(DdbText document);

#endif							/* DDB_OP_POLICY_H */
