/* Edits of configuration text: any bytes, and an edit done twice is an edit done once. */
#include "fix/fix_diff.h"
#include "fix/fix_lines.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static gboolean set(GString *text)
{
    return lines_set(text, "UMASK", "027", "\t") | lines_set(text, "minlen", "14", " = ");
}

static gboolean delete (GString *text)
{
    return lines_delete(text, "password requisite") | lines_delete(text, "+");
}

static gboolean add(GString *text)
{
    return lines_add(text, "blacklist dccp");
}

static gboolean ini(GString *text)
{
    return lines_set_ini(text, "Journal", "Storage", "persistent");
}

static gboolean sshd(GString *text)
{
    lines_sshd_includes_before(text, "/etc/ssh/sshd_config.d/*.conf", "Port");
    lines_sshd_match_sets(text, "Port");
    return lines_sshd_set(text, "PermitRootLogin", "no");
}

static gboolean mount(GString *text)
{
    gboolean found;

    return lines_mount_options(text, "/tmp", "nodev,noexec,hidepid=2", &found);
}

static gboolean words(GString *text)
{
    return lines_set_words(text, "GRUB_CMDLINE_LINUX", "audit=1 slab_nomerge", "mitigations");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static gboolean (*const edits[])(GString *) = { set, delete, add, ini, sshd, mount, words };

    for (guint i = 0; i < G_N_ELEMENTS(edits); i++) {
        g_autoptr(GString) text = g_string_new_len((const char *)data, size);
        gboolean changed = edits[i](text);
        g_autofree char *diff = fix_diff("a", "b", (const char *)data, size, text->str, text->len);

        if (edits[i](text) || changed != (*diff != 0))
            abort();
    }
    return 0;
}
