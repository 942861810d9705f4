#include "p7_hygiene/host/apt_lists.h"

#include "base/gzip.h"
#include "p7_hygiene/host/deb_version.h"
#include "p7_hygiene/host/line_stream.h"
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

static void note(struct apt_updates *updates, const struct dpkg_package *installed,
                 const char *version)
{
    struct apt_update *update;

    for (guint i = 0; i < updates->pending->len; i++) {
        struct apt_update *known = &g_array_index(updates->pending, struct apt_update, i);

        if (known->installed != installed)
            continue;
        if (deb_version_compare(version, known->version) > 0) {
            g_free(known->version);
            known->version = g_strdup(version);
        }
        return;
    }
    g_array_set_size(updates->pending, updates->pending->len + 1);
    update = &g_array_index(updates->pending, struct apt_update, updates->pending->len - 1);
    update->installed = installed;
    update->version = g_strdup(version);
}

/* The stanza that is being read; a field that is not there is "". */
struct list {
    struct apt_updates *updates;
    const struct dpkg *dpkg;
    gboolean inside;                      /* behind its first line */
    const struct dpkg_package *installed; /* NULL: nothing to compare with */
    GString *version, *architecture;
};

static void compare(const struct list *list)
{
    const struct dpkg_package *installed = list->installed;
    const char *architecture = list->architecture->str;

    if (list->version->len && deb_version_compare(list->version->str, installed->version) > 0 &&
        (!*architecture || g_str_equal(architecture, "all") ||
         g_str_equal(installed->architecture, "all") || !*installed->architecture ||
         g_str_equal(architecture, installed->architecture)))
        note(list->updates, installed, list->version->str);
}

static void end_stanza(struct list *list)
{
    if (list->installed)
        compare(list);
    list->installed = NULL;
    list->inside = FALSE;
}

static const struct dpkg_package *find_installed(const struct dpkg *dpkg, const char *text,
                                                 gsize length)
{
    char name[128]; /* longer names are no package's */
    const struct dpkg_package *package;

    if (length >= sizeof name)
        return NULL;
    memcpy(name, text, length);
    name[length] = 0;
    package = dpkg_find(dpkg, name);
    return dpkg_is_installed(package) ? package : NULL;
}

/* What stands behind `name`, the first time it is there. */
static void take_field(GString *field, const char *name, const char *line, gsize length)
{
    gsize skip = strlen(name);

    if (!field->len && length > skip && memcmp(line, name, skip) == 0)
        g_string_append_len(field, line + skip, length - skip);
}

static void on_line(guint number, const char *line, gsize length, gpointer data)
{
    static const char start[] = "Package: ";
    struct list *list = data;

    if (!length) {
        end_stanza(list);
    } else if (!list->inside) {
        list->inside = TRUE;
        if (length > strlen(start) && memcmp(line, start, strlen(start)) == 0)
            list->installed =
                find_installed(list->dpkg, line + strlen(start), length - strlen(start));
        g_string_truncate(list->version, 0);
        g_string_truncate(list->architecture, 0);
    } else if (list->installed) {
        take_field(list->version, "Version: ", line, length);
        take_field(list->architecture, "Architecture: ", line, length);
    }
}

static struct line_stream list_begin(struct list *list, struct apt_updates *updates,
                                     const struct dpkg *dpkg)
{
    *list = (struct list){ .updates = updates,
                           .dpkg = dpkg,
                           .version = g_string_new(NULL),
                           .architecture = g_string_new(NULL) };
    updates->lists++;
    return (struct line_stream){ .each = on_line, .data = list };
}

static void list_end(struct list *list)
{
    end_stanza(list);
    g_string_free(list->version, TRUE);
    g_string_free(list->architecture, TRUE);
}

void apt_updates_add(struct apt_updates *updates, const struct dpkg *dpkg, const char *text,
                     gsize length)
{
    struct list list;
    struct line_stream lines = list_begin(&list, updates, dpkg);

    line_stream_add(&lines, text, length);
    line_stream_end(&lines);
    list_end(&list);
}

/* --- the fact -------------------------------------------------------------------------------- */

static void missed(struct apt_updates *updates, enum host_state state, const char *path)
{
    if (updates->unread)
        return;
    updates->unread = g_strdup(path);
    updates->state = state;
}

static void add_piece(const guint8 *text, gsize length, gpointer data)
{
    line_stream_add(data, (const char *)text, length);
}

/* Unpacks what its ending says; FALSE when it is damaged, too large, or in another format. */
static gboolean unpack(const char *path, const struct scratch *file, struct line_stream *lines)
{
    g_autoptr(GByteArray) text = NULL;

    if (g_str_has_suffix(path, ".lz4"))
        return lz4_each_piece(file->text, file->length, CONTENT_MAX, add_piece, lines, NULL);
    if (g_str_has_suffix(path, ".gz"))
        text = gzip_unpack(file->text, file->length, CONTENT_MAX);
    if (text)
        add_piece(text->data, text->len, lines);
    return text != NULL;
}

static enum host_state read_packed(struct host *host, const char *path, struct line_stream *lines)
{
    g_auto(scratch_t) file = { NULL };
    enum host_state state = scratch_read(host, path, FILE_MAX, TRUE, &file);

    if (state == HOST_OK && (file.cut || !unpack(path, &file, lines)))
        state = HOST_UNREADABLE;
    line_stream_end(lines);
    return state;
}

/* A list that cannot be read to its end says nothing. */
static void read_list(struct host *host, struct apt_updates *updates, const char *path)
{
    struct apt_updates *own = apt_updates_new();
    struct list list;
    struct line_stream lines = list_begin(&list, own, dpkg_get(host));
    enum host_state state = g_str_has_suffix(path, "Packages")
                                ? line_stream_read(host, path, FILE_MAX, &lines)
                                : read_packed(host, path, &lines);

    list_end(&list);
    if (state != HOST_OK)
        missed(updates, state, path);
    else
        updates->lists++;
    for (guint i = 0; state == HOST_OK && i < own->pending->len; i++) {
        const struct apt_update *update = &g_array_index(own->pending, struct apt_update, i);

        note(updates, update->installed, update->version);
    }
    apt_updates_free(own);
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
