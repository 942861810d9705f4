/* feed_manifest.c: the manifest of a MISP feed: which events it has. */
#include "base/error.h"
#include "base/file.h"
#include "p1_resilience/hunt/feed_json.h"

#include <string.h>

#define MANIFEST_LIMIT (256u << 20)
#define WORKER_LIMIT_US (60 * G_USEC_PER_SEC)

struct reading {
    GBytes *bytes;
    const char *path;
    GString *uuids; /* "+" and a UUID a line, or "-" and what is wrong */
};

static gboolean take_event(const char *const *path, const json_t *value, gpointer data,
                           GError **error)
{
    struct reading *reading = data;

    if (g_uuid_string_is_valid(path[0]))
        g_string_append_printf(reading->uuids, "%s\n", path[0]);
    return TRUE;
}

static void read_job(struct worker_pipe *out, gpointer data)
{
    static const struct json_want wants[] = { { "*", take_event }, { NULL } };
    struct reading *reading = data;
    g_autoptr(GError) error = NULL;
    struct feed_json json = { .name = reading->path };

    json.text = g_bytes_get_data(reading->bytes, &json.length);
    reading->uuids = g_string_new("+");
    if (!feed_json_read(&json, wants, reading, &error))
        g_string_printf(reading->uuids, "-%s", error->message);
    if (reading->uuids->len > WORKER_MESSAGE_MAX)
        g_string_printf(reading->uuids, "-%s: lists too many events", reading->path);
    worker_send(out, 0, reading->uuids->str, reading->uuids->len);
}

GPtrArray *misp_manifest(const char *path, GError **error)
{
    static const struct confine_limits limits = { .memory = 4ull << 30, .cpu_s = 60 };
    g_autoptr(confinement_t) confinement = confinement_new(0, error);
    g_autoptr(GPtrArray) uuids = g_ptr_array_new_with_free_func(g_free);
    struct reading reading = { .path = path };
    g_autoptr(GBytes) bytes = NULL, reply = NULL;
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;

    if (!confinement || !(bytes = file_read(path, MANIFEST_LIMIT, error)))
        return NULL;
    reading.bytes = bytes;
    reply = worker_call(confinement, -1, &limits, WORKER_LIMIT_US, read_job, &reading, error);
    if (!reply) {
        g_prefix_error(error, "%s: ", path);
        return NULL;
    }
    text = g_strndup(g_bytes_get_data(reply, NULL), g_bytes_get_size(reply));
    if (text[0] != '+') {
        input_error(error, "%s", text[0] ? text + 1 : path);
        return NULL;
    }
    lines = g_strsplit(text + 1, "\n", -1);
    for (char **line = lines; *line; line++)
        if (g_uuid_string_is_valid(*line))
            g_ptr_array_add(uuids, g_strdup(*line));
    return g_steal_pointer(&uuids);
}
