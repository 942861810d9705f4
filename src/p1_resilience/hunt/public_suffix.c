/* public_suffix.c: see public_suffix.h. */
#include "p1_resilience/hunt/public_suffix.h"

#include "base/file.h"
#include "base/late_library.h"
#include "p1_resilience/hunt/hunt_key.h"

#include <libpsl.h>
#include <stddef.h>
#include <string.h>

/* Of Debian's package publicsuffix: the same release of the list, compiled and as text. */
#define LIST_COMPILED "/usr/share/publicsuffix/public_suffix_list.dafsa"
#define LIST_TEXT "/usr/share/publicsuffix/public_suffix_list.dat"
#define LIST_LIMIT (4u << 20)

/* A set of 64-bit hashes, open addressing; 0 is no hash. */
#define SLOTS 32768u /* three times the rules of 2023 */
/* One bit a hash stands before it, in 16 KiB that stay in the nearest cache. */
#define FILTER_WORDS 2048u

struct public_suffixes {
    typeof(psl_latest) *latest;
    typeof(psl_free) *free;
    typeof(psl_is_public_suffix) *is_public_suffix;
    psl_ctx_t *list;
    gboolean has_text;
    guint used;
    guint64 filter[FILTER_WORDS];
    guint64 rules[SLOTS]; /* names with a rule, and names below which any label has one */
};

static const struct late_symbol symbols[] = {
    { "psl_latest", offsetof(struct public_suffixes, latest) },
    { "psl_free", offsetof(struct public_suffixes, free) },
    { "psl_is_public_suffix", offsetof(struct public_suffixes, is_public_suffix) },
    { NULL, 0 },
};

/*
 * `wild` keeps "below this name" apart from the name, by a seed that differs in more than a letter
 * does: else "below com" would be "bom".
 */
static guint64 hash_of(const char *name, gsize length, gboolean wild)
{
    guint64 seed = wild ? ~HUNT_KEY_SEED_NAME : HUNT_KEY_SEED_NAME;

    return hunt_key_bytes(seed, (const guint8 *)name, length) | 1;
}

static guint slot_of(const struct public_suffixes *suffixes, guint64 hash)
{
    guint slot = (guint)(hash >> 40) % SLOTS;

    while (suffixes->rules[slot] && suffixes->rules[slot] != hash)
        slot = (slot + 1) % SLOTS;
    return slot;
}

static gboolean has_hash(const struct public_suffixes *suffixes, guint64 hash)
{
    return hunt_key_filter_has(suffixes->filter, FILTER_WORDS, hash >> 1) &&
           suffixes->rules[slot_of(suffixes, hash)];
}

/* One rule a line: "co.uk", "*.ck", "!www.ck"; comments begin with "//". */
static void add_rule(struct public_suffixes *suffixes, const char *line, gsize length)
{
    gboolean wild = length > 2 && memcmp(line, "*.", 2) == 0;
    guint64 hash;
    guint slot;

    if (!length || line[0] == '!' || line[0] == '/')
        return;
    hash = wild ? hash_of(line + 2, length - 2, TRUE) : hash_of(line, length, FALSE);
    slot = slot_of(suffixes, hash);
    suffixes->used += !suffixes->rules[slot];
    suffixes->rules[slot] = hash;
    hunt_key_filter_set(suffixes->filter, FILTER_WORDS, hash >> 1);
}

/* Without the text, or with one that has outgrown the set, libpsl is asked about every name. */
static void read_text(struct public_suffixes *suffixes)
{
    g_autoptr(GBytes) bytes = file_read(LIST_TEXT, LIST_LIMIT, NULL);
    const char *text, *end;
    gsize length;

    if (!bytes)
        return;
    text = g_bytes_get_data(bytes, &length);
    for (end = text + length; text < end && suffixes->used < SLOTS / 2;) {
        const char *line_end = memchr(text, '\n', end - text);
        gsize size = (line_end ? line_end : end) - text;

        while (size > 0 && g_ascii_isspace(text[size - 1]))
            size--;
        add_rule(suffixes, text, size);
        text = line_end ? line_end + 1 : end;
    }
    suffixes->has_text = suffixes->used > 0 && suffixes->used < SLOTS / 2;
}

struct public_suffixes *public_suffixes_new(GError **error)
{
    g_autoptr(public_suffixes_t) suffixes = g_new0(struct public_suffixes, 1);

    if (!late_library_load("libpsl.so.5", "libpsl5", symbols, suffixes, error))
        return NULL;
    suffixes->list = suffixes->latest(LIST_COMPILED);
    read_text(suffixes);
    return g_steal_pointer(&suffixes);
}

void public_suffixes_free(struct public_suffixes *suffixes)
{
    if (suffixes && suffixes->list)
        suffixes->free(suffixes->list);
    g_free(suffixes);
}

gboolean public_suffixes_have(const struct public_suffixes *suffixes, const char *name)
{
    gsize length = strlen(name);
    const char *below = memchr(name, '.', length);

    /* Rules beyond ASCII stand in the text as they are, in names as A-labels. */
    if (suffixes->has_text && !has_hash(suffixes, hash_of(name, length, FALSE)) &&
        !(below &&
          has_hash(suffixes, hash_of(below + 1, length - (gsize)(below + 1 - name), TRUE))) &&
        !strstr(name, "xn--"))
        return FALSE;
    return suffixes->list && suffixes->is_public_suffix(suffixes->list, name);
}
