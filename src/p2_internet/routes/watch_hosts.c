#include "p2_internet/routes/watch_hosts.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "p2_internet/routes/watch_private.h"
#include "profile/values.h"

#include <string.h>

#define FILE_MAX ((gsize)16 << 20)
#define ZONE_SCHEMA "entente/zone-check/1"
#define HOSTS_MAX 4096u
#define ORIGINS_MAX 64u /* of one prefix that are learned */
#define LEARN_US ((gint64)10 * 60 * G_USEC_PER_SEC)
/* Shorter ones say of an address only that somebody takes all that nobody else has. */
#define LENGTH_MIN 8

void watch_host_free(gpointer data)
{
    struct watch_host *host = data;

    if (!host)
        return;
    g_free(host->name);
    g_array_unref(host->origins);
    g_free(host);
}

/* ---- the list */

/* NULL: it is in the list already, or an error is set. */
static struct watch_host *add_host(GPtrArray *hosts, const char *name, const char *text,
                                   GError **error)
{
    struct watch_host *host;
    guint8 family, address[16];
    struct ip_prefix prefix;

    if (!ip_address_parse(text, &family, address)) {
        input_error(error, "\"%s\" is not an address", text);
        return NULL;
    }
    ip_prefix_from_bytes(family, ip_family_bits(family), address, &prefix, NULL);
    for (guint i = 0; i < hosts->len; i++) {
        host = hosts->pdata[i];
        if (ip_prefix_equal(&host->address, &prefix) && g_str_equal(host->name, name))
            return NULL;
    }
    if (hosts->len == HOSTS_MAX) {
        input_error(error, "more than %u name servers", HOSTS_MAX);
        return NULL;
    }
    host = g_new0(struct watch_host, 1);
    host->name = g_strdup(name);
    host->address = prefix;
    host->origins = g_array_new(FALSE, FALSE, sizeof(guint32));
    g_ptr_array_add(hosts, host);
    return host;
}

static gboolean parse_words(GPtrArray *hosts, char **words, GError **error)
{
    GError *failure = NULL;
    struct watch_host *host;

    if (!words[1])
        return input_error(error, "a name and an address belong here");
    host = add_host(hosts, words[0], words[1], &failure);
    for (char **word = words + 2; host && *word; word++) {
        guint32 as;

        if (!value_parse_as(*word, &as, error))
            return FALSE;
        g_array_append_val(host->origins, as);
    }
    if (failure)
        g_propagate_error(error, failure);
    return !failure;
}

/* A zone as `entente zone check` saw it: its own servers, not its parent's. */
static gboolean parse_zone(GPtrArray *hosts, const char *line, GError **error)
{
    g_autoptr(json_t) zone = json_parse(line, strlen(line), FILE_MAX, "zone", error);
    const json_t *servers = json_object_get(zone, "servers");
    GError *failure = NULL;

    if (!zone)
        return FALSE;
    if (g_strcmp0(json_text(zone, "schema"), ZONE_SCHEMA) != 0 || !json_is_array(servers))
        return input_error(error, "is no document of schema " ZONE_SCHEMA);
    for (gsize i = 0; i < json_array_size(servers) && !failure; i++) {
        const json_t *server = json_array_get(servers, i);
        const char *host = json_text(server, "host"), *address = json_text(server, "address");

        if (host && address && !json_is_true(json_object_get(server, "of_parent")))
            add_host(hosts, host, address, &failure);
    }
    if (failure)
        g_propagate_error(error, failure);
    return !failure;
}

/* The words of a line; what is behind a "#" says nothing. */
static char **words_of(const char *line)
{
    g_autofree char *said = g_strndup(line, strcspn(line, "#\r"));
    g_auto(GStrv) split = g_strsplit_set(said, " \t", -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

    for (char **word = split; *word; word++)
        if (**word)
            g_ptr_array_add(words, g_strdup(*word));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_steal(words, NULL);
}

GPtrArray *watch_hosts_parse(const char *text, const char *name, GError **error)
{
    g_autoptr(GPtrArray) hosts = g_ptr_array_new_with_free_func(watch_host_free);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (guint i = 0; lines[i]; i++) {
        g_auto(GStrv) words = *lines[i] == '{' ? NULL : words_of(lines[i]);

        if (words && !words[0])
            continue;
        if (words ? !parse_words(hosts, words, error) : !parse_zone(hosts, lines[i], error)) {
            g_prefix_error(error, "%s:%u: ", name, i + 1);
            return NULL;
        }
    }
    return g_steal_pointer(&hosts);
}

GPtrArray *watch_hosts_read(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, FILE_MAX, error);
    g_autofree char *text = NULL;

    if (!bytes)
        return NULL;
    text = g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    return watch_hosts_parse(text, path, error);
}

/* ---- what the watch has of them */

struct watch_hosts {
    GPtrArray *sorted;        /* struct watch_host *, borrowed, by address */
    GPtrArray *learned;       /* struct watch_prefix * */
    struct watch_ours *found; /* the same, to be found by prefix */
    gint64 until_us; /* what is heard until then is as it should be; 0: nothing was heard */
};

static gint compare(gconstpointer a, gconstpointer b)
{
    const struct watch_host *left = *(struct watch_host *const *)a;
    const struct watch_host *right = *(struct watch_host *const *)b;
    const int order = ip_prefix_compare(&left->address, &right->address);

    return order ? order : strcmp(left->name, right->name);
}

static void free_learned(gpointer data)
{
    watch_prefix_free(data);
}

struct watch_hosts *watch_hosts_new(const GPtrArray *list)
{
    struct watch_hosts *hosts = g_new0(struct watch_hosts, 1);

    hosts->sorted = g_ptr_array_new();
    for (guint i = 0; list && i < list->len; i++)
        g_ptr_array_add(hosts->sorted, list->pdata[i]);
    g_ptr_array_sort(hosts->sorted, compare);
    hosts->learned = g_ptr_array_new_with_free_func(free_learned);
    hosts->found = watch_ours_new(NULL, NULL);
    return hosts;
}

void watch_hosts_free(struct watch_hosts *hosts)
{
    if (!hosts)
        return;
    g_ptr_array_unref(hosts->sorted);
    watch_ours_free(hosts->found);
    g_ptr_array_unref(hosts->learned);
    g_free(hosts);
}

const struct watch_host *watch_hosts_in(const struct watch_hosts *hosts,
                                        const struct ip_prefix *prefix)
{
    guint low = 0, high = hosts->sorted->len;
    const struct watch_host *next;

    while (low < high) {
        const guint middle = low + (high - low) / 2;

        next = hosts->sorted->pdata[middle];
        if (ip_prefix_compare(&next->address, prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    next = low < hosts->sorted->len ? hosts->sorted->pdata[low] : NULL;
    return next && prefix->length >= LENGTH_MIN && ip_prefix_covers(prefix, &next->address) ? next
                                                                                            : NULL;
}

static struct watch_prefix *keep(struct watch_hosts *hosts, const struct watch_host *host,
                                 const struct ip_prefix *prefix)
{
    struct watch_prefix *learned = g_new0(struct watch_prefix, 1);

    learned->prefix = *prefix;
    learned->name = g_strdup(host->name);
    learned->is_host = TRUE;
    learned->origins = g_array_new(FALSE, FALSE, sizeof(guint32));
    if (host->origins->len)
        g_array_append_vals(learned->origins, host->origins->data, host->origins->len);
    g_ptr_array_add(hosts->learned, learned);
    watch_ours_add(hosts->found, learned);
    return learned;
}

static struct watch_prefix *learn(struct watch_hosts *hosts, const struct watch_host *host,
                                  const struct ip_prefix *prefix, guint32 origin)
{
    struct watch_prefix *learned = keep(hosts, host, prefix);

    if (!host->origins->len)
        g_array_append_val(learned->origins, origin);
    return learned;
}

/* ---- over a restart */

const GPtrArray *watch_hosts_learned(const struct watch_hosts *hosts, gint64 *until_us)
{
    *until_us = hosts->until_us;
    return hosts->learned;
}

void watch_hosts_learn_until(struct watch_hosts *hosts, gint64 until_us)
{
    hosts->until_us = until_us;
}

const struct watch_prefix *watch_hosts_restore(struct watch_hosts *hosts,
                                               const struct ip_prefix *prefix,
                                               const GArray *origins)
{
    const struct watch_host *host = watch_hosts_in(hosts, prefix);
    const struct watch_prefix *known = watch_ours_around(hosts->found, prefix);
    struct watch_prefix *learned;

    if (!host || (known && ip_prefix_equal(&known->prefix, prefix)))
        return NULL;
    learned = keep(hosts, host, prefix);
    if (!host->origins->len)
        g_array_append_vals(learned->origins, origins->data, MIN(origins->len, ORIGINS_MAX));
    return learned;
}

/* ---- by listening */

const struct watch_prefix *watch_hosts_around(struct watch_hosts *hosts,
                                              const struct watch_host *host,
                                              const struct watch_path *path,
                                              const struct ip_prefix *prefix, gboolean is_invalid,
                                              gint64 now_us, gboolean *is_new)
{
    struct watch_prefix *around = (struct watch_prefix *)watch_ours_around(hosts->found, prefix);
    const gboolean may =
        path->has_origin && (!host->origins->len || watch_list_has(host->origins, path->origin));
    gboolean learns;

    *is_new = FALSE;
    if (!hosts->until_us)
        hosts->until_us = now_us + LEARN_US;
    /* In the beginning all that is not invalid; later what is less specific than nothing else. */
    learns = may && !is_invalid && now_us < hosts->until_us;
    if (!around && may && !is_invalid)
        learns |= !watch_ours_around(hosts->found, &host->address);
    if (!learns)
        return around;
    if (around && ip_prefix_equal(&around->prefix, prefix)) {
        if (around->origins->len < ORIGINS_MAX && !watch_list_has(around->origins, path->origin))
            g_array_append_val(around->origins, path->origin);
        return around;
    }
    *is_new = TRUE;
    return learn(hosts, host, prefix, path->origin);
}
