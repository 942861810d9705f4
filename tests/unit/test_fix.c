/*
 * Fixes through their public faces: plans (fix_plan, fix_plan_json), the actions that make them
 * (fix_action_text, fix_action_host), files beneath a root (fix_tree: no link leads out), planted
 * links (fix_trust), applying and undoing.
 */
#include "base/error.h"
#include "fix/fix_apply.h"
#include "fix/fix_diff.h"
#include "fix/fix_guard.h"
#include "fix/fix_lines.h"
#include "fix/fix_plan.h"
#include "fix/fix_undo.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A tree of our own and a store beside it. */
struct place {
    char *folder, *root, *store;
};

static void put(const struct place *place, const char *path, const char *content, mode_t mode)
{
    g_autofree char *full = g_build_filename(place->root, path, NULL);
    g_autofree char *parent = g_path_get_dirname(full);

    g_assert_cmpint(g_mkdir_with_parents(parent, 0755), ==, 0);
    g_assert_true(g_file_set_contents(full, content, -1, NULL));
    g_assert_cmpint(chmod(full, mode), ==, 0);
}

static char *get(const struct place *place, const char *path)
{
    g_autofree char *full = g_build_filename(place->root, path, NULL);
    char *content = NULL;

    g_file_get_contents(full, &content, NULL, NULL);
    return content;
}

static mode_t mode_of(const struct place *place, const char *path)
{
    g_autofree char *full = g_build_filename(place->root, path, NULL);
    struct stat status;

    return lstat(full, &status) < 0 ? 0 : status.st_mode & 07777;
}

static struct place *place_new(void)
{
    struct place *place = g_new0(struct place, 1);

    place->folder = g_dir_make_tmp("entente-fix-XXXXXX", NULL);
    place->root = g_build_filename(place->folder, "root", NULL);
    place->store = g_build_filename(place->folder, "store", NULL);
    g_assert_cmpint(g_mkdir(place->root, 0755), ==, 0);
    return place;
}

static void remove_all(const char *path)
{
    GDir *folder = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
    const char *name;

    while (folder && (name = g_dir_read_name(folder))) {
        g_autofree char *member = g_build_filename(path, name, NULL);

        remove_all(member);
    }
    if (folder)
        g_dir_close(folder);
    g_remove(path);
}

static void place_free(struct place *place)
{
    remove_all(place->folder);
    g_free(place->folder);
    g_free(place->root);
    g_free(place->store);
    g_free(place);
}
typedef struct place place_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(place_t, place_free)

static struct fix_plan *plan_for(const struct place *place, const struct measure *measure,
                                 GError **error)
{
    g_autoptr(fix_tree_t) tree = fix_tree_open(place->root, error);
    g_autoptr(GPtrArray) wishes = g_ptr_array_new();
    struct fix_wish wish = { measure, NULL, TRUE };

    g_assert_nonnull(tree);
    g_ptr_array_add(wishes, &wish);
    return fix_plan_make(tree, wishes, error);
}

static struct fix_record *apply(const struct place *place, struct fix_plan *plan, GError **error)
{
    g_autoptr(fix_tree_t) tree = fix_tree_open(place->root, error);
    g_autoptr(fix_record_t) record = fix_record_new(place->store, plan, error);

    g_assert_nonnull(record);
    return fix_apply(record, tree, 0, error) ? g_steal_pointer(&record) : NULL;
}

static void test_lines(void)
{
    static const struct {
        const char *before, *key, *value, *separator, *after;
    } cases[] = {
        /* The value is replaced, everything around it stays. */
        { "# PASS_MAX_DAYS is old\n#PASS_MAX_DAYS 1\nPASS_MAX_DAYS\t99999\nPASS_MAX_DAYSX 5\nlast",
          "PASS_MAX_DAYS", "365", NULL,
          "# PASS_MAX_DAYS is old\n#PASS_MAX_DAYS 1\nPASS_MAX_DAYS\t365\nPASS_MAX_DAYSX 5\nlast" },
        /* Every line that sets it, so that first and last agree. */
        { "minlen = 8\n  minlen=6\n", "minlen", "14", " = ", "minlen = 14\n  minlen=14\n" },
        /* Without one, below the example; without an example, at the end. */
        { "# minlen = 8\nother = 1\n", "minlen", "14", " = ",
          "# minlen = 8\nminlen = 14\nother = 1\n" },
        { "other = 1", "minlen", "14", " = ", "other = 1\nminlen = 14\n" },
        { "", "minlen", "14", " = ", "minlen = 14\n" },
        { "", "enforce_for_root", "", NULL, "enforce_for_root\n" },
        /* A key alone gets a value; several words are one key. */
        { "UMASK\n", "UMASK", "027", "\t", "UMASK\t027\n" },
        { "password   requisite pam_x.so a\n", "password requisite pam_x.so", "b", NULL,
          "password   requisite pam_x.so b\n" },
        /* Already so: not a byte is touched, not even blanks. */
        { "minlen  =   14   \n", "minlen", "14", "=", "minlen  =   14   \n" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) text = g_string_new(cases[i].before);
        gboolean changed = lines_set(text, cases[i].key, cases[i].value, cases[i].separator);

        g_assert_cmpstr(text->str, ==, cases[i].after);
        g_assert_cmpint(changed, ==, !g_str_equal(cases[i].before, cases[i].after));
        g_assert_false(lines_set(text, cases[i].key, cases[i].value, cases[i].separator));
    }
}

static void test_lines_away(void)
{
    g_autoptr(GString) text = g_string_new("+ : x\n  + y\n# + kept\n+z\n+");

    g_assert_true(lines_delete(text, "+"));
    g_assert_cmpstr(text->str, ==, "# + kept\n+z\n");
    g_assert_false(lines_delete(text, "+"));
}

static void test_ini(void)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        { "", "[Journal]\nStorage=persistent\n" },
        { "[Journal]\n#Storage=auto\nStorage=volatile\n[Other]\nStorage=none\n",
          "[Journal]\n#Storage=auto\nStorage=persistent\n[Other]\nStorage=none\n" },
        { "[Other]\nStorage=none", "[Other]\nStorage=none\n\n[Journal]\nStorage=persistent\n" },
        { "[Journal]\nCompress=yes\n\n[Other]\n",
          "[Journal]\nCompress=yes\nStorage=persistent\n\n[Other]\n" },
        { "[Journal]", "[Journal]\nStorage=persistent\n" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) text = g_string_new(cases[i].before);

        g_assert_true(lines_set_ini(text, "Journal", "Storage", "persistent"));
        g_assert_cmpstr(text->str, ==, cases[i].after);
        g_assert_false(lines_set_ini(text, "Journal", "Storage", "persistent"));
    }
}

/* sshd_config(5): no case in keys, the first value wins, Match ends the unconditional part. */
static void test_sshd_lines(void)
{
    g_autoptr(GString) text =
        g_string_new("Port 22\npermitrootlogin=yes\nMatch User x\n PermitRootLogin yes\n");

    g_assert_true(lines_sshd_match_sets(text, "PermitRootLogin"));
    g_assert_false(lines_sshd_match_sets(text, "Port"));
    g_assert_true(lines_sshd_set(text, "PermitRootLogin", "no"));
    g_assert_cmpstr(text->str, ==,
                    "Port 22\npermitrootlogin=no\nMatch User x\n PermitRootLogin yes\n");
    g_assert_true(lines_sshd_set(text, "X11Forwarding", "no"));
    g_assert_true(g_str_has_prefix(text->str, "X11Forwarding no\nPort 22\n"));

    g_string_assign(text, "Banner none\nInclude /a/*.conf /b/*.conf\nPort 22\n");
    g_assert_true(lines_sshd_includes_before(text, "/b/*.conf", "Port"));
    g_assert_false(lines_sshd_includes_before(text, "/b/*.conf", "Banner"));
    g_assert_false(lines_sshd_includes_before(text, "/c/*.conf", "Port"));
}

static void test_mount_options(void)
{
    g_autoptr(GString) text = g_string_new("# /tmp\nUUID=1 /tmp\text4  rw,exec,hidepid=0 0 2\n"
                                           "UUID=2 /tmp2 ext4 defaults 0 2\n");
    gboolean found;

    g_assert_true(lines_mount_options(text, "/tmp", "nodev,noexec,hidepid=2", &found));
    g_assert_true(found);
    g_assert_cmpstr(text->str, ==,
                    "# /tmp\nUUID=1 /tmp\text4  rw,nodev,noexec,hidepid=2 0 2\n"
                    "UUID=2 /tmp2 ext4 defaults 0 2\n");
    g_assert_false(lines_mount_options(text, "/tmp", "nodev,noexec,hidepid=2", &found));
    g_assert_false(lines_mount_options(text, "/home", "nodev", &found));
    g_assert_false(found);
}

static void test_words(void)
{
    static const struct {
        const char *before, *after;
    } cases[] = {
        { "GRUB_CMDLINE_LINUX=\"\"\n", "GRUB_CMDLINE_LINUX=\"audit=1\"\n" },
        { "#GRUB_CMDLINE_LINUX=\"\"",
          "#GRUB_CMDLINE_LINUX=\"\"\nGRUB_CMDLINE_LINUX=\"audit=1\"\n" },
        { "GRUB_CMDLINE_LINUX='quiet mitigations=off audit=0 mitigations'\n",
          "GRUB_CMDLINE_LINUX=\"quiet audit=1\"\n" },
        { "GRUB_CMDLINE_LINUX_DEFAULT=x\nGRUB_CMDLINE_LINUX=y\n",
          "GRUB_CMDLINE_LINUX_DEFAULT=x\nGRUB_CMDLINE_LINUX=\"y audit=1\"\n" },
        { "GRUB_CMDLINE_LINUX=\"  audit=1  a\"\n", "GRUB_CMDLINE_LINUX=\"  audit=1  a\"\n" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GString) text = g_string_new(cases[i].before);

        lines_set_words(text, "GRUB_CMDLINE_LINUX", "audit=1", "mitigations");
        g_assert_cmpstr(text->str, ==, cases[i].after);
        g_assert_false(lines_set_words(text, "GRUB_CMDLINE_LINUX", "audit=1", "mitigations"));
    }
}

static void test_diff(void)
{
    static const char old[] = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15";
    static const char new[] = "1\n2x\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n14\n15\n";
    g_autofree char *diff = fix_diff("a", "b", old, strlen(old), new, strlen(new));
    g_autofree char *none = fix_diff("a", "b", old, strlen(old), old, strlen(old));
    g_autofree char *made = fix_diff("/dev/null", "b", "", 0, "x\n", 2);

    /* As GNU diff -u prints it. */
    g_assert_cmpstr(diff, ==,
                    "--- a\n+++ b\n@@ -1,5 +1,5 @@\n 1\n-2\n+2x\n 3\n 4\n 5\n"
                    "@@ -10,6 +10,5 @@\n 10\n 11\n 12\n-13\n 14\n-15\n"
                    "\\ No newline at end of file\n+15\n");
    g_assert_cmpstr(none, ==, "");
    g_assert_cmpstr(made, ==, "--- /dev/null\n+++ b\n@@ -0,0 +1,1 @@\n+x\n");
}

/* Every kind of action once; the world before is in prepare(). */
static const struct fix_action all_kinds[] = {
    { .kind = FIX_SYSCTL, .key = "kernel.sysrq", .value = "0" },
    { .kind = FIX_SSHD_OPTION, .key = "X11Forwarding", .value = "no" },
    { .kind = FIX_SET_LINE, .path = "/etc/login.defs", .key = "UMASK", .value = "027" },
    { .kind = FIX_DELETE_LINE, .path = "/etc/hosts.equiv", .key = "+" },
    { .kind = FIX_INI_OPTION,
      .path = "/etc/systemd/journald.conf.d/entente.conf",
      .section = "Journal",
      .key = "Storage",
      .value = "persistent" },
    { .kind = FIX_PUT_FILE, .path = "/etc/issue", .value = "Authorised use only.\n" },
    { .kind = FIX_MAKE_FILE, .path = "/etc/fstab", .value = "never\n" },
    { .kind = FIX_MAKE_FILE, .path = "/etc/cron.allow", .value = "root\n", .mode = 0640 },
    { .kind = FIX_DELETE_FILE, .path = "/etc/cron.deny" },
    { .kind = FIX_KERNEL_OPTION, .value = "slab_nomerge", .key = "mitigations" },
    { .kind = FIX_MODE, .path = "/etc/cron.[d]", .mode = 0700 },
    { .kind = FIX_BLOCK_MODULE, .key = "dccp" },
    { .kind = FIX_UNIT_OPTION,
      .path = "cron.service",
      .section = "Service",
      .key = "NoNewPrivileges",
      .value = "yes" },
    { .kind = FIX_MASK_UNIT, .path = "ctrl-alt-del.target" },
    { .kind = FIX_MOUNT_OPTION, .path = "/dev/shm", .value = "noexec" },
};
static const struct measure all = { .id = "test.all",
                                    .actions = all_kinds,
                                    .n_actions = G_N_ELEMENTS(all_kinds) };

static void prepare(const struct place *place)
{
    put(place, "etc/ssh/sshd_config", "Include /etc/ssh/sshd_config.d/*.conf\nX11Forwarding yes\n",
        0644);
    put(place, "etc/sysctl.conf", "kernel.sysrq=1\n", 0644);
    put(place, "etc/login.defs", "UMASK\t022\n", 0640);
    put(place, "etc/hosts.equiv", "+\nhost\n", 0644);
    put(place, "etc/issue", "Debian \\n \\l\n", 0644);
    put(place, "etc/cron.deny", "ann\n", 0640);
    put(place, "etc/default/grub", "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet mitigations=off\"\n", 0644);
    put(place, "etc/cron.d/job", "x\n", 0644);
    put(place, "etc/fstab", "proc /proc proc defaults 0 0\n", 0644);
    put(place, "etc/systemd/system/ctrl-alt-del.target", "[Unit]\n", 0644);
}

static void test_every_kind_there_and_back(void)
{
    g_autoptr(place_t) place = place_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(fix_plan_t) plan = NULL, again = NULL;
    g_autoptr(fix_record_t) record = NULL;
    g_autoptr(fix_tree_t) tree = fix_tree_open(place->root, &error);
    g_autofree char *grub = NULL, *fstab = NULL;
    g_autofree char *unit = NULL, *text = NULL, *login = NULL, *back = NULL, *link = NULL;

    prepare(place);
    plan = plan_for(place, &all, &error);
    g_assert_no_error(error);
    record = apply(place, plan, &error);
    g_assert_no_error(error);
    g_assert_nonnull(record);

    text = get(place, "etc/sysctl.conf");
    g_assert_cmpstr(text, ==, "kernel.sysrq=0\n");
    login = get(place, "etc/login.defs");
    g_assert_cmpstr(login, ==, "UMASK\t027\n");
    g_assert_cmpint(mode_of(place, "etc/login.defs"), ==, 0640);
    g_assert_cmpint(mode_of(place, "etc/cron.d"), ==, 0700);
    unit = g_build_filename(place->root, "etc/systemd/system/ctrl-alt-del.target", NULL);
    link = g_file_read_link(unit, NULL);
    g_assert_cmpstr(link, ==, "/dev/null");

    g_assert_cmpint(mode_of(place, "etc/cron.deny"), ==, 0);
    g_assert_cmpint(mode_of(place, "etc/cron.allow"), ==, 0640);
    grub = get(place, "etc/default/grub");
    g_assert_cmpstr(grub, ==,
                    "GRUB_CMDLINE_LINUX_DEFAULT=\"quiet\"\nGRUB_CMDLINE_LINUX=\"slab_nomerge\"\n");
    fstab = get(place, "etc/fstab");
    g_assert_true(g_str_has_prefix(fstab, "proc /proc proc defaults 0 0\n"));

    again = plan_for(place, &all, &error);
    g_assert_no_error(error);
    g_assert_true(fix_plan_is_empty(again));

    g_assert_true(fix_undo(record, tree, FALSE, &error));
    g_assert_no_error(error);
    back = get(place, "etc/systemd/system/ctrl-alt-del.target");
    g_assert_cmpstr(back, ==, "[Unit]\n");
    g_assert_cmpint(mode_of(place, "etc/cron.d"), ==, 0755);
    g_assert_cmpint(mode_of(place, "etc/cron.deny"), ==, 0640);
    g_assert_cmpint(mode_of(place, "etc/cron.allow"), ==, 0);
    g_assert_cmpint(mode_of(place, "etc/modprobe.d"), ==, 0); /* made by the plan, gone with it */
    g_clear_pointer(&again, fix_plan_free);
    again = plan_for(place, &all, &error);
    g_assert_cmpstr(again->hash, ==, plan->hash);
}

static void test_hash_covers_what_is_there(void)
{
    g_autoptr(place_t) place = place_new();
    g_autoptr(fix_plan_t) plan = NULL, other = NULL, parsed = NULL;
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GError) error = NULL;

    prepare(place);
    plan = plan_for(place, &all, &error);
    bytes = fix_plan_bytes(plan, &error);
    parsed = fix_plan_parse(bytes, "plan", &error);
    g_assert_no_error(error);
    g_assert_cmpstr(parsed->hash, ==, plan->hash);
    put(place, "etc/login.defs", "UMASK\t022\n", 0644);
    other = plan_for(place, &all, &error);
    g_assert_cmpstr(other->hash, !=, plan->hash);
    g_assert_null(apply(place, plan, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    g_assert_nonnull(strstr(error->message, "/etc/login.defs"));
}

/* A link in the tree may point anywhere: it is followed as if the tree were all there is. */
static void test_links_do_not_lead_out(void)
{
    static const struct fix_action action = {
        .kind = FIX_SET_LINE, .path = "/etc/linked/file", .key = "a", .value = "2"
    };
    static const struct measure measure = { .id = "test.link", .actions = &action, .n_actions = 1 };
    g_autoptr(place_t) place = place_new();
    g_autofree char *outside = g_build_filename(place->folder, "file", NULL);
    g_autofree char *link = g_build_filename(place->root, "etc/linked", NULL);
    g_autofree char *kept = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(fix_plan_t) plan = NULL;
    g_autoptr(fix_record_t) record = NULL;

    put(place, "etc/other", "", 0644);
    g_assert_true(g_file_set_contents(outside, "a 1\n", -1, NULL));
    g_assert_cmpint(symlink("../../", link), ==, 0);
    plan = plan_for(place, &measure, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(((struct fix_edit *)plan->edits->pdata[0])->path, ==, "/file");
    record = apply(place, plan, &error);
    g_assert_no_error(error);
    g_assert_true(g_file_get_contents(outside, &kept, NULL, NULL));
    g_assert_cmpstr(kept, ==, "a 1\n");
}

/* A folder swapped for a link between plan and apply is refused, not followed. */
static void test_a_swapped_folder_is_refused(void)
{
    static const struct fix_action action = {
        .kind = FIX_SET_LINE, .path = "/etc/sub/file", .key = "a", .value = "2"
    };
    static const struct measure measure = { .id = "test.swap", .actions = &action, .n_actions = 1 };
    g_autoptr(place_t) place = place_new();
    g_autofree char *sub = g_build_filename(place->root, "etc/sub", NULL);
    g_autofree char *moved = g_build_filename(place->root, "etc/moved", NULL);
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(fix_plan_t) plan = NULL;

    put(place, "etc/sub/file", "a 1\n", 0644);
    plan = plan_for(place, &measure, &error);
    g_assert_no_error(error);
    g_assert_cmpint(rename(sub, moved), ==, 0);
    g_assert_cmpint(symlink("moved", sub), ==, 0);
    g_assert_null(apply(place, plan, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM);
    text = get(place, "etc/moved/file");
    g_assert_cmpstr(text, ==, "a 1\n");
}

/* In a folder where others write, a second name or a link may be of anybody's file. */
static void test_planted_links_are_left_alone(void)
{
    static const struct fix_action actions[] = {
        { .kind = FIX_MODE, .path = "/pub/*", .mode = 0600 },
        { .kind = FIX_MODE, .path = "/srv/*", .mode = 0600 },
    };
    static const struct measure measure = { .id = "test.planted",
                                            .actions = actions,
                                            .n_actions = G_N_ELEMENTS(actions) };
    static const char *const links[][2] = { { "etc/hard", "pub/hard" },
                                            { "etc/fine", "srv/second" } };
    static const struct fix_state wanted = { .node = FIX_FILE, .mode = 0600 };
    g_autoptr(place_t) place = place_new();
    g_autofree char *soft = g_build_filename(place->root, "pub/soft", NULL);
    g_autofree char *pub = g_build_filename(place->root, "pub", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(fix_plan_t) plan = NULL;
    g_autoptr(fix_record_t) record = NULL;
    g_autoptr(fix_tree_t) tree = fix_tree_open(place->root, &error);

    put(place, "etc/hard", "", 0644);
    put(place, "etc/soft", "", 0644);
    put(place, "etc/fine", "", 0644);
    put(place, "pub/own", "", 0644);
    put(place, "srv/own", "", 0644);
    for (guint i = 0; i < G_N_ELEMENTS(links); i++) {
        g_autofree char *from = g_build_filename(place->root, links[i][0], NULL);
        g_autofree char *to = g_build_filename(place->root, links[i][1], NULL);

        g_assert_cmpint(link(from, to), ==, 0);
    }
    g_assert_cmpint(symlink("../etc/soft", soft), ==, 0);
    g_assert_cmpint(chmod(pub, 01777), ==, 0);
    plan = plan_for(place, &measure, &error);
    g_assert_no_error(error);
    g_assert_cmpint(plan->left_out->len, ==, 2);
    record = apply(place, plan, &error);
    g_assert_no_error(error);
    g_assert_cmpint(mode_of(place, "etc/hard"), ==, 0644);
    g_assert_cmpint(mode_of(place, "etc/soft"), ==, 0644);
    g_assert_cmpint(mode_of(place, "etc/fine"), ==, 0600);
    g_assert_cmpint(mode_of(place, "pub/own"), ==, 0600);
    g_assert_cmpint(mode_of(place, "srv/own"), ==, 0600);
    /* A link that came after all checks: asked again of the file that is changed. */
    g_assert_false(fix_tree_put(tree, "/pub/hard", &wanted, NULL, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_assert_cmpint(mode_of(place, "etc/hard"), ==, 0644);
}

/* What ran as its old owner does not run as root because root owns it now. */
static void test_a_new_owner_takes_set_id_bits_away(void)
{
    static const struct fix_action action = {
        .kind = FIX_OWNER, .path = "/srv/*", .owner = "root", .group = "root"
    };
    static const struct measure measure = { .id = "test.owner",
                                            .actions = &action,
                                            .n_actions = 1 };
    g_autoptr(place_t) place = place_new();
    g_autofree char *tool = g_build_filename(place->root, "srv/tool", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(fix_plan_t) plan = NULL;
    g_autoptr(fix_record_t) record = NULL;
    g_autoptr(fix_tree_t) tree = fix_tree_open(place->root, &error);

    if (geteuid() != 0) {
        g_test_skip("owners are changed by root only");
        return;
    }
    put(place, "srv/tool", "", 0755);
    g_assert_cmpint(chown(tool, 1000, 1000), ==, 0);
    g_assert_cmpint(chmod(tool, 06755), ==, 0);
    plan = plan_for(place, &measure, &error);
    g_assert_no_error(error);
    record = apply(place, plan, &error);
    g_assert_no_error(error);
    g_assert_cmpint(mode_of(place, "srv/tool"), ==, 0755);
    g_assert_true(fix_undo(record, tree, FALSE, &error));
    g_assert_cmpint(mode_of(place, "srv/tool"), ==, 06755);
}

static void test_undo_refuses_foreign_changes(void)
{
    g_autoptr(place_t) place = place_new();
    g_autoptr(fix_tree_t) tree = fix_tree_open(place->root, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(fix_plan_t) plan = NULL;
    g_autoptr(fix_record_t) record = NULL;
    g_autofree char *login = NULL, *issue = NULL;

    prepare(place);
    plan = plan_for(place, &all, &error);
    record = apply(place, plan, &error);
    g_assert_no_error(error);
    put(place, "etc/login.defs", "UMASK\t077\n", 0640);
    g_assert_false(fix_undo(record, tree, FALSE, &error));
    g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    g_clear_error(&error);
    issue = get(place, "etc/issue"); /* nothing was undone before the refusal */
    g_assert_cmpstr(issue, ==, "Authorised use only.\n");
    g_assert_true(fix_undo(record, tree, TRUE, &error));
    g_assert_no_error(error);
    login = get(place, "etc/login.defs");
    g_assert_cmpstr(login, ==, "UMASK\t022\n");
}

static gboolean guard_allows(const struct place *place, const struct fix_action *action)
{
    g_autoptr(fix_tree_t) tree = fix_tree_open(place->root, NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *entry = NULL;
    gboolean allowed = fix_guard_action(tree, action, &entry, &error);

    if (!allowed)
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);
    return allowed;
}

static void test_guards(void)
{
    static const char key[] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ2Tgt0c7a0N3eJ8mJv0 admin\n";
    const struct fix_action no_passwords = { .kind = FIX_SSHD_OPTION,
                                             .key = "passwordauthentication",
                                             .value = "no" };
    const struct fix_action no_root = { .kind = FIX_SSHD_OPTION,
                                        .key = "PermitRootLogin",
                                        .value = "no" };
    const struct fix_action mask = { .kind = FIX_MASK_UNIT, .path = "ssh.service" };
    const struct fix_action other = { .kind = FIX_MASK_UNIT, .path = "telnet.socket" };
    const struct fix_action drop = { .kind = FIX_PUT_FILE,
                                     .path = "/etc/nftables.conf",
                                     .value = "chain input { policy drop;\n}\n" };
    const struct fix_action open = { .kind = FIX_PUT_FILE,
                                     .path = "/etc/nftables.conf",
                                     .value = "policy drop;\n tcp dport { 2222, 443 } accept\n" };
    const struct fix_action groups = { .kind = FIX_SSHD_OPTION,
                                       .key = "AllowGroups",
                                       .value = "admins" };
    g_autoptr(place_t) place = place_new();
    g_autofree char *shadow = g_strdup("ann:$y$j9T$abcdefgh$ijkl:1::::::\n");
    g_autofree char *passwd =
        g_strdup_printf("root:x:0:0::/root:/bin/bash\nann:x:%u:%u::/home/ann:/bin/bash\n"
                        "bot:x:1:1::/home/bot:/usr/sbin/nologin\n",
                        getuid() ? getuid() : 1000, 1000u);

    put(place, "etc/passwd", passwd, 0644);
    put(place, "etc/group", "sudo:x:27:ann,bot\n", 0644);
    put(place, "etc/sudoers", "%sudo\tALL=(ALL:ALL) ALL\n", 0440);
    g_assert_false(guard_allows(place, &no_passwords));
    g_assert_false(guard_allows(place, &no_root));
    put(place, "etc/shadow", shadow, 0600);
    g_assert_false(guard_allows(place, &no_passwords));
    g_assert_true(guard_allows(place, &no_root));
    put(place, "home/ann/.ssh/authorized_keys", key, 0666); /* sshd ignores it: others may write */
    g_assert_false(guard_allows(place, &no_passwords));
    put(place, "home/ann/.ssh/authorized_keys", key, 0600);
    g_assert_true(guard_allows(place, &no_passwords));
    g_assert_false(guard_allows(place, &groups));
    g_assert_false(guard_allows(place, &mask));
    g_assert_true(guard_allows(place, &other));
    put(place, "etc/ssh/sshd_config", "Port 2222\n", 0644);
    g_assert_false(guard_allows(place, &drop));
    g_assert_true(guard_allows(place, &open));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/fix/lines/set", test_lines);
    g_test_add_func("/fix/lines/delete", test_lines_away);
    g_test_add_func("/fix/lines/ini", test_ini);
    g_test_add_func("/fix/lines/sshd", test_sshd_lines);
    g_test_add_func("/fix/lines/mount", test_mount_options);
    g_test_add_func("/fix/lines/words", test_words);
    g_test_add_func("/fix/diff", test_diff);
    g_test_add_func("/fix/every-kind-there-and-back", test_every_kind_there_and_back);
    g_test_add_func("/fix/hash-covers-what-is-there", test_hash_covers_what_is_there);
    g_test_add_func("/fix/links-do-not-lead-out", test_links_do_not_lead_out);
    g_test_add_func("/fix/a-swapped-folder-is-refused", test_a_swapped_folder_is_refused);
    g_test_add_func("/fix/planted-links-are-left-alone", test_planted_links_are_left_alone);
    g_test_add_func("/fix/a-new-owner-takes-set-id-bits-away",
                    test_a_new_owner_takes_set_id_bits_away);
    g_test_add_func("/fix/undo-refuses-foreign-changes", test_undo_refuses_foreign_changes);
    g_test_add_func("/fix/guards", test_guards);
    return g_test_run();
}
