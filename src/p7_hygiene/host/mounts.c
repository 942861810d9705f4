#include "p7_hygiene/host/mounts.h"

#include <stdio.h>
#include <string.h>

#define BLOCK_DEPTH 8 /* devices below one another: LVM on RAID on LUKS is 4 */

static void mount_free(struct mount *mount)
{
    g_free(mount->point);
    g_free(mount->type);
    g_free(mount->source);
    g_strfreev(mount->options);
    g_free(mount);
}

static gboolean is_octal(char digit)
{
    return digit >= '0' && digit <= '7';
}

char *mount_unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from;) {
        if (*from == '\\' && is_octal(from[1]) && is_octal(from[2]) && is_octal(from[3])) {
            *to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 4;
        } else {
            *to++ = *from++;
        }
    }
    *to = 0;
    return text;
}

static GPtrArray *words_of(const char *text, gsize length)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    for (gsize at = 0; at < length;) {
        gsize end = at;

        while (end < length && !g_ascii_isspace(text[end]))
            end++;
        if (end > at)
            g_ptr_array_add(words, g_strndup(text + at, end - at));
        at = end + 1;
    }
    return words;
}

struct listing {
    GPtrArray *mounts;
    const char *path;
};

/* "id parent major:minor root point options [tags...] - type source super-options" */
static void read_mountinfo(guint number, const char *text, gsize length, gpointer data)
{
    struct listing *listing = data;
    g_autoptr(GPtrArray) words = words_of(text, length);
    g_autofree char *options = NULL;
    struct mount *mount;
    guint dash = 6;

    while (dash < words->len && !g_str_equal(words->pdata[dash], "-"))
        dash++;
    if (dash + 2 >= words->len)
        return;
    mount = g_new0(struct mount, 1);
    if (sscanf(words->pdata[2], "%u:%u", &mount->major, &mount->minor) != 2)
        mount->major = mount->minor = 0;
    mount->point = mount_unescape(g_strdup(words->pdata[4]));
    mount->type = g_strdup(words->pdata[dash + 1]);
    mount->source = mount_unescape(g_strdup(words->pdata[dash + 2]));
    options = g_strjoin(",", words->pdata[5],
                        dash + 3 < words->len ? (char *)words->pdata[dash + 3] : NULL, NULL);
    mount->options = g_strsplit(options, ",", -1);
    mount->line = number;
    mount->path = listing->path;
    g_ptr_array_add(listing->mounts, mount);
}

/* "source point type options dump pass" */
static void read_fstab(guint number, const char *text, gsize length, gpointer data)
{
    struct listing *listing = data;
    g_autoptr(GPtrArray) words = words_of(text, length);
    struct mount *mount;

    if (words->len < 3 || *(char *)words->pdata[0] == '#')
        return;
    mount = g_new0(struct mount, 1);
    mount->source = mount_unescape(g_strdup(words->pdata[0]));
    mount->point = mount_unescape(g_strdup(words->pdata[1]));
    mount->type = g_strdup(words->pdata[2]);
    mount->options = g_strsplit(words->len > 3 ? words->pdata[3] : "defaults", ",", -1);
    mount->line = number;
    mount->path = listing->path;
    mount->planned = TRUE;
    g_ptr_array_add(listing->mounts, mount);
}

static GPtrArray *parse(const char *text, gsize length, const char *path, host_line_fn each)
{
    struct host_file file = { .text = (char *)text, .length = length };
    struct listing listing = { .path = path };

    listing.mounts = g_ptr_array_new_with_free_func((GDestroyNotify)mount_free);
    host_each_line(&file, each, &listing);
    return listing.mounts;
}

GPtrArray *mountinfo_parse(const char *text, gsize length, const char *path)
{
    return parse(text, length, path, read_mountinfo);
}

GPtrArray *fstab_parse(const char *text, gsize length, const char *path)
{
    return parse(text, length, path, read_fstab);
}

static gpointer mounts_load(struct host *host)
{
    struct mounts *mounts = g_new0(struct mounts, 1);
    const struct host_file *live = host_read(host, MOUNTS_LIVE);
    const struct host_file *fstab = host_read(host, MOUNTS_FSTAB);

    mounts->live_state = live->state;
    mounts->fstab_state = fstab->state;
    mounts->live = mountinfo_parse(live->text, live->length, MOUNTS_LIVE);
    mounts->fstab = fstab_parse(fstab->text, fstab->length, MOUNTS_FSTAB);
    return mounts;
}

static void mounts_free(gpointer fact)
{
    struct mounts *mounts = fact;

    g_ptr_array_unref(mounts->live);
    g_ptr_array_unref(mounts->fstab);
    g_free(mounts);
}

static const struct fact_kind mounts_kind = { "mounts", mounts_load, mounts_free };

const struct mounts *mounts(struct host *host)
{
    return host_fact(host, &mounts_kind);
}

const struct mount *mount_at(const GPtrArray *list, const char *point)
{
    for (guint i = list->len; i-- > 0;)
        if (g_str_equal(((struct mount *)list->pdata[i])->point, point))
            return list->pdata[i];
    return NULL;
}

static gboolean contains(const char *point, const char *path)
{
    gsize length = strlen(point);

    if (g_str_equal(point, "/"))
        return TRUE;
    return strncmp(point, path, length) == 0 && (path[length] == '/' || !path[length]);
}

const struct mount *mount_holding(const GPtrArray *list, const char *path)
{
    const struct mount *best = NULL;

    for (guint i = 0; i < list->len; i++) {
        const struct mount *mount = list->pdata[i];

        if (contains(mount->point, path) && (!best || strlen(mount->point) >= strlen(best->point)))
            best = mount;
    }
    return best;
}

/* What turns an option on or off besides its own name, in the order of the option list. */
static const struct meaning {
    const char *option, *word;
    gboolean on;
} meanings[] = {
    { "nosuid", "suid", FALSE },     { "nodev", "dev", FALSE },
    { "noexec", "exec", FALSE },     { "ro", "rw", FALSE },
    { "nosuid", "defaults", FALSE }, { "nodev", "defaults", FALSE },
    { "noexec", "defaults", FALSE }, { "nosuid", "user", TRUE },
    { "nodev", "user", TRUE },       { "noexec", "user", TRUE },
    { "nosuid", "users", TRUE },     { "nodev", "users", TRUE },
    { "noexec", "users", TRUE },     { "nosuid", "owner", TRUE },
    { "nodev", "owner", TRUE },      { "nosuid", "group", TRUE },
    { "nodev", "group", TRUE },
};

gboolean mount_has(const struct mount *mount, const char *option)
{
    gboolean on = FALSE;

    for (char **word = mount->options; *word; word++) {
        if (g_str_equal(*word, option))
            on = TRUE;
        for (gsize i = 0; mount->planned && i < G_N_ELEMENTS(meanings); i++)
            if (g_str_equal(meanings[i].option, option) && g_str_equal(meanings[i].word, *word))
                on = meanings[i].on;
    }
    return on;
}

const char *mount_value(const struct mount *mount, const char *key)
{
    const char *value = NULL;
    gsize length = strlen(key);

    for (char **word = mount->options; *word; word++)
        if (strncmp(*word, key, length) == 0 && (*word)[length] == '=')
            value = *word + length + 1;
    return value;
}

/* Reads a small sysfs file below a block device; NULL when it is not there. */
static char *block_attribute(struct host *host, const char *device, const char *name)
{
    g_autofree char *path = g_strdup_printf("/sys/block/%s/%s", device, name);
    const struct host_file *file = host_read(host, path);

    return file->state == HOST_OK ? g_strchomp(g_strdup(file->text)) : NULL;
}

static char *mapper_device(struct host *host, const char *name)
{
    g_auto(GStrv) devices = host_glob(host, "/sys/block/dm-*");

    for (char **path = devices; *path; path++) {
        g_autofree char *device = g_path_get_basename(*path);
        g_autofree char *own = block_attribute(host, device, "dm/name");

        if (g_strcmp0(own, name) == 0)
            return g_steal_pointer(&device);
    }
    return NULL;
}

/* "/dev/mapper/vg-root" or 253:0 -> "dm-0"; a partition -> "sda2". NULL when sysfs has no such. */
static char *block_device(struct host *host, const char *source, guint major, guint minor)
{
    g_autofree char *path = NULL, *target = NULL;

    if (g_str_has_prefix(source, "/dev/mapper/"))
        return mapper_device(host, source + strlen("/dev/mapper/"));
    if (major) {
        path = g_strdup_printf("/sys/dev/block/%u:%u", major, minor);
        target = host_link(host, path);
        if (target)
            return g_path_get_basename(target);
    }
    return g_str_has_prefix(source, "/dev/") ? g_path_get_basename(source) : NULL;
}

static gboolean is_crypt(struct host *host, const char *device, guint depth)
{
    g_autofree char *uuid = block_attribute(host, device, "dm/uuid");
    g_autofree char *folder = g_strdup_printf("/sys/block/%s/slaves", device);
    g_auto(GStrv) below = NULL;
    gboolean all = FALSE;

    if (uuid && g_str_has_prefix(uuid, "CRYPT-"))
        return TRUE;
    if (depth == 0)
        return FALSE;
    below = host_list(host, folder, NULL);
    for (char **name = below; name && *name; name++) {
        all = is_crypt(host, *name, depth - 1);
        if (!all)
            return FALSE;
    }
    return all;
}

gboolean block_is_encrypted(struct host *host, const char *source, guint major, guint minor,
                            gboolean *known)
{
    g_autofree char *device = block_device(host, source, major, minor);

    *known = device && host_stat(host, "/sys/block")->state == HOST_OK;
    return *known && is_crypt(host, device, BLOCK_DEPTH);
}
