/*
 * funcarg.c
 *	  Arguments of SQL functions that are not STRICT.
 */
#include "postgres.h"

#include "funcarg.h"

void
ddb_funcarg_require(FunctionCallInfo fcinfo, int count)
{
	int			i;

	for (i = 0; i < count; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("argument %d must not be null", i + 1)));
	}
}

DdbText
ddb_funcarg_text(FunctionCallInfo fcinfo, int arg)
{
	text	   *value = PG_GETARG_TEXT_PP(arg);
	DdbText		result = {VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)};

	return result;
}
