/*
 * What other servers answer (the first byte says which kind), and what readers ask of ours: places
 * lie within the document; a token is good only where it was made.
 */
#include "base/error.h"
#include "p1_resilience/intel/foreign.h"
#include "p1_resilience/intel/taxii_filter.h"
#include "p1_resilience/intel/taxii_head.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Behind the kinds of foreign.h. */
enum { ASK = FOREIGN_KINDS, POST, ANSWER, KINDS };

/* Lines of the input, in the order of the members. */
static const char *member(const char *name, gpointer data)
{
    char **lines = data;

    for (guint i = 0; taxii_members[i] && lines[i]; i++)
        if (g_str_equal(taxii_members[i], name))
            return *lines[i] ? lines[i] : NULL;
    return NULL;
}

static void ask(const uint8_t *data, size_t size)
{
    static const guint8 secret[TAXII_SECRET] = { 1 };
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    g_auto(taxii_filter_t) filter = { 0 };
    g_autofree char *key = taxii_version_key(lines[0] ? lines[0] : "");

    if (!taxii_filter_read(&filter, ~0u, member, lines, NULL))
        return;
    g_assert_cmpint(taxii_next_read(secret, "made elsewhere", &filter), ==, -1);
    g_free(filter.next);
    filter.next = taxii_next_make(secret, "here", &filter, (gint64)size);
    g_assert_cmpint(taxii_next_read(secret, "here", &filter), ==, (gint64)size);
    g_assert_cmpint(taxii_next_read(secret, "there", &filter), ==, -1);
    filter.after_us++;
    g_assert_cmpint(taxii_next_read(secret, "here", &filter), ==, -1);
}

/* An envelope that somebody posts: what its worker says of it can be read. */
static void post(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) said = taxii_head_job(data, size);
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) all = taxii_head_take(said, size, &error);

    g_assert_true(all != NULL || g_error_matches(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT));
    for (guint i = 0; all && i < all->len; i++)
        g_assert_cmpint(((const char *)data)[g_array_index(all, struct taxii_posted, i).offset], ==,
                        '{');
}

/* What a worker says that somebody took over. */
static void answer(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) said = g_bytes_new(data, size);
    g_autoptr(GArray) all = taxii_head_take(said, size, NULL);

    for (guint i = 0; all && i < all->len; i++) {
        const struct taxii_posted *one = &g_array_index(all, struct taxii_posted, i);

        g_assert_cmpuint(one->offset + one->length, <=, size);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = NULL;
    g_auto(foreign_document_t) document = { 0 };
    guint kind = size ? data[0] % KINDS : 0;

    if (!size)
        return 0;
    if (kind >= FOREIGN_KINDS) {
        (kind == ASK ? ask : kind == POST ? post : answer)(data + 1, size - 1);
        return 0;
    }
    bytes = g_bytes_new(data + 1, size - 1);
    if (!foreign_parse(kind, bytes, "fuzz", &document, NULL))
        return 0;
    for (guint i = 0; i < document.items->len; i++) {
        const struct foreign_item *item = &g_array_index(document.items, struct foreign_item, i);

        g_assert_cmpuint(item->offset + item->length, <=, size - 1);
        g_assert_true(kind == FOREIGN_ENVELOPE || kind == FOREIGN_STATUS ||
                      g_uuid_string_is_valid(item->id));
        if (kind == FOREIGN_ENVELOPE)
            g_assert_cmpint(((const char *)data + 1)[item->offset], ==, '{');
    }
    return 0;
}
