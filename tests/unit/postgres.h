/* postgres.h: a PostgreSQL server of the test's own (tests/postgres). */
#pragma once
#include <gio/gio.h>
#include <glib/gstdio.h>

struct postgres {
    char *folder, *url;
};

G_GNUC_UNUSED static gboolean postgres_do(const struct postgres *server, const char *action,
                                          char **output)
{
    g_autofree char *program = g_test_build_filename(G_TEST_DIST, "postgres", NULL);
    const char *const arguments[] = { program, action, server->folder, NULL };
    g_autoptr(GError) error = NULL;
    int status;

    g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_DEFAULT, NULL, NULL, output, NULL, &status,
                 &error);
    g_assert_no_error(error);
    return g_spawn_check_wait_status(status, NULL);
}

/* FALSE where there is none: the test is skipped. */
G_GNUC_UNUSED static gboolean postgres_start(struct postgres *server)
{
    g_autofree char *output = NULL;

    server->folder = g_strdup("/tmp/entente-pg-XXXXXX");
    g_assert_nonnull(g_mkdtemp(server->folder));
    if (postgres_do(server, "start", &output)) {
        server->url = g_strdup(g_strstrip(output));
        return TRUE;
    }
    g_rmdir(server->folder);
    g_free(server->folder);
    return FALSE;
}

G_GNUC_UNUSED static void postgres_end(struct postgres *server)
{
    const char *const arguments[] = { "rm", "-rf", server->folder, NULL };

    postgres_do(server, "kill", NULL);
    g_spawn_sync(NULL, (char **)arguments, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                 NULL);
    g_free(server->folder);
    g_free(server->url);
}
