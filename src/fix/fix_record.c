#include "fix/fix_record.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define PLAN_MAX (256u << 20)
#define STATE_MAX 65536u
#define PREFIX_MIN 8 /* digits of a hash that may stand for all */
#define PRIVATE_FILE 0600
#define PRIVATE_FOLDER 0700

static const char *const stage_names[] = {
    [FIX_PLANNED] = "planned",     [FIX_APPLYING] = "applying", [FIX_APPLIED] = "applied",
    [FIX_CONFIRMED] = "confirmed", [FIX_UNDOING] = "undoing",   [FIX_UNDONE] = "undone",
};

const char *fix_stage_name(enum fix_stage stage)
{
    return stage_names[stage];
}

void fix_record_free(struct fix_record *record)
{
    if (record->plan)
        fix_plan_free(record->plan);
    g_free(record->folder);
    g_free(record);
}

int fix_store_lock(const char *store, GError **error)
{
    g_autofree char *path = g_build_filename(store, "lock", NULL);
    int fd;

    if (!file_make_folder(store, PRIVATE_FOLDER, error))
        return -1;
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, PRIVATE_FILE);
    if (fd < 0) {
        errno_error(error, errno, "%s: cannot be opened", path);
        return -1;
    }
    while (flock(fd, LOCK_EX) < 0)
        if (errno != EINTR) {
            errno_error(error, errno, "%s: cannot be locked", path);
            close(fd);
            return -1;
        }
    return fd;
}

static gboolean read_state(struct fix_record *record, GError **error)
{
    g_autofree char *path = g_build_filename(record->folder, "state.json", NULL);
    g_autoptr(json_t) object = NULL;
    const char *name;

    if (access(path, F_OK) < 0 && errno == ENOENT)
        return TRUE;
    object = json_read_file(path, STATE_MAX, error);
    if (!object)
        return FALSE;
    name = json_text(object, "stage");
    record->changed_us = json_number(object, "changed_us", 0);
    record->deadline_us = json_number(object, "deadline_us", 0);
    for (guint i = 0; name && i < G_N_ELEMENTS(stage_names); i++)
        if (g_str_equal(name, stage_names[i])) {
            record->stage = i;
            return TRUE;
        }
    return input_error(error, "%s: unknown stage", path);
}

static struct fix_record *load(const char *store, const char *hash, GError **error)
{
    g_autoptr(fix_record_t) record = g_new0(struct fix_record, 1);
    g_autofree char *path = g_build_filename(store, hash, "plan.json", NULL);
    g_autoptr(GBytes) bytes = file_read(path, PLAN_MAX, error);

    if (!bytes)
        return NULL;
    record->folder = g_build_filename(store, hash, NULL);
    record->plan = fix_plan_parse(bytes, path, error);
    if (!record->plan)
        return NULL;
    if (!g_str_equal(record->plan->hash, hash)) {
        found_error(error, "%s: is not the plan that its hash says", path);
        return NULL;
    }
    return read_state(record, error) ? g_steal_pointer(&record) : NULL;
}

static gboolean is_whole(const char *path, const char *hash)
{
    g_autoptr(GBytes) bytes = file_read(path, PLAN_MAX, NULL);
    g_autofree char *digest = bytes ? g_compute_checksum_for_bytes(G_CHECKSUM_SHA256, bytes) : NULL;

    return g_strcmp0(digest, hash) == 0;
}

struct fix_record *fix_record_new(const char *store, struct fix_plan *plan, GError **error)
{
    g_autofree char *folder = g_build_filename(store, plan->hash, NULL);
    g_autofree char *path = g_build_filename(folder, "plan.json", NULL);
    g_autoptr(GBytes) bytes = fix_plan_bytes(plan, error);

    if (!bytes || !file_make_folder(folder, PRIVATE_FOLDER, error))
        return NULL;
    /* One that is damaged is put right: its name says what it has to be. */
    if (!is_whole(path, plan->hash) && !file_write(path, g_bytes_get_data(bytes, NULL),
                                                   g_bytes_get_size(bytes), PRIVATE_FILE, error))
        return NULL;
    return load(store, plan->hash, error);
}

static gboolean is_hash(const char *name)
{
    return strlen(name) == FIX_HASH_LENGTH && strspn(name, "0123456789abcdef") == FIX_HASH_LENGTH;
}

/* Names of the plans that were saved completely, or were once. */
static GPtrArray *list_hashes(const char *store)
{
    GPtrArray *hashes = g_ptr_array_new_with_free_func(g_free);
    GDir *folder = g_dir_open(store, 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *plan = g_build_filename(store, name, "plan.json", NULL);
        g_autofree char *state = g_build_filename(store, name, "state.json", NULL);

        if (is_hash(name) && (access(plan, F_OK) == 0 || access(state, F_OK) == 0))
            g_ptr_array_add(hashes, g_strdup(name));
    }
    if (folder)
        g_dir_close(folder);
    return hashes;
}

struct fix_record *fix_record_find(const char *store, const char *hash, GError **error)
{
    g_autoptr(GPtrArray) hashes = list_hashes(store);
    const char *match = NULL;

    if (g_str_has_prefix(hash, "sha256:"))
        hash += strlen("sha256:");
    if (strlen(hash) < PREFIX_MIN) {
        input_error(error, "%s: give at least %d digits of the plan's hash", hash, PREFIX_MIN);
        return NULL;
    }
    for (guint i = 0; i < hashes->len; i++) {
        if (!g_str_has_prefix(hashes->pdata[i], hash))
            continue;
        if (match) {
            input_error(error, "%s: several plans begin so; give more digits", hash);
            return NULL;
        }
        match = hashes->pdata[i];
    }
    if (!match) {
        input_error(error, "%s: no such plan (see: entente fix --list)", hash);
        return NULL;
    }
    return load(store, match, error);
}

static int compare_records(const void *left, const void *right)
{
    const struct fix_record *a = *(struct fix_record *const *)left;
    const struct fix_record *b = *(struct fix_record *const *)right;

    if (a->changed_us != b->changed_us)
        return a->changed_us < b->changed_us ? -1 : 1;
    return strcmp(a->plan->hash, b->plan->hash);
}

void fix_damage_free(struct fix_damage *damage)
{
    g_free(damage->hash);
    g_free(damage->what);
    g_free(damage);
}

/* What is wrong, and what people can do; more when the plan's changes may be in force. */
static struct fix_damage *describe_damage(const char *store, const char *hash,
                                          const GError *problem)
{
    struct fix_damage *damage = g_new0(struct fix_damage, 1);
    g_autofree char *folder = g_build_filename(store, hash, NULL);
    struct fix_record state = { .folder = folder };
    gboolean harmless =
        read_state(&state, NULL) && (state.stage == FIX_PLANNED || state.stage == FIX_UNDONE);

    damage->hash = g_strdup(hash);
    damage->what = g_strdup_printf(
        "%s; other plans are not affected. Put the file back from a backup, or move %s elsewhere%s",
        problem->message, folder,
        harmless ? ""
                 : " (the plan's changes may be in force, and cannot be taken back without it; the "
                   "files as they were are in its backup/)");
    return damage;
}

GPtrArray *fix_record_list(const char *store, GPtrArray *damaged)
{
    GPtrArray *records = g_ptr_array_new_with_free_func((GDestroyNotify)fix_record_free);
    g_autoptr(GPtrArray) hashes = list_hashes(store);

    for (guint i = 0; i < hashes->len; i++) {
        g_autoptr(GError) problem = NULL;
        struct fix_record *record = load(store, hashes->pdata[i], &problem);

        if (record)
            g_ptr_array_add(records, record);
        else if (damaged)
            g_ptr_array_add(damaged, describe_damage(store, hashes->pdata[i], problem));
    }
    g_ptr_array_sort(records, compare_records);
    return records;
}

gboolean fix_record_enter(struct fix_record *record, enum fix_stage stage, gint64 deadline_us,
                          GError **error)
{
    g_autofree char *path = g_build_filename(record->folder, "state.json", NULL);
    g_autoptr(json_t) object = json_object();
    g_autofree char *text = NULL;
    gint64 now_us = clock_now_us();

    json_object_set_new(object, "stage", json_string(fix_stage_name(stage)));
    json_object_set_new(object, "changed_us", json_integer(now_us));
    if (deadline_us)
        json_object_set_new(object, "deadline_us", json_integer(deadline_us));
    text = json_pretty(object);
    if (!file_write(path, text, strlen(text), PRIVATE_FILE, error))
        return FALSE;
    record->stage = stage;
    record->changed_us = now_us;
    record->deadline_us = deadline_us;
    return TRUE;
}

static json_t *time_to_json(const struct timespec *time)
{
    json_t *pair = json_array();

    json_array_append_new(pair, json_integer(time->tv_sec));
    json_array_append_new(pair, json_integer(time->tv_nsec));
    return pair;
}

static void time_from_json(const json_t *object, const char *key, struct timespec *time)
{
    const json_t *pair = json_object_get(object, key);

    time->tv_sec = json_integer_value(json_array_get(pair, 0));
    time->tv_nsec = json_integer_value(json_array_get(pair, 1));
}

static json_t *extra_to_json(const struct fix_extra *extra)
{
    json_t *object = json_object(), *attributes = json_object();

    json_object_set_new(object, "accessed", time_to_json(&extra->accessed));
    json_object_set_new(object, "modified", time_to_json(&extra->modified));
    for (guint i = 0; i < extra->names->len; i++) {
        gsize length;
        const guchar *data = g_bytes_get_data(extra->values->pdata[i], &length);
        g_autofree char *encoded = g_base64_encode(data ? data : (const guchar *)"", length);

        json_object_set_new(attributes, extra->names->pdata[i], json_string(encoded));
    }
    json_object_set_new(object, "attributes", attributes);
    return object;
}

static struct fix_extra *extra_from_json(const json_t *object)
{
    struct fix_extra *extra = fix_extra_new();
    json_t *attributes = json_object_get(object, "attributes"), *value;
    const char *name;

    time_from_json(object, "accessed", &extra->accessed);
    time_from_json(object, "modified", &extra->modified);
    json_object_foreach(attributes, name, value)
    {
        gsize length;
        guchar *data =
            g_base64_decode(json_string_value(value) ? json_string_value(value) : "", &length);

        g_ptr_array_add(extra->names, g_strdup(name));
        g_ptr_array_add(extra->values, g_bytes_new_take(data, length));
    }
    return extra;
}

static char *content_path(const struct fix_record *record, guint index)
{
    return g_strdup_printf("%s/backup/%u", record->folder, index);
}

static gboolean back_up_edit(const struct fix_record *record, const struct fix_tree *tree,
                             guint index, json_t *rows, GError **error)
{
    const struct fix_edit *edit = record->plan->edits->pdata[index];
    g_autofree char *path = content_path(record, index);
    g_autoptr(fix_extra_t) extra = NULL;
    struct fix_state now = { 0 };
    gboolean kept = TRUE;

    if (edit->old.node == FIX_ABSENT)
        return json_array_append_new(rows, json_object()) == 0;
    extra = fix_tree_look_extra(tree, edit->path, error);
    if (!extra)
        return FALSE;
    if (edit->old.digest) {
        kept = fix_tree_look(tree, edit->path, TRUE, &now, error) &&
               ((now.content && fix_state_equal(&now, &edit->old)) ||
                system_error(error, "%s: changed while it was backed up", edit->path)) &&
               file_write(path,
                          g_bytes_get_size(now.content) ? g_bytes_get_data(now.content, NULL) : "",
                          g_bytes_get_size(now.content), PRIVATE_FILE, error);
        fix_state_clear(&now);
    }
    return kept && json_array_append_new(rows, extra_to_json(extra)) == 0;
}

gboolean fix_record_backup(const struct fix_record *record, const struct fix_tree *tree,
                           GError **error)
{
    g_autofree char *folder = g_build_filename(record->folder, "backup", NULL);
    g_autofree char *path = g_build_filename(record->folder, "backup.json", NULL);
    g_autoptr(json_t) rows = json_array();
    g_autofree char *text = NULL;

    if (!file_make_folder(folder, PRIVATE_FOLDER, error))
        return FALSE;
    for (guint i = 0; i < record->plan->edits->len; i++)
        if (!back_up_edit(record, tree, i, rows, error))
            return FALSE;
    text = json_pretty(rows);
    return file_write(path, text, strlen(text), PRIVATE_FILE, error) &&
           file_sync_folder_of(folder, error);
}

gboolean fix_record_restore(const struct fix_record *record, guint index, struct fix_state *old,
                            struct fix_extra **extra, GError **error)
{
    const struct fix_edit *edit = record->plan->edits->pdata[index];
    g_autofree char *list = g_build_filename(record->folder, "backup.json", NULL);
    g_autofree char *path = content_path(record, index);
    g_autoptr(json_t) rows = json_read_file(list, PLAN_MAX, error);
    g_autoptr(GBytes) content = NULL;

    if (!rows)
        return FALSE;
    fix_state_copy(old, &edit->old);
    *extra = extra_from_json(json_array_get(rows, index));
    if (!edit->old.digest)
        return TRUE;
    content = file_read(path, FIX_FILE_MAX, error);
    if (!content)
        return FALSE;
    fix_state_set_content(old, content);
    return g_str_equal(old->digest, edit->old.digest) ||
           system_error(error, "%s: the backup of %s is damaged", path, edit->path);
}
