/*
 * The policy as a structure: reading and writing its text, evaluating its groups. A group's members
 * stand before it, so that one pass from the first group to the last evaluates all of them, however
 * deep they are nested.
 */
#include "log/quorum.h"

#include "base/decimal.h"
#include "base/error.h"
#include "log/quorum_groups.h"
#include "statement/base64.h"

#include <sodium.h>
#include <string.h>

G_STATIC_ASSERT(crypto_hash_sha256_BYTES == MERKLE_HASH_SIZE);

#define NONE "none"
#define ITEMS_LIMIT 4096 /* on a line: a group may have about as many members */

static void log_free(gpointer data)
{
    struct quorum_log *log = data;

    note_key_free(log->key);
    g_free(log->url);
    g_free(log);
}

static void witness_free(gpointer data)
{
    struct quorum_witness *witness = data;

    g_free(witness->name);
    note_key_free(witness->key);
    g_free(witness->url);
    g_free(witness->organisation);
    g_free(witness);
}

static void group_free(gpointer data)
{
    struct quorum_group *group = data;

    g_free(group->name);
    g_array_unref(group->members);
    g_free(group);
}

struct quorum_policy *quorum_policy_new(void)
{
    struct quorum_policy *policy = g_new0(struct quorum_policy, 1);

    policy->logs = g_ptr_array_new_with_free_func(log_free);
    policy->witnesses = g_ptr_array_new_with_free_func(witness_free);
    policy->groups = g_ptr_array_new_with_free_func(group_free);
    return policy;
}

void quorum_policy_free(struct quorum_policy *policy)
{
    if (!policy)
        return;
    g_ptr_array_unref(policy->logs);
    g_ptr_array_unref(policy->witnesses);
    g_ptr_array_unref(policy->groups);
    g_free(policy);
}

/* ---- reading ---- */

struct reading {
    struct quorum_policy *policy;
    GHashTable *names;        /* char * -> struct quorum_member *: witnesses and groups */
    GHashTable *members;      /* names that are in a group: each may be in one only */
    GHashTable *log_keys;     /* vkeys */
    GHashTable *witness_keys; /* their bytes, whatever their names */
    gboolean has_quorum;
    const char *name; /* of the file, and the line, for messages */
    guint line;
};

static gboolean fault(const struct reading *reading, GError **error, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
static gboolean fault(const struct reading *reading, GError **error, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    return input_error(error, "%s:%u: %s", reading->name, reading->line, text);
}

static struct note_key *read_key(const struct reading *reading, const char *vkey,
                                 enum note_key_type type, const char *whose, GError **error)
{
    g_autoptr(GError) cause = NULL;
    g_autoptr(note_key_t) key = note_key_parse(vkey, &cause);

    if (!key)
        fault(reading, error, "%s", cause->message);
    else if (key->type != type)
        fault(reading, error, "the key of \"%s\" is of type 0x%02x; %s has one of type 0x%02x",
              key->name, key->type, whose, type);
    else
        return g_steal_pointer(&key);
    return NULL;
}

static gboolean read_url(const struct reading *reading, const char *text, char **url,
                         GError **error)
{
    if (!text)
        return TRUE;
    if (!g_str_has_prefix(text, "https://") && !g_str_has_prefix(text, "http://"))
        return fault(reading, error, "\"%s\" is not a URL (https://...)", text);
    *url = g_strdup(text);
    return TRUE;
}

/* A new name for a witness or a group; "none" and names that are there are refused. */
static gboolean take_name(struct reading *reading, const char *name, struct quorum_member member,
                          GError **error)
{
    if (strcmp(name, NONE) == 0)
        return fault(reading, error, "\"" NONE "\" is reserved and names no witness or group");
    if (g_hash_table_contains(reading->names, name))
        return fault(reading, error, "\"%s\" was defined before", name);
    g_hash_table_insert(reading->names, g_strdup(name), g_memdup2(&member, sizeof member));
    return TRUE;
}

static gboolean read_log(struct reading *reading, char **items, GError **error)
{
    struct quorum_log *log = g_new0(struct quorum_log, 1);

    g_ptr_array_add(reading->policy->logs, log);
    log->key = read_key(reading, items[0], NOTE_KEY_ED25519, "a log", error);
    if (!log->key || !read_url(reading, items[1], &log->url, error))
        return FALSE;
    return g_hash_table_add(reading->log_keys, g_strdup(items[0])) ||
           fault(reading, error, "the log \"%s\" was named before", log->key->name);
}

static gboolean read_witness(struct reading *reading, char **items, GError **error)
{
    struct quorum_member member = { FALSE, reading->policy->witnesses->len };
    struct quorum_witness *witness = g_new0(struct quorum_witness, 1);

    g_ptr_array_add(reading->policy->witnesses, witness);
    witness->name = g_strdup(items[0]);
    witness->key = read_key(reading, items[1], NOTE_KEY_COSIGNATURE, "a witness", error);
    if (!witness->key || !read_url(reading, items[2], &witness->url, error) ||
        !take_name(reading, items[0], member, error))
        return FALSE;
    return g_hash_table_add(reading->witness_keys,
                            hex_encode(witness->key->bytes, KEY_PUBLIC_SIZE)) ||
           fault(reading, error, "the key of \"%s\" is another witness' too", items[0]);
}

static gboolean read_member(struct reading *reading, const char *name, struct quorum_group *group,
                            GError **error)
{
    const struct quorum_member *member = g_hash_table_lookup(reading->names, name);

    if (!member)
        return fault(reading, error, "\"%s\" is no witness or group defined above", name);
    if (!g_hash_table_add(reading->members, g_strdup(name)))
        return fault(reading, error, "\"%s\" is in a group already", name);
    g_array_append_val(group->members, *member);
    return TRUE;
}

static gboolean read_threshold(const struct reading *reading, const char *text,
                               struct quorum_group *group, GError **error)
{
    guint64 number;

    if (strcmp(text, "any") == 0)
        number = 1;
    else if (strcmp(text, "all") == 0)
        number = group->members->len;
    else if (!decimal_parse(text, strlen(text), &number) || !number || number > group->members->len)
        return fault(reading, error, "\"%s\" is no threshold of %u members (any, all, 1..%u)", text,
                     group->members->len, group->members->len);
    group->threshold = (guint)number;
    return TRUE;
}

static gboolean read_group(struct reading *reading, char **items, GError **error)
{
    struct quorum_member member = { TRUE, reading->policy->groups->len };
    struct quorum_group *group = g_new0(struct quorum_group, 1);

    group->name = g_strdup(items[0]);
    group->members = g_array_new(FALSE, FALSE, sizeof(struct quorum_member));
    g_ptr_array_add(reading->policy->groups, group);
    for (char **item = items + 2; *item; item++) {
        if (!read_member(reading, *item, group, error))
            return FALSE;
    }
    return read_threshold(reading, items[1], group, error) &&
           take_name(reading, items[0], member, error);
}

static gboolean read_quorum(struct reading *reading, char **items, GError **error)
{
    const struct quorum_member *member = g_hash_table_lookup(reading->names, items[0]);

    if (reading->has_quorum)
        return fault(reading, error, "a second quorum");
    reading->has_quorum = TRUE;
    reading->policy->none = strcmp(items[0], NONE) == 0;
    if (reading->policy->none)
        return TRUE;
    if (!member)
        return fault(reading, error, "\"%s\" is no witness or group defined above", items[0]);
    reading->policy->quorum = *member;
    return TRUE;
}

static const struct {
    const char *keyword;
    guint least, most; /* items behind it */
    gboolean (*read)(struct reading *reading, char **items, GError **error);
    const char *form;
} statements[] = {
    { "log", 1, 2, read_log, "log VKEY [URL]" },
    { "witness", 2, 3, read_witness, "witness NAME VKEY [URL]" },
    { "group", 3, ITEMS_LIMIT, read_group, "group NAME all|any|NUMBER MEMBER..." },
    { "quorum", 1, 1, read_quorum, "quorum NAME|none" },
};

/* The items of a line; they point into it. */
static GPtrArray *split_items(char *line)
{
    GPtrArray *items = g_ptr_array_new();
    char *rest = NULL;

    for (char *item = strtok_r(line, " \t", &rest); item; item = strtok_r(NULL, " \t", &rest))
        g_ptr_array_add(items, item);
    g_ptr_array_add(items, NULL);
    return items;
}

static gboolean read_line(struct reading *reading, char *line, GError **error)
{
    g_autoptr(GPtrArray) items = split_items(line);
    const guint count = items->len - 1;
    const char *keyword = items->pdata[0];

    if (!count || *keyword == '#')
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(statements); i++) {
        if (strcmp(statements[i].keyword, keyword) != 0)
            continue;
        if (count - 1 < statements[i].least || count - 1 > statements[i].most)
            return fault(reading, error, "the line is not \"%s\"", statements[i].form);
        return statements[i].read(reading, (char **)items->pdata + 1, error);
    }
    return fault(reading, error, "\"%s\" is none of log, witness, group, quorum", keyword);
}

/* C2SP tlog-policy: the octets 09, 0A, 20 to 7E and 80 to FF; ours must be UTF-8 as well. */
static gboolean octets_are_allowed(const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++) {
        const guint8 c = (guint8)text[i];

        if ((c < 0x20 && c != '\t' && c != '\n') || c == 0x7f)
            return FALSE;
    }
    return g_utf8_validate_len(text, length, NULL);
}

typedef struct reading reading_t;
static void reading_clear(struct reading *reading)
{
    g_hash_table_unref(reading->names);
    g_hash_table_unref(reading->members);
    g_hash_table_unref(reading->log_keys);
    g_hash_table_unref(reading->witness_keys);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(reading_t, reading_clear)

static GHashTable *new_set(GDestroyNotify free_value)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_value);
}

struct quorum_policy *quorum_policy_parse(const void *data, gsize length, const char *name,
                                          GError **error)
{
    g_autoptr(quorum_policy_t) policy = quorum_policy_new();
    g_auto(reading_t) reading = { .policy = policy,
                                  .names = new_set(g_free),
                                  .members = new_set(NULL),
                                  .log_keys = new_set(NULL),
                                  .witness_keys = new_set(NULL),
                                  .name = name };
    g_autofree char *text = NULL;

    if (length > QUORUM_POLICY_LIMIT) {
        input_error(error, "%s: larger than a policy may be (%u bytes)", name, QUORUM_POLICY_LIMIT);
        return NULL;
    }
    if (!length || !octets_are_allowed(data, length)) {
        input_error(error, "%s: not a policy: empty, not UTF-8, or control characters in it", name);
        return NULL;
    }
    text = g_strndup(data, length);
    for (char *line = text; line;) {
        char *end = strchr(line, '\n');

        if (end)
            *end++ = '\0';
        reading.line++;
        if (!read_line(&reading, line, error))
            return NULL;
        line = end;
    }
    if (!reading.has_quorum) {
        input_error(error, "%s: not a policy: no quorum line", name);
        return NULL;
    }
    crypto_hash_sha256(policy->digest, data, length);
    return g_steal_pointer(&policy);
}

/* ---- writing ---- */

static const char *member_name(const struct quorum_policy *policy, struct quorum_member member)
{
    if (member.is_group)
        return ((const struct quorum_group *)policy->groups->pdata[member.index])->name;
    return ((const struct quorum_witness *)policy->witnesses->pdata[member.index])->name;
}

static void append_url(GString *text, const char *url)
{
    if (url)
        g_string_append_printf(text, " %s", url);
    g_string_append_c(text, '\n');
}

static void append_threshold(GString *text, const struct quorum_group *group)
{
    if (group->threshold == group->members->len)
        g_string_append(text, "all");
    else if (group->threshold == 1)
        g_string_append(text, "any");
    else
        g_string_append_printf(text, "%u", group->threshold);
}

char *quorum_policy_text(const struct quorum_policy *policy)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < policy->logs->len; i++) {
        const struct quorum_log *log = policy->logs->pdata[i];
        g_autofree char *vkey = note_key_text(log->key);

        g_string_append_printf(text, "log %s", vkey);
        append_url(text, log->url);
    }
    for (guint i = 0; i < policy->witnesses->len; i++) {
        const struct quorum_witness *witness = policy->witnesses->pdata[i];
        g_autofree char *vkey = note_key_text(witness->key);

        g_string_append_printf(text, "witness %s %s", witness->name, vkey);
        append_url(text, witness->url);
    }
    for (guint i = 0; i < policy->groups->len; i++) {
        const struct quorum_group *group = policy->groups->pdata[i];

        g_string_append_printf(text, "group %s ", group->name);
        append_threshold(text, group);
        for (guint j = 0; j < group->members->len; j++)
            g_string_append_printf(
                text, " %s",
                member_name(policy, g_array_index(group->members, struct quorum_member, j)));
        g_string_append_c(text, '\n');
    }
    g_string_append_printf(text, "quorum %s\n",
                           policy->none ? NONE : member_name(policy, policy->quorum));
    return g_string_free(text, FALSE);
}
