/* What of STIX patterns is hunted in logs, and why the rest is not. */
#include "p1_resilience/hunt/indicator.h"
#include "p1_resilience/hunt/pattern.h"

#include <string.h>

#define MD5 "d41d8cd98f00b204e9800998ecf8427e"
#define SHA1 "da39a3ee5e6b4b0d3255bfef95601890afd80709"
#define SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

/* Indicators as "kind text", with '~' before partial ones, in order; then unhunted and reason. */
static const struct {
    const char *pattern, *indicators;
    guint unhunted;
    enum pattern_unhuntable reason;
} rows[] = {
    /* Each path. */
    { "[ipv4-addr:value = '198.51.100.3']", "ipv4 198.51.100.3", 0, 0 },
    { "[ipv4-addr:value = '198.51.100.0/24']", "cidr 198.51.100.0/24", 0, 0 },
    { "[ipv6-addr:value = '2001:DB8::7']", "ipv6 2001:db8::7", 0, 0 },
    { "[ipv6-addr:value ISSUBSET '2001:db8::/32']", "cidr 2001:db8::/32", 0, 0 },
    { "[domain-name:value = 'Evil.Example']", "domain evil.example", 0, 0 },
    { "[domain-name:resolves_to_refs[*].value = '198.51.100.3']", "ipv4 198.51.100.3", 0, 0 },
    { "[domain-name:resolves_to_refs[0].value = 'evil.example']", "domain evil.example", 0, 0 },
    { "[url:value = 'http://evil.example/A']", "url http://evil.example/A", 0, 0 },
    { "[url:value = 'evil.example']", "domain evil.example", 0, 0 },
    { "[email-addr:value = 'A@evil.example']", "email a@evil.example", 0, 0 },
    { "[email-message:from_ref.value = 'a@evil.example']", "email a@evil.example", 0, 0 },
    { "[email-message:sender_ref.value = 'a@evil.example']", "email a@evil.example", 0, 0 },
    { "[network-traffic:dst_ref.value = '198.51.100.3']", "ipv4 198.51.100.3", 0, 0 },
    { "[network-traffic:src_ref.value = 'evil.example']", "domain evil.example", 0, 0 },
    { "[file:hashes.MD5 = '" MD5 "']", "hash " MD5, 0, 0 },
    { "[file:hashes.'SHA-1' = '" SHA1 "']", "hash " SHA1, 0, 0 },
    { "[file:hashes.SHA256 = '" SHA256 "']", "hash " SHA256, 0, 0 },
    { "[file:hashes[*] = '" SHA256 "']", "hash " SHA256, 0, 0 },
    { "[file:hashes.MD5 = h'" MD5 "']", "hash " MD5, 0, 0 },
    { "[artifact:hashes.MD5 = '" MD5 "']", "hash " MD5, 0, 0 },
    { "[x509-certificate:hashes.'SHA-1' = '" SHA1 "']", "hash " SHA1, 0, 0 },
    /* Operators. */
    { "[domain-name:value IN ('a.example', 'b.example')]", "domain a.example, domain b.example", 0,
      0 },
    { "[domain-name:value LIKE 'evil.example']", "domain evil.example", 0, 0 },
    { "[domain-name:value LIKE '%.example']", "", 1, PATTERN_HAS_WILDCARD },
    { "[domain-name:value LIKE 'evi_.example']", "", 1, PATTERN_HAS_WILDCARD },
    { "[domain-name:value MATCHES 'evil']", "", 1, PATTERN_HAS_EXPRESSION },
    { "[domain-name:value != 'evil.example']", "", 1, PATTERN_HAS_NEGATION },
    { "[domain-name:value NOT = 'evil.example']", "", 1, PATTERN_HAS_NEGATION },
    { "[domain-name:value NOT IN ('evil.example')]", "", 1, PATTERN_HAS_NEGATION },
    { "[domain-name:value > 'a']", "", 1, PATTERN_HAS_COMPARISON },
    { "[EXISTS domain-name:value]", "", 1, PATTERN_HAS_COMPARISON },
    { "[ipv4-addr:value ISSUPERSET '198.51.100.3']", "", 1, PATTERN_HAS_COMPARISON },
    { "[domain-name:value IN ()]", "", 1, PATTERN_HAS_OTHER_VALUE },
    /* Values that are no indicators, paths that are not searched for. */
    { "[ipv4-addr:value = 'evil.example']", "", 1, PATTERN_HAS_OTHER_VALUE },
    { "[domain-name:value = 5]", "", 1, PATTERN_HAS_OTHER_VALUE },
    { "[domain-name:value IN ('localhost', 'b.example')]", "domain b.example", 1,
      PATTERN_HAS_OTHER_VALUE },
    { "[process:command_line = 'evil.example']", "", 1, PATTERN_HAS_OTHER_PATH },
    { "[file:hashes.IMPHASH = '" MD5 "']", "", 1, PATTERN_HAS_OTHER_PATH },
    { "[file:hashes.SSDEEP = '3:A:B']", "", 1, PATTERN_HAS_OTHER_PATH },
    { "[network-traffic:dst_port = 80]", "", 1, PATTERN_HAS_OTHER_PATH },
    /* OR, in and between brackets. */
    { "[domain-name:value = 'a.example' OR url:value = 'http://b.example/']",
      "domain a.example, url http://b.example/", 0, 0 },
    { "[domain-name:value = 'a.example'] OR ([ipv4-addr:value = '192.0.2.1'] OR "
      "[file:name = 'x'])",
      "domain a.example, ipv4 192.0.2.1", 1, PATTERN_HAS_OTHER_PATH },
    /* AND in a bracket: the most specific term, and all its alternatives. */
    { "[domain-name:value = 'a.example' AND file:hashes.MD5 = '" MD5 "']", "~hash " MD5, 0, 0 },
    { "[ipv4-addr:value = '192.0.2.1' AND domain-name:value = 'a.example']", "~ipv4 192.0.2.1", 0,
      0 },
    { "[email-addr:value = 'a@b.example' AND url:value = 'http://c.example/']",
      "~url http://c.example/", 0, 0 },
    { "[file:hashes.MD5 = '" MD5 "' AND file:name = 'x']", "~hash " MD5, 0, 0 },
    { "[network-traffic:dst_ref.value = '192.0.2.1' AND network-traffic:dst_port != 443]",
      "~ipv4 192.0.2.1", 0, 0 },
    { "[(domain-name:value = 'a.example' OR domain-name:value = 'b.example') AND file:size > 1]",
      "~domain a.example, ~domain b.example", 0, 0 },
    /* A complete term is better than a more specific one of which a part is not searched for. */
    { "[(file:hashes.MD5 = '" MD5 "' OR file:name = 'x') AND domain-name:value = 'a.example']",
      "~domain a.example", 0, 0 },
    { "[file:name = 'x' AND file:size = 1]", "", 1, PATTERN_HAS_OTHER_PATH },
    { "[(domain-name:value = 'a.example' AND file:size = 1) OR domain-name:value = 'b.example']",
      "~domain a.example, domain b.example", 0, 0 },
    /* One value twice: once alone is enough. */
    { "[(domain-name:value = 'a.example' AND file:size = 1) OR domain-name:value = 'A.example']",
      "domain a.example", 0, 0 },
    /* What joins observations. */
    { "[domain-name:value = 'a.example'] AND [domain-name:value = 'b.example']", "", 1,
      PATTERN_HAS_CONJUNCTION },
    { "[domain-name:value = 'a.example'] FOLLOWEDBY [domain-name:value = 'b.example']", "", 1,
      PATTERN_HAS_SEQUENCE },
    { "[domain-name:value = 'a.example'] REPEATS 5 TIMES", "", 1, PATTERN_HAS_QUALIFIER },
    { "[domain-name:value = 'a.example'] OR [domain-name:value = 'b.example'] WITHIN 5 SECONDS",
      "domain a.example", 1, PATTERN_HAS_QUALIFIER },
};

static struct pattern_hunt *compile(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(pattern_t) pattern = pattern_parse(text, strlen(text), 0, NULL, &error);

    if (!pattern)
        g_error("%s: %s", text, error->message);
    return pattern_compile(pattern);
}

static char *describe(const struct pattern_hunt *hunt)
{
    GString *text = g_string_new(NULL);

    for (guint i = 0; i < hunt->indicators->len; i++) {
        const struct pattern_indicator *found =
            &g_array_index(hunt->indicators, struct pattern_indicator, i);

        g_string_append_printf(text, "%s%s%s %s", i ? ", " : "", found->partial ? "~" : "",
                               indicator_kind_name(found->indicator->kind), found->indicator->text);
    }
    return g_string_free(text, FALSE);
}

static void test_rows(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(pattern_hunt_t) hunt = compile(rows[i].pattern);
        g_autofree char *indicators = describe(hunt);

        if (strcmp(indicators, rows[i].indicators) != 0 || hunt->unhunted != rows[i].unhunted ||
            hunt->reason != rows[i].reason)
            g_error("%s: \"%s\", %u unhunted, %s", rows[i].pattern, indicators, hunt->unhunted,
                    pattern_unhuntable_name(hunt->reason));
    }
}

static void test_reasons_have_names(void)
{
    for (guint i = 0; i < PATTERN_UNHUNTABLES; i++) {
        g_assert_nonnull(pattern_unhuntable_name(i));
        g_assert_nonnull(pattern_unhuntable_text(i));
    }
    for (guint i = 0; i < PATTERN_REFUSALS; i++)
        g_assert_nonnull(pattern_refusal_name(i));
}

/*
 * A vendor's playbooks: whatever names a hash, a name, an address, a URL or a mailbox is hunted;
 * the rest are command lines, registry keys and files by name.
 */
static void test_real_patterns(void)
{
    const char *shared = g_getenv("ENTENTE_SHARED");
    g_autofree char *path =
        shared ? g_build_filename(shared, "data/hunt/stix/unit42_patterns_a.txt", NULL) : NULL;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    guint hunted = 0, reasons[PATTERN_UNHUNTABLES] = { 0 };

    if (!path || !g_file_get_contents(path, &text, NULL, NULL)) {
        g_test_skip("the shared data are not there");
        return;
    }
    lines = g_strsplit(g_strchomp(text), "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        g_autoptr(pattern_hunt_t) hunt = compile(lines[i]);

        g_assert_cmpint(hunt->unhunted == 0, ==, hunt->reason == PATTERN_HUNTABLE);
        if (hunt->indicators->len > 0)
            hunted++;
        else
            reasons[hunt->reason]++;
    }
    g_test_message("%u patterns: %u hunted, %u other paths, %u other values, %u wildcards",
                   g_strv_length(lines), hunted, reasons[PATTERN_HAS_OTHER_PATH],
                   reasons[PATTERN_HAS_OTHER_VALUE], reasons[PATTERN_HAS_WILDCARD]);
    g_assert_cmpuint(hunted + reasons[PATTERN_HAS_OTHER_PATH] + reasons[PATTERN_HAS_OTHER_VALUE] +
                         reasons[PATTERN_HAS_WILDCARD] + reasons[PATTERN_HAS_CONJUNCTION],
                     ==, g_strv_length(lines));
    g_assert_cmpuint(hunted, >, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pattern-hunt/rows", test_rows);
    g_test_add_func("/pattern-hunt/names", test_reasons_have_names);
    g_test_add_func("/pattern-hunt/real", test_real_patterns);
    return g_test_run();
}
