/*
 * judge_entries POLICY LOG FILE...: what the register of a log in a folder says of entries that
 * would come next: one line each, the reason or "counts". LOG is the folder of the tiles.
 */
#include "base/clock.h"
#include "base/file.h"
#include "log/reader.h"
#include "log/tile.h"
#include "register/register.h"

#include <stdio.h>

static int fails(GError *error)
{
    fprintf(stderr, "judge_entries: %s\n", error ? error->message : "failed");
    return 1;
}

static gboolean fold(guint64 index, GBytes *entry, gpointer data, GError **error)
{
    (void)error;
    register_fold(data, index, entry, 0);
    return TRUE;
}

static struct reg *read_register(const char *policy_path, const char *folder, GError **error)
{
    g_autoptr(GBytes) text = file_read(policy_path, COMMUNITY_POLICY_LIMIT, error);
    g_autoptr(community_policy_t) policy = NULL;
    g_autoptr(log_reader_t) reader = log_reader_new(log_source_folder(folder));
    g_autoptr(note_t) note = NULL;
    g_autoptr(checkpoint_t) checkpoint = NULL;
    struct reg *reg;

    if (!text || !(policy = community_policy_parse(g_bytes_get_data(text, NULL),
                                                   g_bytes_get_size(text), policy_path, error)))
        return NULL;
    note = log_reader_checkpoint(reader, error);
    if (!note || !(checkpoint = checkpoint_parse(g_bytes_get_data(note->text, NULL),
                                                 g_bytes_get_size(note->text), error)))
        return NULL;
    reg = register_new(policy);
    if (log_reader_trust(reader, checkpoint->size, &checkpoint->root, error) &&
        log_reader_each(reader, 0, checkpoint->size, fold, reg, error))
        return reg;
    register_free(reg);
    return NULL;
}

int main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(reg_t) reg = NULL;

    if (argc < 3 || !(reg = read_register(argv[1], argv[2], &error)))
        return fails(error);
    for (int i = 3; i < argc; i++) {
        g_autoptr(GBytes) entry = file_read(argv[i], ENTRY_LIMIT, &error);
        const char *name;

        if (!entry)
            return fails(error);
        name = register_verdict_name(register_judge(reg, entry, clock_now_us(), NULL));
        puts(name ? name : "counts");
    }
    return 0;
}
