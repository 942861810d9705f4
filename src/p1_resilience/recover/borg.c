#include "p1_resilience/recover/borg.h"

#include "base/clock.h"
#include "base/json.h"

#include <glib/gstdio.h>
#include <string.h>

#define CHECKPOINT ".checkpoint"
#define WARNING 1 /* exit status: done, with warnings */
#define FILE_SCHEME "file://"
#define READ_ONLY "--log-json", "--bypass-lock"

static const char *const own_passwords[] = { "BORG_PASSPHRASE", "BORG_PASSCOMMAND", NULL };

static void environment(const struct asset *asset, const char *folder, GPtrArray *list)
{
    const char *keys = g_getenv("BORG_KEYS_DIR");
    g_autofree char *quoted = asset->password_file ? g_shell_quote(asset->password_file) : NULL;

    g_ptr_array_add(list, g_strconcat("BORG_REPO=", asset->repository, NULL));
    g_ptr_array_add(list, g_strconcat("BORG_BASE_DIR=", folder, NULL));
    g_ptr_array_add(
        list, keys ? g_strconcat("BORG_KEYS_DIR=", keys, NULL)
                   : g_strconcat("BORG_KEYS_DIR=", g_get_home_dir(), "/.config/borg/keys", NULL));
    /* The questions that nobody is there to answer: this machine meets the repository anew. */
    g_ptr_array_add(list, g_strdup("BORG_RELOCATED_REPO_ACCESS_IS_OK=yes"));
    g_ptr_array_add(list, g_strdup("BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes"));
    if (quoted)
        g_ptr_array_add(list, g_strconcat("BORG_PASSCOMMAND=cat ", quoted, NULL));
    else if (asset->password_command)
        g_ptr_array_add(list, g_strconcat("BORG_PASSCOMMAND=", asset->password_command, NULL));
    else
        repository_inherit(list, own_passwords);
}

static const struct {
    const char *words;
    enum trouble_kind kind;
} said_words[] = {
    { "\"PassphraseWrong\"", TROUBLE_PASSWORD },
    { "\"PasscommandFailure\"", TROUBLE_PASSWORD },
    { "\"NoPassphraseFailure\"", TROUBLE_PASSWORD },
    { "\"LockTimeout\"", TROUBLE_LOCKED },
    { "\"LockError\"", TROUBLE_LOCKED },
    { "\"LockFailed\"", TROUBLE_LOCKED },
    { "\"Repository.DoesNotExist\"", TROUBLE_MISSING },
    { "\"Repository.InvalidRepository\"", TROUBLE_MISSING },
    { "\"Repository.PathNotFound\"", TROUBLE_MISSING },
    { "No space left on device", TROUBLE_FULL },
    { "never matched", TROUBLE_ABSENT },
    { "IntegrityError", TROUBLE_DAMAGED },
    { "checksum mismatch", TROUBLE_DAMAGED },
    { "errors found", TROUBLE_DAMAGED },
    { "ObjectNotFound", TROUBLE_DAMAGED },
    { "configparser.", TROUBLE_DAMAGED },
    { "binascii.Error", TROUBLE_DAMAGED },
    { "UnicodeDecodeError", TROUBLE_DAMAGED },
    { "msgpack", TROUBLE_DAMAGED },
    { "ConnectionClosed", TROUBLE_OTHER },
};

enum trouble_kind borg_classify(const char *said, int status)
{
    (void)status;
    for (guint i = 0; i < G_N_ELEMENTS(said_words); i++)
        if (strstr(said, said_words[i].words))
            return said_words[i].kind;
    return TROUBLE_OTHER;
}

/* --- what it says --- */

#define TRACEBACK "Traceback (most recent call last):"

/* A message's first line; of a traceback, the exception, which ends its first paragraph. */
static char *first_line(const char *message)
{
    const char *end = strchr(message, '\n'), *last;

    if (g_str_has_prefix(message, TRACEBACK)) {
        end = strstr(message, "\n\n");
        last = g_strrstr_len(message, end ? end - message : -1, "\n");
        message = last ? last + 1 : message;
    }
    return g_strstrip(end ? g_strndup(message, end - message) : g_strdup(message));
}

/* One line: its message and level ("ERROR" of what is no JSON); NULL: it says nothing to people. */
static char *message_of(const char *line, char **level)
{
    g_autoptr(json_t) object = NULL;
    const char *message;

    if (line[0] != '{') /* what is cut off at its beginning ends as JSON does */
        return *line && !g_str_has_suffix(line, "}") ? g_strdup(line) : NULL;
    object = json_parse(line, strlen(line), PROGRAM_SAID_MAX, "borg", NULL);
    message = json_text(object, "message");
    if (!message || g_strcmp0(json_text(object, "type"), "log_message") != 0)
        return NULL; /* progress */
    *level = g_strdup(json_text(object, "levelname"));
    return first_line(message);
}

char *borg_sentence(const char *said)
{
    g_auto(GStrv) lines = g_strsplit(said, "\n", -1);
    g_autofree char *first = NULL;
    gboolean is_error = FALSE;
    guint more = 0;

    for (char **line = lines; *line; line++) {
        g_autofree char *level = NULL;
        char *message = message_of(g_strstrip(*line), &level);
        gboolean error = !g_strcmp0(level, "ERROR") || !g_strcmp0(level, "CRITICAL") || !level;

        if (!message || !*message) {
            g_free(message);
        } else if (!first || (error && !is_error)) {
            g_free(first);
            first = message;
            is_error = error;
            more = 0;
        } else {
            g_free(message);
            more++;
        }
    }
    if (!first)
        return g_strdup(*said ? "borg ended with an error, and said nothing that can be read" : "");
    return more ? g_strdup_printf("%s (and %u more)", first, more) : g_steal_pointer(&first);
}

/* --- snapshots --- */

static gboolean read_time(const char *text, gint64 *time_us)
{
    g_autofree char *utc = text ? g_strconcat(text, "Z", NULL) : NULL;

    return utc && clock_parse(utc, time_us, NULL);
}

gboolean borg_read_archives(const char *text, gsize length, told_fn tell, gpointer data)
{
    g_autoptr(json_t) answer = json_parse(text, length, ANSWER_WHOLE_LIMIT, "borg list", NULL);
    const json_t *archives = json_object_get(answer, "archives"), *item;
    size_t i;

    json_array_foreach(archives, i, item)
    {
        struct told told = { .kind = TOLD_SNAPSHOT, .name = json_text(item, "name") };

        if (told.name && read_time(json_text(item, "time"), &told.time_us) &&
            !g_str_has_suffix(told.name, CHECKPOINT) && !strstr(told.name, CHECKPOINT "."))
            tell(&told, data);
    }
    return json_is_array(archives);
}

static gboolean list_snapshots(const struct repository *repository, GPtrArray *snapshots,
                               struct trouble *trouble)
{
    static const struct answer_form form = { borg_read_archives, TRUE };
    const char *const arguments[] = { "borg", READ_ONLY, "list", "--json", NULL };

    return repository_hear(repository, arguments, &form, snapshots_tell, snapshots, trouble);
}

/* --- files --- */

/* A further name of a file is listed with its mode as "hrw-r--r--", and without its size. */
static gboolean is_further_name(const json_t *item)
{
    const char *mode = json_text(item, "mode");

    return mode && mode[0] == 'h';
}

gboolean borg_read_item(const char *line, gsize length, told_fn tell, gpointer data)
{
    g_autoptr(json_t) item = json_parse(line, length, ANSWER_LINE_LIMIT, "borg list", NULL);
    const char *type = json_text(item, "type");
    const json_t *healthy = json_object_get(item, "healthy");
    struct told told = { .kind = TOLD_FILE, .name = json_text(item, "path") };

    if (!told.name || !type)
        return FALSE;
    told.type = type[0] && strchr("-dl", type[0]) ? type[0] : '?';
    told.size = is_further_name(item) ? -1 : json_number(item, "size", 0);
    told.alias = is_further_name(item) ? json_text(item, "source") : NULL;
    told.damaged = healthy && !json_is_true(healthy);
    if (!read_time(json_text(item, "mtime"), &told.time_us))
        told.time_us = 0;
    tell(&told, data);
    return TRUE;
}

static char *archive_of(const struct snapshot *snapshot)
{
    return g_strconcat("::", snapshot->id, NULL);
}

static gboolean list_files(const struct repository *repository, const struct snapshot *snapshot,
                           struct listing *listing, struct trouble *trouble)
{
    static const struct answer_form form = { borg_read_item, FALSE };
    g_autofree char *archive = archive_of(snapshot);
    const char *const arguments[] = { "borg",         READ_ONLY,  "list",
                                      "--json-lines", "--format", "{path}{size}{mtime}{healthy}",
                                      archive,        NULL };

    return repository_hear(repository, arguments, &form, listing_tell, listing, trouble);
}

static gboolean restore(const struct repository *repository, const struct snapshot *snapshot,
                        const char *const *paths, program_fn take, gpointer data,
                        gint64 *elapsed_us, struct trouble *trouble)
{
    g_autoptr(GPtrArray) arguments = g_ptr_array_new_with_free_func(g_free);
    const char *const begin[] = { "borg", READ_ONLY, "extract", "--stdout" };
    g_auto(program_result_t) result = { 0 };
    gboolean good;

    for (guint i = 0; i < G_N_ELEMENTS(begin); i++)
        g_ptr_array_add(arguments, g_strdup(begin[i]));
    g_ptr_array_add(arguments, archive_of(snapshot));
    /* "pp:": this path and what is below, whatever signs of patterns are in it. With "pf:", 1.2
     * restores the file, too, but says that nothing matched. */
    for (guint i = 0; paths[i]; i++)
        g_ptr_array_add(arguments, g_strconcat("pp:", paths[i], NULL));
    g_ptr_array_add(arguments, NULL);
    good = repository_run(repository, (const char *const *)arguments->pdata, 0, take, data, &result,
                          trouble);
    *elapsed_us = result.elapsed_us;
    return good;
}

/* --- the store --- */

static gboolean check(const struct repository *repository, struct store_check *check,
                      struct trouble *trouble)
{
    /* There is no share of it: what is read at all is read whole. */
    const char *const arguments[] = { "borg", READ_ONLY, "check",
                                      check->read == STORE_READ_NOTHING ? "--repository-only"
                                                                        : "--verify-data",
                                      NULL };
    g_auto(program_result_t) result = { 0 };
    gboolean good = repository_run(repository, arguments, 0, NULL, NULL, &result, trouble);

    check->packs = check->read == STORE_READ_NOTHING ? 0 : -1;
    if (!good && result.end == PROGRAM_EXITED &&
        (result.status == WARNING || trouble->kind == TROUBLE_OTHER))
        trouble->kind = TROUBLE_DAMAGED;
    return good;
}

static char *path_in(const struct repository *repository, const char *name)
{
    const char *folder = repository->location;

    if (!repository_is_folder(folder))
        return NULL;
    if (g_str_has_prefix(folder, FILE_SCHEME))
        folder += strlen(FILE_SCHEME);
    return g_build_filename(folder, name, NULL);
}

/* Of a folder alone: what lies elsewhere shows its lock only to who waits for it. */
static gboolean locks(const struct repository *repository, gint64 *oldest_us,
                      struct trouble *trouble)
{
    g_autofree char *path = path_in(repository, "lock.exclusive");
    GStatBuf status;

    (void)trouble;
    *oldest_us = path && g_stat(path, &status) == 0 ? status.st_mtime * G_USEC_PER_SEC : 0;
    return TRUE;
}

/* It is no ini file that GLib reads: a key is wrapped into further lines. */
enum append_only borg_read_config(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++) {
        char *value = strchr(*line, '=');

        if (value && g_str_has_prefix(*line, "append_only"))
            return g_str_equal(g_strstrip(value + 1), "1") ? APPEND_ONLY_ON : APPEND_ONLY_OFF;
    }
    return APPEND_ONLY_UNKNOWN;
}

static enum append_only append_only(const struct repository *repository)
{
    g_autofree char *path = path_in(repository, "config"), *text = NULL;

    return path && g_file_get_contents(path, &text, NULL, NULL) ? borg_read_config(text)
                                                                : APPEND_ONLY_UNKNOWN;
}

const struct backup_tool backup_tool_borg = {
    .name = "borg",
    .lost = "?",
    .environment = environment,
    .classify = borg_classify,
    .sentence = borg_sentence,
    .snapshots = list_snapshots,
    .list = list_files,
    .restore = restore,
    .at_once = 200,
    .check = check,
    .locks = locks,
    .append_only = append_only,
    .canary = NULL, /* in append-only mode a deletion looks done, and is not */
};
