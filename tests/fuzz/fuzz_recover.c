/*
 * Module answer: what backup tools say (snapshots, lists of files, locks, checks), the wire between
 * the worker that reads it and its parent, and the manifest that we keep.
 */
#include "p1_resilience/recover/borg.h"
#include "p1_resilience/recover/manifest.h"
#include "p1_resilience/recover/restic.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct gathered {
    GPtrArray *snapshots;
    struct listing *listing;
    GByteArray *wire;
    guint told, again;
};

static void gather(const struct told *told, gpointer data)
{
    struct gathered *gathered = data;

    g_assert_true(told->kind == TOLD_TIME || told->name);
    snapshots_tell(told, gathered->snapshots);
    listing_tell(told, gathered->listing);
    answer_encode(gathered->wire, told);
    gathered->told++;
}

static void count(const struct told *told, gpointer data)
{
    g_assert_cmpint(told->kind, <, TOLD_KINDS);
    g_assert_true(!told->name || strlen(told->name) < ANSWER_WHOLE_LIMIT);
    ((struct gathered *)data)->again++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct answer_form forms[] = {
        { restic_read_snapshots, TRUE }, { restic_read_lock, TRUE }, { borg_read_archives, TRUE },
        { restic_read_node, FALSE },     { restic_read_id, FALSE },  { restic_read_backup, FALSE },
        { borg_read_item, FALSE },
    };
    g_autoptr(GPtrArray) snapshots = g_ptr_array_new_with_free_func((GDestroyNotify)snapshot_free);
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *key = listing_key(text, "?"), *sentence = borg_sentence(text);
    g_autoptr(listing_t) listing = listing_new();
    g_autoptr(GByteArray) wire = g_byte_array_new();
    g_autoptr(manifest_t) manifest = NULL;
    struct gathered gathered = { snapshots, listing, wire, 0, 0 };
    const int fd = memfd_create("answer", MFD_CLOEXEC);

    g_assert_true(g_utf8_validate(key, -1, NULL));
    g_assert_null(strchr(sentence, '\n'));
    g_assert_cmpint(write(fd, data, size), ==, (ssize_t)size);
    for (guint i = 0; i < G_N_ELEMENTS(forms); i++)
        answer_read(&forms[i], fd, gather, &gathered);
    close(fd);
    snapshots_sort(snapshots);
    listing_compare(listing, listing);
    g_assert_true(answer_decode(wire->data, wire->len, count, &gathered));
    g_assert_cmpuint(gathered.again, ==, gathered.told);
    answer_decode(data, size, count, &gathered);
    restic_read_packs(text);
    borg_read_config(text);
    restic_classify(text, 1);
    borg_classify(text, 2);
    manifest = manifest_parse(data, size, "fuzz", NULL);
    if (manifest)
        manifest_root(manifest);
    return 0;
}
