/*
 * Configurations made by a seeded generator, resolved by us and by the real `sshd -T -C ...`: every
 * value must be the same. Skipped where openssh-server is not installed.
 */
#include "p7_hygiene/host/sshd.h"
#include "tree.h"

#define SSHD "/usr/sbin/sshd"
#define CONFIGS 40
#define CONNECTION "user=carol,host=h.example,addr=192.0.2.7,laddr=192.0.2.1,lport=22"
#define SEED 9020

/* Keywords with values to choose from; those for Match blocks first. */
static const struct {
    const char *keyword, *values[4];
} keywords[] = {
    { "PermitRootLogin", { "yes", "no", "forced-commands-only", "NO" } },
    { "PasswordAuthentication", { "yes", "no", "Yes", "no" } },
    { "KbdInteractiveAuthentication", { "yes", "no", "yes", "no" } },
    { "PermitEmptyPasswords", { "yes", "no", "\"yes\"", "no" } },
    { "X11Forwarding", { "yes", "no", "yes", "no" } },
    { "AllowTcpForwarding", { "yes", "no", "local", "remote" } },
    { "AllowAgentForwarding", { "yes", "no", "yes", "no" } },
    { "MaxAuthTries", { "2", "3", "6", "9" } },
    { "MaxSessions", { "1", "4", "10", "\"20\"" } },
    { "Banner", { "none", "/etc/issue.net", "\"/etc/a b\"", "/x # y" } },
    { "ClientAliveCountMax", { "1", "2", "3", "0" } },
    { "StrictModes", { "yes", "no", "yes", "no" } },
    { "UsePAM", { "yes", "no", "yes", "no" } },
    { "Ciphers", { "+3des-cbc", "-*-cbc,aes128*", "^aes256-ctr", "aes256-ctr,aes192-ctr" } },
    { "MACs", { "-*sha1*,umac-64*", "+hmac-md5", "^hmac-sha2-512", "hmac-sha2-256" } },
    { "KexAlgorithms",
      { "-*nistp*", "+diffie-hellman-group1-sha1", "^ecdh-sha2-nistp256", "curve25519-sha256" } },
    { "HostKeyAlgorithms", { "+ssh-rsa", "-ssh-ed25519*", "^rsa-sha2-512", "ssh-ed25519" } },
};
#define MATCHABLE 11

static const char *const conditions[] = {
    "Match all",       "Match User *",
    "Match User bob",  "Match Address 10.0.0.0/8",
    "match address *", "Match Host *.org User *",
};

static void add_lines(GRand *random, GString *text, guint pool, guint count)
{
    static const char *const forms[] = { "%s %s\n", "  %s = %s\n", "%s=%s\n", "\t%s\t%s \n" };

    for (guint i = 0; i < count; i++) {
        guint keyword = g_rand_int_range(random, 0, pool), form = g_rand_int_range(random, 0, 4);
        const char *value = keywords[keyword].values[g_rand_int_range(random, 0, 4)];
        g_autofree char *name = g_rand_boolean(random)
                                    ? g_ascii_strdown(keywords[keyword].keyword, -1)
                                    : g_strdup(keywords[keyword].keyword);
        g_auto(GStrv) parts = g_strsplit(forms[form], "%s", 3);

        g_string_append_printf(text, "%s%s%s%s%s", parts[0], name, parts[1], value, parts[2]);
    }
}

static void add_blocks(GRand *random, GString *text, const char *include)
{
    for (guint i = g_rand_int_range(random, 0, 4); i > 0; i--) {
        guint condition = g_rand_int_range(random, 0, G_N_ELEMENTS(conditions));

        g_string_append_printf(text, "%s\n", conditions[condition]);
        add_lines(random, text, MATCHABLE, g_rand_int_range(random, 1, 4));
        if (include && g_rand_int_range(random, 0, 3) == 0)
            g_string_append_printf(text, "Include %s\n", include);
        add_lines(random, text, MATCHABLE, g_rand_int_range(random, 0, 2));
    }
}

/* Real sshd reads a file where it is; we read it where the tree is the root. */
static void put_twice(struct tree *tree, const char *name, const char *text)
{
    g_autofree char *inside = g_build_filename(tree->root, name, NULL);

    tree_put(tree, name, 0600, text);
    tree_put(tree, inside, 0600, text);
}

static void generate(struct tree *tree, guint32 seed)
{
    GRand *random = g_rand_new_with_seed(seed);
    g_autoptr(GString) main = g_string_new("# made\n"), part = g_string_new(NULL);
    g_autoptr(GString) inner = g_string_new(NULL);
    g_autofree char *parts = g_strconcat(tree->root, "/parts/*.conf", NULL);
    g_autofree char *inside = g_strconcat(tree->root, "/inner/*.conf", NULL);
    gboolean early = g_rand_boolean(random);

    add_lines(random, part, G_N_ELEMENTS(keywords), g_rand_int_range(random, 0, 5));
    add_blocks(random, part, NULL);
    put_twice(tree, "parts/20-b.conf", part->str);
    g_string_truncate(part, 0);
    add_lines(random, part, G_N_ELEMENTS(keywords), g_rand_int_range(random, 0, 3));
    put_twice(tree, "parts/10-a.conf", part->str);
    add_lines(random, inner, MATCHABLE, g_rand_int_range(random, 0, 3));
    add_blocks(random, inner, NULL);
    put_twice(tree, "inner/x.conf", inner->str);
    if (early)
        g_string_append_printf(main, "Include %s\n", parts);
    add_lines(random, main, G_N_ELEMENTS(keywords), g_rand_int_range(random, 1, 8));
    if (!early)
        g_string_append_printf(main, "Include %s\n", parts);
    add_lines(random, main, G_N_ELEMENTS(keywords), g_rand_int_range(random, 0, 4));
    add_blocks(random, main, inside);
    tree_put(tree, "/etc/ssh/sshd_config", 0600, main->str);
    g_rand_free(random);
}

static gboolean run(const char *const *arguments, char **output)
{
    int status;

    return g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, output,
                        NULL, &status, NULL) &&
           g_spawn_check_wait_status(status, NULL);
}

/* The value a line of `sshd -T` gives; "without-password" has a newer name. */
static char *real_value(const char *output, const char *keyword)
{
    g_autofree char *lower = g_ascii_strdown(keyword, -1);
    g_autofree char *start = g_strconcat("\n", lower, " ", NULL);
    const char *at = strstr(output, start), *end;

    if (!at)
        return g_strdup("");
    at += strlen(start);
    end = strchr(at, '\n');
    return g_strndup(at, end ? (gsize)(end - at) : strlen(at));
}

static char *our_value(const struct sshd *sshd, const char *keyword)
{
    g_autoptr(sshd_setting_t) setting = sshd_get(sshd, keyword);
    g_auto(GStrv) names = NULL;

    if (g_ascii_strcasecmp(keyword, "PermitRootLogin") == 0 &&
        g_ascii_strcasecmp(setting->value, "prohibit-password") == 0)
        return g_strdup("without-password");
    if (g_ascii_strcasecmp(keyword, "Banner") == 0)
        return g_strdup(setting->value);
    if (!g_str_has_suffix(keyword, "Algorithms") && !g_str_equal(keyword, "Ciphers") &&
        !g_str_equal(keyword, "MACs"))
        return g_ascii_strdown(setting->value, -1);
    names = sshd_algorithms(keyword, setting->path ? setting->value : "");
    return g_strjoinv(",", names);
}

static void test_same_as_the_daemon(void)
{
    guint compared = 0;

    if (!g_file_test(SSHD, G_FILE_TEST_IS_EXECUTABLE)) {
        g_test_skip("openssh-server is not installed");
        return;
    }
    for (guint number = 0; number < CONFIGS; number++) {
        g_autoptr(tree_t) tree = tree_new();
        g_autofree char *config = g_build_filename(tree->root, "etc/ssh/sshd_config", NULL);
        g_autofree char *key = g_build_filename(tree->root, "key", NULL);
        g_autofree char *output = NULL;
        g_autoptr(host_t) host = NULL;
        const char *const make_key[] = { "ssh-keygen", "-q", "-t", "ed25519", "-N",
                                         "",           "-f", key,  NULL };
        const char *const resolve[] = {
            SSHD, "-T", "-f", config, "-h", key, "-C", CONNECTION, NULL
        };

        generate(tree, SEED + number);
        g_assert_true(run(make_key, NULL));
        if (!run(resolve, &output)) {
            /* Without root or /run/sshd the daemon says nothing at all. */
            g_assert_cmpuint(compared, ==, 0);
            g_test_skip("sshd -T does not run here");
            return;
        }
        host = host_new(tree->root, NULL, NULL);
        for (guint i = 0; i < G_N_ELEMENTS(keywords); i++) {
            g_autofree char *real = real_value(output, keywords[i].keyword);
            g_autofree char *ours = our_value(sshd_of(host), keywords[i].keyword);

            g_test_message("configuration %u: %s", number, keywords[i].keyword);
            g_assert_cmpstr(ours, ==, real);
            compared++;
        }
    }
    g_test_message("%u values compared", compared);
    g_assert_cmpuint(compared, ==, CONFIGS * G_N_ELEMENTS(keywords));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/sshd/same-as-the-daemon", test_same_as_the_daemon);
    return g_test_run();
}
