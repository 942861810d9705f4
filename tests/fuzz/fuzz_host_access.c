/*
 * A hostile file in the place of every file that says who may enter: sshd_config, ssh_config,
 * sudoers, PAM services, passwd, shadow, group, crontab, keys, histories, login records. All judges
 * of those groups look at it.
 */
#include "assess/catalogue.h"
#include "p7_hygiene/host/host.h"

#include <glib/gstdio.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const places[] = {
    "etc/ssh/sshd_config",
    "etc/ssh/ssh_config",
    "etc/ssh/ssh_host_rsa_key.pub",
    "etc/default/ssh",
    "etc/sudoers",
    "etc/sudoers.d/x",
    "etc/pam.d/login",
    "etc/pam.d/su",
    "etc/pam.d/common-password",
    "etc/pam.d/common-auth",
    "etc/shadow",
    "etc/group",
    "etc/login.defs",
    "etc/crontab",
    "etc/profile",
    "etc/security/faillock.conf",
    "etc/polkit-1/rules.d/x.rules",
    "root/.ssh/authorized_keys",
    "root/.ssh/id_rsa",
    "root/.bash_history",
    "var/log/wtmp",
    "var/log/lastlog",
};

static void put(const char *root, const char *place, const void *data, size_t size)
{
    g_autofree char *path = g_build_filename(root, place, NULL);
    g_autofree char *folder = g_path_get_dirname(path);

    if (g_mkdir_with_parents(folder, 0700) < 0 ||
        !g_file_set_contents_full(path, data, (gssize)size, G_FILE_SET_CONTENTS_NONE, 0600, NULL))
        abort();
}

static void remove_tree(const char *path)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        remove_tree(child);
    }
    g_remove(path);
}

static void judge_all(const char *root)
{
    static const char *const groups[] = { "host.ssh.", "host.account.", "host.home.",
                                          "host.cron." };
    g_autoptr(host_t) host = host_new(root, NULL, NULL);
    const struct asset_view view = { .host = host, .now_us = G_USEC_PER_SEC };
    const struct measure *rows;
    gsize count;

    rows = catalogue_measures(&count);
    for (gsize i = 0; i < count; i++)
        for (guint k = 0; k < G_N_ELEMENTS(groups); k++)
            if (g_str_has_prefix(rows[i].id, groups[k])) {
                g_autoptr(finding_t) finding = finding_new(rows[i].id, 0);

                rows[i].judge(&view, finding);
                /* Whatever the file, a judge says something. */
                if (finding->outcome == OUTCOME_NONE)
                    abort();
            }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char passwd[] = "root:x:0:0::/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n";
    g_autofree char *root = g_dir_make_tmp("entente-fuzz-XXXXXX", NULL);

    if (!root)
        abort();
    put(root, "etc/passwd", passwd, sizeof passwd - 1);
    for (guint i = 0; i < G_N_ELEMENTS(places); i++)
        put(root, places[i], data, size);
    judge_all(root);
    /* Once more with a hostile list of users. */
    put(root, "etc/passwd", data, size);
    judge_all(root);
    remove_tree(root);
    return 0;
}
