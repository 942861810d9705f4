#include "p2_internet/clock/refusal.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

#include <string.h>
#include <unistd.h>

#define FOLDER "clock"
#define NAME "refusals.json"
#define SCHEMA "entente/clock-refusals/1"
#define LIMIT (1u << 20) /* bytes */
#define FILE_MODE 0600
#define FOLDER_MODE 0700
#define HOUR_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define DAY_US (24 * HOUR_US)
#define TIMES_MAX 5 /* 16 hours; then a day */

struct refusals {
    json_t *of; /* source -> { "code", "until", "times" } */
    gboolean changed;
};

static char *path_in(const char *data)
{
    return g_build_filename(data, FOLDER, NAME, NULL);
}

struct refusals *refusals_load(const char *data, GError **error)
{
    g_autofree char *path = path_in(data);
    const gboolean is_there = access(path, F_OK) == 0;
    g_autoptr(json_t) document = is_there ? json_read_file(path, LIMIT, error) : NULL;
    json_t *of = json_object_get(document, "refusals");
    struct refusals *refusals;

    if (is_there && !document)
        return NULL;
    if (is_there &&
        (g_strcmp0(json_text(document, "schema"), SCHEMA) != 0 || !json_is_object(of))) {
        input_error(error, "%s: not a list of refusals; put it aside to begin anew", path);
        return NULL;
    }
    refusals = g_new0(struct refusals, 1);
    refusals->of = of ? json_incref(of) : json_object();
    return refusals;
}

void refusals_free(struct refusals *refusals)
{
    if (!refusals)
        return;
    json_decref(refusals->of);
    g_free(refusals);
}

const char *refusals_standing(const struct refusals *refusals, const char *source, gint64 now_us,
                              gint64 *until_us)
{
    const json_t *one = json_object_get(refusals->of, source);
    const char *until = json_text(one, "until"), *code = json_text(one, "code");

    return code && until && clock_parse(until, until_us, NULL) && *until_us > now_us ? code : NULL;
}

static gint64 pause_of(const char *code, gint64 times)
{
    if (strcmp(code, "DENY") == 0 || strcmp(code, "RSTR") == 0)
        return DAY_US;
    if (strcmp(code, "RATE") == 0)
        return times > TIMES_MAX ? DAY_US : HOUR_US << (times - 1);
    return 0;
}

void refusals_note(struct refusals *refusals, const char *source, const char *code, gint64 now_us)
{
    const gint64 before = json_number(json_object_get(refusals->of, source), "times", 0);
    const gint64 times = CLAMP(before, 0, TIMES_MAX) + 1;
    const gint64 pause_us = pause_of(code, times);
    g_autofree char *until = clock_format(now_us + pause_us);

    if (pause_us) {
        json_object_set_new(
            refusals->of, source,
            json_pack("{s:s, s:s, s:I}", "code", code, "until", until, "times", (json_int_t)times));
        refusals->changed = TRUE;
    } else if (!*code && json_object_del(refusals->of, source) == 0) {
        refusals->changed = TRUE;
    }
}

gboolean refusals_save(const struct refusals *refusals, const char *data, GError **error)
{
    g_autofree char *path = path_in(data), *folder = g_path_get_dirname(path), *text = NULL;
    g_autoptr(json_t) document =
        json_pack("{s:s, s:O}", "schema", SCHEMA, "refusals", refusals->of);

    if (!refusals->changed)
        return TRUE;
    text = json_pretty(document);
    return file_make_folder(folder, FOLDER_MODE, error) &&
           file_write(path, text, strlen(text), FILE_MODE, error);
}
