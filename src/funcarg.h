/*
 * funcarg.h
 *	  Arguments of SQL functions that are not STRICT.
 */
#ifndef DDB_FUNCARG_H
#define DDB_FUNCARG_H

#include "fmgr.h"
#include "jsondoc.h"

/* null_value_not_allowed if one of the first count arguments is NULL */
extern void ddb_funcarg_require(FunctionCallInfo fcinfo, int count);

/* an argument of type text that is not NULL, detoasted if need be */
extern DdbText ddb_funcarg_text(FunctionCallInfo fcinfo, int arg);

#endif							/* DDB_FUNCARG_H */
