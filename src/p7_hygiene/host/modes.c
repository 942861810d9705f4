#include "p7_hygiene/host/modes.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PERMISSIONS 07777

char *modes_text(mode_t mode, uid_t uid, gid_t gid)
{
    return g_strdup_printf("%04o %u:%u", mode & PERMISSIONS, uid, gid);
}

struct id_search {
    const char *name;
    gsize length;
    gint64 id;
};

static void find_id(guint line, const char *text, gsize length, gpointer data)
{
    struct id_search *search = data;
    g_autofree char *copy = NULL;
    g_auto(GStrv) fields = NULL;

    if (search->id >= 0 || length <= search->length || text[search->length] != ':' ||
        memcmp(text, search->name, search->length) != 0)
        return;
    copy = g_strndup(text, length);
    fields = g_strsplit(copy, ":", -1);
    if (g_strv_length(fields) >= 3 && g_ascii_isdigit(fields[2][0]))
        search->id = strtoul(fields[2], NULL, 10);
}

static gint64 id_of(struct host *host, const char *path, const char *name)
{
    struct id_search search = { name, strlen(name), -1 };

    host_each_line(host_read(host, path), find_id, &search);
    return search.id;
}

gboolean modes_group(struct host *host, const char *name, gid_t *gid)
{
    gint64 id = id_of(host, "/etc/group", name);

    *gid = id;
    return id >= 0;
}

gboolean modes_check(struct host *host, struct finding *finding, const struct host_file *file,
                     const struct modes_wanted *wanted)
{
    g_autofree char *found = modes_text(file->mode, file->uid, file->gid), *text = NULL;
    gboolean second = FALSE;
    mode_t most = wanted->mode;
    gid_t gid;

    if (wanted->group && file->gid != 0 && modes_group(host, wanted->group, &gid))
        second = gid == file->gid;
    if (second && wanted->group_mode)
        most = wanted->group_mode;
    text = g_strdup_printf("%04o or tighter, root:root%s%s", most, wanted->group ? " or root:" : "",
                           wanted->group ? wanted->group : "");
    return finding_check(finding,
                         !(file->mode & PERMISSIONS & ~most) && file->uid == 0 &&
                             (file->gid == 0 || second),
                         file->path, 0, "mode", found, text);
}

/* A group may write when it is root's. */
static gboolean only_root(const struct host_file *file)
{
    return file->uid == 0 && !(file->mode & S_IWOTH) && (!(file->mode & S_IWGRP) || file->gid == 0);
}

gboolean modes_only_root_writes(struct host *host, const char *path, GHashTable *seen,
                                const struct host_file **culprit)
{
    g_auto(GStrv) parts = g_strsplit(path, "/", -1);
    g_autoptr(GString) at = g_string_new(NULL);

    for (char **part = parts; *part; part++) {
        const struct host_file *file;

        if (!**part && at->len)
            continue;
        if (**part)
            g_string_append_printf(at, "/%s", *part);
        if (!g_hash_table_add(seen, g_strdup(at->len ? at->str : "/")))
            continue;
        file = host_stat(host, at->len ? at->str : "/");
        if (file->state != HOST_OK)
            return TRUE;
        if (!only_root(file)) {
            *culprit = file;
            return FALSE;
        }
    }
    return TRUE;
}
