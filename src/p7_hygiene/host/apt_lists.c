#include "p7_hygiene/host/apt_lists.h"

#include "base/gzip.h"
#include "p7_hygiene/host/deb_version.h"
#include "p7_hygiene/host/lz4.h"
#include "p7_hygiene/host/scratch.h"

#include <string.h>

#define FILE_MAX (32u << 20)    /* bytes of a list as it is on disk */
#define CONTENT_MAX (96u << 20) /* and unpacked */

static void update_clear(gpointer data)
{
    g_free(((struct apt_update *)data)->version);
}

struct apt_updates *apt_updates_new(void)
{
    struct apt_updates *updates = g_new0(struct apt_updates, 1);

    updates->pending = g_array_new(FALSE, FALSE, sizeof(struct apt_update));
    g_array_set_clear_func(updates->pending, update_clear);
    return updates;
}

void apt_updates_free(struct apt_updates *updates)
{
    g_array_unref(updates->pending);
    g_free(updates->unread);
    g_free(updates);
}

/* --- one list -------------------------------------------------------------------------------- */

/* The value of a field within a stanza: "\nName: value\n"; NULL when it is not there. */
static char *field(const char *stanza, gsize length, const char *name)
{
    const char *at = memmem(stanza, length, name, strlen(name)), *end;

    if (!at)
        return NULL;
    at += strlen(name);
    end = memchr(at, '\n', stanza + length - at);
    return g_strndup(at, (end ? end : stanza + length) - at);
}

static void note(struct apt_updates *updates, const struct dpkg_package *installed, char *version)
{
    struct apt_update update = { installed, version };

    for (guint i = 0; i < updates->pending->len; i++) {
        struct apt_update *known = &g_array_index(updates->pending, struct apt_update, i);

        if (known->installed != installed)
            continue;
        if (deb_version_compare(version, known->version) > 0)
            (void)(g_free(known->version), known->version = version);
        else
            g_free(version);
        return;
    }
    g_array_append_val(updates->pending, update);
}

static void compare(struct apt_updates *updates, const struct dpkg *dpkg, const char *name,
                    const char *stanza, gsize length)
{
    const struct dpkg_package *installed = dpkg_find(dpkg, name);
    g_autofree char *version = NULL, *architecture = NULL;

    if (!dpkg_is_installed(installed))
        return;
    version = field(stanza, length, "\nVersion: ");
    architecture = field(stanza, length, "\nArchitecture: ");
    if (version && deb_version_compare(version, installed->version) > 0 &&
        (!architecture || g_str_equal(architecture, "all") ||
         g_str_equal(installed->architecture, "all") || !*installed->architecture ||
         g_str_equal(architecture, installed->architecture)))
        note(updates, installed, g_steal_pointer(&version));
}

/* The empty line that ends a stanza, or `end`: lines are few, a search for two bytes reads all. */
static const char *stanza_end(const char *at, const char *end)
{
    while ((at = memchr(at, '\n', end - at))) {
        if (at + 1 < end && at[1] == '\n')
            return at;
        at++;
    }
    return end;
}

void apt_updates_add(struct apt_updates *updates, const struct dpkg *dpkg, const char *text,
                     gsize length)
{
    static const char start[] = "Package: ";
    const gsize skip = strlen(start);
    const char *at = text, *end = text + length;
    char name[128]; /* longer names are no package's */

    updates->lists++;
    while ((gsize)(end - at) > skip) {
        const char *next = stanza_end(at, end), *line;

        line = memchr(at, '\n', next - at);
        if (!line)
            line = next;
        if (memcmp(at, start, skip) == 0 && (gsize)(line - at) - skip < sizeof name) {
            memcpy(name, at + skip, line - at - skip);
            name[line - at - skip] = 0;
            compare(updates, dpkg, name, line, next - line);
        }
        at = next + MIN(2, end - next);
    }
}

/* --- the fact -------------------------------------------------------------------------------- */

static void missed(struct apt_updates *updates, enum host_state state, const char *path)
{
    if (updates->unread)
        return;
    updates->unread = g_strdup(path);
    updates->state = state;
}

static void read_list(struct host *host, struct apt_updates *updates, const char *path)
{
    g_auto(scratch_t) file = { NULL };
    g_autoptr(GByteArray) content = NULL;
    enum host_state state = scratch_read(host, path, FILE_MAX, TRUE, &file);

    if (state != HOST_OK || file.cut) {
        missed(updates, state == HOST_OK ? HOST_UNREADABLE : state, path);
        return;
    }
    if (g_str_has_suffix(path, "Packages")) {
        apt_updates_add(updates, dpkg_get(host), file.text, file.length);
        return;
    }
    if (g_str_has_suffix(path, ".lz4"))
        content = lz4_read(file.text, file.length, CONTENT_MAX, NULL);
    else if (g_str_has_suffix(path, ".gz"))
        content = gzip_unpack(file.text, file.length, CONTENT_MAX);
    if (content)
        apt_updates_add(updates, dpkg_get(host), (const char *)content->data, content->len);
    else
        missed(updates, HOST_UNREADABLE, path);
}

/* "..._dists_bookworm-security_main_binary-amd64_Packages.lz4", "..._dists_buster_updates_..." */
static gboolean is_security_list(const char *name)
{
    const char *dists = strstr(name, "_dists_"), *packages = strstr(name, "_Packages");

    if (!dists || !packages || !strstr(dists, "_binary-"))
        return FALSE;
    return strstr(dists, "-security_") || (strstr(name, "security") && strstr(dists, "_updates_"));
}

static gpointer load(struct host *host)
{
    struct apt_updates *updates = apt_updates_new();
    enum host_state state;
    g_auto(GStrv) names = host_list(host, APT_LISTS, &state);

    if (!names && state != HOST_ABSENT)
        missed(updates, state, APT_LISTS);
    for (char **name = names; name && *name; name++) {
        g_autofree char *path = g_strconcat(APT_LISTS "/", *name, NULL);

        if (is_security_list(*name))
            read_list(host, updates, path);
    }
    return updates;
}

const struct apt_updates *apt_updates_get(struct host *host)
{
    static const struct fact_kind kind = { "apt updates", load, (GDestroyNotify)apt_updates_free };

    return host_fact(host, &kind);
}
