#include "delivery/evidence_alarm.h"

#include "base/error.h"
#include "base/file.h"
#include "log/evidence.h"

#include <string.h>

#define EVIDENCE "evidence"
#define SOURCE "log"
#define SEEN ".alarmed" /* beside a bundle: it opened an alarm */
#define SEEN_MODE 0600

/* How grave each kind is: what a log did on purpose or not, people look at within the hour. */
static const struct {
    const char *kind, *severity, *text;
} wrongs[] = {
    { "split-view", "critical", "The log shows different contents to different people" },
    { "rolled-back", "critical", "The log went back behind what it had signed" },
    { "receipt", "high", "The log did not honour its receipt" },
};

static gboolean is_bundle(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(wrongs); i++)
        if (g_str_has_prefix(name, wrongs[i].kind) && g_str_has_suffix(name, ".json"))
            return TRUE;
    return FALSE;
}

static gboolean is_seen(const char *path)
{
    g_autofree char *mark = g_strconcat(path, SEEN, NULL);

    return g_file_test(mark, G_FILE_TEST_EXISTS);
}

/* Bundles of a folder that opened no alarm yet; in the order of their names. */
static void collect(const char *folder, GPtrArray *paths)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    const char *name;

    while (entries && (name = g_dir_read_name(entries))) {
        g_autofree char *path = g_build_filename(folder, name, NULL);

        if (is_bundle(name) && !is_seen(path))
            g_ptr_array_add(paths, g_steal_pointer(&path));
    }
}

static GPtrArray *collect_all(const char *data_folder)
{
    GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *own = g_build_filename(data_folder, "community", EVIDENCE, NULL);
    g_autofree char *follow = g_build_filename(data_folder, "follow", NULL);
    g_autoptr(GDir) logs = g_dir_open(follow, 0, NULL);
    const char *name;

    collect(own, paths);
    while (logs && (name = g_dir_read_name(logs))) {
        g_autofree char *followed = g_build_filename(follow, name, EVIDENCE, NULL);

        collect(followed, paths);
    }
    return paths;
}

gboolean evidence_waits(const char *data_folder)
{
    g_autoptr(GPtrArray) paths = collect_all(data_folder);

    return paths->len > 0;
}

/* Raised first and marked then: killed between the two, it is only seen again. */
static gboolean raise_alarm(struct cases *cases, const char *path, const json_t *bundle, guint row,
                            const struct signing_key *key, gint64 now_us, GError **error)
{
    const char *origin = json_text(bundle, "origin"), *observed = json_text(bundle, "observed");
    g_autofree char *topic = g_strdup_printf("%s %s", wrongs[row].kind, origin ? origin : "");
    g_autofree char *text = g_strdup_printf("%s: %s\nobserved %s\n%s", wrongs[row].text,
                                            origin ? origin : "?", observed ? observed : "?", path);
    g_autofree char *mark = g_strconcat(path, SEEN, NULL), *id = NULL;

    return cases_alarm(cases, key, SOURCE, topic, wrongs[row].severity, text, now_us, &id, error) &&
           file_write(mark, id, strlen(id), SEEN_MODE, error);
}

gboolean evidence_alarms(struct cases *cases, const char *data_folder,
                         const struct signing_key *key, gint64 now_us, guint *raised,
                         GError **error)
{
    g_autoptr(GPtrArray) paths = collect_all(data_folder);

    *raised = 0;
    for (guint i = 0; i < paths->len; i++) {
        g_autoptr(json_t) bundle = json_read_file(paths->pdata[i], EVIDENCE_LIMIT, NULL);
        const char *kind = json_text(bundle, "kind");
        guint row = 0;

        while (row < G_N_ELEMENTS(wrongs) && g_strcmp0(wrongs[row].kind, kind) != 0)
            row++;
        if (row == G_N_ELEMENTS(wrongs) || is_seen(paths->pdata[i]))
            continue;
        if (!raise_alarm(cases, paths->pdata[i], bundle, row, key, now_us, error))
            return FALSE;
        ++*raised;
    }
    return TRUE;
}
