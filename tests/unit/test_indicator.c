/* Indicators: what is taken, in which form, and what is refused for which reason. */
#include "p1_resilience/hunt/indicator.h"
#include "p1_resilience/hunt/public_suffix.h"
#include "p1_resilience/hunt/refang.h"

#include <string.h>

static void check_as(const char *text, guint flags, const char *kind, const char *normal)
{
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;

    if (!indicator_parse(text, strlen(text), flags, &indicator, &why))
        g_error("%s: %s", text, indicator_why_name(why));
    g_assert_cmpstr(indicator_kind_name(indicator.kind), ==, kind);
    g_assert_cmpstr(indicator.text, ==, normal);
    /* Only addresses and networks have a family: a URL keeps none of its host's. */
    g_assert_cmpint(indicator.family != 0, ==, indicator.kind <= INDICATOR_CIDR);
}

static void check(const char *text, const char *kind, const char *normal)
{
    check_as(text, 0, kind, normal);
}

static void refuse(const char *text, const char *reason)
{
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;

    if (indicator_parse(text, strlen(text), 0, &indicator, &why))
        g_error("%s: taken as %s %s", text, indicator_kind_name(indicator.kind), indicator.text);
    g_assert_null(indicator.text);
    g_assert_cmpstr(indicator_why_name(why), ==, reason);
}

static enum indicator_why why_of(const char *text, guint flags)
{
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;

    indicator_parse(text, strlen(text), flags, &indicator, &why);
    return why;
}

static void test_addresses(void)
{
    check("192.0.2.7", "ipv4", "192.0.2.7");
    check(" 192.0.2.7\r", "ipv4", "192.0.2.7");
    check("192.0.2.7:443", "ipv4", "192.0.2.7");
    g_assert_cmpint(why_of("192.0.2.7:443", 0), ==, INDICATOR_PORT_DROPPED);
    check("::FFFF:c000:207", "ipv6", "::ffff:192.0.2.7");
    check("2001:DB8:0:0:0:0:0:7", "ipv6", "2001:db8::7");
    check("2001:db8:0:1:1:1:1:1", "ipv6", "2001:db8:0:1:1:1:1:1"); /* RFC 5952 section 4.2.2 */
    check("[2001:db8::7]", "ipv6", "2001:db8::7");
    check("[2001:db8::7]:443", "ipv6", "2001:db8::7");
    refuse("010.1.1.1", "bad-address"); /* not read as octal */
    refuse("300.1.1.1", "bad-address");
    refuse("1.2.3", "bad-address");
    refuse("1.2.3.4.5", "bad-address");
    refuse("1::2::3", "bad-address");
    refuse("12:34:56", "bad-address");
}

static void test_networks(void)
{
    check("192.0.2.0/24", "cidr", "192.0.2.0/24");
    check("192.0.2.9/24", "cidr", "192.0.2.0/24");
    g_assert_cmpint(why_of("192.0.2.9/24", 0), ==, INDICATOR_HOST_BITS);
    g_assert_cmpint(why_of("192.0.2.0/24", 0), ==, INDICATOR_FINE);
    check("192.0.2.9/32", "cidr", "192.0.2.9/32");
    check("192.0.2.129/25", "cidr", "192.0.2.128/25");
    check("2001:DB8::1/32", "cidr", "2001:db8::/32");
    check("::ffff:192.0.2.9/120", "cidr", "::ffff:192.0.2.0/120");
    refuse("192.0.2.0/33", "bad-prefix");
    refuse("192.0.2.0/08", "bad-prefix");
    refuse("10.0.0.0/7", "wide-prefix");
    refuse("2001::/15", "wide-prefix");
    g_assert_cmpint(why_of("10.0.0.0/7", INDICATOR_FORCE), ==, INDICATOR_FINE);
    check("10.0.0.0/8", "cidr", "10.0.0.0/8");
}

static void test_network_holds_its_numbers(void)
{
    static const guint8 expected[16] = { 192, 0, 2, 128 };
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;

    g_assert_true(indicator_parse("192.0.2.255/25", 14, 0, &indicator, &why));
    g_assert_cmpint(indicator.family, ==, 4);
    g_assert_cmpint(indicator.prefix, ==, 25);
    g_assert_cmpmem(indicator.address, 16, expected, 16);
}

static void test_names(void)
{
    g_autofree char *label = g_strnfill(63, 'a'), *long_label = g_strnfill(64, 'a');
    g_autofree char *fits = g_strconcat(label, ".example", NULL);
    g_autofree char *too_long = g_strconcat(long_label, ".example", NULL);

    check("WWW.Evil.Example.", "domain", "www.evil.example");
    check("*.evil.example", "domain", "evil.example");
    check(".evil.example", "domain", "evil.example");
    check("_dmarc.evil.example", "domain", "_dmarc.evil.example");
    check("evil.example:8080", "domain", "evil.example");
    check("b\u00fccher.example", "domain", "xn--bcher-kva.example");
    check("stra\u00dfe.example", "domain", "xn--strae-oqa.example"); /* non-transitional */
    check("\u4f8b\u3048\u3002\u30c6\u30b9\u30c8", "domain", "xn--r8jz45g.xn--zckzah");
    check("deadbeef.example", "domain", "deadbeef.example");
    check(fits, "domain", fits);
    refuse(too_long, "bad-name");
    refuse("localhost", "single-label");
    refuse("evil..example", "bad-name");
    refuse("evil.123", "bad-name");
    refuse("-evil.example", "bad-name");
}

static void test_urls(void)
{
    check("HTTP://Evil.Example:80/A?b=C#d", "url", "http://evil.example/A?b=C");
    check("https://evil.example:443", "url", "https://evil.example/");
    check("https://evil.example:8443/x", "url", "https://evil.example:8443/x");
    check("http://evil.example?q=1", "url", "http://evil.example/?q=1");
    check("evil.example/gate.php", "url", "evil.example/gate.php");
    check("evil.example/%41/../b", "url", "evil.example/%41/../b");
    check("http://[2001:DB8::1]:8080/a", "url", "http://[2001:db8::1]:8080/a");
    check("http://[2001:db8::1]", "url", "http://[2001:db8::1]/");
    check("http://[2001:db8::1]/a]).", "url", "http://[2001:db8::1]/a]).");
    check("http://[2001:db8::1]).", "url", "http://[2001:db8::1]/");
    check("192.0.2.7/gate.php", "url", "192.0.2.7/gate.php");
    check("192.0.2.7:8080/24", "url", "192.0.2.7:8080/24");
    check("http://evil.example/a.", "url", "http://evil.example/a.");
    check("evil.example/a?", "url", "evil.example/a?");
    check("http://evil.example/?", "url", "http://evil.example/?");
    check("http://evil.example?", "url", "http://evil.example/");
    check("http://evil.example:?", "url", "http://evil.example/");
    check("http://evil.example).", "url", "http://evil.example/");
    check("http://evil.example/................", "url", "http://evil.example/................");
    refuse("http://evil.example/.................", "bad-url");
    check_as("http://evil.example/a).", INDICATOR_IN_TEXT, "url", "http://evil.example/a");
    check_as("http://evil.example/a).#b", INDICATOR_IN_TEXT, "url", "http://evil.example/a).");
    check("http://evil.example/a#b).", "url", "http://evil.example/a");
    check("http://evil.example/a).#b", "url", "http://evil.example/a).");
    check("http://evil.example/a?#", "url", "http://evil.example/a?");
    check("192.0.2.9/24.", "cidr", "192.0.2.0/24");
    check("192.0.2.9/24#b", "cidr", "192.0.2.0/24");
    check("http://b\u00fccher.example/\u00fc", "url", "http://xn--bcher-kva.example/%C3%BC");
    refuse("ftp://evil.example/a", "bad-url");
    refuse("http://me:secret@evil.example/", "bad-url");
    refuse("http://evil.example/a b", "bad-url");
    refuse("http://evil.example:99999/", "bad-url");
    refuse("192.0.2.7:/24", "bad-url"); /* else it would be a network's normal form */
    check("http://evil.example:/a", "url", "http://evil.example/a");
    check("http://evil.example.:080/a", "url", "http://evil.example/a");
    check("http://evil.example/a[.b].c?d[at]=[:]e", "url",
          "http://evil.example/a[.b].c?d[at]=[:]e");
    check("hxxp://evil[.]example/a[.]php?b[.c", "url", "http://evil.example/a.php?b[.c");
    refuse("http://*.evil.example/a", "expression");
    refuse("http:///a", "bad-url");
    refuse("/gate.php", "path-only");
}

static void test_the_host_of_a_url(void)
{
    static const struct {
        const char *url, *host;
    } rows[] = { { "http://evil.example/a:b", "evil.example" },
                 { "evil.example:81/http://other.example/", "evil.example" },
                 { "https://[2001:db8::1]:81/", "2001:db8::1" },
                 { "a@evil.example", "evil.example" } };

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(indicator_t) indicator = { 0 };
        g_autofree char *host = NULL;
        enum indicator_why why;
        gsize length;
        const char *at;

        g_assert_true(indicator_parse(rows[i].url, strlen(rows[i].url), 0, &indicator, &why));
        at = indicator_host(&indicator, &length);
        host = g_strndup(at, length);
        g_assert_cmpstr(host, ==, rows[i].host);
    }
}

static void test_digests_and_mail(void)
{
    check("D41D8CD98F00B204E9800998ECF8427E", "hash", "d41d8cd98f00b204e9800998ecf8427e");
    check("sha1: DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "hash",
          "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    refuse("d41d8cd98f00b204e9800998ecf8427e0", "bad-hash");
    check("Eve+x@Evil.Example", "email", "eve+x@evil.example");
    refuse("eve@localhost", "bad-email");
    refuse("@evil.example", "bad-email");
    refuse("a b@evil.example", "bad-email");
}

static void test_what_is_nothing(void)
{
    refuse("", "empty");
    refuse("  \t", "empty");
    refuse("\"\"", "empty");
    refuse("[a-z]{5}\\.evil\\.example", "expression");
    refuse("(foo|bar).example", "expression");
    refuse("evil*.example", "expression");
    refuse("hello world", "no-indicator");
    g_assert_cmpint(why_of("evil.example", INDICATOR_ONLY(INDICATOR_IPV4)), ==,
                    INDICATOR_OTHER_KIND);
}

static void test_only_hosts_makes_a_host(void)
{
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;

    g_assert_true(
        indicator_parse("evil.example", 12, INDICATOR_ONLY(INDICATOR_HOST), &indicator, &why));
    g_assert_cmpint(indicator.kind, ==, INDICATOR_HOST);
}

static void test_bytes_with_nul_are_refused(void)
{
    g_auto(indicator_t) indicator = { 0 };
    enum indicator_why why;

    g_assert_false(indicator_parse("evil\0.example", 13, 0, &indicator, &why));
    g_assert_false(indicator_parse("http://evil.example/\0a", 22, 0, &indicator, &why));
    g_assert_false(indicator_parse("2001:db8::\0", 11, 0, &indicator, &why));
}

/* The spellings of the reference digest, section 1. */
static const struct {
    const char *defanged, *meant;
} spellings[] = {
    { "hxxp://evil.example/a", "http://evil.example/a" },
    { "hXXps://evil.example/a", "https://evil.example/a" },
    { "h**p://evil.example/a", "http://evil.example/a" },
    { "htxp://evil.example/a", "http://evil.example/a" },
    { "meow://evil.example/a", "http://evil.example/a" },
    { "http[:]//evil.example/a", "http://evil.example/a" },
    { "http[://]evil.example/a", "http://evil.example/a" },
    { "http:\\\\evil.example/a", "http://evil.example/a" },
    { "hxxps[:]//evil[.]example[/]a", "https://evil.example/a" },
    { "ftx://evil.example/", "ftp://evil.example/" },
    { "evil[.]example", "evil.example" },
    { "evil(.)example", "evil.example" },
    { "evil{.}example", "evil.example" },
    { "evil[.example", "evil.example" },
    { "evil.]example", "evil.example" },
    { "evil[dot]example", "evil.example" },
    { "evil(DOT)example", "evil.example" },
    { "evil{dot}example", "evil.example" },
    { "evil dot example", "evil.example" },
    { "evil[d]example", "evil.example" },
    { "evil\\.example", "evil.example" },
    { "evil\u3002example", "evil.example" },
    { "evil\uff0eexample", "evil.example" },
    { "evil\uff61example", "evil.example" },
    { "eve[@]evil[.]example", "eve@evil.example" },
    { "eve(at)evil.example", "eve@evil.example" },
    { "eve at evil dot example", "eve@evil.example" },
    { "192[.]0[.]2[.]7", "192.0.2.7" },
    { "192.0.2[.]7[:]80", "192.0.2.7:80" },
    { "\"evil.example\",", "evil.example" },
    { "`evil.example`;", "evil.example" },
    { "<http://evil.example/>", "http://evil.example/" },
    { "\u201cevil.example\u201d", "evil.example" },
    { "\ufeffevil\u200b.exam\u00adple", "evil.example" },
    { "[[.]]", "." }, /* again, until it does not change */
    { "evil.example", "evil.example" },
    { "http://[2001:db8::1]/", "http://[2001:db8::1]/" },
};

static void test_refang(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(spellings); i++) {
        g_autoptr(GString) once = g_string_new(NULL);
        g_autoptr(GString) twice = g_string_new(NULL);
        const char *from = spellings[i].defanged;

        refang(from, strlen(from), once);
        g_assert_cmpstr(once->str, ==, spellings[i].meant);
        refang(once->str, once->len, twice);
        g_assert_cmpstr(twice->str, ==, once->str);
        if (!g_str_equal(from, once->str))
            g_assert_true(refang_needed(from, strlen(from)));
    }
}

static void test_public_suffixes(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(public_suffixes_t) suffixes = public_suffixes_new(&error);

    g_assert_no_error(error);
    g_assert_true(public_suffixes_have(suffixes, "co.uk"));
    g_assert_true(public_suffixes_have(suffixes, "github.io"));
    g_assert_true(public_suffixes_have(suffixes, "anything.ck"));   /* *.ck */
    g_assert_false(public_suffixes_have(suffixes, "www.ck"));       /* !www.ck */
    g_assert_true(public_suffixes_have(suffixes, "xn--55qx5d.cn")); /* beyond ASCII in the list */
    g_assert_false(public_suffixes_have(suffixes, "evil.co.uk"));
    g_assert_false(public_suffixes_have(suffixes, "evil.example"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/indicator/addresses", test_addresses);
    g_test_add_func("/indicator/networks", test_networks);
    g_test_add_func("/indicator/network-numbers", test_network_holds_its_numbers);
    g_test_add_func("/indicator/names", test_names);
    g_test_add_func("/indicator/urls", test_urls);
    g_test_add_func("/indicator/host-of-url", test_the_host_of_a_url);
    g_test_add_func("/indicator/digests-and-mail", test_digests_and_mail);
    g_test_add_func("/indicator/nothing", test_what_is_nothing);
    g_test_add_func("/indicator/only-hosts", test_only_hosts_makes_a_host);
    g_test_add_func("/indicator/nul", test_bytes_with_nul_are_refused);
    g_test_add_func("/indicator/refang", test_refang);
    g_test_add_func("/indicator/public-suffixes", test_public_suffixes);
    return g_test_run();
}
