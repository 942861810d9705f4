/*
 * Modules shape and predicate, with the shapes of every kind (predicate_case, predicate_delivery,
 * predicate_hunt, predicate_intel, predicate_log, predicate_recover, predicate_said,
 * predicate_trust): the table against TRUST.md and against the published schemas.
 */
#include "base/error.h"
#include "base/file.h"
#include "statement/intoto.h"
#include "statement/predicate.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMA_LIMIT (1u << 20)
#define HEX "b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9"
#define VKEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define WITNESS_VKEY "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN"

/* --- TRUST.md --- */

/* What TRUST.md calls them where that is not their name. */
static const struct {
    const char *said, *name;
} called[] = {
    { "case (any kind)", "case-root" },
    { "contact points", "contact" },
    { "drill", "recovery-drill" },
    { "legal position", "legal-position" },
    { "national norm report", "norm-report" },
};

/* Named elsewhere in TRUST.md than in its table, with the exposure that the text gives them. */
static const struct {
    const char *name;
    enum exposure exposure;
} elsewhere[] = {
    { "backup-manifest", EXPOSURE_COMMITTED }, /* what a drill is held to */
    { "case-ack", EXPOSURE_LOCAL },            /* "everything" of a case is off the log */
    { "case-event", EXPOSURE_LOCAL },          /* "everything" of a case is off the log */
    { "document", EXPOSURE_LOCAL },            /* "entente sign FILE signs documents only" */
    { "indicators", EXPOSURE_COMMITTED },      /* "only salted digests" of what TLP keeps */
    { "mailbox", EXPOSURE_PUBLIC },            /* where a signatory takes messages (mailbox.h) */
    { "receipt", EXPOSURE_LOCAL },      /* "a submission is answered with a signed receipt" */
    { "recovery", EXPOSURE_PUBLIC },    /* "Recovery after theft needs root" */
    { "review", EXPOSURE_PUBLIC },      /* "the reviewer logs a review" */
    { "route-alarm", EXPOSURE_PUBLIC }, /* "alarm on routes: on consent: prefix, rule, evidence" */
    { "route-sighting", EXPOSURE_PUBLIC }, /* what answers it, of the answerer's own vantage */
    { "succession", EXPOSURE_PUBLIC },     /* "first entry names the old origin's last ..." */
};

static const struct predicate *predicate_named(const char *said)
{
    g_autofree char *type = NULL;
    const char *name = said;

    for (guint i = 0; i < G_N_ELEMENTS(called); i++)
        if (g_str_equal(called[i].said, said))
            name = called[i].name;
    type = g_strconcat(PREDICATE_PREFIX, name, ":1", NULL);
    return predicate_find(type);
}

static void test_the_table_is_what_trust_says(void)
{
    g_autofree char *path =
        g_test_build_filename(G_TEST_DIST, "vectors", "trust", "predicates.tsv", NULL);
    g_autoptr(GHashTable) found = g_hash_table_new(NULL, NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines + 1; *line && **line; line++) {
        g_auto(GStrv) cells = g_strsplit(*line, "\t", 3);
        g_auto(GStrv) names = g_strsplit(cells[0], ", ", -1);

        for (char **name = names; *name; name++) {
            const struct predicate *row = predicate_named(*name);

            if (!row) /* a later part of the program */
                continue;
            g_test_message("%s: %s", row->name, exposure_name(row->exposure));
            g_assert_cmpint(row->exposure, ==, *cells[2] ? EXPOSURE_COMMITTED : EXPOSURE_PUBLIC);
            g_hash_table_add(found, (gpointer)row);
        }
    }
    for (guint i = 0; i < G_N_ELEMENTS(elsewhere); i++) {
        const struct predicate *row = predicate_named(elsewhere[i].name);

        g_assert_nonnull(row);
        g_assert_cmpint(row->exposure, ==, elsewhere[i].exposure);
        g_hash_table_add(found, (gpointer)row);
    }
    /* No row that TRUST.md does not know, and none of today's missing. */
    for (const struct predicate *row = predicates; row->name; row++) {
        g_test_message("%s", row->name);
        g_assert_true(g_hash_table_contains(found, row));
    }
    g_assert_cmpuint(g_hash_table_size(found), ==, 26);
}

/* "Root signs only delegations, recovery and policy": besides, what makes and attests a signatory.
 * A key with another role than issuer, root and log signs nothing of the protocol. */
static void test_who_may_sign(void)
{
    static const char *const by_root[] = { "attestation", "delegation", "endorsement", "policy",
                                           "recovery",    "revocation", NULL };
    static const char *const by_log[] = { "policy", "receipt", "succession", NULL };
    static const char *const by_root_alone[] = { "delegation", "endorsement", "recovery",
                                                 "revocation", NULL };

    for (const struct predicate *row = predicates; row->name; row++) {
        g_test_message("%s", row->name);
        g_assert_cmpint(!!(row->key_roles & KEY_ROLE_ROOT), ==,
                        g_strv_contains(by_root, row->name));
        g_assert_cmpint(!!(row->key_roles & KEY_ROLE_LOG), ==, g_strv_contains(by_log, row->name));
        g_assert_cmpint(row->key_roles == KEY_ROLE_ROOT, ==,
                        g_strv_contains(by_root_alone, row->name));
        g_assert_cmpuint(row->key_roles & (KEY_ROLE_WITNESS | KEY_ROLE_SEAL | KEY_ROLE_OWNER |
                                           KEY_ROLE_OPERATOR | KEY_ROLE_OFFICER),
                         ==, 0);
    }
}

/* --- schemas --- */

static json_t *schema_of_members(const struct shape *members);

static void set_pattern(json_t *schema, enum shape_kind kind)
{
    json_object_set_new(schema, "type", json_string("string"));
    if (shape_pattern(kind))
        json_object_set_new(schema, "pattern", json_string(shape_pattern(kind)));
}

static json_t *schema_of_value(const struct shape *shape)
{
    json_t *schema = json_object(), *words;

    switch (shape->kind) {
    case SHAPE_TEXT:
        json_object_set_new(schema, "type", json_string("string"));
        json_object_set_new(schema, "minLength", json_integer(shape->low));
        json_object_set_new(schema, "maxLength",
                            json_integer(shape->high ? shape->high : SHAPE_TEXT_LIMIT));
        break;
    case SHAPE_INTEGER:
        json_object_set_new(schema, "type", json_string("integer"));
        json_object_set_new(schema, "minimum", json_integer(shape->low));
        json_object_set_new(schema, "maximum", json_integer(shape->high));
        break;
    case SHAPE_BOOLEAN:
        json_object_set_new(schema, "type", json_string("boolean"));
        break;
    case SHAPE_WORD:
        words = json_array();
        for (const char *const *word = shape->words; *word; word++)
            json_array_append_new(words, json_string(*word));
        json_object_set_new(schema, "enum", words);
        break;
    case SHAPE_OBJECT:
        json_decref(schema);
        schema = schema_of_members(shape->inside);
        break;
    case SHAPE_LIST:
        json_object_set_new(schema, "type", json_string("array"));
        json_object_set_new(schema, "minItems", json_integer(shape->low));
        json_object_set_new(schema, "maxItems", json_integer(shape->high));
        json_object_set_new(schema, "items", schema_of_value(shape->inside));
        if (shape->flags & SHAPE_UNIQUE)
            json_object_set_new(schema, "uniqueItems", json_true());
        break;
    case SHAPE_TEXTS: {
        static const struct shape text = { NULL, SHAPE_TEXT, 0, 1, 0, NULL, NULL };
        g_autoptr(GString) names = g_string_new("^(");

        json_object_set_new(schema, "type", json_string("object"));
        json_object_set_new(schema, "minProperties", json_integer(shape->low));
        json_object_set_new(schema, "maxProperties", json_integer(shape->high));
        for (const char *const *word = shape->words; word && *word; word++)
            g_string_append_printf(names, "%s%s", names->len > 2 ? "|" : "", *word);
        g_string_append(names, ")$");
        json_object_set_new(schema, "propertyNames",
                            json_pack("{s:s}", "pattern",
                                      shape->words ? names->str : shape_pattern(SHAPE_LANGUAGE)));
        json_object_set_new(schema, "additionalProperties", schema_of_value(&text));
        break;
    }
    case SHAPE_MAP:
        json_object_set_new(schema, "type", json_string("object"));
        json_object_set_new(schema, "minProperties", json_integer(shape->low));
        json_object_set_new(schema, "maxProperties", json_integer(shape->high));
        if (shape->inside)
            json_object_set_new(schema, "additionalProperties", schema_of_value(shape->inside));
        break;
    default:
        set_pattern(schema, shape->kind);
    }
    if (shape->flags & SHAPE_NULLABLE)
        schema = json_pack("{s:[o, {s:s}]}", "anyOf", schema, "type", "null");
    if (shape->flags & SHAPE_WITHHELD)
        schema = json_pack("{s:[o, {s:s}]}", "anyOf", schema, "const", SHAPE_WITHHELD_WORD);
    return schema;
}

static json_t *schema_of_members(const struct shape *members)
{
    json_t *properties = json_object(), *required = json_array();

    for (; members->name; members++) {
        json_object_set_new(properties, members->name, schema_of_value(members));
        if (!(members->flags & SHAPE_OPTIONAL))
            json_array_append_new(required, json_string(members->name));
    }
    return json_pack("{s:s, s:o, s:o}", "type", "object", "properties", properties, "required",
                     required);
}

static json_t *schema_of(const struct predicate *row)
{
    g_autofree char *roles = NULL,
                    *id = g_strdup_printf("urn:entente:schema:predicate:%s:1", row->name);
    g_autofree char *description = NULL;
    g_autoptr(GString) names = g_string_new(NULL);
    json_t *schema = schema_of_members(row->shape);

    for (guint role = KEY_ROLE_ROOT; role <= KEY_ROLE_SINGLE; role <<= 1)
        if (row->key_roles & role)
            g_string_append_printf(names, "%s%s", names->len ? ", " : "", key_role_name(role));
    description = g_strdup_printf("Exposure: %s. Signed by a key of the role: %s. Members beyond "
                                  "this schema are to be ignored; lengths are in bytes of UTF-8.",
                                  exposure_name(row->exposure), names->str);
    json_object_set_new(schema, "$schema",
                        json_string("https://json-schema.org/draft/2020-12/schema"));
    json_object_set_new(schema, "$id", json_string(id));
    json_object_set_new(schema, "title", json_string(row->type));
    json_object_set_new(schema, "description", json_string(description));
    return schema;
}

/* docs/schema/predicates/NAME.json says what the table says. ENTENTE_WRITE_SCHEMAS=1 writes it. */
static void test_the_schemas_are_the_table(void)
{
    for (const struct predicate *row = predicates; row->name; row++) {
        g_autofree char *file = g_strconcat(row->name, ".json", NULL);
        g_autofree char *path =
            g_test_build_filename(G_TEST_DIST, "..", "docs", "schema", "predicates", file, NULL);
        g_autoptr(json_t) wanted = schema_of(row);
        g_autoptr(json_t) got = NULL;
        g_autoptr(GError) error = NULL;

        if (g_getenv("ENTENTE_WRITE_SCHEMAS")) {
            char *text = json_dumps(wanted, JSON_INDENT(2) | JSON_SORT_KEYS);
            g_autofree char *line = g_strconcat(text, "\n", NULL);

            g_assert_true(g_file_set_contents(path, line, -1, NULL));
            free(text);
        }
        got = json_read_file(path, SCHEMA_LIMIT, &error);
        g_assert_no_error(error);
        g_test_message("%s", row->name);
        g_assert_true(json_equal(wanted, got));
    }
}

/* --- shapes --- */

static const struct {
    const char *type, *predicate;
} samples[] = {
    { PREDICATE_ENDORSEMENT,
      "{\"log\":\"l\",\"time\":\"2026-11-22T03:00:00Z\",\"signatory\":{\"name\":\"A\",\"group\":"
      "\"state\",\"country\":\"FR\",\"domain\":\"a.example\"},\"principles\":[1,9],\"root\":{"
      "\"threshold\":1,\"keys\":[\"" VKEY "\"]},\"statements\":{\"1\":\"x\"},\"reviewer\":true,"
      "\"contacts\":\"withheld\",\"networks\":[\"192.0.2.0/24\",\"AS64500\"]}" },
    { PREDICATE_DELEGATION,
      "{\"log\":\"l\",\"time\":\"2026-11-22T03:00:00Z\",\"key\":\"" VKEY "\",\"role\":\"issuer\","
      "\"predicates\":[\"" PREDICATE_ASSESSMENT "\"],\"until\":\"2027-11-22T03:00:00Z\"}" },
    { PREDICATE_REVOCATION, "{\"log\":\"l\",\"time\":\"2026-11-22T03:00:00Z\",\"key\":\"" VKEY
                            "\",\"reason\":\"stolen\",\"from_index\":7}" },
    { PREDICATE_RECOVERY, "{\"log\":\"l\",\"time\":\"2026-11-22T03:00:00Z\",\"root\":{\"threshold\""
                          ":1,\"keys\":[\"" VKEY "\"]}}" },
    { PREDICATE_ATTESTATION, "{\"log\":\"l\",\"time\":\"2026-11-22T03:00:00Z\",\"signatory\":\"" HEX
                             "\",\"group\":\"state\",\"checked\":[\"domain\"]}" },
    { PREDICATE_COMMITMENT,
      "{\"log\":\"l\",\"time\":\"2026-11-22T03:00:00Z\",\"text\":{\"en\":\"x\",\"fr\":\"y\"},"
      "\"principle\":9,\"norms\":[\"a\",\"k\"],\"cbms\":[\"OSCE-1\"],\"gcsc\":[1],\"kind\":"
      "\"legal\",\"due\":\"2027-11-12\",\"convening\":\"PPF\",\"evidence\":[{\"entry\":\"" HEX
      "\"}]}" },
    { PREDICATE_CONTACT,
      "{\"log\":\"l\",\"time\":\"2026-11-22T03:00:00Z\",\"roles\":[\"security\"],"
      "\"digest\":\"" HEX "\"}" },
    { PREDICATE_HUNT,
      "{\"log\":\"l\",\"engine\":\"entente 1\",\"started\":\"2026-11-22T03:00:00Z\",\"ended\":"
      "\"2026-11-22T03:00:01Z\",\"tables\":[{\"sha256\":\"" HEX "\",\"serial\":1,\"built\":"
      "\"2026-11-21T03:00:00Z\",\"values\":3}],\"rules\":{\"valid\":\"any\",\"defanged\":false},"
      "\"files\":2,\"unread\":1,\"size\":9,\"bytes\":9,\"lines\":1,\"hits\":1,\"suppressed\":0,"
      "\"commitments\":{\"algorithm\":\"rfc6962-sha256-salt32-jcs\",\"root\":\"" HEX
      "\",\"count\":3}}" },
    { PREDICATE_REVIEW,
      "{\"log\":\"l\",\"time\":\"2026-11-22T03:00:00Z\",\"assessment\":\"" HEX
      "\",\"draw\":{\"size\":3,\"root\":\"" HEX "\"},\"indices\":[9],\"verdict\":\"confirmed\"}" },
    { PREDICATE_ROUTE_ALARM,
      "{\"log\":\"l\",\"time\":\"2026-11-22T03:00:00Z\",\"tlp\":\"clear\",\"alarm\":\"origin\","
      "\"own\":\"192.0.2.0/24\",\"prefix\":\"192.0.2.0/24\",\"as\":64666,\"path\":[64500,64666],"
      "\"first\":\"2026-11-22T02:00:00Z\",\"last\":\"2026-11-22T02:30:00Z\",\"peers\":2,"
      "\"rov\":\"invalid-asn\",\"serial\":7,\"evidence\":{\"sha256\":\"" HEX "\"}}" },
    { PREDICATE_ROUTE_SIGHTING,
      "{\"log\":\"l\",\"time\":\"2026-11-22T03:00:00Z\",\"alarm\":\"" HEX
      "\",\"seen\":\"not-seen\",\"from\":\"2026-11-22T01:00:00Z\",\"until\":\"2026-11-22T03:00:"
      "00Z\","
      "\"peers\":0,\"of\":3,\"sources\":[\"recording\"],\"first\":\"2026-11-22T02:00:00Z\","
      "\"last\":\"2026-11-22T02:30:00Z\",\"evidence\":\"" HEX "\"}" },
    { PREDICATE_LEGAL_POSITION,
      "{\"log\":\"l\",\"time\":\"2026-11-22T03:00:00Z\",\"title\":\"t\",\"language\":\"fr\","
      "\"uri\":"
      "\"https://a.example/p\",\"sha256\":\"" HEX "\",\"norms\":[\"c\"]}" },
};

static json_t *statement_of(const char *type, json_t *predicate)
{
    return json_pack("{s:s, s:[{s:s, s:{s:s}}], s:s, s:O}", "_type", INTOTO_STATEMENT_TYPE,
                     "subject", "name", "a.example", "digest", "sha256", HEX, "predicateType", type,
                     "predicate", predicate);
}

static gboolean is_whole(const char *type, json_t *predicate)
{
    g_autoptr(json_t) statement = statement_of(type, predicate);
    g_autoptr(GError) error = NULL;
    gboolean whole = predicate_verify(predicate_find(type), statement, &error);

    if (!whole)
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
    return whole;
}

/* Each member left out when it is demanded, or of another kind, is refused. */
static void test_every_member_is_looked_at(void)
{
    /* Control characters, and those that turn the direction of what follows. */
    static const char *const harmful[] = { "\x1b[2J",
                                           "a\rb",
                                           "a\x7f",
                                           "\xc2\x9b"
                                           "31m",
                                           "a\xe2\x80\xae"
                                           "b",
                                           "\xe2\x81\xa6" };

    for (guint i = 0; i < G_N_ELEMENTS(samples); i++) {
        const struct predicate *row = predicate_find(samples[i].type);
        g_autoptr(json_t) sample = json_parse(samples[i].predicate, strlen(samples[i].predicate),
                                              SCHEMA_LIMIT, row->name, NULL);

        g_assert_nonnull(sample);
        g_assert_true(is_whole(row->type, sample));
        for (const struct shape *member = row->shape; member->name; member++) {
            g_autoptr(json_t) other = json_deep_copy(sample);

            g_test_message("%s.%s", row->name, member->name);
            json_object_del(other, member->name);
            g_assert_cmpint(is_whole(row->type, other), ==, !!(member->flags & SHAPE_OPTIONAL));
            json_object_set_new(other, member->name, json_real(0.5));
            g_assert_false(is_whole(row->type, other));
            json_object_set_new(other, member->name, json_string("? no such thing"));
            g_assert_cmpint(is_whole(row->type, other), ==, member->kind == SHAPE_TEXT);
            for (guint j = 0; j < G_N_ELEMENTS(harmful); j++) {
                json_object_set_new(other, member->name, json_string(harmful[j]));
                g_assert_false(is_whole(row->type, other));
            }
        }
        json_object_set_new(sample, "added-later", json_true());
        g_assert_true(is_whole(row->type, sample));
    }
}

static void assert_delegation(const char *key, const char *role, const char *until, gboolean whole)
{
    g_autoptr(json_t) predicate =
        json_pack("{s:s, s:s, s:s, s:s, s:s}", "log", "l", "time", "2026-11-22T03:00:00Z", "key",
                  key, "role", role, "until", until);

    g_assert_cmpint(is_whole(PREDICATE_DELEGATION, predicate), ==, whole);
}

static void test_delegations(void)
{
    static const char x25519[] = "x25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    assert_delegation(VKEY, "issuer", "2027-12-27T03:00:00Z", TRUE); /* 400 days */
    assert_delegation(VKEY, "issuer", "2027-12-27T03:00:01Z", FALSE);
    assert_delegation(VKEY, "issuer", "2026-11-22T03:00:00Z", FALSE);
    assert_delegation(VKEY, "witness", "2027-01-01T00:00:00Z", FALSE);
    assert_delegation(VKEY, "seal", "2027-01-01T00:00:00Z", FALSE);
    assert_delegation(VKEY, "root", "2027-01-01T00:00:00Z", FALSE);
    assert_delegation(WITNESS_VKEY, "witness", "2027-01-01T00:00:00Z", TRUE);
    assert_delegation(WITNESS_VKEY, "issuer", "2027-01-01T00:00:00Z", FALSE);
    assert_delegation(x25519, "seal", "2027-01-01T00:00:00Z", TRUE);
    assert_delegation(x25519, "issuer", "2027-01-01T00:00:00Z", FALSE);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/predicate/trust", test_the_table_is_what_trust_says);
    g_test_add_func("/predicate/who-may-sign", test_who_may_sign);
    g_test_add_func("/predicate/schemas", test_the_schemas_are_the_table);
    g_test_add_func("/predicate/every-member", test_every_member_is_looked_at);
    g_test_add_func("/predicate/delegations", test_delegations);
    return g_test_run();
}
