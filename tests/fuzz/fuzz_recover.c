/* What backup tools say: snapshots, lists of files, checks, and the manifest that we keep. */
#include "p1_resilience/recover/borg.h"
#include "p1_resilience/recover/manifest.h"
#include "p1_resilience/recover/restic.h"

#include <stdint.h>

static gboolean both(const char *line, gsize length, gpointer data)
{
    restic_read_node(line, length, data);
    borg_read_item(line, length, data);
    return TRUE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GPtrArray) snapshots = g_ptr_array_new_with_free_func((GDestroyNotify)snapshot_free);
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autofree char *key = listing_key(text, "?");
    g_autoptr(listing_t) listing = listing_new();
    g_autoptr(GString) rest = g_string_new(NULL);
    g_autoptr(manifest_t) manifest = NULL;

    g_assert_true(g_utf8_validate(key, -1, NULL));
    restic_read_snapshots(data, size, snapshots, NULL);
    borg_read_archives(data, size, snapshots, NULL);
    snapshots_sort(snapshots);
    listing_feed(rest, data, size, both, listing);
    listing_compare(listing, listing);
    restic_read_packs(text);
    borg_read_config(text);
    restic_classify(text, 1);
    borg_classify(text, 2);
    manifest = manifest_parse(data, size, "fuzz", NULL);
    if (manifest)
        manifest_root(manifest);
    return 0;
}
