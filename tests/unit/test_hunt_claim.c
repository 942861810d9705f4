/* Module hunt_claim: a hunt as a statement, what it commits to, and what a repetition must match.
 */
#include "base/error.h"
#include "p1_resilience/hunt/hunt_claim.h"
#include "small_table.h"
#include "statement/base64.h"
#include "statement/dsse.h"

#include <glib/gstdio.h>
#include <string.h>

#define BUILT_US G_GINT64_CONSTANT(1790000000000000)
#define STARTED_US (BUILT_US + G_USEC_PER_SEC)

static const char web[] = "web.log", quiet[] = "quiet.log";
static const guint8 web_digest[32] = { 1 }, quiet_digest[32] = { 2 };

typedef struct {
    char *folder, *path;
    struct hunt_table *table;
    struct hunt_scan_options options;
} fixture;

/* A table of one address. */
static struct hunt_table *table_of(const char *path, gint64 built_us)
{
    struct hunt_compiler *compiler = small_table_begin(path, built_us);
    const struct assertion assertion = {
        .indicator = { .kind = INDICATOR_DOMAIN, .text = (char *)"evil.example" },
        .confidence = ASSERTION_NO_CONFIDENCE,
    };

    small_table_take(compiler, &assertion);
    return small_table_end(compiler, path);
}

static void set_up(fixture *f, gconstpointer data)
{
    f->folder = g_dir_make_tmp("entente-claim-XXXXXX", NULL);
    f->path = g_build_filename(f->folder, "a.table", NULL);
    f->table = table_of(f->path, BUILT_US);
}

static void tear_down(fixture *f, gconstpointer data)
{
    hunt_table_free(f->table);
    g_unlink(f->path);
    g_assert_cmpint(g_rmdir(f->folder), ==, 0);
    g_free(f->folder);
    g_free(f->path);
}

static void add_hit(struct hunt_claim *claim, const char *file, guint64 line, const char *indicator)
{
    g_autoptr(GPtrArray) sources = g_ptr_array_new();
    const struct hunt_hit hit = {
        .file = file,
        .line = line,
        .kind = INDICATOR_DOMAIN,
        .indicator = indicator,
        .token = (const guint8 *)indicator,
        .token_length = strlen(indicator),
        .sources = sources,
        .confidence = ASSERTION_NO_CONFIDENCE,
        .time_us = HIT_TIME_NONE,
        .text = (const guint8 *)"a private line",
        .text_length = strlen("a private line"),
    };

    hunt_claim_hit(claim, &hit);
}

static void add_file(struct hunt_claim *claim, const char *name, guint64 size, guint64 lines,
                     const guint8 *digest)
{
    const struct hunt_scanned scanned = { .name = name,
                                          .read = size,
                                          .bytes = size,
                                          .lines = lines,
                                          .problem = digest ? NULL : "it is not there",
                                          .sha256 = digest };

    hunt_claim_scanned(claim, &scanned);
}

/* Two hits in one file, none in another. */
static struct hunt_claim *hunted(fixture *f)
{
    struct hunt_claim *claim = hunt_claim_new(f->table, &f->options);

    add_hit(claim, web, 2, "evil.example");
    add_hit(claim, web, 9, "evil.example");
    add_file(claim, web, 100, 10, web_digest);
    add_file(claim, quiet, 50, 5, quiet_digest);
    return claim;
}

static void test_entries(fixture *f, gconstpointer data)
{
    g_autoptr(hunt_claim_t) claim = hunt_claim_new(f->table, &f->options);
    static const char cut[] = "cut.log";
    const json_t *entries, *file;
    g_autofree char *hex = hex_encode(web_digest, sizeof web_digest), *text = NULL;

    /* Files may be told before or behind their hits, and between those of others. */
    add_file(claim, quiet, 50, 5, quiet_digest);
    add_hit(claim, web, 2, "evil.example");
    add_hit(claim, cut, 1, "evil.example");
    add_hit(claim, web, 9, "sub.evil.example");
    add_file(claim, web, 100, 10, web_digest);
    add_file(claim, cut, 7, 1, NULL);
    entries = hunt_claim_entries(claim);
    g_assert_cmpuint(json_array_size(entries), ==, 3 + 3);

    file = json_array_get(entries, 0);
    g_assert_cmpstr(json_text(file, "file"), ==, "quiet.log");
    g_assert_cmpint(json_number(file, "hits", -1), ==, 0);
    g_assert_cmpint(json_number(file, "first", -1), ==, 3);
    file = json_array_get(entries, 1);
    g_assert_cmpstr(json_text(file, "type"), ==, "file");
    g_assert_cmpstr(json_text(file, "sha256"), ==, hex);
    g_assert_cmpint(json_number(file, "size", -1), ==, 100);
    g_assert_cmpint(json_number(file, "lines", -1), ==, 10);
    g_assert_cmpint(json_number(file, "hits", -1), ==, 2);
    g_assert_cmpint(json_number(file, "first", -1), ==, 3);
    g_assert_null(json_object_get(file, "problem"));
    file = json_array_get(entries, 2);
    g_assert_true(json_is_null(json_object_get(file, "sha256")));
    g_assert_cmpstr(json_text(file, "problem"), ==, "it is not there");
    g_assert_cmpint(json_number(file, "first", -1), ==, 5);

    /* Hits stand file by file, say of which, and hold no line. */
    for (guint i = 3; i < 6; i++) {
        const json_t *hit = json_array_get(entries, i);

        g_assert_cmpstr(json_text(hit, "type"), ==, "hit");
        g_assert_cmpint(json_number(hit, "of", -1), ==, i < 5 ? 1 : 2);
        g_assert_null(json_object_get(hit, "file"));
    }
    g_assert_cmpint(json_number(json_array_get(entries, 4), "line", -1), ==, 9);
    text = json_dumps(entries, 0);
    g_assert_null(strstr(text, "private"));
    g_assert_true(hunt_claim_entries(claim) == entries);
}

/* The payload of an envelope. */
static json_t *payload_of(GBytes *envelope, const struct signing_key *key)
{
    GError *error = NULL;
    g_autoptr(dsse_t) dsse =
        dsse_parse(g_bytes_get_data(envelope, NULL), g_bytes_get_size(envelope), "hunt", &error);
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    struct dsse_result results[1];
    json_t *payload;

    g_assert_no_error(error);
    g_ptr_array_add(keys, key->public);
    g_assert_cmpuint(dsse_verify(dsse, keys, results), ==, 1);
    payload =
        json_loadb(g_bytes_get_data(dsse->payload, NULL), g_bytes_get_size(dsse->payload), 0, NULL);
    g_assert_nonnull(payload);
    return payload;
}

static void test_signed(fixture *f, gconstpointer data)
{
    GError *error = NULL;
    g_autoptr(hunt_claim_t) claim = hunted(f);
    g_autoptr(signing_key_t) key = signing_key_generate("maker.example", &error);
    const struct hunt_scan_summary summary = {
        .files = 2, .read = 150, .bytes = 150, .lines = 15, .hits = 1, .suppressed = 1
    };
    g_autoptr(GBytes) envelope = NULL, openings = NULL;
    g_autoptr(json_t) payload = NULL, opened = NULL;
    g_autoptr(commitment_t) commitment = NULL;
    struct commitment_root root, own;
    const json_t *predicate;
    g_autofree char *text = NULL;

    g_assert_no_error(error);
    f->options.rule = (struct hit_rule){ HIT_VALID_AT, BUILT_US };
    hunt_claim_sign(claim, &summary, NULL, STARTED_US, STARTED_US + 1, key, &envelope, &openings,
                    &error);
    g_assert_no_error(error);
    payload = payload_of(envelope, key);
    predicate = json_object_get(payload, "predicate");
    g_assert_cmpint(json_number(predicate, "files", -1), ==, 2);
    g_assert_cmpint(json_number(predicate, "hits", -1), ==, 1);
    g_assert_cmpint(json_number(predicate, "suppressed", -1), ==, 1);
    g_assert_cmpint(json_number(predicate, "lines", -1), ==, 15);
    text = json_dumps(payload, 0);
    g_assert_null(strstr(text, "web.log"));
    g_assert_null(strstr(text, "evil"));

    /* The openings are those of the root that is signed, and hold the entries in order. */
    opened = json_loadb(g_bytes_get_data(openings, NULL), g_bytes_get_size(openings), 0, NULL);
    commitment = commitment_from_openings(opened, &error);
    g_assert_no_error(error);
    commitment_root_read(json_object_get(predicate, "commitments"), &root, &error);
    g_assert_no_error(error);
    own = commitment_root(commitment);
    g_assert_cmpmem(&own.hash, sizeof own.hash, &root.hash, sizeof root.hash);
    g_assert_cmpuint(root.count, ==, json_array_size(hunt_claim_entries(claim)));
    for (gsize i = 0; i < root.count; i++)
        g_assert_true(json_equal(commitment_value(commitment, i),
                                 json_array_get(hunt_claim_entries(claim), i)));

    /* What is needed to repeat it comes back from the statement. */
    f->options.rule = (struct hit_rule){ 0 };
    hunt_claim_rule(predicate, &f->options, &error);
    g_assert_no_error(error);
    g_assert_cmpint(f->options.rule.validity, ==, HIT_VALID_AT);
    g_assert_cmpint(f->options.rule.at_us, ==, BUILT_US);
    hunt_claim_same_tables(f->table, predicate, &error);
    g_assert_no_error(error);
}

static void test_nothing_hunted_is_not_signed(fixture *f, gconstpointer data)
{
    GError *error = NULL;
    g_autoptr(hunt_claim_t) claim = hunt_claim_new(f->table, &f->options);
    g_autoptr(signing_key_t) key = signing_key_generate("maker.example", &error);
    const struct hunt_scan_summary summary = { 0 };
    g_autoptr(GBytes) envelope = NULL, openings = NULL;

    g_assert_no_error(error);
    g_assert_false(hunt_claim_sign(claim, &summary, NULL, STARTED_US, STARTED_US, key, &envelope,
                                   &openings, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    g_assert_null(envelope);
    g_clear_error(&error);
}

static void test_other_tables_are_named(fixture *f, gconstpointer data)
{
    g_autofree char *path = g_build_filename(f->folder, "b.table", NULL);
    g_autoptr(hunt_table_t) other = table_of(path, BUILT_US + 1);
    const struct table_info *info = table_info(hunt_table_part(f->table, 0));
    g_autofree char *hex = hex_encode(info->digest, sizeof info->digest);
    g_autoptr(json_t) predicate = json_pack("{s:[{s:s}]}", "tables", "sha256", hex);
    g_autoptr(json_t) more =
        json_pack("{s:[{s:s}, {s:s}]}", "tables", "sha256", hex, "sha256", hex);
    g_autoptr(json_t) none = json_pack("{s:[]}", "tables");
    const json_t *refused[] = { predicate, more, none };
    GError *error = NULL;

    g_assert_true(hunt_claim_same_tables(f->table, predicate, &error));
    g_assert_no_error(error);
    for (guint i = 0; i < G_N_ELEMENTS(refused); i++) {
        g_assert_false(hunt_claim_same_tables(i ? f->table : other, refused[i], &error));
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_FOUND);
        g_clear_error(&error);
    }
    g_unlink(path);
}

static void test_rules(fixture *f, gconstpointer data)
{
    static const struct {
        const char *valid;
        gboolean defanged, sound;
        enum hit_validity validity;
    } rows[] = {
        { "any", TRUE, TRUE, HIT_VALID_ANY },
        { "line", FALSE, TRUE, HIT_VALID_LINE },
        { "2026-01-01T00:00:00Z", FALSE, TRUE, HIT_VALID_AT },
        { "yesterday", FALSE, FALSE, 0 },
        { "", FALSE, FALSE, 0 },
    };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(json_t) predicate = json_pack("{s:{s:s, s:b}}", "rules", "valid", rows[i].valid,
                                                "defanged", rows[i].defanged);
        g_autoptr(GError) error = NULL;

        g_assert_cmpint(hunt_claim_rule(predicate, &f->options, &error), ==, rows[i].sound);
        g_assert_cmpint(f->options.defanged, ==, rows[i].defanged);
        if (rows[i].sound)
            g_assert_cmpint(f->options.rule.validity, ==, rows[i].validity);
        else
            g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    }
}

/* One file hunted anew. */
struct repetition {
    guint64 size, lines;
    const guint8 *digest;
    guint64 hit_lines[3]; /* 0: none */
    const char *indicator;
};

static char *differs(fixture *f, const json_t *entries, guint64 index,
                     const struct repetition *repetition)
{
    g_autoptr(hunt_claim_t) again = hunt_claim_new(f->table, &f->options);
    static const char name[] = "elsewhere/web.log"; /* where it lies now does not count */

    for (guint i = 0; i < 3 && repetition->hit_lines[i]; i++)
        add_hit(again, name, repetition->hit_lines[i], repetition->indicator);
    add_file(again, name, repetition->size, repetition->lines, repetition->digest);
    return hunt_claim_file_differs(entries, index, again);
}

static void test_a_repetition_is_compared(fixture *f, gconstpointer data)
{
    static const char *const evil = "evil.example", *const other = "other.example";
    static const struct {
        struct repetition again;
        guint64 index;
        const char *wanted; /* in what differs; NULL: nothing */
    } rows[] = {
        { { 100, 10, web_digest, { 2, 9 }, NULL }, 0, NULL },
        { { 50, 5, quiet_digest, { 0 }, NULL }, 1, NULL },
        { { 100, 10, quiet_digest, { 2, 9 }, NULL }, 0, "not the bytes" },
        { { 100, 10, NULL, { 2, 9 }, NULL }, 0, "not the bytes" },
        { { 99, 10, web_digest, { 2, 9 }, NULL }, 0, "size: claimed 100, found 99" },
        { { 100, 11, web_digest, { 2, 9 }, NULL }, 0, "lines: claimed 10, found 11" },
        { { 100, 10, web_digest, { 2 }, NULL }, 0, "hits: claimed 2, found 1" },
        { { 100, 10, web_digest, { 2, 5, 9 }, NULL }, 0, "hits: claimed 2, found 3" },
        { { 50, 5, quiet_digest, { 3 }, NULL }, 1, "hits: claimed 0, found 1" },
        { { 100, 10, web_digest, { 2, 8 }, NULL },
          0,
          "claimed line 9, domain evil.example, found" },
        { { 100, 10, web_digest, { 2, 9 }, "other" }, 0, "found line 2, domain other.example" },
        { { 100, 10, web_digest, { 2, 9 }, NULL }, 2, "not of a file" },
        { { 100, 10, web_digest, { 2, 9 }, NULL }, 99, "not of a file" },
    };
    g_autoptr(hunt_claim_t) claim = hunted(f);
    const json_t *entries = hunt_claim_entries(claim);
    g_autoptr(json_t) some = json_deep_copy(entries);
    g_autofree char *closed = NULL;

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        struct repetition again = rows[i].again;
        g_autofree char *why = NULL;

        again.indicator = again.indicator ? other : evil;
        why = differs(f, entries, rows[i].index, &again);
        if (rows[i].wanted ? !why || !strstr(why, rows[i].wanted) : why != NULL)
            g_error("row %u: %s", i, why ? why : "no difference");
    }
    /* Who opens a file has to open its hits. */
    json_array_set_new(some, 3, json_null());
    closed = differs(f, some, 0, &(struct repetition){ 100, 10, web_digest, { 2, 9 }, evil });
    g_assert_cmpstr(closed, ==, "the hit in entry 3 was not opened");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define TEST(name, function) g_test_add(name, fixture, NULL, set_up, function, tear_down)
    TEST("/hunt-claim/entries", test_entries);
    TEST("/hunt-claim/signed", test_signed);
    TEST("/hunt-claim/nothing", test_nothing_hunted_is_not_signed);
    TEST("/hunt-claim/tables", test_other_tables_are_named);
    TEST("/hunt-claim/rules", test_rules);
    TEST("/hunt-claim/repeated", test_a_repetition_is_compared);
#undef TEST
    return g_test_run();
}
