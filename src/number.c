/*
 * number.c
 *	  DynamoDB numbers: parsing, canonical text, comparing, adding.
 *
 * Numbers travel and are stored as canonical decimal text, so the functions
 * of the hot path (is this text canonical? which of two texts is larger? how
 * many bytes does it count?) read the text itself.  Only what must change a
 * number (normalising what a caller wrote, arithmetic, the byte form of keys)
 * takes it apart into a DdbNumber.
 *
 * Canonical text is plain decimal without exponent: "-" for negative numbers,
 * at least one digit before the point and none of them a superfluous zero, and
 * a point only before a fraction that does not end in zero.  A number has one
 * canonical text only, so equality of numbers is equality of bytes.
 *
 * This file knows neither the server nor jsonb, and raises no errors: failures
 * are returned as a status, for which ddb_number_message has the API's text.
 */
#ifdef FRONTEND
#include "postgres_fe.h"
#else
#include "postgres.h"
#endif

#include "number.h"

/* written exponents stop counting here; no text is long enough to undo it */
#define EXPONENT_CLAMP		INT64CONST(1000000000000)

/* the powers of ten that a digit of a DdbNumber can stand for */
#define LOWEST_POWER		(DDB_NUMBER_MIN_EXPONENT - DDB_NUMBER_MAX_DIGITS + 1)
#define HIGHEST_POWER		DDB_NUMBER_MAX_EXPONENT

/* a negative key with fewer pairs than this ends in KEY_NEGATIVE_END */
#define KEY_MAX_PAIRS		20
#define KEY_ZERO			0x80
#define KEY_NEGATIVE_END	102

/*
 * Where the digits of a written number lie.  Positions count digits only, the
 * point does not take one.
 */
typedef struct DigitRun
{
	const char *first_digit;	/* first digit that is not 0; NULL if none */
	int			first;			/* its position */
	int			last;			/* position of the last digit that is not 0 */
	int			ndigits;		/* digits written, zeros included */
	int			point;			/* digits before the point */
	bool		has_point;
} DigitRun;

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * Read digits with at most one point among them, up to end or the first other
 * character; returns where it stopped.
 */
static const char *
scan_digits(const char *p, const char *end, DigitRun *run)
{
	memset(run, 0, sizeof(*run));
	for (; p < end; p++)
	{
		if (*p == '.' && !run->has_point)
		{
			run->has_point = true;
			run->point = run->ndigits;
			continue;
		}
		if (!is_digit(*p))
			break;
		if (*p != '0')
		{
			if (run->first_digit == NULL)
			{
				run->first_digit = p;
				run->first = run->ndigits;
			}
			run->last = run->ndigits;
		}
		run->ndigits++;
	}
	if (!run->has_point)
		run->point = run->ndigits;
	return p;
}

/*
 * Read an optional exponent, which must reach to end.  False when what stands
 * there is something else.
 */
static bool
scan_exponent(const char *p, const char *end, int64 *exponent)
{
	bool		negative = false;

	*exponent = 0;
	if (p == end)
		return true;
	if (*p != 'e' && *p != 'E')
		return false;
	p++;
	if (p < end && (*p == '+' || *p == '-'))
		negative = (*p++ == '-');
	if (p == end)
		return false;
	for (; p < end; p++)
	{
		if (!is_digit(*p))
			return false;
		if (*exponent < EXPONENT_CLAMP)
			*exponent = *exponent * 10 + (*p - '0');
	}
	if (negative)
		*exponent = -*exponent;
	return true;
}

static DdbNumberStatus
check_exponent(int64 exponent)
{
	if (exponent > DDB_NUMBER_MAX_EXPONENT)
		return DDB_NUMBER_OVERFLOW;
	if (exponent < DDB_NUMBER_MIN_EXPONENT)
		return DDB_NUMBER_UNDERFLOW;
	return DDB_NUMBER_OK;
}

/*
 * ddb_number_parse reads a number as a caller may write it: optional sign,
 * digits with an optional point before, among or after them, optional exponent
 * with optional sign; nothing else, so neither blanks nor NaN.
 *
 * text has len bytes and any length; the time taken is linear in it.  Returns
 * DDB_NUMBER_OK and sets *result, or the first of these that applies: EMPTY,
 * SYNTAX, OVERFLOW and UNDERFLOW (exponent of the leading digit beyond +125 or
 * -130), PRECISION (more than 38 digits between the outermost nonzero ones).
 * *result is undefined then.
 *
 * The API refuses 0e126 although its value is 0, and accepts 0.0e126.  So a
 * zero's exponent is taken to be that of its last written digit, as if that
 * one were significant: 126 in the first, 125 in the second.  The same rule
 * bounds it below: 0e-131 is an underflow.
 */
DdbNumberStatus
ddb_number_parse(const char *text, int len, DdbNumber *result)
{
	const char *p = text;
	const char *end = text + len;
	DigitRun	run;
	int64		exponent;
	DdbNumberStatus status;
	int			i;

	memset(result, 0, sizeof(*result));
	if (len <= 0)
		return DDB_NUMBER_EMPTY;
	if (*p == '+' || *p == '-')
		result->negative = (*p++ == '-');
	p = scan_digits(p, end, &run);
	if (run.ndigits == 0 || !scan_exponent(p, end, &exponent))
		return DDB_NUMBER_SYNTAX;

	if (run.first_digit == NULL)
	{
		result->negative = false;
		return check_exponent(exponent + run.point - run.ndigits);
	}
	exponent += (int64) run.point - run.first - 1;
	status = check_exponent(exponent);
	if (status != DDB_NUMBER_OK)
		return status;
	if (run.last - run.first >= DDB_NUMBER_MAX_DIGITS)
		return DDB_NUMBER_PRECISION;

	result->exponent = (int) exponent;
	result->ndigits = run.last - run.first + 1;
	for (i = 0, p = run.first_digit; i < result->ndigits; p++)
	{
		if (*p != '.')
			result->digits[i++] = *p - '0';
	}
	return DDB_NUMBER_OK;
}

/*
 * Is "<int_len digits>.<fraction>" canonical and in range?  text has no sign,
 * its first int_len characters are digits and a point follows them.
 */
static bool
fraction_is_canonical(const char *text, int len, int int_len)
{
	int			start = int_len + 1;
	int			significant;
	int			i;

	if (start == len || text[len - 1] == '0')
		return false;
	for (i = start; i < len; i++)
	{
		if (!is_digit(text[i]))
			return false;
	}
	if (text[0] != '0')
		return int_len + (len - start) <= DDB_NUMBER_MAX_DIGITS;
	if (int_len > 1)
		return false;

	i = start;
	while (text[i] == '0')
		i++;
	significant = len - i;
	return significant <= DDB_NUMBER_MAX_DIGITS &&
		start - 1 - i >= DDB_NUMBER_MIN_EXPONENT;
}

/*
 * ddb_number_is_canonical: is text, of len bytes, a number in range and
 * written exactly as ddb_number_print writes it?
 */
bool
ddb_number_is_canonical(const char *text, int len)
{
	bool		negative = (len > 0 && text[0] == '-');
	int			int_len;
	int			significant;

	if (negative)
	{
		text++;
		len--;
	}
	for (int_len = 0; int_len < len && is_digit(text[int_len]); int_len++)
		;
	if (int_len == 0)
		return false;
	if (int_len < len)
		return text[int_len] == '.' && fraction_is_canonical(text, len, int_len);

	if (text[0] == '0')
		return len == 1 && !negative;
	if (len <= DDB_NUMBER_MAX_DIGITS)
		return true;
	if (len > DDB_NUMBER_MAX_EXPONENT + 1)
		return false;
	significant = len;
	while (text[significant - 1] == '0')
		significant--;
	return significant <= DDB_NUMBER_MAX_DIGITS;
}

/*
 * ddb_number_print writes the canonical text and a NUL into buf, which has
 * room for DDB_NUMBER_TEXT_MAX bytes; returns the length without the NUL.
 */
int
ddb_number_print(const DdbNumber *number, char *buf)
{
	char	   *p = buf;
	int			power;			/* of ten, of the digit being written */
	int			lowest = number->exponent - number->ndigits + 1;

	if (number->ndigits == 0)
	{
		strcpy(buf, "0");
		return 1;
	}
	if (number->negative)
		*p++ = '-';
	for (power = Max(number->exponent, 0); power >= Min(lowest, 0); power--)
	{
		if (power == -1)
			*p++ = '.';
		if (power > number->exponent || power < lowest)
			*p++ = '0';
		else
			*p++ = '0' + number->digits[number->exponent - power];
	}
	*p = '\0';
	Assert(p - buf < DDB_NUMBER_TEXT_MAX);
	return p - buf;
}

static inline int
sign_of(int value)
{
	return (value > 0) - (value < 0);
}

/* Compare what is left of two numbers without their signs; neither is zero. */
static int
compare_magnitudes(const DdbNumber *a, const DdbNumber *b)
{
	int			cmp;

	if (a->exponent != b->exponent)
		return a->exponent > b->exponent ? 1 : -1;
	cmp = memcmp(a->digits, b->digits, Min(a->ndigits, b->ndigits));
	if (cmp != 0)
		return sign_of(cmp);
	return sign_of(a->ndigits - b->ndigits);
}

static inline int
sign_of_number(const DdbNumber *number)
{
	if (number->ndigits == 0)
		return 0;
	return number->negative ? -1 : 1;
}

/*
 * ddb_number_compare orders two numbers by value: -1, 0 or 1.
 */
int
ddb_number_compare(const DdbNumber *a, const DdbNumber *b)
{
	int			a_sign = sign_of_number(a);
	int			b_sign = sign_of_number(b);

	if (a_sign != b_sign)
		return a_sign > b_sign ? 1 : -1;
	if (a_sign == 0)
		return 0;
	return a_sign * compare_magnitudes(a, b);
}

static inline int
integer_length(const char *text, int len)
{
	const char *point = memchr(text, '.', len);

	return point != NULL ? point - text : len;
}

/*
 * Compare two canonical texts without sign.  Integer parts have no superfluous
 * zeros, so the longer one is larger; at equal length the points coincide and
 * bytes decide, and a fraction has no superfluous zeros, so a longer text of
 * which the other is a prefix is larger.
 */
static int
compare_unsigned_texts(const char *a, int alen, const char *b, int blen)
{
	int			a_integer = integer_length(a, alen);
	int			b_integer = integer_length(b, blen);
	int			cmp;

	if (a_integer != b_integer)
		return a_integer > b_integer ? 1 : -1;
	cmp = memcmp(a, b, Min(alen, blen));
	if (cmp != 0)
		return sign_of(cmp);
	return sign_of(alen - blen);
}

/*
 * ddb_number_compare_text orders two canonical texts, given with their lengths
 * in bytes, by the numbers they stand for: -1, 0 or 1.
 */
int
ddb_number_compare_text(const char *a, int alen, const char *b, int blen)
{
	bool		a_negative = (alen > 0 && a[0] == '-');
	bool		b_negative = (blen > 0 && b[0] == '-');

	if (a_negative != b_negative)
		return a_negative ? -1 : 1;
	if (a_negative)
		return compare_unsigned_texts(b + 1, blen - 1, a + 1, alen - 1);
	return compare_unsigned_texts(a, alen, b, blen);
}

/*
 * Build a number from columns of digits, where columns[i] stands for the power
 * of ten lowest + i and count is their number.
 */
static DdbNumberStatus
collect_columns(const int8 *columns, int count, int lowest, bool negative,
				DdbNumber *result)
{
	int			low = 0;
	int			high = count - 1;
	DdbNumberStatus status;
	int			i;

	memset(result, 0, sizeof(*result));
	while (high >= 0 && columns[high] == 0)
		high--;
	if (high < 0)
		return DDB_NUMBER_OK;
	while (columns[low] == 0)
		low++;

	status = check_exponent(lowest + high);
	if (status != DDB_NUMBER_OK)
		return status;
	if (high - low >= DDB_NUMBER_MAX_DIGITS)
		return DDB_NUMBER_OVERFLOW;
	result->negative = negative;
	result->exponent = lowest + high;
	result->ndigits = high - low + 1;
	for (i = 0; i < result->ndigits; i++)
		result->digits[i] = columns[high - i];
	return DDB_NUMBER_OK;
}

/* Add sign times the digits of number into columns, which begin at lowest. */
static void
add_to_columns(int8 *columns, int lowest, const DdbNumber *number, int sign)
{
	int			top = number->exponent - lowest;
	int			i;

	for (i = 0; i < number->ndigits; i++)
		columns[top - i] += sign * number->digits[i];
}

/*
 * ddb_number_add computes a + b exactly.
 *
 * Returns DDB_NUMBER_OK and sets *result (which may be a or b), or OVERFLOW or
 * UNDERFLOW with *result undefined.  A sum that would need more than 38 digits
 * is an OVERFLOW too: that is how the API reports it.
 */
DdbNumberStatus
ddb_number_add(const DdbNumber *a, const DdbNumber *b, DdbNumber *result)
{
	int8		columns[HIGHEST_POWER - LOWEST_POWER + 2];	/* one for the carry */
	const DdbNumber *large;
	const DdbNumber *small;
	bool		negative;
	int			lowest;
	int			count;
	int			i;

	if (a->ndigits == 0 || b->ndigits == 0)
	{
		*result = (a->ndigits == 0) ? *b : *a;
		return DDB_NUMBER_OK;
	}
	large = (compare_magnitudes(a, b) >= 0) ? a : b;
	small = (large == a) ? b : a;
	negative = large->negative;
	lowest = Min(a->exponent - a->ndigits, b->exponent - b->ndigits) + 1;
	count = large->exponent - lowest + 2;
	Assert(lowest >= LOWEST_POWER && count <= (int) lengthof(columns));

	memset(columns, 0, count);
	add_to_columns(columns, lowest, large, 1);
	add_to_columns(columns, lowest, small, small->negative == negative ? 1 : -1);
	for (i = 0; i < count - 1; i++)
	{
		int			carry = (columns[i] > 9) - (columns[i] < 0);

		columns[i] -= 10 * carry;
		columns[i + 1] += carry;
	}
	return collect_columns(columns, count, lowest, negative, result);
}

/*
 * ddb_number_subtract computes a - b exactly, under the rules of
 * ddb_number_add.
 */
DdbNumberStatus
ddb_number_subtract(const DdbNumber *a, const DdbNumber *b, DdbNumber *result)
{
	DdbNumber	negated = *b;

	negated.negative = (b->ndigits > 0 && !b->negative);
	return ddb_number_add(a, &negated, result);
}

/*
 * ddb_number_size: what a number counts towards the size of an item, in bytes.
 *
 * The API counts 1 for zero; otherwise 1 for the exponent, 1 for each pair of
 * digits, where pairs are aligned on even powers of ten, and 1 for the sign of
 * a negative number.  An even count of digits that begins on an even power
 * straddles one pair more.  The largest result is 22.
 */
int
ddb_number_size(const char *canonical, int len)
{
	bool		negative = (len > 0 && canonical[0] == '-');
	DigitRun	run;
	int			ndigits;
	int			exponent;
	bool		straddles;

	scan_digits(canonical + negative, canonical + len, &run);
	if (run.first_digit == NULL)
		return 1;
	ndigits = run.last - run.first + 1;
	exponent = run.point - run.first - 1;
	straddles = (ndigits % 2 == 0 && exponent % 2 == 0);
	return 1 + (ndigits + 1) / 2 + straddles + negative;
}

/*
 * ddb_number_key_bytes writes the byte form that the service hashes and orders
 * number keys by: unsigned byte order is numeric order.  buf has room for
 * DDB_NUMBER_KEY_MAX bytes; returns how many were written.
 *
 * Zero is 0x80.  Otherwise comes the count of digit pairs before the point,
 * biased by 192 (modulo 256), then each pair of digits plus 1, aligned on even
 * powers of ten.  For a negative number the first byte is complemented, a pair
 * is 101 minus its value, and 102 follows where there are fewer than 20 pairs,
 * so that a prefix sorts after its extensions.
 */
int
ddb_number_key_bytes(const DdbNumber *number, uint8 *buf)
{
	int			pad = (number->exponent % 2 == 0) ? 1 : 0;	/* zero in front */
	int			npairs = (number->ndigits + pad + 1) / 2;
	int			first = (number->exponent + 1 + pad) / 2 - 64;
	int			i;

	if (number->ndigits == 0)
	{
		buf[0] = KEY_ZERO;
		return 1;
	}
	buf[0] = (uint8) (number->negative ? ~first : first);
	for (i = 0; i < npairs; i++)
	{
		int			high = 2 * i - pad;
		int			low = high + 1;
		int			pair = 0;

		if (high >= 0)
			pair += 10 * number->digits[high];
		if (low < number->ndigits)
			pair += number->digits[low];
		buf[i + 1] = (uint8) (number->negative ? 101 - pair : pair + 1);
	}
	if (!number->negative || npairs >= KEY_MAX_PAIRS)
		return npairs + 1;
	buf[npairs + 1] = KEY_NEGATIVE_END;
	return npairs + 2;
}

/*
 * ddb_number_message: the text of the ValidationException for a status, in
 * palloc'd memory; NULL for DDB_NUMBER_OK.  text, of len bytes, is the number
 * as the caller wrote it and is used for DDB_NUMBER_SYNTAX only.
 */
char *
ddb_number_message(DdbNumberStatus status, const char *text, int len)
{
	switch (status)
	{
		case DDB_NUMBER_OK:
			return NULL;
		case DDB_NUMBER_EMPTY:
			return pstrdup("The parameter cannot be converted to a numeric value");
		case DDB_NUMBER_SYNTAX:
			return psprintf("The parameter cannot be converted to a numeric value: %.*s",
							len, text);
		case DDB_NUMBER_OVERFLOW:
			return pstrdup("Number overflow. Attempting to store a number with magnitude larger than supported range");
		case DDB_NUMBER_UNDERFLOW:
			return pstrdup("Number underflow. Attempting to store a number with magnitude smaller than supported range");
		case DDB_NUMBER_PRECISION:
			return pstrdup("Attempting to store more than 38 significant digits in a Number");
	}
	Assert(false);
	return NULL;
}
