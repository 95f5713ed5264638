/*
 * attrval_stored.c
 *	  Is a document already an item in stored form?  One quick pass.
 *
 * Nearly every item that arrives is already as it will be stored.  For those
 * this pass answers at once what the type check of requests and the validation
 * of values would both find out more slowly: that there is nothing to say.  It
 * knows no messages; where it is not sure it says no, and the others decide.
 *
 * It reads jsonb's entries in place.  An object has its keys' entries, then
 * its values' entries, then the data in the same order; a value of an item is
 * an object of one pair, type tag to payload.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "attrval.h"
#include "number.h"

/* larger sets are left to the checks that sort them */
#define SMALL_SET	16

static bool value_is_stored(const JsonbContainer *value, int depth);

/* stored text: no escapes to look at */
static inline bool
is_plain_text(const char *str, int len)
{
	return memchr(str, '\001', len) == NULL;
}

static inline bool
entry_is_string(JEntry entry)
{
	return JBE_ISSTRING(entry);
}

/* length of entry i, the data of which begins at offset */
static inline uint32
entry_length(JEntry entry, uint32 offset)
{
	return JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) - offset : JBE_OFFLENFLD(entry);
}

static bool
member_is_stored(DdbType type, const char *str, int len)
{
	if (type == DDB_SS)
		return is_plain_text(str, len);
	if (type == DDB_NS)
		return ddb_number_is_canonical(str, len);
	return ddb_base64_is_canonical(str, len);
}

/* a small set: members of the right form, no two alike */
static bool
set_is_stored(const JsonbContainer *set, DdbType type)
{
	DdbText		members[SMALL_SET];
	int			count = JsonContainerSize(set);
	const char *base = (const char *) &set->children[count];
	uint32		offset = 0;
	int			i;
	int			j;

	if (!JsonContainerIsArray(set) || JsonContainerIsScalar(set) ||
		count == 0 || count > SMALL_SET)
		return false;
	for (i = 0; i < count; i++)
	{
		JEntry		entry = set->children[i];
		int			len = entry_length(entry, offset);

		if (!entry_is_string(entry) || !member_is_stored(type, base + offset, len))
			return false;
		for (j = 0; j < i; j++)
		{
			if (members[j].len == len && memcmp(members[j].str, base + offset, len) == 0)
				return false;
		}
		members[i].str = base + offset;
		members[i].len = len;
		offset += len;
	}
	return true;
}

static bool
list_is_stored(const JsonbContainer *list, int depth)
{
	int			count = JsonContainerSize(list);
	const char *base = (const char *) &list->children[count];
	uint32		offset = 0;
	int			i;

	if (!JsonContainerIsArray(list) || JsonContainerIsScalar(list) || depth > DDB_MAX_NESTING)
		return false;
	for (i = 0; i < count; i++)
	{
		JEntry		entry = list->children[i];

		if (!JBE_ISCONTAINER(entry) ||
			!value_is_stored((const JsonbContainer *) (base + INTALIGN(offset)), depth))
			return false;
		offset += entry_length(entry, offset);
	}
	return true;
}

static bool
map_is_stored(const JsonbContainer *map, int depth)
{
	int			count = JsonContainerSize(map);
	const JEntry *values = map->children + count;
	const char *base = (const char *) &map->children[2 * count];
	uint32		offset = 0;
	int			i;

	if (!JsonContainerIsObject(map) || depth > DDB_MAX_NESTING)
		return false;
	for (i = 0; i < count; i++)
	{
		int			len = entry_length(map->children[i], offset);

		if (len == 0 || len > DDB_MAX_NAME_SIZE || !is_plain_text(base + offset, len))
			return false;
		offset += len;
	}
	for (i = 0; i < count; i++)
	{
		if (!JBE_ISCONTAINER(values[i]) ||
			!value_is_stored((const JsonbContainer *) (base + INTALIGN(offset)), depth))
			return false;
		offset += entry_length(values[i], offset);
	}
	return true;
}

/*
 * depth: lists and maps round the value.
 */
static bool
value_is_stored(const JsonbContainer *value, int depth)
{
	const char *base = (const char *) &value->children[2];
	DdbType		type;
	JEntry		payload;
	uint32		tag_len;
	const char *data;
	int			len;

	if (value->header != (JB_FOBJECT | 1))
		return false;
	tag_len = entry_length(value->children[0], 0);
	if (!ddb_type_parse(base, tag_len, &type))
		return false;

	payload = value->children[1];
	data = base + tag_len;
	len = entry_length(payload, tag_len);
	switch (type)
	{
		case DDB_S:
			return entry_is_string(payload) && is_plain_text(data, len);
		case DDB_N:
			return entry_is_string(payload) && ddb_number_is_canonical(data, len);
		case DDB_B:
			return entry_is_string(payload) && ddb_base64_is_canonical(data, len);
		case DDB_BOOL:
			return JBE_ISBOOL(payload);
		case DDB_NULL:
			return JBE_ISBOOL_TRUE(payload);
		case DDB_SS:
		case DDB_NS:
		case DDB_BS:
			return JBE_ISCONTAINER(payload) &&
				set_is_stored((const JsonbContainer *) (base + INTALIGN(tag_len)), type);
		case DDB_L:
			return JBE_ISCONTAINER(payload) &&
				list_is_stored((const JsonbContainer *) (base + INTALIGN(tag_len)), depth + 1);
		case DDB_M:
			return JBE_ISCONTAINER(payload) &&
				map_is_stored((const JsonbContainer *) (base + INTALIGN(tag_len)), depth + 1);
	}
	return false;
}

/*
 * ddb_item_is_stored: true only if doc is a map of attribute values that every
 * check of types and values passes, in stored form.  False says nothing.
 */
bool
ddb_item_is_stored(DdbDoc doc)
{
	return doc.ptr != NULL && map_is_stored(doc.ptr, 0);
}
