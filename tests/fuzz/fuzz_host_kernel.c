/*
 * The line formats that describe a kernel and its mounts. The first byte chooses the parser, the
 * rest is the file.
 */
#include "p7_hygiene/host/bootconfig.h"
#include "p7_hygiene/host/modules.h"
#include "p7_hygiene/host/mounts.h"
#include "p7_hygiene/host/sysctl.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void each_mount(GPtrArray *list)
{
    for (guint i = 0; i < list->len; i++) {
        const struct mount *mount = list->pdata[i];

        mount_has(mount, "noexec");
        mount_value(mount, "hidepid");
        if (!mount_at(list, mount->point) || !mount_holding(list, mount->point))
            abort(); /* what is listed is found */
    }
    g_ptr_array_unref(list);
}

static void mountinfo(const char *text, gsize length)
{
    each_mount(mountinfo_parse(text, length, MOUNTS_LIVE));
}

static void fstab(const char *text, gsize length)
{
    each_mount(fstab_parse(text, length, MOUNTS_FSTAB));
}

static void sysctl(const char *text, gsize length)
{
    struct sysctl_files files = { .lines = sysctl_lines_new() };

    sysctl_lines_parse(files.lines, text, length, "/etc/sysctl.d/a.conf", TRUE);
    for (guint i = 0; i < files.lines->len; i++) {
        const struct sysctl_line *line = files.lines->pdata[i];

        sysctl_winner(&files, line->key, FALSE);
        if (line->value && !sysctl_same(line->value, line->value))
            abort();
    }
    g_ptr_array_unref(files.lines);
}

static void modprobe(const char *text, gsize length)
{
    struct modules modules = { .lines = module_lines_new() };

    module_lines_parse(modules.lines, text, length, "/etc/modprobe.d/a.conf");
    for (guint i = 0; i < modules.lines->len; i++) {
        const struct module_line *line = modules.lines->pdata[i];

        module_install(&modules, line->name);
        if (line->command)
            module_line_blocks(line);
        else if (!module_blacklist(&modules, line->name))
            abort();
    }
    g_ptr_array_unref(modules.lines);
}

static void command_line(const char *text, gsize length)
{
    struct boot_config boot = { .parameters = boot_parameters_parse(text) };

    for (guint i = 0; i < boot.parameters->len; i++)
        if (!boot_parameter(&boot, ((struct boot_parameter *)boot.parameters->pdata[i])->name))
            abort();
    g_ptr_array_unref(boot.parameters);
}

static void build(const char *text, gsize length)
{
    struct boot_config boot = { .build = g_strndup(text, length) };

    g_free(boot_build(&boot, "CONFIG_X"));
    g_free(boot.build);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(const char *, gsize) = {
        mountinfo, fstab, sysctl, modprobe, command_line, build,
    };
    g_autofree char *text = NULL;

    if (size == 0)
        return 0;
    text = g_strndup((const char *)data + 1, size - 1); /* files are read with a NUL behind */
    parsers[*data % G_N_ELEMENTS(parsers)](text, strlen(text));
    return 0;
}
