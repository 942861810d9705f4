/*
 * update_sources.c: from whom software comes (UPDT-05, 06, 09, 10).
 */
#include "p7_hygiene/host/apt_conf.h"
#include "p7_hygiene/host/apt_sources.h"
#include "p7_hygiene/host/dpkg.h"
#include "p7_hygiene/host/openpgp.h"
#include "p7_hygiene/host/releases.h"
#include "p7_hygiene/host/scratch.h"
#include "p7_hygiene/host/walk.h"

#include "catalogue_judges.h"

#include <string.h>

static void sources_gap(const struct apt_sources *sources, struct finding *finding)
{
    if (sources->unread)
        finding_incomplete(finding,
                           sources->state == HOST_DENIED ? REASON_NEEDS_ROOT : REASON_UNREADABLE,
                           "%s", sources->unread);
}

static gboolean no_sources(const struct asset_view *view, struct finding *finding)
{
    const struct apt_sources *sources = apt_sources_get(view->host);

    if (sources->sources->len || sources->problems->len)
        return FALSE;
    sources_gap(sources, finding);
    if (dpkg_get(view->host)->state == HOST_ABSENT)
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "apt");
    else
        finding_not_measured(finding, REASON_ABSENT, "/etc/apt/sources.list");
    return TRUE;
}

/* --- UPDT-05: signed, and with a security suite ---------------------------------------------- */

static void check_options(const struct apt_source *source, struct finding *finding)
{
    const struct {
        const char *name, *value;
    } options[] = {
        { "trusted", source->trusted },
        { "allow-insecure", source->allow_insecure },
        { "allow-weak", source->allow_weak },
        { "allow-downgrade-to-insecure", source->allow_downgrade },
    };

    for (gsize i = 0; i < G_N_ELEMENTS(options); i++)
        if (options[i].value && apt_conf_is_true(options[i].value))
            finding_fail(finding, source->path, source->line, options[i].name, options[i].value,
                         "signatures are checked");
}

static void check_uri(const struct apt_source *source, const char *uri, struct finding *finding)
{
    static const char *const schemes[] = { "https:",  "http:",   "cdrom:",   "file:", "copy:",
                                           "mirror+", "mirror:", "tor+http", "ftp:" };
    gboolean known = FALSE;

    for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++)
        known |= g_str_has_prefix(uri, schemes[i]);
    finding_check(finding, known && !g_str_has_prefix(uri, "ftp:"), source->path, source->line,
                  "URI", uri, "https, or http with signatures");
}

/* Whether some enabled source brings the security suite that belongs to `suite`. */
static gboolean has_security(const struct apt_sources *sources, const char *suite)
{
    g_autofree char *new_name = g_strconcat(suite, "-security", NULL);
    g_autofree char *old_name = g_strconcat(suite, "/updates", NULL);

    for (guint i = 0; i < sources->sources->len; i++) {
        const struct apt_source *source = sources->sources->pdata[i];
        const char *const *suites = (const char *const *)source->suites;

        if (source->enabled && g_strv_contains((const char *const *)source->types, "deb") &&
            (g_strv_contains(suites, new_name) || g_strv_contains(suites, old_name)))
            return TRUE;
    }
    return FALSE;
}

/* A suite that a security suite belongs to: a release, not its parts, nor the rolling ones. */
static gboolean needs_security(const char *suite)
{
    static const char *const rolling[] = { "sid", "unstable", "experimental", "devel" };
    static const char *const parts[] = { "-updates",  "-backports",        "-security",
                                         "-proposed", "-proposed-updates", "-backports-sloppy",
                                         "-debug" };

    for (gsize i = 0; i < G_N_ELEMENTS(rolling); i++)
        if (g_str_has_prefix(suite, rolling[i]))
            return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(parts); i++)
        if (g_str_has_suffix(suite, parts[i]))
            return FALSE;
    return !strchr(suite, '/');
}

static void check_source(const struct apt_sources *sources, const struct apt_source *source,
                         struct finding *finding)
{
    gboolean distribution = FALSE;

    check_options(source, finding);
    for (char **uri = source->uris; *uri; uri++) {
        check_uri(source, *uri, finding);
        distribution |= apt_uri_is_distribution(*uri);
    }
    if (!distribution || !g_strv_contains((const char *const *)source->types, "deb"))
        return;
    for (char **suite = source->suites; *suite; suite++)
        if (needs_security(*suite))
            finding_check(finding, has_security(sources, *suite), source->path, source->line,
                          *suite,
                          has_security(sources, *suite) ? "with its security suite"
                                                        : "without its security suite",
                          "with its security suite");
}

static void check_insecure_settings(const struct apt_conf *conf, struct finding *finding)
{
    static const char *const settings[] = {
        "APT::Get::AllowUnauthenticated",
        "Acquire::AllowInsecureRepositories",
        "Acquire::AllowWeakRepositories",
        "Acquire::AllowDowngradeToInsecureRepositories",
    };
    static const char *const checks[] = { "Acquire::https::Verify-Peer",
                                          "Acquire::https::Verify-Host",
                                          "Acquire::Check-Valid-Until" };

    for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
        const struct apt_item *item = apt_conf_find(conf, settings[i]);

        if (item && apt_conf_is_true(item->value))
            finding_fail(finding, item->path, item->line, item->name, item->value, "false");
    }
    for (gsize i = 0; i < G_N_ELEMENTS(checks); i++) {
        const struct apt_item *item = apt_conf_find(conf, checks[i]);

        if (item && !apt_conf_is_true(item->value))
            finding_fail(finding, item->path, item->line, item->name, item->value, "true");
    }
}

void judge_host_update_sources_signed(const struct asset_view *view, struct finding *finding)
{
    const struct apt_sources *sources = apt_sources_get(view->host);

    if (no_sources(view, finding))
        return;
    for (guint i = 0; i < sources->sources->len; i++) {
        const struct apt_source *source = sources->sources->pdata[i];

        if (source->enabled)
            check_source(sources, source, finding);
    }
    for (guint i = 0; i < sources->problems->len; i++)
        finding_warn(finding, NULL, 0, "not understood", sources->problems->pdata[i], NULL);
    check_insecure_settings(apt_conf_get(view->host), finding);
    sources_gap(sources, finding);
}

/* --- UPDT-06: keys ---------------------------------------------------------------------------- */

#define RSA_BITS_MIN 2048
#define RING_MAX (4u << 20) /* bytes of one keyring */

static gboolean of_distribution(const char *path)
{
    g_autofree char *name = g_path_get_basename(path);

    return g_str_has_prefix(name, "debian-archive-") || g_str_has_prefix(name, "ubuntu-keyring") ||
           g_str_has_prefix(name, "ubuntu-archive-") || g_str_has_prefix(name, "debian-security-");
}

static char *key_text(const struct openpgp_key *key)
{
    g_autoptr(GDateTime) end = g_date_time_new_from_unix_utc(key->expires_s);
    g_autofree char *day = end && key->expires_s ? g_date_time_format(end, "%Y-%m-%d") : NULL;
    g_autofree char *bits = key->bits ? g_strdup_printf(" %u", key->bits) : g_strdup("");

    return g_strdup_printf("%s%s, %s%s%s", key->algorithm, bits, day ? "expires " : "no expiry",
                           day ? day : "", key->revoked ? ", revoked" : "");
}

/* The distribution's rings keep keys of past releases: an expired one there harms nobody. */
static void check_key(const struct openpgp_key *key, const char *path, gint64 now_s,
                      struct finding *finding)
{
    const gboolean expired = key->revoked || (key->expires_s && key->expires_s <= now_s);
    const gboolean weak = (g_str_equal(key->algorithm, "RSA") && key->bits < RSA_BITS_MIN) ||
                          g_str_equal(key->algorithm, "DSA") ||
                          g_str_equal(key->algorithm, "Elgamal");
    g_autofree char *found = key_text(key);

    if (key->subkey)
        return;
    if (weak && !expired)
        finding_fail(finding, path, 0, key->fingerprint, found,
                     "RSA of 2048 bits or more, or EdDSA");
    else if (expired && !of_distribution(path))
        finding_warn(finding, path, 0, key->fingerprint, found, "not expired, not revoked");
    else
        finding_pass(finding, path, 0, key->fingerprint, found, "strong and valid");
}

static gboolean any_valid(const GArray *keys, gint64 now_s)
{
    for (guint i = 0; i < keys->len; i++) {
        const struct openpgp_key *key = &g_array_index(keys, struct openpgp_key, i);

        if (!key->subkey && !key->revoked && (!key->expires_s || key->expires_s > now_s))
            return TRUE;
    }
    return FALSE;
}

static void check_ring(const struct asset_view *view, const char *path, struct finding *finding)
{
    gint64 now_s = view->now_us / G_USEC_PER_SEC;
    g_auto(scratch_t) ring = { NULL };
    g_autoptr(GArray) keys = NULL;

    switch (scratch_read(view->host, path, RING_MAX, TRUE, &ring)) {
    case HOST_OK:
        break;
    case HOST_ABSENT:
        finding_fail(finding, path, 0, "Signed-By", "no such file", "a keyring");
        return;
    case HOST_DENIED:
        finding_incomplete(finding, REASON_NEEDS_ROOT, "%s", path);
        return;
    default:
        finding_incomplete(finding, REASON_UNREADABLE, "%s", path);
        return;
    }
    keys = ring.length ? openpgp_read(ring.text, ring.length, NULL) : NULL;
    if (!keys) {
        finding_warn(finding, path, 0, NULL, "no key could be read", "an OpenPGP keyring");
        return;
    }
    for (guint i = 0; i < keys->len; i++)
        check_key(&g_array_index(keys, struct openpgp_key, i), path, now_s, finding);
    if (!any_valid(keys, now_s) && !of_distribution(path))
        finding_fail(finding, path, 0, NULL, "every key has expired", "a valid key");
}

static void check_binding(const struct apt_source *source, struct finding *finding)
{
    for (char **uri = source->uris; *uri; uri++) {
        if (apt_uri_is_distribution(*uri) || g_str_has_prefix(*uri, "cdrom:"))
            continue;
        finding_check(finding, *source->signed_by, source->path, source->line, *uri,
                      *source->signed_by ? source->signed_by : "no Signed-By",
                      "Signed-By: a keyring of its own");
    }
}

void judge_host_update_keyrings(const struct asset_view *view, struct finding *finding)
{
    const struct apt_sources *sources = apt_sources_get(view->host);
    const struct host_file *legacy = host_stat(view->host, "/etc/apt/trusted.gpg");
    g_autoptr(GHashTable) rings = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_auto(GStrv) trusted = host_glob(view->host, "/etc/apt/trusted.gpg.d/*");
    g_autoptr(GList) paths = NULL;

    if (no_sources(view, finding))
        return;
    if (legacy->state == HOST_OK)
        finding_check(finding, legacy->size == 0, legacy->path, 0, NULL,
                      legacy->size ? "keys for every repository" : "empty", "absent");
    for (guint i = 0; i < sources->sources->len; i++) {
        const struct apt_source *source = sources->sources->pdata[i];

        if (!source->enabled)
            continue;
        check_binding(source, finding);
        for (char **path = source->signed_by_paths; *path; path++)
            g_hash_table_add(rings, g_strdup(*path));
    }
    for (char **path = trusted; *path; path++)
        if (g_str_has_suffix(*path, ".gpg") || g_str_has_suffix(*path, ".asc")) {
            if (!of_distribution(*path))
                finding_warn(finding, *path, 0, NULL, "vouches for every repository",
                             "bound to one by Signed-By");
            g_hash_table_add(rings, g_strdup(*path));
        }
    paths = g_list_sort(g_hash_table_get_keys(rings), (GCompareFunc)strcmp);
    for (GList *at = paths; at; at = at->next)
        check_ring(view, at->data, finding);
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, NULL, 0, NULL, "the distribution's repositories only", NULL);
    sources_gap(sources, finding);
}

/* --- UPDT-09: pins -----------------------------------------------------------------------------
 */

#define PIN_DOWNGRADES 1000 /* above it, APT installs an older version too (apt_preferences(5)) */

struct pin {
    const char *path;
    struct finding *finding;
    char *package, *pin;
    guint line;
};

static gboolean is_own_origin(const char *pin)
{
    g_autofree char *text = pin ? g_ascii_strdown(pin, -1) : NULL;

    return text &&
           (strstr(text, "o=debian") || strstr(text, "o=ubuntu") || strstr(text, "debian.org") ||
            strstr(text, "ubuntu.com") || (g_str_has_prefix(text, "version")));
}

static void end_pin(struct pin *pin, const char *priority)
{
    g_autofree char *key = NULL;

    if (g_ascii_strtoll(priority, NULL, 10) <= PIN_DOWNGRADES)
        return;
    key = g_strdup_printf("Pin-Priority %s of %s", priority, pin->package ? pin->package : "?");
    if (is_own_origin(pin->pin))
        finding_warn(pin->finding, pin->path, pin->line, key, pin->pin, "at most 1000");
    else
        finding_fail(pin->finding, pin->path, pin->line, key, pin->pin ? pin->pin : "no origin",
                     "at most 1000");
}

static void add_pin_line(guint number, const char *text, gsize length, gpointer data)
{
    struct pin *pin = data;
    g_autofree char *line = g_strstrip(g_strndup(text, length));
    char *value = strchr(line, ':');

    if (!*line) {
        g_clear_pointer(&pin->package, g_free);
        g_clear_pointer(&pin->pin, g_free);
    }
    if (!value || *line == '#')
        return;
    *value++ = 0;
    g_strchug(value);
    if (g_ascii_strcasecmp(line, "Package") == 0) {
        g_free(pin->package);
        pin->package = g_strdup(value);
    } else if (g_ascii_strcasecmp(line, "Pin") == 0) {
        g_free(pin->pin);
        pin->pin = g_strdup(value);
    } else if (g_ascii_strcasecmp(line, "Pin-Priority") == 0) {
        pin->line = number;
        end_pin(pin, value);
    }
}

void judge_host_update_pins(const struct asset_view *view, struct finding *finding)
{
    g_auto(GStrv) parts = host_glob(view->host, "/etc/apt/preferences.d/*");
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    guint read = 0;

    g_ptr_array_add(paths, (gpointer) "/etc/apt/preferences");
    for (char **part = parts; *part; part++)
        g_ptr_array_add(paths, *part);
    for (guint i = 0; i < paths->len; i++) {
        const struct host_file *file = host_read(view->host, paths->pdata[i]);
        struct pin pin = { file->path, finding, NULL, NULL, 0 };

        read += file->state == HOST_OK;
        host_each_line(file, add_pin_line, &pin);
        g_free(pin.package);
        g_free(pin.pin);
        host_gap(finding, file);
    }
    if (!read)
        finding_not_applicable(finding, REASON_NOT_USED, "/etc/apt/preferences");
    else if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, "/etc/apt/preferences.d", 0, NULL, "no pin above 1000",
                     "at most 1000");
}

/* --- UPDT-10: software beside the packages ---------------------------------------------------- */

/* "/opt/google/chrome/x" -> "/opt/google"; "/usr/local/lib/node_modules/npm/bin/x" -> up to npm. */
static char *group_of(const char *path)
{
    static const char *const deep[] = { "/usr/local/lib/", "/usr/local/share/", "/usr/local/" };
    const char *rest = NULL;
    gsize fixed = 0;

    if (g_str_has_prefix(path, "/opt/"))
        fixed = strlen("/opt/");
    for (gsize i = 0; !fixed && i < G_N_ELEMENTS(deep); i++)
        if (g_str_has_prefix(path, deep[i]))
            fixed = strlen(deep[i]);
    rest = path + fixed;
    for (guint parts = g_str_has_prefix(path, "/opt/") ? 1 : 2; parts && *rest; parts--) {
        rest += strspn(rest, "/");
        rest += strcspn(rest, "/");
    }
    return g_strndup(path, rest - path);
}

void judge_host_update_local_programs(const struct asset_view *view, struct finding *finding)
{
    const struct walk *walk = walk_get(view->host);
    const GArray *entries = walk->found[WALK_LOCAL_PROGRAMS].entries;
    g_autoptr(GPtrArray) paths = g_ptr_array_new();
    g_autoptr(GHashTable) owners = NULL;
    g_autofree char *group = NULL;
    guint in_group = 0, owner = 0;

    for (guint i = 0; i < entries->len; i++)
        g_ptr_array_add(paths, g_array_index(entries, struct walk_entry, i).path);
    owners = dpkg_owners(view->host, (const char *const *)paths->pdata, paths->len);
    for (guint i = 0; i <= entries->len; i++) {
        const struct walk_entry *entry =
            i < entries->len ? &g_array_index(entries, struct walk_entry, i) : NULL;
        g_autofree char *next = NULL;

        if (entry && g_hash_table_contains(owners, entry->path))
            continue;
        next = entry ? group_of(entry->path) : NULL;
        if (group && g_strcmp0(group, next) != 0) {
            g_autofree char *found = g_strdup_printf("%u programs, owner %u", in_group, owner);

            finding_warn(finding, group, 0, NULL, found, "of a package that brings its updates");
            in_group = 0;
        }
        if (entry && !in_group++)
            owner = entry->uid;
        g_free(group);
        group = g_steal_pointer(&next);
    }
    if (finding->outcome == OUTCOME_NONE)
        finding_pass(finding, NULL, 0, NULL, "no program beside the packages", NULL);
    walk_gap(walk, finding);
}
