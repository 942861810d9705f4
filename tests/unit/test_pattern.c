/* STIX patterns: every production of the grammar, every refusal, and a vendor's real patterns. */
#include "p1_resilience/hunt/pattern.h"

#include <string.h>

static pattern_t *parse(const char *text, guint flags)
{
    g_autoptr(GError) error = NULL;
    pattern_t *pattern = pattern_parse(text, strlen(text), flags, NULL, &error);

    if (!pattern)
        g_error("%s: %s", text, error->message);
    return pattern;
}

/* A pattern and the one spelling it has; NULL: it stands there already. */
static const struct {
    const char *text, *print;
} valid[] = {
    /* Tests and their operators. */
    { "[file:size = 1280]", NULL },
    { "[file:size == 1280]", "[file:size = 1280]" },
    { "[file:size != -1]", NULL },
    { "[file:size <> 0]", "[file:size != 0]" },
    { "[file:size<1]", "[file:size < 1]" },
    { "[file:size<=1]", "[file:size <= 1]" },
    { "[file:size>+1]", "[file:size > +1]" },
    { "[file:size>=-1]", "[file:size >= -1]" },
    { "[x:y NOT = 1]", NULL },
    { "[x:y NOT != 1]", NULL },
    { "[x:y NOT < 1.5]", NULL },
    { "[file:size IN ()]", NULL },
    { "[file:size IN (1)]", NULL },
    { "[file:size NOT IN (1,2 ,'x', true)]", "[file:size NOT IN (1, 2, 'x', true)]" },
    { "[file:name LIKE '%.d_l']", NULL },
    { "[file:name NOT LIKE 'x']", NULL },
    { "[file:name MATCHES '^Final Report.+\\\\.exe$']", NULL },
    { "[file:name NOT MATCHES '(']", NULL },
    { "[ipv4-addr:value ISSUBSET '198.51.100.0/24']", NULL },
    { "[ipv4-addr:value ISSUBSET '192.168.1.1/24']", NULL },
    { "[ipv4-addr:value NOT ISSUPERSET '198.51.100.7']", NULL },
    { "[ipv6-addr:value ISSUPERSET '2001:db8:dead:beef:0000:0000:0000:0000/64']", NULL },
    { "[EXISTS file:name]", NULL },
    { "[EXISTS windows-registry-key:values[*].data AND file:size = 1]", NULL },
    /* Literals. */
    { "[x:y = 'it\\'s a \\\\ path']", NULL },
    { "[x:y = '']", NULL },
    { "[x:y = '\n\xc3\xa9 \xe2\x82\xac']", NULL },
    { "[x:y = 0]", NULL },
    { "[x:y = -0]", NULL },
    { "[x:y = 9223372036854775807]", NULL },
    { "[x:y = -9223372036854775808]", NULL },
    { "[x:y = 3.14]", NULL },
    { "[x:y = .5]", NULL },
    { "[x:y = -007.50]", NULL },
    { "[x:y = true AND x:z != false]", NULL },
    { "[x:y = h'00fFaB']", NULL },
    { "[x:y = h'']", NULL },
    { "[x:y = b'AA==']", NULL },
    { "[x:y = b'dGhpcyBpcyBhIHRlc3Q=']", NULL },
    { "[x:y = t'2014-01-13T07:03:17Z']", NULL },
    { "[x:y > t'2016-02-31T23:59:60.0012345Z']", NULL },
    /* Paths. */
    { "[network-traffic:dst_ref.value = 'x']", NULL },
    { "[email-message:to_refs[*].value = 'x']", NULL },
    { "[process:arguments[0] = 'x' AND process:arguments[-1] = 'y']", NULL },
    { "[file:extensions.'windows-pebinary-ext'.sections[*].entropy > 7.0]", NULL },
    { "[file:'name' = 'x']", "[file:name = 'x']" },
    { "[file:'AND'.'true'.'' = 1]", NULL },
    { "[file:hashes.'MD5' = 'd41d8cd98f00b204e9800998ecf8427e']",
      "[file:hashes.MD5 = 'd41d8cd98f00b204e9800998ecf8427e']" },
    { "[file:hashes.SHA-1 = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']",
      "[file:hashes.'SHA-1' = 'da39a3ee5e6b4b0d3255bfef95601890afd80709']" },
    { "[file:hashes.SSDEEP = '3:AXGBicFlgVNhBGcL6wCrFQEv:AXGHsNhxLsr2C']", NULL },
    { "[file:hashes[*] = 'anything']", NULL },
    { "[file:hashes.'X-OWN' = 'anything']", NULL },
    { "[file:hashes.MD5 LIKE 'f00%']", NULL },
    { "[x-usb-device:_serial[0][1] = 1]", NULL },
    { "[h:b = 1 AND t:h = 2]", NULL },
    /* Precedence within a bracket; mixed types. */
    { "[a:b = 1 OR c:d = 2 AND e:f = 3]", NULL },
    { "[(a:b = 1 OR c:d = 2) AND e:f = 3]", NULL },
    { "[a:b = 1 OR (c:d = 2 AND e:f = 3)]", "[a:b = 1 OR c:d = 2 AND e:f = 3]" },
    { "[((a:b = 1))]", "[a:b = 1]" },
    { "[a:b = 1 OR (c:d = 2 OR e:f = 3)]", NULL },
    { "[network-traffic:dst_port = 80 AND user-account:user_id = 'x']", NULL },
    /* Precedence between brackets; qualifiers. */
    { "[a:b=1] FOLLOWEDBY [a:b=2] OR [a:b=3] AND [a:b=4]",
      "[a:b = 1] FOLLOWEDBY [a:b = 2] OR [a:b = 3] AND [a:b = 4]" },
    { "([a:b = 1] FOLLOWEDBY [a:b = 2]) OR [a:b = 3]", NULL },
    { "([a:b = 1] OR [a:b = 2]) AND [a:b = 3]", NULL },
    { "([a:b = 1])", "[a:b = 1]" },
    { "[a:b = 1] AND [a:b = 2] WITHIN 5 SECONDS", NULL },
    { "([a:b = 1] AND [a:b = 2]) WITHIN 300.5 SECONDS", NULL },
    { "[a:b = 1] REPEATS 5 TIMES WITHIN 1800 SECONDS", NULL },
    { "([a:b = 1] WITHIN 5 SECONDS) WITHIN 6 SECONDS", NULL },
    { "[a:b = 1] START t'2016-06-01T00:00:00Z' STOP t'2016-07-01T00:00:00Z'", NULL },
    { "[a:b=1]START t'2016-06-01T00:00:00Z'STOP t'2016-07-01T00:00:00Z'REPEATS 2 TIMES",
      "[a:b = 1] START t'2016-06-01T00:00:00Z' STOP t'2016-07-01T00:00:00Z' REPEATS 2 TIMES" },
    /* White space and comments. */
    { " \t\r\n\v\f\xc2\x85\xc2\xa0\xe1\x9a\x80\xe2\x80\x83\xe3\x80\x80[a:b\n=\n1] ", "[a:b = 1]" },
    { "/* why */[a:b/**/= // to the end\n1]//", "[a:b = 1]" },
};

/* What each valid pattern prints as, and that this is read again as an equal tree. */
static void test_valid_patterns(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(valid); i++) {
        g_autoptr(pattern_t) pattern = NULL;
        g_autoptr(pattern_t) again = NULL;
        g_autofree char *print = NULL;

        pattern = parse(valid[i].text, PATTERN_STRICT);
        print = pattern_print(pattern);
        g_assert_cmpstr(print, ==, valid[i].print ? valid[i].print : valid[i].text);
        again = parse(print, PATTERN_STRICT);
        g_assert_true(pattern_equal(pattern, again));
    }
}

static void test_trees_differ(void)
{
    static const char *const texts[] = {
        "[a:b = 1]",
        "[a:b = '1']",
        "[a:b NOT = 1]",
        "[a:b != 1]",
        "[a:c = 1]",
        "[a:b[0] = 1]",
        "[a:b[1] = 1]",
        "[a:b[*] = 1]",
        "[a:b IN (1)]",
        "[a:b IN (1, 1)]",
        "[a:b = 1 OR a:b = 1]",
        "[a:b = 1 AND a:b = 1]",
        "[a:b = 1] OR [a:b = 1]",
        "[a:b = 1] AND [a:b = 1]",
        "[a:b = 1] FOLLOWEDBY [a:b = 1]",
        "[a:b = 1] WITHIN 5 SECONDS",
        "[a:b = 1] WITHIN 6 SECONDS",
        "[a:b = 1] REPEATS 5 TIMES",
        "[a:b = 1] START t'2016-06-01T00:00:00Z' STOP t'2016-07-01T00:00:00Z'",
        "[a:b = 1] START t'2016-06-01T00:00:00Z' STOP t'2016-07-02T00:00:00Z'",
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        for (guint j = 0; j < G_N_ELEMENTS(texts); j++) {
            g_autoptr(pattern_t) one = parse(texts[i], 0), other = parse(texts[j], 0);

            g_assert_cmpint(pattern_equal(one, other), ==, i == j);
        }
}

/* AND binds tighter than OR, a qualifier only the bracket before it; chains are flat. */
static void test_the_tree(void)
{
    g_autoptr(pattern_t) pattern = parse("[a:b = 1] OR [a:b = 2] AND [a:b = 3] REPEATS 7 TIMES "
                                         "WITHIN 2.5 SECONDS OR [a:b.'c d'[-2] = true]",
                                         0);
    const struct pattern_node *root = pattern_root(pattern), *and, *qualified, *test;

    g_assert_cmpint(root->kind, ==, PATTERN_OR);
    g_assert_cmpuint(root->children->len, ==, 3);
    and = g_ptr_array_index(root->children, 1);
    g_assert_cmpint(and->kind, ==, PATTERN_AND);
    g_assert_cmpuint(and->position, ==, 13);
    qualified = g_ptr_array_index(and->children, 1);
    g_assert_cmpint(qualified->kind, ==, PATTERN_QUALIFIED);
    g_assert_cmpint(g_array_index(qualified->qualifiers, struct pattern_qualifier, 0).times, ==, 7);
    g_assert_cmpfloat(g_array_index(qualified->qualifiers, struct pattern_qualifier, 1).seconds, ==,
                      2.5);
    test = g_ptr_array_index(
        ((struct pattern_node *)g_ptr_array_index(root->children, 2))->children, 0);
    g_assert_cmpstr(test->path.type, ==, "a");
    g_assert_cmpuint(test->path.steps->len, ==, 3);
    g_assert_cmpstr(g_array_index(test->path.steps, struct pattern_step, 1).name, ==, "c d");
    g_assert_cmpint(g_array_index(test->path.steps, struct pattern_step, 2).index, ==, -2);
    g_assert_true(g_array_index(test->literals, struct pattern_literal, 0).truth);
}

/* A refused pattern, why, and the position the message names. */
static const struct {
    const char *text;
    enum pattern_refusal refusal;
    guint position;
} invalid[] = {
    { "", PATTERN_REFUSED_SYNTAX, 1 },
    { "file:size = 1280", PATTERN_REFUSED_SYNTAX, 1 },
    { "[]", PATTERN_REFUSED_SYNTAX, 2 },
    { "[file:size = 1280", PATTERN_REFUSED_SYNTAX, 18 },
    { "[file:size = 1280]]", PATTERN_REFUSED_SYNTAX, 19 },
    { "[file:size = 1280] [file:size = 1]", PATTERN_REFUSED_SYNTAX, 20 },
    { "[file.size = 1]", PATTERN_REFUSED_PATH, 6 },
    { "[file = 1]", PATTERN_REFUSED_PATH, 7 },
    { "[file: = 1]", PATTERN_REFUSED_PATH, 8 },
    { "[file:size. = 1]", PATTERN_REFUSED_PATH, 13 },
    { "[file:size[] = 1]", PATTERN_REFUSED_PATH, 12 },
    { "[file:size[1.5] = 1]", PATTERN_REFUSED_PATH, 12 },
    { "[file:size['a'] = 1]", PATTERN_REFUSED_PATH, 12 },
    { "[file:size[0 = 1]", PATTERN_REFUSED_SYNTAX, 14 },
    { "[file:[0] = 1]", PATTERN_REFUSED_PATH, 7 },
    { "[file:IN = 1]", PATTERN_REFUSED_PATH, 7 },
    { "[1:size = 1]", PATTERN_REFUSED_SYNTAX, 2 },
    { "['file':size = 1]", PATTERN_REFUSED_SYNTAX, 2 },
    { "[file:size = ]", PATTERN_REFUSED_SYNTAX, 14 },
    { "[file:size 1]", PATTERN_REFUSED_SYNTAX, 12 },
    { "[file:name = evil.exe]", PATTERN_REFUSED_SYNTAX, 14 },
    { "[file:name = \"evil.exe\"]", PATTERN_REFUSED_CHARACTER, 14 },
    { "[file:name MATCHES /.*\\.dll/]", PATTERN_REFUSED_CHARACTER, 20 },
    { "[file:hashes.MD5 =? 'x']", PATTERN_REFUSED_CHARACTER, 19 },
    { "[file:size = 1; DROP]", PATTERN_REFUSED_CHARACTER, 15 },
    { "[file:size = \xff]", PATTERN_REFUSED_ENCODING, 14 },
    { "[file:size = 1] WITHIN 5 HOURS", PATTERN_REFUSED_SYNTAX, 26 },
    { "[file:size = 1] WITHIN -5 SECONDS", PATTERN_REFUSED_QUALIFIER, 24 },
    { "[file:size = 1] WITHIN 0 SECONDS", PATTERN_REFUSED_QUALIFIER, 24 },
    { "[file:size = 1] WITHIN 'x' SECONDS", PATTERN_REFUSED_QUALIFIER, 24 },
    { "[file:size = 1] within 5 SECONDS", PATTERN_REFUSED_SYNTAX, 17 },
    { "[file:size = 1] WITHIN 5 seconds", PATTERN_REFUSED_SYNTAX, 26 },
    { "[file:size = 1] REPEATS 0 TIMES", PATTERN_REFUSED_QUALIFIER, 25 },
    { "[file:size = 1] REPEATS 1.5 TIMES", PATTERN_REFUSED_QUALIFIER, 25 },
    { "[file:size = 1] REPEATS TIMES", PATTERN_REFUSED_QUALIFIER, 25 },
    { "[file:size = 1] WITHIN 5 SECONDS WITHIN 6 SECONDS", PATTERN_REFUSED_REPEATED_QUALIFIER, 34 },
    { "[file:size = 1] REPEATS 5 TIMES WITHIN 5 SECONDS REPEATS 6 TIMES",
      PATTERN_REFUSED_REPEATED_QUALIFIER, 50 },
    { "[file:size = 1] START '2016-06-01T00:00:00Z' STOP '2016-07-01T00:00:00Z'",
      PATTERN_REFUSED_QUALIFIER, 23 },
    { "[file:size = 1] START t'2016-06-01T00:00:00Z'", PATTERN_REFUSED_SYNTAX, 46 },
    { "[file:size = 1] STOP t'2016-06-01T00:00:00Z'", PATTERN_REFUSED_SYNTAX, 17 },
    { "WITHIN 5 SECONDS", PATTERN_REFUSED_SYNTAX, 1 },
    { "[file:size = 1] AND", PATTERN_REFUSED_SYNTAX, 20 },
    { "[file:size = 1] and [file:size = 2]", PATTERN_REFUSED_SYNTAX, 17 },
    { "[file:size = 1 AND]", PATTERN_REFUSED_SYNTAX, 19 },
    { "[file:size = 1 OR OR file:size = 2]", PATTERN_REFUSED_SYNTAX, 19 },
    { "[file:size = 1 FOLLOWEDBY file:size = 2]", PATTERN_REFUSED_SYNTAX, 16 },
    { "[NOT file:size = 1]", PATTERN_REFUSED_SYNTAX, 2 },
    { "[file:size NOT NOT = 1]", PATTERN_REFUSED_SYNTAX, 16 },
    { "NOT [file:size = 1]", PATTERN_REFUSED_SYNTAX, 1 },
    { "([file:size = 1]", PATTERN_REFUSED_SYNTAX, 17 },
    { "()", PATTERN_REFUSED_SYNTAX, 2 },
    { "[()]", PATTERN_REFUSED_SYNTAX, 3 },
    { "[file:size LIKE 5]", PATTERN_REFUSED_LITERAL, 17 },
    { "[file:size MATCHES true]", PATTERN_REFUSED_LITERAL, 20 },
    { "[file:size < true]", PATTERN_REFUSED_LITERAL, 14 },
    { "[file:size NOT EXISTS 1]", PATTERN_REFUSED_SYNTAX, 16 },
    { "[EXISTS file:size = 1]", PATTERN_REFUSED_SYNTAX, 19 },
    { "[EXISTS]", PATTERN_REFUSED_SYNTAX, 8 },
    { "[ipv4-addr:value ISSUBSET 'evil.com']", PATTERN_REFUSED_LITERAL, 2 },
    { "[ipv4-addr:value ISSUBSET '10.0.0.0/33']", PATTERN_REFUSED_LITERAL, 2 },
    { "[ipv4-addr:value ISSUPERSET 10]", PATTERN_REFUSED_LITERAL, 29 },
    { "[file:size IN 1]", PATTERN_REFUSED_SYNTAX, 15 },
    { "[file:size IN (1 2)]", PATTERN_REFUSED_SYNTAX, 18 },
    { "[file:size IN (1,)]", PATTERN_REFUSED_SYNTAX, 18 },
    { "[file:size IN (,1)]", PATTERN_REFUSED_SYNTAX, 16 },
    { "[file:name = 'C:\\Windows']", PATTERN_REFUSED_ESCAPE, 17 },
    { "[file:name = 'a\\n']", PATTERN_REFUSED_ESCAPE, 16 },
    { "[file:name = 'evil]", PATTERN_REFUSED_UNTERMINATED, 14 },
    { "[file:name = 'evil\\']", PATTERN_REFUSED_UNTERMINATED, 14 },
    { "[file:name = 'a'] /* no end", PATTERN_REFUSED_UNTERMINATED, 19 },
    { "[file:name = h'00]", PATTERN_REFUSED_UNTERMINATED, 14 },
    { "[file:size = 007]", PATTERN_REFUSED_NUMBER, 14 },
    { "[file:size = -01]", PATTERN_REFUSED_NUMBER, 14 },
    { "[file:size = 9223372036854775808]", PATTERN_REFUSED_NUMBER, 14 },
    { "[file:size = 5.]", PATTERN_REFUSED_SYNTAX, 15 },
    { "[file:size = - 5]", PATTERN_REFUSED_CHARACTER, 14 },
    { "[file:size = 1e5]", PATTERN_REFUSED_SYNTAX, 15 },
    { "[x:y = TRUE]", PATTERN_REFUSED_SYNTAX, 8 },
    { "[x:y = null]", PATTERN_REFUSED_SYNTAX, 8 },
    { "[x:y = h'0']", PATTERN_REFUSED_HEX, 8 },
    { "[x:y = h'0g']", PATTERN_REFUSED_HEX, 8 },
    { "[x:y = b'====']", PATTERN_REFUSED_BASE64, 8 },
    { "[x:y = b'']", PATTERN_REFUSED_BASE64, 8 },
    { "[x:y = b'AAA']", PATTERN_REFUSED_BASE64, 8 },
    { "[x:y = b'A===']", PATTERN_REFUSED_BASE64, 8 },
    { "[x:y = b'AA=A']", PATTERN_REFUSED_BASE64, 8 },
    { "[x:y = b'AA-_']", PATTERN_REFUSED_BASE64, 8 },
    { "[x:y = t'2014-13-13T07:03:17Z']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[x:y = t'2014-00-13T07:03:17Z']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[x:y = t'2014-01-00T07:03:17Z']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[x:y = t'2014-01-32T07:03:17Z']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[x:y = t'2014-01-13T25:03:17Z']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[x:y = t'2014-01-13T07:60:17Z']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[x:y = t'2014-01-13T07:03:61Z']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[x:y = t'2014-01-13T07:03:17']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[x:y = t'2014-01-13T07:03:17.Z']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[x:y = t'2014-01-13T07:03:17+00:00']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[x:y = t'2014/01/13T07:03:17Z']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[x:y = t'2014-01-13 07:03:17Z']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[x:y = t'2014-1-13T07:03:17Z']", PATTERN_REFUSED_TIMESTAMP, 8 },
    { "[file:hashes.'SHA-256' = 'f00']", PATTERN_REFUSED_HASH, 2 },
    { "[file:size = 1 AND file:hashes.MD5 = 'zz1d8cd98f00b204e9800998ecf8427e']",
      PATTERN_REFUSED_HASH, 20 },
    { "[file:hashes.'SHA-1' IN ('da39a3ee5e6b4b0d3255bfef95601890afd80709', '00')]",
      PATTERN_REFUSED_HASH, 2 },
    { "[file:hashes.'SHA-512' != 'd41d8cd98f00b204e9800998ecf8427e']", PATTERN_REFUSED_HASH, 2 },
    { "[file:hashes.MD5 = 5]", PATTERN_REFUSED_HASH, 2 },
    { "[file:hashes.SSDEEP = 'x:AXG:AXG']", PATTERN_REFUSED_HASH, 2 },
    { "[file:hashes.ssdeep = '3:AXG']", PATTERN_REFUSED_HASH, 2 },
};

static void test_invalid_patterns(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(invalid); i++) {
        g_autoptr(GError) error = NULL;
        g_autofree char *place = g_strdup_printf("position %u: ", invalid[i].position);
        enum pattern_refusal refusal;
        g_autoptr(pattern_t) pattern =
            pattern_parse(invalid[i].text, strlen(invalid[i].text), 0, &refusal, &error);

        if (pattern)
            g_error("taken: %s", invalid[i].text);
        if (refusal != invalid[i].refusal || !g_str_has_prefix(error->message, place))
            g_error("%s: %s: %s", invalid[i].text, pattern_refusal_name(refusal), error->message);
    }
}

static void test_nul_is_refused(void)
{
    static const char text[] = "[x:y = '\0']";
    enum pattern_refusal refusal;

    g_assert_null(pattern_parse(text, sizeof text - 1, 0, &refusal, NULL));
    g_assert_cmpint(refusal, ==, PATTERN_REFUSED_ENCODING);
}

static void test_stix_2_0(void)
{
    static const char *const times =
        "[a:b = 1] START '2016-06-01T00:00:00Z' STOP '2016-07-01T00:00:00.5Z'";
    static const char *const bad = "[a:b = 1] START '2016-06-01' STOP '2016-07-01T00:00:00Z'";
    static const char *const exists = "[EXISTS a:b]";
    g_autoptr(pattern_t) pattern = parse(times, PATTERN_STIX_2_0);
    g_autofree char *print = pattern_print(pattern);
    enum pattern_refusal refusal;

    g_assert_cmpstr(print, ==,
                    "[a:b = 1] START t'2016-06-01T00:00:00Z' STOP t'2016-07-01T00:00:00.5Z'");
    g_assert_null(pattern_parse(bad, strlen(bad), PATTERN_STIX_2_0, &refusal, NULL));
    g_assert_cmpint(refusal, ==, PATTERN_REFUSED_TIMESTAMP);
    g_assert_null(pattern_parse(exists, strlen(exists), PATTERN_STIX_2_0, NULL, NULL));
}

static void test_lenient_backslashes(void)
{
    g_autoptr(pattern_t) pattern = parse("[a:b = 'C:\\Windows\\\\x\\'']", PATTERN_LENIENT);
    g_autofree char *print = pattern_print(pattern);

    g_assert_cmpstr(print, ==, "[a:b = 'C:\\\\Windows\\\\x\\'']");
}

static char *repeat(const char *first, const char *next, guint times, const char *last)
{
    GString *text = g_string_new(first);

    for (guint i = 0; i < times; i++)
        g_string_append(text, next);
    g_string_append(text, last);
    return g_string_free(text, FALSE);
}

static void check_limit(char *text, enum pattern_refusal wanted)
{
    enum pattern_refusal refusal;
    g_autoptr(pattern_t) pattern = pattern_parse(text, strlen(text), 0, &refusal, NULL);

    g_assert_cmpint(refusal, ==, wanted);
    g_free(text);
}

static void test_limits(void)
{
    g_autofree char *close = g_strnfill(PATTERN_DEPTH_LIMIT, ')');
    g_autofree char *shallow = g_strconcat("a:b=1", close + 1, "]", NULL);
    g_autofree char *deep = g_strconcat("a:b=1", close, "]", NULL);

    check_limit(repeat("[", "(", PATTERN_DEPTH_LIMIT - 1, shallow), PATTERN_REFUSED_NOT);
    check_limit(repeat("[", "(", PATTERN_DEPTH_LIMIT, deep), PATTERN_REFUSED_TOO_DEEP);
    check_limit(repeat("", "(", 100000, ""), PATTERN_REFUSED_TOO_DEEP);
    /* A chain of 4,000 is flat, not deep. */
    check_limit(repeat("[a:b=1]", "OR[a:b=1]", 4000, ""), PATTERN_REFUSED_NOT);
    check_limit(repeat("[a:b IN (1", ",1", PATTERN_NODE_LIMIT, ")]"), PATTERN_REFUSED_TOO_MANY);
    check_limit(repeat("[a:b = 1]", " ", PATTERN_LENGTH_LIMIT, ""), PATTERN_REFUSED_TOO_LONG);
}

/* Each line of the files of the shared data whose name fits; how many files there are. */
static guint for_each_line(const char *glob, void (*check)(const char *line))
{
    const char *shared = g_getenv("ENTENTE_SHARED");
    g_autofree char *folder = g_build_filename(shared ? shared : "/", "data/hunt/stix", NULL);
    g_autoptr(GDir) listing = shared ? g_dir_open(folder, 0, NULL) : NULL;
    guint files = 0;
    const char *name;

    while (listing && (name = g_dir_read_name(listing))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);
        g_autofree char *text = NULL;
        g_auto(GStrv) lines = NULL;

        if (!g_pattern_match_simple(glob, name) || !g_file_get_contents(path, &text, NULL, NULL))
            continue;
        files++;
        lines = g_strsplit(text, "\n", -1);
        for (guint i = 0; lines[i]; i++)
            if (*lines[i])
                check(lines[i]);
    }
    return files;
}

static void check_real(const char *line)
{
    g_autoptr(pattern_t) pattern = parse(line, PATTERN_STRICT);
    g_autofree char *print = pattern_print(pattern);
    g_autoptr(pattern_t) again = parse(print, PATTERN_STRICT);

    g_assert_true(pattern_equal(pattern, again));
}

static void check_bad_escape(const char *line)
{
    enum pattern_refusal refusal;

    g_assert_null(pattern_parse(line, strlen(line), PATTERN_STRICT, &refusal, NULL));
    g_assert_cmpint(refusal, !=, PATTERN_REFUSED_NOT);
}

static void test_real_patterns(void)
{
    if (for_each_line("*_patterns_?.txt", check_real) == 0)
        g_test_skip("the shared data are not there");
    for_each_line("*badescape*.txt", check_bad_escape);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pattern/valid", test_valid_patterns);
    g_test_add_func("/pattern/differ", test_trees_differ);
    g_test_add_func("/pattern/tree", test_the_tree);
    g_test_add_func("/pattern/invalid", test_invalid_patterns);
    g_test_add_func("/pattern/nul", test_nul_is_refused);
    g_test_add_func("/pattern/stix-2.0", test_stix_2_0);
    g_test_add_func("/pattern/lenient", test_lenient_backslashes);
    g_test_add_func("/pattern/limits", test_limits);
    g_test_add_func("/pattern/real", test_real_patterns);
    return g_test_run();
}
