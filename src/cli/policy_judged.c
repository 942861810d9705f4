#include "cli/policy_judged.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/terminal.h"
#include "log/tlog_proof.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define PROOF_BEGIN "c2sp.org/tlog-proof@"

/* The checkpoint of an offline proof, or the bytes themselves. */
static struct note *read_note(const char *path, GError **error)
{
    g_autoptr(GBytes) bytes = file_read(path, TLOG_PROOF_LIMIT, error);
    g_autoptr(tlog_proof_t) proof = NULL;
    const char *data;
    gsize length;

    if (!bytes)
        return NULL;
    data = g_bytes_get_data(bytes, &length);
    if (length < strlen(PROOF_BEGIN) || memcmp(data, PROOF_BEGIN, strlen(PROOF_BEGIN)) != 0)
        return note_parse(data, length, path, error);
    proof = tlog_proof_parse(data, length, path, error);
    return proof ? g_steal_pointer(&proof->note) : NULL;
}

gboolean policy_judged_read(const char *policy, const char *note, struct policy_judged *judged,
                            GError **error)
{
    g_autoptr(note_t) read = NULL;

    judged->file = policy_file_read(policy, error);
    if (!judged->file || !note)
        return judged->file != NULL;
    read = read_note(note, error);
    if (!read)
        return FALSE;
    judged->has_note = TRUE;
    judged->checkpoint =
        quorum_judge(judged->file->quorum, read, (guint64)time(NULL), &judged->verdict);
    return TRUE;
}

void policy_judged_clear(struct policy_judged *judged)
{
    policy_file_free(judged->file);
    checkpoint_free(judged->checkpoint);
    quorum_verdict_clear(&judged->verdict);
}

const struct quorum_margin *policy_judged_margin(const struct policy_judged *judged, guint index)
{
    return &g_array_index(judged->verdict.margins, struct quorum_margin, index);
}

static char *time_text(guint64 time_s)
{
    return time_s ? clock_format((gint64)time_s * G_USEC_PER_SEC) : g_strdup("-");
}

json_t *policy_margins_json(const struct policy_judged *judged)
{
    json_t *list = json_array();

    for (guint i = 0; i < judged->verdict.margins->len; i++) {
        const struct quorum_margin *margin = policy_judged_margin(judged, i);
        g_autofree char *youngest = time_text(margin->youngest_time_s);
        json_t *row =
            json_pack("{s:o, s:i, s:i, s:i, s:i}", "group", json_safe_string(margin->group),
                      "needed", (int)margin->needed, "have", (int)margin->have, "members",
                      (int)margin->members, "margin", margin->margin);

        if (margin->youngest_time_s)
            json_object_set_new(row, "youngest", json_string(youngest));
        json_array_append_new(list, row);
    }
    return list;
}

char *policy_margins_text(const struct policy_judged *judged)
{
    static const char *const headings[] = { "GROUP",  "NEEDED",   "HAVE", "OF",
                                            "MARGIN", "YOUNGEST", NULL };
    g_autoptr(text_table_t) table = text_table_new(headings);

    for (guint i = 0; i < judged->verdict.margins->len; i++) {
        const struct quorum_margin *margin = policy_judged_margin(judged, i);
        g_autofree char *needed = g_strdup_printf("%u", margin->needed);
        g_autofree char *have = g_strdup_printf("%u", margin->have);
        g_autofree char *members = g_strdup_printf("%u", margin->members);
        g_autofree char *left = g_strdup_printf("%+d", margin->margin);
        g_autofree char *youngest = time_text(margin->youngest_time_s);
        const char *const cells[] = { margin->group, needed, have, members, left, youngest };

        text_table_row(table, cells, NULL);
    }
    return text_table_format(table, FALSE, 0);
}
