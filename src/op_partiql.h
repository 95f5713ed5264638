/*
 * op_partiql.h
 *	  PartiQL statements at work: what the files share that bind them, read
 *	  and write items for them, and put several of them together.
 *
 * A statement goes through three forms.  PartiqlStatement is the tree of its
 * text.  DdbStatement adds what else depends on the text alone: the trees as
 * programs of the expression engine, and constants in stored form; it is
 * cached.  DdbStatementCall adds the parameters of one request.
 */
#ifndef DDB_OP_PARTIQL_H
#define DDB_OP_PARTIQL_H

#include "op_read.h"
#include "op_write.h"
#include "partiql.h"

typedef struct DdbStatement
{
	const PartiqlStatement *parsed;
	ExprProgram where;			/* condition NULL if there is none */
	int			nconjuncts;		/* of the WHERE clause, as AND joins them */
	ExprNode  **conjuncts;
	ExprProgram update;			/* actions as written */
	ExprProgram changes;		/* the same, where set_add and set_delete work
								 * in place as ADD and DELETE */
	ExprProgram projection;		/* npaths 0 for all attributes */
	DdbText    *members;		/* what the projected paths are called */
	DdbValue   *constants;		/* by slot; whole.ptr NULL if it has parameters */
	Jsonb	   *item;			/* of an INSERT without parameters */
} DdbStatement;

typedef struct DdbStatementCall
{
	const DdbStatement *statement;
	DdbDoc		request;		/* or the element of a batch */
	DdbDoc		outer;			/* the batch or transaction; ptr NULL for none */
	const char *enclosing;		/* its name */
	DdbValue   *values;			/* by slot */
	Jsonb	   *item;			/* of an INSERT, stored form */
	bool	   *used;			/* by conjunct: taken for the key */
} DdbStatementCall;

/* one item to be read by its whole key */
typedef struct DdbPointRead
{
	const DdbTable *table;
	Jsonb	   *key;
	ExprBinding *filter;		/* NULL if none */
	ExprBinding *projection;	/* NULL if none */
} DdbPointRead;

/* ---- op_partiql_bind.c ---- */

/* zeroes the call and finds its statement by the request's text */
extern void ddb_statement_find(DdbStatementCall *call, DdbDoc request);

/*
 * ddb_statement_bind: the values of a call whose statement is known, checked,
 * and the checks of expressions.  Raises ValidationException.
 */
extern void ddb_statement_bind(DdbStatementCall *call);

/* program with the values of the call; NULL for a program without content */
extern ExprBinding *ddb_statement_program(const DdbStatementCall *call,
										  const ExprProgram *program);

/*
 * ddb_statement_comparison: is node a comparison of the top-level attribute
 * name with a constant, "a = 1" or "1 = a"?  Gives the slot of the constant,
 * and the operator as if the attribute stood left.
 */
extern bool ddb_statement_comparison(const ExprNode *node, DdbText name,
									 ExprNodeKind *kind, int *slot);

/* is node the path of just this top-level attribute? */
extern bool ddb_statement_names(const ExprNode *node, DdbText name);

/*
 * ddb_statement_equality: the constant that a conjunct not yet taken demands
 * of an attribute, and takes the conjunct; NULL when there is none.
 */
extern const DdbValue *ddb_statement_equality(DdbStatementCall *call, DdbText name);

/*
 * ddb_statement_key: the key that the WHERE clause fixes by equalities, which
 * it takes; raises ValidationException when one is missing.
 */
extern Jsonb *ddb_statement_key(DdbStatementCall *call, const DdbKeySchema *keys);

/* the conjuncts that have not been taken; NULL if none are left */
extern ExprBinding *ddb_statement_rest(const DdbStatementCall *call);

static inline DdbText
ddb_partiql_text(PartiqlText text)
{
	DdbText		result = {text.str, text.len};

	return result;
}

/* the same for the table of a statement */
static inline DdbText
ddb_statement_table(const DdbStatementCall *call)
{
	return ddb_partiql_text(call->statement->parsed->table);
}

/* ---- op_partiql_token.c ---- */

/* adds NextToken: the page ended at last_key */
extern void ddb_statement_add_token(JsonbValue *response, DdbDoc request,
									const JsonbValue *last_key);

/* the key in the request's NextToken, in stored form; ptr NULL if it has none */
extern DdbDoc ddb_statement_token_key(DdbDoc request);

/* raise: the token belongs to another request */
extern void ddb_statement_raise_token(void) pg_attribute_noreturn();

/* ---- op_partiql_select.c ---- */

/* the response of ExecuteStatement */
extern Jsonb *ddb_statement_select(DdbStatementCall *call);

/* SELECT of one item, in a batch or a transaction: opens the table */
extern void ddb_statement_point(DdbStatementCall *call, DdbPointRead *point);

/* what the statement gives of the item (NULL: absent); NULL for nothing */
extern Jsonb *ddb_statement_point_item(const DdbPointRead *point, Jsonb *item);

/* ---- op_partiql_write.c ---- */

/*
 * ddb_statement_write: fill in the write that an INSERT, UPDATE, DELETE or
 * EXISTS asks for, with its table open; ddb_write_accept comes next.
 */
extern void ddb_statement_write(DdbStatementCall *call, DdbItemWrite *write);

/* what RETURNING gives after the write has been run; NULL for nothing */
extern const Jsonb *ddb_statement_returned(const DdbStatementCall *call,
										   const DdbItemWrite *write);

/* the response of ExecuteStatement */
extern Jsonb *ddb_statement_run_write(DdbStatementCall *call);

#endif							/* DDB_OP_PARTIQL_H */
