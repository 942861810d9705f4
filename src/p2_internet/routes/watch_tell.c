#include "base/clock.h"
#include "p2_internet/routes/watch_private.h"

static void append_as(GString *text, const struct watch_report *report)
{
    if (report->as)
        g_string_append_printf(text, "AS%u", report->as);
    else
        g_string_append(text, "a set of ASes");
}

static void append_route(GString *text, const struct watch_report *report)
{
    char prefix[IP_PREFIX_TEXT];

    if (!report->has_prefix)
        return;
    ip_prefix_format(&report->prefix, prefix);
    g_string_append_printf(text, " %s", prefix);
}

char *watch_text(const struct watch_report *report)
{
    const struct watch_row *row = &watch_rows[report->alarm];
    g_autofree char *since = clock_format(report->first_us);
    g_autoptr(GString) text = g_string_new(report->ours);

    if (report->has_prefix)
        g_string_append(text, ":");
    append_route(text, report);
    if (report->has_as) {
        g_string_append(text, ", ");
        append_as(text, report);
    }
    g_string_append_printf(text, ": %s; ", row->why);
    if (report->alarm == WATCH_SILENCE)
        g_string_append_printf(text, "the last word came %s", since);
    else if (report->alarm == WATCH_VISIBILITY)
        g_string_append_printf(text, "%u %s, since %s", report->peers,
                               report->peers == 1 ? "peer" : "peers", since);
    else
        g_string_append_printf(text, "seen by %u %s (%u at most) since %s", report->peers,
                               report->peers == 1 ? "peer" : "peers", report->most_peers, since);
    if (*report->path)
        g_string_append_printf(text, ", first as \"%s\"", report->path);
    if (report->has_rov)
        g_string_append_printf(text, "; RPKI: %s", rov_state_name(report->rov));
    if (report->has_rov && report->serial)
        g_string_append_printf(text, " (serial %u)", report->serial);
    return g_string_free(g_steal_pointer(&text), FALSE);
}
