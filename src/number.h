/*
 * number.h
 *	  DynamoDB numbers: decimal, 38 significant digits, magnitude from 1E-130
 *	  to 9.99...E+125, or zero.
 *
 * Pure functions of their inputs: bytes in, bytes out; nothing here knows
 * jsonb, items or the server, so the fuzz harness links it alone.
 */
#ifndef DDB_NUMBER_H
#define DDB_NUMBER_H

#define DDB_NUMBER_MAX_DIGITS		38
#define DDB_NUMBER_MAX_EXPONENT		125		/* of the leading digit */
#define DDB_NUMBER_MIN_EXPONENT		(-130)

/* longest canonical text: sign, "0.", 129 zeros and 38 digits; with NUL */
#define DDB_NUMBER_TEXT_MAX			176

/* longest key form: see ddb_number_key_bytes */
#define DDB_NUMBER_KEY_MAX			22

/*
 * value = (negative ? -1 : 1) * d[0].d[1]d[2]... * 10^exponent
 * Leading and trailing digits are never 0; zero has ndigits = 0, exponent = 0
 * and negative = false.
 */
typedef struct DdbNumber
{
	bool		negative;
	int			ndigits;		/* 0 .. DDB_NUMBER_MAX_DIGITS */
	int			exponent;		/* power of ten of the leading digit */
	uint8		digits[DDB_NUMBER_MAX_DIGITS];	/* 0 .. 9 each */
} DdbNumber;

typedef enum DdbNumberStatus
{
	DDB_NUMBER_OK,
	DDB_NUMBER_EMPTY,			/* no text at all */
	DDB_NUMBER_SYNTAX,			/* not a number */
	DDB_NUMBER_OVERFLOW,
	DDB_NUMBER_UNDERFLOW,
	DDB_NUMBER_PRECISION		/* more than 38 significant digits */
} DdbNumberStatus;

extern DdbNumberStatus ddb_number_parse(const char *text, int len, DdbNumber *result);
extern bool ddb_number_is_canonical(const char *text, int len);
extern int	ddb_number_print(const DdbNumber *number, char *buf);
extern int	ddb_number_compare(const DdbNumber *a, const DdbNumber *b);
extern int	ddb_number_compare_text(const char *a, int alen, const char *b, int blen);
extern DdbNumberStatus ddb_number_add(const DdbNumber *a, const DdbNumber *b, DdbNumber *result);
extern DdbNumberStatus ddb_number_subtract(const DdbNumber *a, const DdbNumber *b, DdbNumber *result);
extern int	ddb_number_size(const char *canonical, int len);
extern int	ddb_number_key_bytes(const DdbNumber *number, uint8 *buf);
extern char *ddb_number_message(DdbNumberStatus status, const char *text, int len);

#endif							/* DDB_NUMBER_H */
