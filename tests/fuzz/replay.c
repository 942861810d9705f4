/* replay.c: runs every seed of a folder through a fuzz target; a crash or a leak fails the test. */
#include <glib.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    GDir *folder = argc == 2 ? g_dir_open(argv[1], 0, NULL) : NULL;
    const char *name;
    guint count = 0;

    if (!folder) {
        printf("Bail out! no seeds in %s\n", argc == 2 ? argv[1] : "(nothing)");
        return 1;
    }
    while ((name = g_dir_read_name(folder))) {
        g_autofree char *path = g_build_filename(argv[1], name, NULL);
        g_autofree char *content = NULL;
        gsize length;

        if (!g_file_get_contents(path, &content, &length, NULL))
            continue;
        LLVMFuzzerTestOneInput((const uint8_t *)content, length);
        printf("ok %u - %s\n", ++count, name);
    }
    g_dir_close(folder);
    if (!count)
        printf("not ok 1 - no seed was read\n");
    printf("1..%u\n", MAX(count, 1));
    return !count;
}
