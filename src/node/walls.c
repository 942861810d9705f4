#include "node/walls.h"

#include "base/error.h"
#include "net/dns.h"
#include "sandbox/confine.h"
#include "statement/merkle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Opened while the node runs: by the resolver, by TLS, by glibc. One that is not there is none. */
static const char *const read_only[] = {
    "/etc/resolv.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/nsswitch.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/localtime",
    "/etc/ssl",
    "/usr/lib/ssl",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/dns",
    "/usr/share/zoneinfo",
    "/run/systemd/resolve",
    "/sys/devices/system/cpu",
    "/dev/urandom",
    "/dev/null",
};

/* What libpq reads with each connection, by its environment and by its defaults (libpq-pgpass,
 * libpq-pgservice, libpq-ssl). */
static const char *const of_libpq[] = {
    "PGPASSFILE", "PGSERVICEFILE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY", "PGSSLCRL",
};
static const char *const of_libpq_at_home[] = { ".pgpass", ".pg_service.conf", ".postgresql" };
static const char *const of_libpq_everywhere[] = { "/etc/postgresql-common", "/etc/passwd" };

static gboolean add_place(GArray *places, const char *path, gboolean writable, gboolean needed,
                          GError **error)
{
    struct confine_place place = { open(path, O_PATH | O_CLOEXEC), writable };

    if (place.fd < 0)
        return !needed || errno_error(error, errno, "%s: cannot be opened", path);
    g_array_append_val(places, place);
    return TRUE;
}

static void close_place(gpointer data)
{
    struct confine_place *place = data;

    close(place->fd);
}

static gboolean add_parent(GArray *places, const char *path, GError **error)
{
    g_autofree char *folder = path ? g_path_get_dirname(path) : NULL;

    return !folder || add_place(places, folder, TRUE, TRUE, error);
}

static void add_files_of_libpq(GArray *places)
{
    const char *home = g_getenv("HOME");

    for (guint i = 0; i < G_N_ELEMENTS(of_libpq); i++)
        if (g_getenv(of_libpq[i]))
            add_place(places, g_getenv(of_libpq[i]), FALSE, FALSE, NULL);
    for (guint i = 0; home && i < G_N_ELEMENTS(of_libpq_at_home); i++) {
        g_autofree char *path = g_build_filename(home, of_libpq_at_home[i], NULL);

        add_place(places, path, FALSE, FALSE, NULL);
    }
    for (guint i = 0; i < G_N_ELEMENTS(of_libpq_everywhere); i++)
        add_place(places, of_libpq_everywhere[i], FALSE, FALSE, NULL);
}

static void add_network(GArray *places, const struct node_options *options)
{
    for (guint i = 0; i < G_N_ELEMENTS(read_only); i++)
        add_place(places, read_only[i], FALSE, FALSE, NULL);
    if (options->ca_file)
        add_place(places, options->ca_file, FALSE, FALSE, NULL);
}

gboolean walls_raise_around(const struct node *node, const char *folder, GError **error)
{
    g_autoptr(confinement_t) confinement = confinement_new(
        SANDBOX_READ_FILES | SANDBOX_WRITE_FILES | SANDBOX_INTERNET | SANDBOX_NETLINK, error);
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(struct confine_place));

    g_array_set_clear_func(places, close_place);
    if (!confinement || !add_place(places, folder, TRUE, TRUE, error))
        return FALSE;
    add_network(places, node_options(node));
    return confinement_enter_service(confinement, (const struct confine_place *)places->data,
                                     places->len, error);
}

gboolean walls_raise(const struct node *node, GError **error)
{
    const struct node_options *options = node_options(node);
    /* A database on this machine is behind a UNIX socket, and may be connected to again. */
    g_autoptr(confinement_t) confinement =
        confinement_new(SANDBOX_READ_FILES | SANDBOX_WRITE_FILES | SANDBOX_INTERNET |
                            SANDBOX_NETLINK | (options->database ? SANDBOX_BUS : 0),
                        error);
    g_autoptr(GArray) places = g_array_new(FALSE, FALSE, sizeof(struct confine_place));
    g_autoptr(merkle_t) hashes = merkle_new(); /* loads libcrypto while it still can be */

    if (!confinement)
        return FALSE;
    g_array_set_clear_func(places, close_place);
    if (!add_place(places, options->data_folder, TRUE, TRUE, error) ||
        !add_parent(places, options->lock_file, error) ||
        (options->log_folder && !add_place(places, options->log_folder, TRUE, TRUE, error)))
        return FALSE;
    add_network(places, options);
    if (options->trust_anchor && !g_str_equal(options->trust_anchor, DNS_NO_ANCHOR))
        add_place(places, options->trust_anchor, FALSE, FALSE, NULL);
    if (options->database)
        add_files_of_libpq(places);
    if (!landlock_version() && !options->quiet)
        fprintf(stderr,
                "This kernel has no Landlock: files outside %s are kept from the node "
                "only by its user's rights\n",
                options->data_folder);
    return confinement_enter_service(confinement, (const struct confine_place *)places->data,
                                     places->len, error);
}
