#include "fix/fix_guard.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define SSHD_CONFIG "/etc/ssh/sshd_config"
#define SSH_PORT "22"
#define SHORTEST_HASH 13 /* characters: crypt(3) by DES */
#define OTHERS_WRITE (S_IWGRP | S_IWOTH)

struct account {
    char *name, *home, *shell;
    guint64 uid, gid;
};

struct guard {
    const char *name;
    /* What the guard has to be told ("" for nothing) when the action concerns it, else NULL. */
    const char *(*concerns)(const struct fix_action *action);
    /* `content`: of the file that `argument` names, when the guard is about one. */
    gboolean (*holds)(const struct fix_tree *tree, const char *argument, const char *content,
                      GError **error);
};

static void account_free(struct account *account)
{
    g_free(account->name);
    g_free(account->home);
    g_free(account->shell);
    g_free(account);
}

static char **lines_of(const struct fix_tree *tree, const char *path)
{
    g_autofree char *text = fix_tree_text(tree, path);

    return g_strsplit(text ? text : "", "\n", -1);
}

/* Accounts with a shell to log in to. */
static GPtrArray *read_accounts(const struct fix_tree *tree)
{
    GPtrArray *accounts = g_ptr_array_new_with_free_func((GDestroyNotify)account_free);
    g_auto(GStrv) lines = lines_of(tree, "/etc/passwd");

    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, ":", -1);
        struct account *account;
        guint64 uid, gid;

        if (g_strv_length(fields) != 7 || **line == '#' ||
            g_str_has_suffix(fields[6], "/nologin") || g_str_has_suffix(fields[6], "/false") ||
            !g_ascii_string_to_unsigned(fields[2], 10, 0, G_MAXUINT32, &uid, NULL) ||
            !g_ascii_string_to_unsigned(fields[3], 10, 0, G_MAXUINT32, &gid, NULL))
            continue;
        account = g_new0(struct account, 1);
        account->name = g_strdup(fields[0]);
        account->home = g_strdup(fields[5]);
        account->shell = g_strdup(fields[6]);
        account->uid = uid;
        account->gid = gid;
        g_ptr_array_add(accounts, account);
    }
    return accounts;
}

static gboolean is_member(const struct fix_tree *tree, const struct account *account,
                          const char *group)
{
    g_auto(GStrv) lines = lines_of(tree, "/etc/group");

    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, ":", -1);
        g_auto(GStrv) members = NULL;
        guint64 gid;

        if (g_strv_length(fields) != 4 || !g_str_equal(fields[0], group))
            continue;
        members = g_strsplit(g_strstrip(fields[3]), ",", -1);
        if (g_strv_contains((const char *const *)members, account->name))
            return TRUE;
        if (g_ascii_string_to_unsigned(fields[2], 10, 0, G_MAXUINT32, &gid, NULL) &&
            gid == account->gid)
            return TRUE;
    }
    return FALSE;
}

/* sudoers(5), only its plain form: "USER HOSTS=... ALL" and "%GROUP HOSTS=... ALL". */
static gboolean sudoers_names(const struct fix_tree *tree, const char *path,
                              const struct account *account)
{
    g_auto(GStrv) lines = lines_of(tree, path);

    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit_set(g_strstrip(*line), " \t", 2);

        if (!words[0] || !words[1] || !strchr(words[1], '=') || !g_str_has_suffix(words[1], "ALL"))
            continue;
        if (g_str_equal(words[0], account->name) ||
            (words[0][0] == '%' && is_member(tree, account, words[0] + 1)))
            return TRUE;
    }
    return FALSE;
}

static gboolean may_use_sudo(const struct fix_tree *tree, const struct account *account)
{
    g_auto(GStrv) files = fix_tree_glob(tree, "/etc/sudoers.d/*");

    if (account->uid == 0)
        return FALSE;
    if (sudoers_names(tree, "/etc/sudoers", account))
        return TRUE;
    for (char **file = files; *file; file++)
        if (!strchr(*file + strlen("/etc/sudoers.d/"), '.') && sudoers_names(tree, *file, account))
            return TRUE;
    return FALSE;
}

/* sshd's StrictModes: owned by the account or root, writable by nobody else. */
static gboolean is_trusted(const struct fix_tree *tree, const char *path,
                           const struct account *account)
{
    g_autofree char *resolved = fix_tree_resolve(tree, path, NULL);
    struct fix_state state = { 0 };
    gboolean trusted = resolved && fix_tree_look(tree, resolved, FALSE, &state, NULL) &&
                       (state.node == FIX_FILE || state.node == FIX_FOLDER) &&
                       !(state.mode & OTHERS_WRITE) &&
                       (state.uid == 0 || state.uid == account->uid);

    fix_state_clear(&state);
    return trusted;
}

static gboolean has_key(const struct fix_tree *tree, const struct account *account)
{
    static const char *const kinds[] = { "ssh-ed25519", "ecdsa-sha2-nistp", "sk-ssh-ed25519",
                                         "sk-ecdsa-sha2-nistp", "ssh-rsa" };
    g_autofree char *folder = g_build_filename(account->home, ".ssh", NULL);
    g_autofree char *file = g_build_filename(folder, "authorized_keys", NULL);
    g_auto(GStrv) lines = NULL;

    if (!is_trusted(tree, account->home, account) || !is_trusted(tree, folder, account) ||
        !is_trusted(tree, file, account))
        return FALSE;
    lines = lines_of(tree, file);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit_set(g_strstrip(*line), " \t", -1);

        for (guint i = 0; i < G_N_ELEMENTS(kinds) && **line != '#'; i++)
            for (char **word = words; word[0] && word[1]; word++)
                if (g_str_has_prefix(word[0], kinds[i]) && g_str_has_prefix(word[1], "AAAA"))
                    return TRUE;
    }
    return FALSE;
}

static gboolean has_password(const struct fix_tree *tree, const struct account *account)
{
    g_auto(GStrv) lines = lines_of(tree, "/etc/shadow");

    for (char **line = lines; *line; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, ":", 3);

        if (fields[0] && fields[1] && g_str_equal(fields[0], account->name))
            return fields[1][0] != '!' && fields[1][0] != '*' && strlen(fields[1]) >= SHORTEST_HASH;
    }
    return FALSE;
}

/* Whether an administrator can come in, with a key or (unless `key_only`) with a password. */
static gboolean admin_can_enter(const struct fix_tree *tree, gboolean key_only, const char *groups,
                                const char *users)
{
    g_autoptr(GPtrArray) accounts = read_accounts(tree);

    for (guint i = 0; i < accounts->len; i++) {
        const struct account *account = accounts->pdata[i];
        g_auto(GStrv) allowed = g_strsplit_set(groups ? groups : users ? users : "", " ,", -1);
        gboolean counts = !groups && !users;

        for (char **name = allowed; *name && !counts; name++)
            counts = groups ? is_member(tree, account, *name) : g_str_equal(*name, account->name);
        if (counts && may_use_sudo(tree, account) &&
            (has_key(tree, account) || (!key_only && has_password(tree, account))))
            return TRUE;
    }
    return FALSE;
}

static gboolean is_sshd(const struct fix_action *action, const char *key)
{
    return action->key && g_ascii_strcasecmp(action->key, key) == 0 &&
           (action->kind == FIX_SSHD_OPTION || (action->kind == FIX_SET_LINE && action->path &&
                                                g_str_has_prefix(action->path, SSHD_CONFIG)));
}

static const char *concerns_passwords(const struct fix_action *action)
{
    gboolean off = action->value && g_ascii_strcasecmp(action->value, "no") == 0;

    return (off && (is_sshd(action, "PasswordAuthentication") ||
                    is_sshd(action, "KbdInteractiveAuthentication") ||
                    is_sshd(action, "ChallengeResponseAuthentication"))) ||
                   is_sshd(action, "AuthenticationMethods")
               ? ""
               : NULL;
}

static gboolean passwords_hold(const struct fix_tree *tree, const char *argument,
                               const char *content, GError **error)
{
    return admin_can_enter(tree, TRUE, NULL, NULL) ||
           policy_error(error, "no account that may use sudo has a usable key in "
                               "~/.ssh/authorized_keys; without passwords nobody could log in");
}

static const char *concerns_root(const struct fix_action *action)
{
    return is_sshd(action, "PermitRootLogin") && action->value &&
                   g_ascii_strcasecmp(action->value, "yes") != 0
               ? ""
               : NULL;
}

static gboolean root_holds(const struct fix_tree *tree, const char *argument, const char *content,
                           GError **error)
{
    return admin_can_enter(tree, FALSE, NULL, NULL) ||
           policy_error(error, "no account besides root may use sudo and has a key or a password; "
                               "without root nobody could administer this machine over SSH");
}

static const char *concerns_groups(const struct fix_action *action)
{
    return is_sshd(action, "AllowGroups") ? action->value : NULL;
}

static gboolean groups_hold(const struct fix_tree *tree, const char *argument, const char *content,
                            GError **error)
{
    return admin_can_enter(tree, FALSE, argument, NULL) ||
           policy_error(error,
                        "no account that may use sudo is in %s; nobody could administer "
                        "this machine over SSH",
                        argument);
}

static const char *concerns_users(const struct fix_action *action)
{
    return is_sshd(action, "AllowUsers") ? action->value : NULL;
}

static gboolean users_hold(const struct fix_tree *tree, const char *argument, const char *content,
                           GError **error)
{
    return admin_can_enter(tree, FALSE, NULL, argument) ||
           policy_error(error,
                        "none of %s may use sudo; nobody could administer this machine "
                        "over SSH",
                        argument);
}

static const char *concerns_keys(const struct fix_action *action)
{
    return is_sshd(action, "PubkeyAuthentication") ? "" : NULL;
}

static gboolean keys_hold(const struct fix_tree *tree, const char *argument, const char *content,
                          GError **error)
{
    return policy_error(error, "keys are never taken away as a way to log in");
}

static const char *concerns_units(const struct fix_action *action)
{
    static const char *const units[] = {
        "ssh.service",
        "sshd.service",
        "ssh.socket",
        "networking.service",
        "NetworkManager.service",
        "systemd-networkd.service",
        "dbus.service",
        "dbus.socket",
        "systemd-logind.service",
        NULL,
    };

    return action->kind == FIX_MASK_UNIT && g_strv_contains(units, action->path) ? action->path
                                                                                 : NULL;
}

static gboolean units_hold(const struct fix_tree *tree, const char *argument, const char *content,
                           GError **error)
{
    return policy_error(error, "%s carries the session; it is never masked", argument);
}

static const char *concerns_firewall(const struct fix_action *action)
{
    static const char *const places[] = { "/etc/nftables", "/etc/iptables/", "/etc/ufw/",
                                          "/etc/default/ufw", "/etc/firewalld/" };

    for (guint i = 0; i < G_N_ELEMENTS(places); i++)
        if (action->path && *action->path == '/' && g_str_has_prefix(action->path, places[i]))
            return action->path;
    return NULL;
}

/* The port of the current session, or sshd's first Port. */
static char *session_port(const struct fix_tree *tree)
{
    g_auto(GStrv) session =
        g_strsplit(g_getenv("SSH_CONNECTION") ? g_getenv("SSH_CONNECTION") : "", " ", -1);
    g_auto(GStrv) lines = NULL;

    if (fix_tree_is_live(tree) && g_strv_length(session) == 4)
        return g_strdup(session[3]);
    lines = lines_of(tree, SSHD_CONFIG);
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit_set(g_strstrip(*line), " \t", -1);

        if (words[0] && words[1] && g_ascii_strcasecmp(words[0], "Port") == 0)
            return g_strdup(words[1]);
    }
    return g_strdup(SSH_PORT);
}

static gboolean firewall_holds(const struct fix_tree *tree, const char *argument,
                               const char *content, GError **error)
{
    g_autofree char *port = session_port(tree);
    g_autofree char *folded = g_ascii_strdown(content ? content : "", -1);
    g_auto(GStrv) lines = g_strsplit(folded, "\n", -1);

    if (!strstr(folded, "policy drop") && !strstr(folded, ":input drop") &&
        !strstr(folded, "default_input_policy=\"drop\""))
        return TRUE;
    for (char **line = lines; *line; line++) {
        g_auto(GStrv) words = g_strsplit_set(*line, " \t,{}", -1);

        if (**line != '#' && strstr(*line, "dport") && strstr(*line, "accept") &&
            (g_strv_contains((const char *const *)words, port) ||
             (g_str_equal(port, SSH_PORT) && g_strv_contains((const char *const *)words, "ssh"))))
            return TRUE;
    }
    return policy_error(error,
                        "%s: drops by default without a rule that accepts port %s, which "
                        "the session needs",
                        argument, port);
}

static const struct guard guards[] = {
    { "ssh-key", concerns_passwords, passwords_hold },
    { "ssh-admin", concerns_root, root_holds },
    { "ssh-allow-groups", concerns_groups, groups_hold },
    { "ssh-allow-users", concerns_users, users_hold },
    { "ssh-pubkey", concerns_keys, keys_hold },
    { "session-unit", concerns_units, units_hold },
    { "firewall-port", concerns_firewall, firewall_holds },
};

gboolean fix_guard_action(const struct fix_tree *tree, const struct fix_action *action,
                          char **entry, GError **error)
{
    *entry = NULL;
    for (guint i = 0; i < G_N_ELEMENTS(guards); i++) {
        const char *argument = guards[i].concerns(action);

        if (!argument)
            continue;
        if (!guards[i].holds(tree, argument, action->value, error))
            return FALSE;
        *entry =
            *argument ? g_strconcat(guards[i].name, ":", argument, NULL) : g_strdup(guards[i].name);
        return TRUE;
    }
    return TRUE;
}

static char *new_content(const struct fix_plan *plan, const char *path)
{
    for (guint i = 0; i < plan->edits->len; i++) {
        const struct fix_edit *edit = plan->edits->pdata[i];

        if (g_str_equal(edit->path, path) && edit->new.content)
            return g_strndup(g_bytes_get_data(edit->new.content, NULL),
                             g_bytes_get_size(edit->new.content));
    }
    return NULL;
}

gboolean fix_guard_plan(const struct fix_tree *tree, const struct fix_plan *plan, GError **error)
{
    for (guint i = 0; i < plan->guards->len; i++) {
        g_auto(GStrv) parts = g_strsplit(plan->guards->pdata[i], ":", 2);
        const char *argument = parts[1] ? parts[1] : "";
        g_autofree char *content = new_content(plan, argument);
        gboolean known = FALSE;

        for (guint g = 0; g < G_N_ELEMENTS(guards); g++)
            if (g_str_equal(guards[g].name, parts[0])) {
                known = TRUE;
                if (!guards[g].holds(tree, argument, content, error))
                    return FALSE;
            }
        if (!known)
            return policy_error(error,
                                "the plan asks for a guard that this version does not "
                                "have: \"%s\"",
                                parts[0]);
    }
    return TRUE;
}
