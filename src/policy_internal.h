/*
 * policy_internal.h
 *	  Compiled policies, and what the files of the policy engine offer each
 *	  other.
 *
 *		policy_json.c		text to a document
 *		policy_parse.c		document to statements
 *		policy_match.c		patterns: wildcards, variables, ARNs
 *		policy_condition.c	condition operators
 *		policy.c			evaluation
 */
#ifndef DDB_POLICY_INTERNAL_H
#define DDB_POLICY_INTERNAL_H

#include "policy.h"

/*
 * Three truth values: "and" is the smaller, "or" the larger of two.
 */
typedef enum PolicyTruth
{
	POLICY_FALSE,
	POLICY_UNKNOWN,				/* depends on values that are not known yet */
	POLICY_TRUE
} PolicyTruth;

#define policy_not(truth)	((PolicyTruth) (POLICY_TRUE - (truth)))
#define policy_truth(bool_value) ((bool_value) ? POLICY_TRUE : POLICY_FALSE)

/* ${key} or ${key, 'fallback'} */
typedef struct PolicyVariable
{
	DdbText		key;
	DdbText		fallback;		/* str NULL for none */
	int			position;		/* its value goes before this byte of the text */
} PolicyVariable;

/*
 * Bytes of a pattern's text that stand for wildcards; UTF-8 has neither.
 */
#define POLICY_ANY_SEQUENCE		0xFF
#define POLICY_ANY_CHARACTER	0xFE

typedef struct PolicyPattern
{
	bool		has_wildcards;	/* else the text is itself */
	DdbText		text;
	int			nvariables;
	PolicyVariable *variables;	/* by position */
} PolicyPattern;

#define POLICY_ARN_PARTS	6

/* a text cut at its first five colons */
typedef struct PolicyArnParts
{
	int			count;
	DdbText		parts[POLICY_ARN_PARTS];
	DdbText		whole;
} PolicyArnParts;

/*
 * A pattern of ARNs.  One of fewer than six parts ends in a "*", which stands
 * for the rest of an ARN, colons and all.
 */
typedef struct PolicyArn
{
	bool		anything;		/* "*" */
	int			count;
	PolicyPattern *parts;
} PolicyArn;

typedef enum PolicyPrincipalKind
{
	POLICY_PRINCIPAL_ANYONE,
	POLICY_PRINCIPAL_ACCOUNT,
	POLICY_PRINCIPAL_ARN,
	POLICY_PRINCIPAL_FOREIGN	/* a service and the like: nobody here */
} PolicyPrincipalKind;

typedef struct PolicyPrincipal
{
	PolicyPrincipalKind kind;
	DdbText		text;			/* account id or ARN */
} PolicyPrincipal;

/* how condition values are read and compared */
typedef enum PolicyType
{
	POLICY_STRING,
	POLICY_STRING_NOCASE,
	POLICY_LIKE,
	POLICY_NUMERIC,
	POLICY_DATE,
	POLICY_BOOL,
	POLICY_BINARY,
	POLICY_IP,
	POLICY_ARN,
	POLICY_NULL
} PolicyType;

typedef enum PolicyComparison
{
	POLICY_EQ,
	POLICY_LT,
	POLICY_LE,
	POLICY_GT,
	POLICY_GE
} PolicyComparison;

typedef struct PolicyOperator
{
	const char *name;
	PolicyType	type;
	PolicyComparison comparison;
	bool		negated;
} PolicyOperator;

typedef enum PolicyQuantifier
{
	POLICY_NO_QUANTIFIER,
	POLICY_FOR_ALL_VALUES,
	POLICY_FOR_ANY_VALUE
} PolicyQuantifier;

union PolicyConstant;

/* a value of a condition, in the policy */
typedef struct PolicyValue
{
	PolicyPattern pattern;
	PolicyArn	arn;			/* of POLICY_ARN, instead of the pattern */
	const union PolicyConstant *constant;	/* NULL where the text is compared, or
											 * depends on variables */
} PolicyValue;

typedef struct PolicyCondition
{
	const PolicyOperator *operator;
	PolicyQuantifier quantifier;
	bool		if_exists;
	DdbText		key;
	int			nvalues;
	PolicyValue *values;
} PolicyCondition;

typedef struct PolicyStatement
{
	DdbText		sid;			/* str NULL for none */
	bool		is_allow;
	bool		not_action;
	bool		not_resource;
	bool		not_principal;
	bool		has_variables;	/* in its resources */
	int			nactions;
	int			nresources;
	int			nprincipals;
	int			nconditions;
	PolicyPattern *actions;		/* in lower case */
	PolicyArn  *resources;
	PolicyPrincipal *principals;
	PolicyCondition *conditions;
} PolicyStatement;

struct DdbPolicy
{
	DdbPolicyKind kind;
	int			nstatements;
	PolicyStatement *statements;
	int			nkeys;			/* condition keys, also of variables */
	DdbText    *keys;
};

/*
 * A policy while it is compiled.  The functions below that take one return
 * false when something is wrong, having called policy_problem.
 */
typedef struct PolicyCompilation
{
	DdbPolicy  *policy;
	bool		has_variables;	/* in this version of the language */
	int			keys_size;		/* of policy->keys */
	int			statement;		/* number of the current one, from 1; 0 outside */
	char	   *problem;
} PolicyCompilation;

extern bool ddb_policy_problem(PolicyCompilation *compilation, const char *fmt,...)
			pg_attribute_printf(2, 3);
extern int	ddb_policy_clip(DdbText text);
extern void ddb_policy_add_key(PolicyCompilation *compilation, DdbText key);

/* "%.*s" of user text, cut where it is long */
#define POLICY_QUOTED(text)		ddb_policy_clip(text), (text).str

/* ---- policy_json.c ---- */

extern Jsonb *ddb_policy_read(DdbText document, char **problem);

/* ---- policy_match.c ---- */

#define POLICY_WILDCARDS	0x01	/* * and ? are wildcards */
#define POLICY_VARIABLES	0x02	/* ${...} are variables, if the version has them */
#define POLICY_LOWER		0x04	/* to lower case */

extern bool ddb_policy_compile_pattern(PolicyCompilation *compilation, DdbText source,
									   int flags, PolicyPattern *out);
extern bool ddb_policy_compile_arn(PolicyCompilation *compilation, const char *what, DdbText source,
								   PolicyArn *out);
extern bool ddb_policy_arn_has_variables(const PolicyArn *arn);
extern bool ddb_policy_arn_uses_variables(const PolicyArn *arn, int part);

/* is the whole pattern the value of one variable? */
static inline bool
ddb_policy_is_variable(const PolicyPattern *pattern)
{
	return pattern->nvariables == 1 && pattern->text.len == 0;
}

extern void ddb_policy_release(const PolicyPattern *pattern, DdbText resolved);
extern PolicyTruth ddb_policy_resolve(const PolicyPattern *pattern,
									  const DdbPolicyRequest *request, DdbText *out);
extern bool ddb_policy_text_matches(const PolicyPattern *pattern, DdbText resolved,
									DdbText text);
extern void ddb_policy_split_arn(DdbText arn, PolicyArnParts *out);
extern PolicyTruth ddb_policy_arn_matches(const PolicyArn *arn, const DdbPolicyRequest *request,
										  const PolicyArnParts *parts);
extern bool ddb_policy_principal_matches(const PolicyPrincipal *principal,
										 const DdbPolicyRequest *request, bool excepting);

/* ---- policy_condition.c ---- */

extern bool ddb_policy_compile_condition(PolicyCompilation *compilation, DdbText operator,
										 DdbText key, PolicyCondition *out);
extern bool ddb_policy_compile_value(PolicyCompilation *compilation,
									 const PolicyCondition *condition, DdbText text,
									 PolicyValue *out);
extern PolicyTruth ddb_policy_condition_holds(const PolicyCondition *condition, bool is_allow,
											  const DdbPolicyRequest *request);

#endif							/* DDB_POLICY_INTERNAL_H */
