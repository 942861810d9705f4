#include "p1_resilience/recover/restic.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#include <sodium.h>
#include <string.h>

#define CANARY_SIZE 32
#define ID_DIGITS 64
#define SHORT_ID 8 /* hex digits of an id that restic answers with, at least */

/* Reading alone: no lock is taken, and no cache is written. */
#define READ_ONLY "--no-lock", "--no-cache"

static const char *const own_passwords[] = { "RESTIC_PASSWORD", "RESTIC_PASSWORD_FILE",
                                             "RESTIC_PASSWORD_COMMAND", NULL };

static void environment(const struct asset *asset, const char *folder, GPtrArray *list)
{
    (void)folder;
    g_ptr_array_add(list, g_strconcat("RESTIC_REPOSITORY=", asset->repository, NULL));
    if (asset->password_file)
        g_ptr_array_add(list, g_strconcat("RESTIC_PASSWORD_FILE=", asset->password_file, NULL));
    else if (asset->password_command)
        g_ptr_array_add(list,
                        g_strconcat("RESTIC_PASSWORD_COMMAND=", asset->password_command, NULL));
    else
        repository_inherit(list, own_passwords);
}

static const struct {
    const char *words;
    enum trouble_kind kind;
} said_words[] = {
    { "wrong password or no key found", TROUBLE_PASSWORD },
    { "an empty password is not a password", TROUBLE_PASSWORD },
    { "unable to create lock", TROUBLE_LOCKED },
    { "already locked", TROUBLE_LOCKED },
    { "no space left on device", TROUBLE_FULL },
    { "Is there a repository at the following location", TROUBLE_MISSING },
    { "unable to open config file", TROUBLE_MISSING },
    { "not found in snapshot", TROUBLE_ABSENT },
    { "ciphertext verification failed", TROUBLE_DAMAGED },
    { "Pack ID does not match", TROUBLE_DAMAGED },
    { "repository contains errors", TROUBLE_DAMAGED },
    { "not found in index", TROUBLE_DAMAGED },
    { "invalid data returned", TROUBLE_DAMAGED },
    { "hash mismatch", TROUBLE_DAMAGED },
    { "Unmarshal", TROUBLE_DAMAGED },
    { "unexpected EOF", TROUBLE_DAMAGED },
};

enum trouble_kind restic_classify(const char *said, int status)
{
    (void)status;
    for (guint i = 0; i < G_N_ELEMENTS(said_words); i++)
        if (strstr(said, said_words[i].words))
            return said_words[i].kind;
    return TROUBLE_OTHER;
}

/* --- snapshots --- */

static gboolean has_word(const json_t *list, const char *word)
{
    const json_t *item;
    size_t i;

    json_array_foreach(list, i,
                       item) if (g_strcmp0(json_string_value(item), word) == 0) return TRUE;
    return FALSE;
}

static char **words_of(const json_t *list)
{
    GPtrArray *words = g_ptr_array_new();
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item) if (json_is_string(item))
        g_ptr_array_add(words, g_strdup(json_string_value(item)));
    g_ptr_array_add(words, NULL);
    return (char **)g_ptr_array_free(words, FALSE);
}

gboolean restic_read_snapshots(const char *text, gsize length, told_fn tell, gpointer data)
{
    g_autoptr(json_t) list = json_parse(text, length, ANSWER_WHOLE_LIMIT, "restic snapshots", NULL);
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        const char *id = json_text(item, "id"), *time = json_text(item, "time");
        g_auto(GStrv) paths = words_of(json_object_get(item, "paths"));
        struct told told = { .kind = TOLD_SNAPSHOT,
                             .name = id,
                             .paths = (const char *const *)paths };

        if (id && time && clock_parse(time, &told.time_us, NULL) &&
            !has_word(json_object_get(item, "tags"), RESTIC_CANARY))
            tell(&told, data);
    }
    return json_is_array(list) || json_is_null(list);
}

static gboolean list_snapshots(const struct repository *repository, GPtrArray *snapshots,
                               struct trouble *trouble)
{
    static const struct answer_form form = { restic_read_snapshots, TRUE };
    const char *const arguments[] = { "restic", READ_ONLY, "snapshots", "--json", NULL };

    return repository_hear(repository, arguments, &form, snapshots_tell, snapshots, trouble);
}

/* --- files --- */

static char type_of(const char *word)
{
    return g_strcmp0(word, "file") == 0      ? '-'
           : g_strcmp0(word, "dir") == 0     ? 'd'
           : g_strcmp0(word, "symlink") == 0 ? 'l'
                                             : '?';
}

gboolean restic_read_node(const char *line, gsize length, told_fn tell, gpointer data)
{
    g_autoptr(json_t) node = json_parse(line, length, ANSWER_LINE_LIMIT, "restic ls", NULL);
    const char *mtime = json_text(node, "mtime");
    struct told told = { .kind = TOLD_FILE,
                         .name = json_text(node, "path"),
                         .type = type_of(json_text(node, "type")),
                         .size = json_number(node, "size", 0) };

    if (!node)
        return FALSE;
    if (g_strcmp0(json_text(node, "struct_type"), "node") != 0)
        return TRUE; /* the snapshot itself */
    if (!told.name)
        return FALSE;
    if (mtime && !clock_parse(mtime, &told.time_us, NULL))
        told.time_us = 0;
    tell(&told, data);
    return TRUE;
}

static gboolean list_files(const struct repository *repository, const struct snapshot *snapshot,
                           struct listing *listing, struct trouble *trouble)
{
    static const struct answer_form form = { restic_read_node, FALSE };
    const char *const arguments[] = { "restic", READ_ONLY, "ls", "--json", snapshot->id, NULL };

    return repository_hear(repository, arguments, &form, listing_tell, listing, trouble);
}

static gboolean restore(const struct repository *repository, const struct snapshot *snapshot,
                        const char *const *paths, program_fn take, gpointer data,
                        gint64 *elapsed_us, struct trouble *trouble)
{
    g_autofree char *absolute = g_strconcat("/", paths[0], NULL);
    const char *const arguments[] = { "restic",     READ_ONLY, "dump", "--",
                                      snapshot->id, absolute,  NULL };
    g_auto(program_result_t) result = { 0 };
    gboolean good = repository_run(repository, arguments, 0, take, data, &result, trouble);

    *elapsed_us = result.elapsed_us;
    return good;
}

/* --- the store --- */

gint64 restic_read_packs(const char *text)
{
    gint64 packs = -1;

    for (const char *at = text; (at = strstr(at, " packs")); at++) {
        const char *digits = at;

        while (digits > text && g_ascii_isdigit(digits[-1]))
            digits--;
        if (digits == at)
            continue;
        /* "3 / 4 packs": the first counts. */
        if (digits - text > 3 && memcmp(digits - 3, " / ", 3) == 0) {
            digits -= 3;
            while (digits > text && g_ascii_isdigit(digits[-1]))
                digits--;
            packs = g_ascii_strtoll(digits, NULL, 10);
        } else if (packs < 0 && g_ascii_strtoll(digits, NULL, 10) == 0) {
            packs = 0;
        }
    }
    return packs;
}

static gboolean gather(const void *bytes, gsize length, gpointer data, GError **error)
{
    (void)error;
    g_string_append_len(data, bytes, (gssize)length);
    if (((GString *)data)->len > 2 * PROGRAM_SAID_MAX) /* the end is what counts */
        g_string_erase(data, 0, PROGRAM_SAID_MAX);
    return TRUE;
}

static gboolean check(const struct repository *repository, struct store_check *check,
                      struct trouble *trouble)
{
    g_autofree char *share =
        g_strdup_printf("--read-data-subset=%u/%u", check->share, check->shares);
    const char *const arguments[] = { "restic", READ_ONLY, "check",
                                      check->read == STORE_READ_ALL     ? "--read-data"
                                      : check->read == STORE_READ_SHARE ? share
                                                                        : NULL,
                                      NULL };
    g_autoptr(GString) text = g_string_new(NULL);
    g_auto(program_result_t) result = { 0 };
    gboolean good = repository_run(repository, arguments, 0, gather, text, &result, trouble);

    check->packs = check->read == STORE_READ_NOTHING ? 0 : restic_read_packs(text->str);
    /* Any failure of a check that could open the repository is damage. */
    if (!good && trouble->kind == TROUBLE_OTHER && result.end == PROGRAM_EXITED)
        trouble->kind = TROUBLE_DAMAGED;
    return good;
}

/* A line of `list`: an id. */
gboolean restic_read_id(const char *line, gsize length, told_fn tell, gpointer data)
{
    const struct told told = { .kind = TOLD_ID, .name = line };

    if (length != ID_DIGITS || strspn(line, "0123456789abcdef") != ID_DIGITS)
        return FALSE;
    tell(&told, data);
    return TRUE;
}

static void add_id(const struct told *told, gpointer data)
{
    if (told->kind == TOLD_ID)
        g_ptr_array_add(data, g_strdup(told->name));
}

/* Ids of what is in the repository: "locks", "snapshots". */
static GPtrArray *list_ids(const struct repository *repository, const char *what,
                           struct trouble *trouble)
{
    static const struct answer_form form = { restic_read_id, FALSE };
    const char *const arguments[] = { "restic", READ_ONLY, "list", what, NULL };
    GPtrArray *ids = g_ptr_array_new_with_free_func(g_free);

    if (repository_hear(repository, arguments, &form, add_id, ids, trouble))
        return ids;
    g_ptr_array_unref(ids);
    return NULL;
}

gboolean restic_read_lock(const char *text, gsize length, told_fn tell, gpointer data)
{
    g_autoptr(json_t) lock = json_parse(text, length, ANSWER_WHOLE_LIMIT, "restic cat lock", NULL);
    const char *time = json_text(lock, "time");
    struct told told = { .kind = TOLD_TIME };

    if (!time || !clock_parse(time, &told.time_us, NULL))
        return FALSE;
    tell(&told, data);
    return TRUE;
}

static void keep_oldest(const struct told *told, gpointer data)
{
    gint64 *oldest_us = data;

    if (told->kind == TOLD_TIME && (!*oldest_us || told->time_us < *oldest_us))
        *oldest_us = told->time_us;
}

static gboolean locks(const struct repository *repository, gint64 *oldest_us,
                      struct trouble *trouble)
{
    static const struct answer_form form = { restic_read_lock, TRUE };
    g_autoptr(GPtrArray) ids = list_ids(repository, "locks", trouble);

    *oldest_us = 0;
    for (guint i = 0; ids && i < ids->len; i++) {
        const char *const cat[] = { "restic", READ_ONLY, "cat", "lock", ids->pdata[i], NULL };

        repository_hear(repository, cat, &form, keep_oldest, oldest_us, trouble);
        trouble_clear(trouble); /* it was released meanwhile */
    }
    return ids != NULL;
}

static enum append_only append_only(const struct repository *repository)
{
    (void)repository; /* a server's setting, which nobody can ask for */
    return APPEND_ONLY_UNKNOWN;
}

/* --- the canary --- */

/* A line of `backup --json`: the last one has the id, shortened. */
gboolean restic_read_backup(const char *line, gsize length, told_fn tell, gpointer data)
{
    g_autoptr(json_t) value = json_parse(line, length, ANSWER_LINE_LIMIT, "restic backup", NULL);
    const struct told told = { .kind = TOLD_ID, .name = json_text(value, "snapshot_id") };

    if (told.name && strlen(told.name) >= SHORT_ID)
        tell(&told, data);
    return value != NULL;
}

/* A few random bytes: restic makes no snapshot of nothing. The id of the snapshot, or NULL. */
static char *make_canary(const struct repository *repository, struct trouble *trouble)
{
    static const struct answer_form form = { restic_read_backup, FALSE };
    g_autofree char *path = g_build_filename(repository->folder, RESTIC_CANARY, NULL);
    const char *const arguments[] = { "restic", "--no-cache",  "backup", "--json",
                                      "--host", RESTIC_CANARY, "--tag",  RESTIC_CANARY,
                                      path,     NULL };
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GError) problem = NULL;
    guint8 bytes[CANARY_SIZE];

    randombytes_buf(bytes, sizeof bytes);
    if (!file_write(path, bytes, sizeof bytes, 0600, &problem))
        trouble_set(trouble, TROUBLE_OTHER, problem->message);
    else if (repository_hear(repository, arguments, &form, add_id, ids, trouble) && ids->len == 0)
        trouble_set(trouble, TROUBLE_MALFORMED, "backup --json");
    return ids->len ? g_strdup(ids->pdata[ids->len - 1]) : NULL;
}

static gboolean canary(const struct repository *repository, gboolean *deleted,
                       struct trouble *trouble)
{
    g_autofree char *id = make_canary(repository, trouble);
    const char *const forget[] = { "restic", "--no-cache", "forget", id, NULL };
    g_autoptr(GPtrArray) after = NULL;

    if (!id)
        return FALSE;
    /* Whether it worked is seen by what is there afterwards. */
    repository_run(repository, forget, 0, NULL, NULL, NULL, trouble);
    trouble_clear(trouble);
    after = list_ids(repository, "snapshots", trouble);
    *deleted = TRUE;
    for (guint i = 0; after && i < after->len; i++)
        *deleted &= !g_str_has_prefix(after->pdata[i], id);
    return after != NULL;
}

const struct backup_tool backup_tool_restic = {
    .name = "restic",
    .lost = "\xef\xbf\xbd", /* U+FFFD */
    .environment = environment,
    .classify = restic_classify,
    .snapshots = list_snapshots,
    .list = list_files,
    .restore = restore,
    .at_once = 1, /* "dump" takes one path */
    .check = check,
    .locks = locks,
    .append_only = append_only,
    .canary = canary,
};
