/* Modules taxii_head, foreign: what workers say of foreign documents, and what is believed of it.
 */
#include "base/error.h"
#include "p1_resilience/intel/foreign.h"
#include "p1_resilience/intel/taxii_head.h"

#include <string.h>

#define DOMAIN                                                                                     \
    "{\"type\":\"domain-name\",\"spec_version\":\"2.1\",\"value\":\"example.com\","                \
    "\"id\":\"domain-name--bedb4899-d24b-5401-bc86-8f6b4cc18ec7\"}"
#define NOTE(CONTENT)                                                                              \
    "{\"type\":\"note\",\"spec_version\":\"2.1\",\"id\":\"note--0c7b5b88-8ff7-4a4d-aa9d-"          \
    "feb398cd0061\",\"created\":\"2026-11-01T00:00:00.000Z\",\"modified\":\"2026-11-02T00:00:00."  \
    "500Z\"," CONTENT "}"
#define GOOD_NOTE                                                                                  \
    NOTE("\"content\":\"x\",\"object_refs\":[\"malware--0c7b5b88-8ff7-4a4d-aa9d-feb398cd0061\"],"  \
         "\"revoked\":true")

static GArray *read_text(const char *text, GError **error)
{
    g_autoptr(GBytes) said = taxii_head_job(text, strlen(text));

    return taxii_head_take(said, strlen(text), error);
}

static void test_heads(void)
{
    static const char text[] =
        " {\"objects\": [" DOMAIN ", " GOOD_NOTE " ," NOTE("\"content\":1") "]}";
    g_autoptr(GError) error = NULL;
    g_autoptr(GArray) all = read_text(text, &error);
    const struct taxii_posted *domain, *note, *bad;

    g_assert_no_error(error);
    g_assert_cmpuint(all->len, ==, 3);
    domain = &g_array_index(all, struct taxii_posted, 0);
    note = &g_array_index(all, struct taxii_posted, 1);
    bad = &g_array_index(all, struct taxii_posted, 2);
    g_assert_null(domain->refused);
    g_assert_cmpmem(text + domain->offset, domain->length, DOMAIN, strlen(DOMAIN));
    g_assert_cmpstr(domain->head.type, ==, "domain-name");
    g_assert_null(domain->head.version);
    g_assert_false(domain->head.revoked);
    g_assert_null(note->refused);
    g_assert_cmpmem(text + note->offset, note->length, GOOD_NOTE, strlen(GOOD_NOTE));
    g_assert_cmpstr(note->head.version, ==, "2026-11-02T00:00:00.500Z");
    g_assert_cmpstr(note->head.created, ==, "2026-11-01T00:00:00.000Z");
    g_assert_cmpstr(note->head.spec, ==, "2.1");
    g_assert_true(note->head.revoked);
    g_assert_nonnull(bad->refused);
    g_assert_nonnull(strstr(bad->head.id, "note--"));
}

/* Other bytes of the same object are the same object. */
static void test_digests(void)
{
    g_autoptr(GArray) one =
        read_text("{\"objects\":[{\"type\":\"x-a\",\"id\":\"x-a--1\",\"n\":1.0}]}", NULL);
    g_autoptr(GArray) same =
        read_text("{\"objects\":[{ \"n\": 1, \"id\":\"x-a--1\", \"type\":\"x-a\"}]}", NULL);
    g_autoptr(GArray) other =
        read_text("{\"objects\":[{\"type\":\"x-a\",\"id\":\"x-a--1\",\"n\":2}]}", NULL);
    const guint8 *digest = g_array_index(one, struct taxii_posted, 0).head.digest;

    g_assert_cmpmem(digest, TAXII_HEAD_DIGEST,
                    g_array_index(same, struct taxii_posted, 0).head.digest, TAXII_HEAD_DIGEST);
    g_assert_cmpint(
        memcmp(digest, g_array_index(other, struct taxii_posted, 0).head.digest, TAXII_HEAD_DIGEST),
        !=, 0);
}

static void test_no_envelopes(void)
{
    static const char *const texts[] = {
        "",
        "{",
        "{}",
        "[]",
        "{\"objects\":[]}",
        "{\"objects\":{}}",
        "{\"objects\":[{\"type\":\"note\"}]}",
        "{\"type\":\"bundle\",\"id\":\"bundle--1\",\"objects\":[" DOMAIN "]}",
        DOMAIN
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(read_text(texts[i], &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

/* Whoever took a worker over says what they like; nothing of it reaches beyond the document. */
static void test_liars(void)
{
    static const char text[] = "{\"objects\":[" DOMAIN "," GOOD_NOTE "]}";
    g_autoptr(GBytes) said = taxii_head_job(text, strlen(text));
    gsize size;
    const guint8 *honest = g_bytes_get_data(said, &size);

    for (gsize at = 0; at < size; at++) {
        static const guint8 flips[] = { 1, 0x80, 0xff };

        for (guint k = 0; k < G_N_ELEMENTS(flips); k++) {
            guint8 *lie = g_memdup2(honest, size);
            g_autoptr(GBytes) bytes = NULL;
            g_autoptr(GArray) all = NULL;

            lie[at] ^= flips[k];
            bytes = g_bytes_new_take(lie, size);
            all = taxii_head_take(bytes, strlen(text), NULL);
            for (guint i = 0; all && i < all->len; i++) {
                const struct taxii_posted *one = &g_array_index(all, struct taxii_posted, i);

                g_assert_cmpuint(one->offset, <=, strlen(text));
                g_assert_cmpuint(one->length, <=, strlen(text) - one->offset);
            }
        }
    }
    for (gsize cut = 0; cut < size; cut++) {
        g_autoptr(GBytes) bytes = g_bytes_new(honest, cut);
        g_autoptr(GArray) all = taxii_head_take(bytes, strlen(text), NULL);

        g_assert_true(!all || all->len <= 2);
    }
    /* The same answer for a shorter document. */
    g_assert_null(taxii_head_take(said, strlen(DOMAIN), NULL));
}

static void test_by_workers(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(starter_t) workers = taxii_head_starter(&error);
    g_autoptr(GBytes) envelope =
        g_bytes_new_static("{\"objects\":[" DOMAIN "]}", strlen("{\"objects\":[" DOMAIN "]}"));
    g_autoptr(GBytes) nothing = g_bytes_new_static("{", 1);
    g_autoptr(GArray) all = NULL;

    g_assert_no_error(error);
    all = taxii_head_read(workers, envelope, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(all->len, ==, 1);
    g_assert_null(taxii_head_read(workers, nothing, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
}

static void test_statuses(void)
{
    static const struct {
        const char *text;
        guint64 successes, failures, pendings;
        guint said;
        gboolean good, more;
    } rows[] = {
        { "{\"id\":\"s\",\"status\":\"complete\",\"success_count\":3}", 3, 0, 0, 0, TRUE, FALSE },
        { "{\"id\":\"s\",\"status\":\"pending\",\"pending_count\":2,\"success_count\":-1}", 0, 0, 2,
          0, TRUE, TRUE },
        { "{\"id\":\"s\",\"status\":\"complete\",\"failure_count\":2,\"failures\":[{\"id\":\"a\","
          "\"message\":\"no\"},{}]}",
          0, 2, 0, 2, TRUE, FALSE },
        { "{\"id\":\"s\"}", 0, 0, 0, 0, FALSE, FALSE },
        { "{\"status\":\"complete\"}", 0, 0, 0, 0, FALSE, FALSE },
        { "[]", 0, 0, 0, 0, FALSE, FALSE },
        { "", 0, 0, 0, 0, FALSE, FALSE },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new_static(rows[i].text, strlen(rows[i].text));
        g_auto(foreign_document_t) status = { 0 };
        g_autoptr(GError) error = NULL;

        if (!rows[i].good) {
            g_assert_false(foreign_read(FOREIGN_STATUS, bytes, "s", &status, &error));
            g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
            continue;
        }
        g_assert_true(foreign_read(FOREIGN_STATUS, bytes, "s", &status, &error));
        g_assert_cmpstr(status.next, ==, "s");
        g_assert_cmpint(status.more, ==, rows[i].more);
        g_assert_cmpuint(status.successes, ==, rows[i].successes);
        g_assert_cmpuint(status.failures, ==, rows[i].failures);
        g_assert_cmpuint(status.pendings, ==, rows[i].pendings);
        g_assert_cmpuint(status.items->len, ==, rows[i].said);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/taxii-head/heads", test_heads);
    g_test_add_func("/taxii-head/digests", test_digests);
    g_test_add_func("/taxii-head/no-envelopes", test_no_envelopes);
    g_test_add_func("/taxii-head/liars", test_liars);
    g_test_add_func("/taxii-head/by-workers", test_by_workers);
    g_test_add_func("/taxii-head/statuses", test_statuses);
    return g_test_run();
}
