/*
 * op_arn.h
 *	  ARNs of tables and streams in requests that name their resource by ARN.
 */
#ifndef DDB_OP_ARN_H
#define DDB_OP_ARN_H

#include "jsondoc.h"

typedef struct DdbResourceArn
{
	DdbText		table;			/* table name, well-formed */
	DdbText		stream;			/* StreamLabel; str NULL in the ARN of a table */
	bool		ours;			/* of this account */
	bool		known;			/* and of this region: something can have it */
} DdbResourceArn;

/*
 * ddb_op_arn_read: the parts of arn:<partition>:dynamodb:<region>:<account>:
 * table/<name>, with /stream/<label> behind it or nothing; false for what is
 * not of that form.
 */
extern bool ddb_op_arn_read(DdbText arn, DdbResourceArn *out);

/*
 * Raise AccessDeniedException for roles that may not create tables, who are
 * not told what exists; for who has found that nothing has this ARN.
 */
extern void ddb_op_arn_hide(DdbText arn, const char *action);

#endif							/* DDB_OP_ARN_H */
