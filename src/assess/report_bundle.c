#include "assess/report_bundle.h"

#include "base/error.h"

#include <string.h>

#define IMPORT "import "
#define EXPORT "export "

GBytes *web_file(const char *path, GError **error)
{
    for (const struct web_embedded *file = web_embedded; file->path; file++)
        if (g_str_equal(file->path, path))
            return g_bytes_new_static(file->data, file->length);
    system_error(error, "%s: not among the viewer's files in this program", path);
    return NULL;
}

/* The path of a module from its import line (`… from '../dom.js';`) in the module `importer`. */
static char *imported_path(const char *importer, const char *line, gsize length)
{
    g_autofree char *folder = NULL, *rooted = NULL, *name = NULL, *whole = NULL;
    const char *end = g_strrstr_len(line, length, "'"), *start;

    if (!end || !(start = g_strrstr_len(line, end - line, "'")))
        return NULL;
    folder = g_path_get_dirname(importer);
    name = g_strndup(start + 1, end - start - 1);
    rooted = g_build_filename("/", folder, name, NULL);
    whole = g_canonicalize_filename(rooted, "/");
    return g_strdup(whole + 1);
}

/* Adds `path` to `script` after its imports; `done` holds the paths already added. */
static gboolean add_module(GString *script, GHashTable *done, const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GString) body = g_string_new(NULL);
    const char *text, *end;
    gsize length;

    if (!g_hash_table_add(done, g_strdup(path)))
        return TRUE;
    if (!(bytes = web_file(path, error)))
        return FALSE;
    text = g_bytes_get_data(bytes, &length);
    for (end = text + length; text < end;) {
        const char *feed = memchr(text, '\n', end - text);
        gsize size = (feed ? feed + 1 : end) - text;

        if (g_str_has_prefix(text, IMPORT)) {
            g_autofree char *other = imported_path(path, text, size);

            if (!other)
                return system_error(error, "%s: an import without a path", path);
            if (!add_module(script, done, other, error))
                return FALSE;
        } else {
            gsize skip = g_str_has_prefix(text, EXPORT) ? strlen(EXPORT) : 0;

            g_string_append_len(body, text + skip, size - skip);
        }
        text += size;
    }
    g_string_append_len(script, body->str, body->len);
    return TRUE;
}

char *web_script(const char *path, GError **error)
{
    g_autoptr(GHashTable) done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GString) script = g_string_new(NULL);

    if (!add_module(script, done, path, error))
        return NULL;
    return g_string_free(g_steal_pointer(&script), FALSE);
}

static const char *slot_value(const struct web_slot *slots, const char *name, gsize length)
{
    for (; slots->name; slots++)
        if (strlen(slots->name) == length && !memcmp(slots->name, name, length))
            return slots->value;
    return NULL;
}

char *web_fill(const char *text, const char *open, const char *close, const struct web_slot *slots)
{
    GString *filled = g_string_new(NULL);
    const char *start, *end, *value;

    while ((start = strstr(text, open))) {
        const char *name = start + strlen(open);

        g_string_append_len(filled, text, start - text);
        end = strstr(name, close);
        value = end ? slot_value(slots, name, end - name) : NULL;
        if (value)
            g_string_append(filled, value);
        else
            g_string_append(filled, open);
        text = value ? end + strlen(close) : name;
    }
    g_string_append(filled, text);
    return g_string_free(filled, FALSE);
}

char *web_escape_data(const char *text, gsize length)
{
    GString *out = g_string_sized_new(length + length / 16);
    const char *end = text + length;

    for (; text < end; text++) {
        if (*text == '<' || *text == '>' || *text == '&')
            g_string_append_printf(out, "\\u%04x", (guint)*text);
        else if (end - text >= 3 && !memcmp(text, "\xe2\x80", 2) &&
                 (text[2] == '\xa8' || text[2] == '\xa9')) {
            g_string_append(out, text[2] == '\xa8' ? "\\u2028" : "\\u2029");
            text += 2;
        } else {
            g_string_append_c(out, *text);
        }
    }
    return g_string_free(out, FALSE);
}

/* The source expression of the Content-Security-Policy that allows exactly `text`. */
static char *policy_hash(const char *text)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize size = sizeof digest;
    g_autofree char *base64 = NULL;

    g_checksum_update(sum, (const guchar *)text, -1);
    g_checksum_get_digest(sum, digest, &size);
    base64 = g_base64_encode(digest, size);
    return g_strdup_printf("'sha256-%s'", base64);
}

char *web_policy(const char *script, const char *style)
{
    g_autofree char *script_hash = policy_hash(script), *style_hash = policy_hash(style);

    return g_strdup_printf("default-src 'none'; script-src %s; style-src %s; img-src data:; "
                           "base-uri 'none'; form-action 'none'; "
                           "require-trusted-types-for 'script'; trusted-types 'none'",
                           script_hash, style_hash);
}

char *web_text(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = web_file(path, error);
    gsize length;
    const char *data;

    if (!bytes)
        return NULL;
    data = g_bytes_get_data(bytes, &length);
    return g_strndup(data, length);
}

static gint compare_paths(gconstpointer left, gconstpointer right)
{
    const struct web_embedded *a = *(const struct web_embedded *const *)left;
    const struct web_embedded *b = *(const struct web_embedded *const *)right;

    return strcmp(a->path, b->path);
}

char *web_manifest(void)
{
    g_autoptr(GPtrArray) sorted = g_ptr_array_new();
    GString *text = g_string_new(NULL);

    for (const struct web_embedded *file = web_embedded; file->path; file++)
        g_ptr_array_add(sorted, (gpointer)file);
    g_ptr_array_sort(sorted, compare_paths);
    for (guint i = 0; i < sorted->len; i++) {
        const struct web_embedded *file = sorted->pdata[i];
        g_autofree char *hex =
            g_compute_checksum_for_data(G_CHECKSUM_SHA256, file->data, file->length);

        g_string_append_printf(text, "%s  %s\n", hex, file->path);
    }
    return g_string_free(text, FALSE);
}
