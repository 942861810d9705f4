#include "p1_resilience/recover/repository.h"

#include "base/error.h"
#include "base/file.h"
#include "finding/scrub.h"

#include <string.h>

#define FOLDER_MODE 0700

static const char *const names[] = {
    [TROUBLE_NONE] = "none",
    [TROUBLE_NOT_INSTALLED] = "not-installed",
    [TROUBLE_PASSWORD] = "wrong-password",
    [TROUBLE_MISSING] = "no-repository",
    [TROUBLE_LOCKED] = "locked",
    [TROUBLE_LATE] = "no-answer",
    [TROUBLE_FULL] = "no-space",
    [TROUBLE_DAMAGED] = "damaged",
    [TROUBLE_ABSENT] = "not-in-snapshot",
    [TROUBLE_MALFORMED] = "malformed",
    [TROUBLE_OTHER] = "failed",
};

/* What a tool needs to reach a store, whatever its kind; anything else stays out. */
static const char *const passed_on[] = { "PATH", "HOME", "TMPDIR", "SSH_AUTH_SOCK", NULL };
static const char *const passed_prefixes[] = { "AWS_", "AZURE_", "B2_",      "GOOGLE_",
                                               "OS_",  "ST_",    "RCLONE_",  "RESTIC_REST_",
                                               "http", "https",  "no_proxy", "BORG_RSH",
                                               NULL };

const char *trouble_name(enum trouble_kind kind)
{
    return names[kind];
}

void trouble_clear(struct trouble *trouble)
{
    trouble->kind = TROUBLE_NONE;
    g_clear_pointer(&trouble->detail, g_free);
}

gboolean trouble_set(struct trouble *trouble, enum trouble_kind kind, const char *detail)
{
    trouble_clear(trouble);
    trouble->kind = kind;
    trouble->detail = scrub_secrets(detail ? detail : "");
    return FALSE;
}

void repository_inherit(GPtrArray *environment, const char *const *variables)
{
    for (guint i = 0; variables[i]; i++) {
        const char *value = g_getenv(variables[i]);

        if (value)
            g_ptr_array_add(environment, g_strconcat(variables[i], "=", value, NULL));
    }
}

static gboolean is_passed_on(const char *variable)
{
    const char *end = strchr(variable, '=');
    g_autofree char *name = g_strndup(variable, end ? (gsize)(end - variable) : 0);

    if (g_strv_contains(passed_on, name))
        return TRUE;
    for (guint i = 0; passed_prefixes[i]; i++)
        if (g_str_has_prefix(name, passed_prefixes[i]))
            return TRUE;
    return FALSE;
}

static const struct backup_tool *const tools[] = { &backup_tool_borg, &backup_tool_restic };

static const struct backup_tool *find_tool(const char *name)
{
    for (guint i = 0; i < G_N_ELEMENTS(tools); i++)
        if (g_strcmp0(tools[i]->name, name) == 0)
            return tools[i];
    return NULL;
}

struct repository *repository_open(const struct asset *asset, const char *folder, gint64 limit_us,
                                   GError **error)
{
    const struct backup_tool *tool = find_tool(asset->backup_tool);
    GPtrArray *environment;
    g_auto(GStrv) ours = NULL;
    struct repository *repository;

    if (!tool) {
        input_error(error, "%s: no backup tool is called \"%s\"", asset->name, asset->backup_tool);
        return NULL;
    }
    if (!file_make_folder(folder, FOLDER_MODE, error))
        return NULL;
    environment = g_ptr_array_new();
    ours = g_get_environ();
    for (char **variable = ours; *variable; variable++)
        if (is_passed_on(*variable))
            g_ptr_array_add(environment, g_strdup(*variable));
    g_ptr_array_add(environment, g_strdup("LC_ALL=C.UTF-8"));
    g_ptr_array_add(environment, g_strdup("TZ=UTC"));
    tool->environment(asset, folder, environment);
    g_ptr_array_add(environment, NULL);
    repository = g_new0(struct repository, 1);
    repository->tool = tool;
    repository->location = asset->repository;
    repository->folder = g_strdup(folder);
    repository->environment = (char **)g_ptr_array_free(environment, FALSE);
    repository->limit_us = limit_us;
    return repository;
}

void repository_close(struct repository *repository)
{
    if (!repository)
        return;
    g_strfreev(repository->environment);
    g_free(repository->folder);
    g_free(repository);
}

/* "rest:https://...", "s3:...", "user@host:path", "ssh://..." are elsewhere. */
gboolean repository_is_folder(const char *location)
{
    return g_path_is_absolute(location) || g_str_has_prefix(location, "file://");
}

/* "rest:http://user:word@host:8000/", "ssh://user@host/path", "user@host:path", "sftp:host:path".
 */
gboolean repository_is_loopback(const char *location)
{
    static const char *const hosts[] = { "localhost", "127.", "[::1]", "0.0.0.0" };
    const char *scheme = strstr(location, "://"), *host = location, *at;

    if (scheme)
        host = scheme + strlen("://");
    else if (g_str_has_prefix(location, "sftp:"))
        host = location + strlen("sftp:");
    at = memchr(host, '@', strcspn(host, "/"));
    if (at)
        host = at + 1;
    for (guint i = 0; i < G_N_ELEMENTS(hosts); i++)
        if (g_ascii_strncasecmp(host, hosts[i], strlen(hosts[i])) == 0)
            return TRUE;
    return FALSE;
}

/* Always FALSE. The kind is found in all that the tool said; people are told what it means. */
static gboolean tool_trouble(const struct repository *repository, struct trouble *trouble,
                             enum trouble_kind kind, const char *said)
{
    const struct backup_tool *tool = repository->tool;
    g_autofree char *sentence = tool->sentence ? tool->sentence(said) : NULL;

    return trouble_set(trouble, kind, sentence ? sentence : said);
}

gboolean repository_run(const struct repository *repository, const char *const *arguments, int fine,
                        program_fn take, gpointer data, struct program_result *result,
                        struct trouble *trouble)
{
    const struct program program = { arguments, (const char *const *)repository->environment,
                                     repository->limit_us, take, data };
    g_auto(program_result_t) own = { 0 };
    g_autoptr(GError) problem = NULL;

    if (!result)
        result = &own;
    if (!program_run(&program, result, &problem))
        return trouble_set(trouble, TROUBLE_OTHER, problem->message);
    switch (result->end) {
    case PROGRAM_MISSING:
        return trouble_set(trouble, TROUBLE_NOT_INSTALLED, repository->tool->name);
    case PROGRAM_LATE:
        return tool_trouble(repository, trouble, TROUBLE_LATE, result->said);
    case PROGRAM_STOPPED:
        return trouble_set(trouble, TROUBLE_MALFORMED, "more, or other, than can be read");
    case PROGRAM_KILLED:
        return trouble_set(trouble, TROUBLE_OTHER, "ended by a signal");
    case PROGRAM_EXITED:
        break;
    }
    return result->status <= fine ||
           tool_trouble(repository, trouble,
                        repository->tool->classify(result->said, result->status), result->said);
}

static gboolean take_piece(const void *bytes, gsize length, gpointer data, GError **error)
{
    return spool_add(data, bytes, length, error);
}

gboolean repository_hear(const struct repository *repository, const char *const *arguments,
                         const struct answer_form *form, told_fn tell, gpointer data,
                         struct trouble *trouble)
{
    g_autoptr(GError) problem = NULL;
    g_autoptr(spool_t) spool = spool_new(repository->folder, form, &problem);

    if (!spool)
        return trouble_set(trouble, TROUBLE_OTHER, problem->message);
    if (!repository_run(repository, arguments, 0, take_piece, spool, NULL, trouble)) {
        if (spool_is_full(spool))
            trouble->kind = TROUBLE_FULL;
        return FALSE;
    }
    return spool_read(spool, tell, data, &problem) ||
           trouble_set(trouble, TROUBLE_MALFORMED, problem->message);
}
