/*
 * warning_list_read.c: warning lists as MISP publishes them, or one value a line. A worker reads
 * the file and sends what it holds as plain strings.
 */
#include "p1_resilience/hunt/warning_list_private.h"

#include "base/error.h"
#include "base/file.h"
#include "base/json_stream.h"
#include "p1_resilience/hunt/feed_private.h"
#include "sandbox/worker.h"

#include <string.h>

#define FILE_LIMIT (512u << 20)
#define ENTRY_LIMIT 8192
#define BATCH_SIZE (256u << 10)
#define GROWTH_MAX 4 /* a worker that says more than this times the file is not ours any more */
#define WORKER_LIMIT_US (120 * G_USEC_PER_SEC)
#define FOLDER_DEPTH 8

enum message {
    MESSAGE_LIST = 1, /* u32 kind | u32 kinds | name */
    MESSAGE_ENTRIES,  /* strings, each ending in NUL */
    MESSAGE_ERROR,
    MESSAGE_DONE,
};

/* Which indicators MISP's attribute types are. */
#define ADDRESS                                                                                    \
    (INDICATOR_ONLY(INDICATOR_IPV4) | INDICATOR_ONLY(INDICATOR_IPV6) |                             \
     INDICATOR_ONLY(INDICATOR_CIDR))
#define NAME (INDICATOR_ONLY(INDICATOR_DOMAIN) | INDICATOR_ONLY(INDICATOR_HOST))
static const struct {
    const char *attribute; /* or the beginning of its name */
    guint kinds;
} attributes[] = {
    { "ip-", ADDRESS },
    { "domain|ip", ADDRESS | NAME },
    { "domain", NAME },
    { "hostname", NAME },
    { "url", INDICATOR_ONLY(INDICATOR_URL) },
    { "uri", INDICATOR_ONLY(INDICATOR_URL) },
    { "link", INDICATOR_ONLY(INDICATOR_URL) },
    { "md5", INDICATOR_ONLY(INDICATOR_HASH) },
    { "sha", INDICATOR_ONLY(INDICATOR_HASH) },
    { "filename|", INDICATOR_ONLY(INDICATOR_HASH) },
    { "malware-sample", INDICATOR_ONLY(INDICATOR_HASH) },
    { "email", INDICATOR_ONLY(INDICATOR_EMAIL) },
};

struct reading {
    const char *path;
    const struct warning_sink *sink;
    GString *batch;
    /* of MISP's format */
    char *name, *type;
    guint kinds;
    gboolean has_list;
};

/* ---- in the worker */

static void flush(struct reading *reading)
{
    if (reading->batch->len)
        reading->sink->entries(reading->sink->to, reading->batch->str, reading->batch->len);
    g_string_truncate(reading->batch, 0);
}

static void put_entry(struct reading *reading, const char *entry, gsize length)
{
    g_string_append_len(reading->batch, entry, (gssize)MIN(length, ENTRY_LIMIT));
    g_string_append_c(reading->batch, '\0');
    if (reading->batch->len >= BATCH_SIZE)
        flush(reading);
}

static void begin_list(struct reading *reading, const char *name, guint32 kind, guint32 kinds)
{
    flush(reading);
    reading->sink->begin(reading->sink->to, name, kind, kinds);
}

static gboolean take_name(const char *const *path, const json_t *value, gpointer data,
                          GError **error)
{
    struct reading *reading = data;
    char **member = g_str_equal(path[0], "name") ? &reading->name : &reading->type;

    if (json_is_string(value) && !*member)
        *member = g_strdup(json_string_value(value));
    return TRUE;
}

static gboolean take_attribute(const char *const *path, const json_t *value, gpointer data,
                               GError **error)
{
    struct reading *reading = data;
    const char *name = json_string_value(value);

    for (guint i = 0; name && i < G_N_ELEMENTS(attributes); i++)
        if (g_str_has_prefix(name, attributes[i].attribute)) {
            reading->kinds |= attributes[i].kinds;
            break;
        }
    return TRUE;
}

static gboolean note_list(const char *const *path, const json_t *value, gpointer data,
                          GError **error)
{
    ((struct reading *)data)->has_list = TRUE;
    return TRUE;
}

static gboolean take_entry(const char *const *path, const json_t *value, gpointer data,
                           GError **error)
{
    if (json_is_string(value))
        put_entry(data, json_string_value(value), json_string_length(value));
    return TRUE;
}

static gboolean stream(struct reading *reading, const struct json_want *wants, const void *bytes,
                       gsize length, GError **error)
{
    g_autoptr(json_stream_t) json = json_stream_new(reading->path, wants, ENTRY_LIMIT * 8, reading);

    return json_stream_feed(json, bytes, length, error) && json_stream_end(json, error);
}

/* Twice through: what the list is may stand behind its entries. */
static gboolean read_misp(struct reading *reading, const void *bytes, gsize length, GError **error)
{
    static const struct json_want about[] = { { "name", take_name },
                                              { "type", take_name },
                                              { "matching_attributes/*", take_attribute },
                                              { "list/*", note_list },
                                              { NULL } };
    static const struct json_want entries[] = { { "list/*", take_entry }, { NULL } };
    enum warning_list_kind kind;
    g_autofree char *file = g_path_get_basename(reading->path);

    if (!stream(reading, about, bytes, length, error))
        return FALSE;
    if (!warning_list_kind_parse(reading->type, &kind) || !reading->has_list)
        return input_error(error,
                           "%s: is no warning list: \"type\" is to be string, substring, "
                           "hostname, cidr or regex, and \"list\" to have entries",
                           reading->path);
    begin_list(reading, reading->name ? reading->name : file, kind, reading->kinds);
    return stream(reading, entries, bytes, length, error);
}

/* Networks and names, each as what it is; and whatever else as it stands. */
static gboolean read_plain(struct reading *reading, const char *text, gsize length)
{
    static const enum warning_list_kind kinds[] = { WARNING_CIDR, WARNING_HOSTNAME,
                                                    WARNING_STRING };
    g_autofree char *file = g_path_get_basename(reading->path);

    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        struct feed_lines lines = { text, text + length, 0 };
        gboolean begun = FALSE;
        const char *line;
        gsize size;

        while (feed_lines_next(&lines, &line, &size)) {
            g_auto(indicator_t) indicator = { 0 };
            enum warning_list_kind kind = WARNING_STRING;
            enum indicator_why why;

            if (feed_line_is_comment(line, size))
                continue;
            if (indicator_parse(line, size, INDICATOR_FORCE, &indicator, &why))
                kind = indicator.family                     ? WARNING_CIDR
                       : indicator.kind == INDICATOR_DOMAIN ? WARNING_HOSTNAME
                                                            : WARNING_STRING;
            if (kind != kinds[i])
                continue;
            if (!begun)
                begin_list(reading, file, kind, 0);
            begun = TRUE;
            if (indicator.text)
                put_entry(reading, indicator.text, strlen(indicator.text));
            else
                put_entry(reading, line, size);
        }
    }
    return TRUE;
}

gboolean warning_list_parse(const char *path, const char *text, gsize length,
                            const struct warning_sink *sink, GError **error)
{
    struct reading reading = { .path = path, .sink = sink, .batch = g_string_new(NULL) };
    gsize start = 0;
    gboolean read;

    while (start < length && g_ascii_isspace(text[start]))
        start++;
    read = start < length && text[start] == '{' ? read_misp(&reading, text, length, error)
                                                : read_plain(&reading, text, length);
    flush(&reading);
    g_string_free(reading.batch, TRUE);
    g_free(reading.name);
    g_free(reading.type);
    return read;
}

static void send_list(gpointer out, const char *name, guint32 kind, guint32 kinds)
{
    g_autoptr(GByteArray) body = g_byte_array_new();

    g_byte_array_append(body, (const guint8 *)&kind, sizeof kind);
    g_byte_array_append(body, (const guint8 *)&kinds, sizeof kinds);
    g_byte_array_append(body, (const guint8 *)name, (guint)MIN(strlen(name), FEED_OBJECT_LIMIT));
    worker_send(out, MESSAGE_LIST, body->data, body->len);
}

static void send_entries(gpointer out, const char *entries, gsize length)
{
    worker_send(out, MESSAGE_ENTRIES, entries, length);
}

struct job {
    GBytes *bytes;
    const char *path;
};

static void read_job(struct worker_pipe *out, gpointer data)
{
    const struct job *job = data;
    const struct warning_sink sink = { send_list, send_entries, out };
    g_autoptr(GError) error = NULL;
    gsize length;
    const char *text = g_bytes_get_data(job->bytes, &length);

    if (warning_list_parse(job->path, length ? text : "", length, &sink, &error))
        worker_send(out, MESSAGE_DONE, "", 0);
    else
        worker_send(out, MESSAGE_ERROR, error->message, strlen(error->message));
}

/* ---- in the parent */

static gboolean take_list(struct warning_lists *lists, const guint8 *body, gsize length)
{
    g_autofree char *raw = NULL, *name = NULL;
    guint32 kind, kinds;

    if (length < sizeof kind + sizeof kinds)
        return FALSE;
    memcpy(&kind, body, sizeof kind);
    memcpy(&kinds, body + sizeof kind, sizeof kinds);
    if (kind >= WARNING_LIST_KINDS)
        return FALSE;
    raw = g_strndup((const char *)body + sizeof kind + sizeof kinds,
                    length - sizeof kind - sizeof kinds);
    name = g_utf8_make_valid(raw, -1);
    warning_lists_begin(lists, name, kind, kinds);
    return TRUE;
}

static gboolean take_entries(struct warning_lists *lists, guint first, const guint8 *body,
                             gsize length)
{
    const guint8 *end = body + length;

    if (!length || end[-1] != '\0' || warning_lists_count(lists) == first)
        return FALSE;
    for (; body < end; body += strlen((const char *)body) + 1)
        warning_lists_entry(lists, (const char *)body);
    return TRUE;
}

static gboolean is_beyond_ascii(GBytes *bytes)
{
    gsize length;
    const guint8 *text = g_bytes_get_data(bytes, &length);
    guint8 high = 0;

    for (gsize i = 0; i < length; i++)
        high |= text[i];
    return high >= 0x80;
}

struct hearing {
    struct warning_lists *lists;
    guint first;       /* of the lists that this file adds */
    gsize heard, most; /* bytes */
    gboolean done;
};

static gboolean take(guint8 kind, const guint8 *body, gsize length, gpointer data, GError **error)
{
    struct hearing *hearing = data;

    if (kind == MESSAGE_ERROR) {
        g_autofree char *raw = g_strndup((const char *)body, length);
        g_autofree char *text = g_utf8_make_valid(raw, -1);

        return input_error(error, "%s", text);
    }
    hearing->done |= kind == MESSAGE_DONE;
    hearing->heard += length;
    if (hearing->heard > hearing->most)
        return FALSE;
    return kind == MESSAGE_LIST      ? take_list(hearing->lists, body, length)
           : kind == MESSAGE_ENTRIES ? take_entries(hearing->lists, hearing->first, body, length)
                                     : kind == MESSAGE_DONE;
}

static gboolean read_file(struct warning_lists *lists, const char *path, GError **error)
{
    static const struct confine_limits limits = { .memory = 4ull << 30, .cpu_s = 120 };
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    struct job job = { .path = path };
    g_autoptr(worker_t) worker = NULL;
    struct hearing hearing = { lists, warning_lists_count(lists), 0, 0, FALSE };
    g_autoptr(GBytes) bytes = NULL;

    if (!confinement || !(bytes = file_read(path, FILE_LIMIT, error)))
        return FALSE;
    job.bytes = bytes;
    hearing.most = g_bytes_get_size(bytes) * GROWTH_MAX + BATCH_SIZE;
    if (is_beyond_ascii(bytes) && !indicator_prepare(error))
        return FALSE;
    worker = worker_start(confinement, -1, &limits, g_get_monotonic_time() + WORKER_LIMIT_US,
                          read_job, &job, error);
    if (!worker || !worker_hear(worker, path, take, &hearing, error))
        return FALSE;
    return hearing.done || system_error(error, "%s: its parser ended early", path);
}

static int compare_names(gconstpointer one, gconstpointer other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* In a folder of lists, as MISP keeps them, each is a list.json in a folder of its own. */
static gboolean read_folder(struct warning_lists *lists, const char *folder, guint depth,
                            GError **error)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, error);
    g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
    const char *name;

    if (!entries)
        return FALSE;
    while ((name = g_dir_read_name(entries)))
        g_ptr_array_add(names, g_build_filename(folder, name, NULL));
    g_ptr_array_sort(names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        const char *path = names->pdata[i];
        gboolean folder_too = g_file_test(path, G_FILE_TEST_IS_DIR);

        if (folder_too ? depth < FOLDER_DEPTH && !read_folder(lists, path, depth + 1, error)
                       : g_str_has_suffix(path, ".json") && !read_file(lists, path, error))
            return FALSE;
    }
    return TRUE;
}

gboolean warning_lists_add(struct warning_lists *lists, const char *path, GError **error)
{
    guint before = warning_lists_count(lists);

    if (!(g_file_test(path, G_FILE_TEST_IS_DIR) ? read_folder(lists, path, 0, error)
                                                : read_file(lists, path, error)))
        return FALSE;
    if (warning_lists_count(lists) == before)
        return input_error(error, "%s: holds no warning list", path);
    warning_lists_prepare(lists);
    return TRUE;
}
