#include "cli/policy_file.h"

#include "base/file.h"

#include <string.h>

void policy_file_free(struct policy_file *file)
{
    if (!file)
        return;
    if (file->community)
        community_policy_free(file->community);
    else
        quorum_policy_free(file->quorum);
    g_free(file);
}

/* The first word that is no comment is one of the C2SP keywords, with a blank behind it. (In YAML a
 * colon is there.) */
static gboolean is_c2sp(const char *text)
{
    static const char *const keywords[] = { "log", "witness", "group", "quorum" };

    for (;;) {
        text += strspn(text, " \t\r\n");
        if (*text != '#')
            break;
        text += strcspn(text, "\n");
    }
    for (guint i = 0; i < G_N_ELEMENTS(keywords); i++) {
        const gsize length = strlen(keywords[i]);

        if (strncmp(text, keywords[i], length) == 0 &&
            (text[length] == ' ' || text[length] == '\t'))
            return TRUE;
    }
    return FALSE;
}

struct policy_file *policy_file_read(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, QUORUM_POLICY_LIMIT, error);
    g_autoptr(policy_file_t) file = NULL;
    const char *text;
    gsize length;

    if (!bytes)
        return NULL;
    text = g_bytes_get_data(bytes, &length);
    file = g_new0(struct policy_file, 1);
    if (is_c2sp(text)) {
        file->quorum = quorum_policy_parse(text, length, path, error);
    } else {
        file->community = community_policy_parse(text, length, path, error);
        file->quorum = file->community ? file->community->witnesses : NULL;
    }
    return file->quorum ? g_steal_pointer(&file) : NULL;
}
