#include "base/clock.h"
#include "p2_internet/routes/watch_private.h"

const char *const watch_hosted_why[WATCH_ALARMS] = {
    [WATCH_ORIGIN] = "the prefix of our name server is announced by an AS that did not before",
    [WATCH_SUB_PREFIX] = "a part of that prefix, with our name server in it, is announced by an AS "
                         "that did not before",
    [WATCH_RPKI_INVALID] = "a route to our name server is invalid by the RPKI (RFC 6811)",
    [WATCH_ASPA_INVALID] = "the path to our name server cannot be right, by its ASes' own ASPA",
    [WATCH_LEAK] = "a route to our name server goes down to a customer and up again (RFC 7908)",
    [WATCH_BOGON] = "a reserved AS number stands in the path to our name server",
    [WATCH_BLACKHOLE] = "the prefix of our name server carries BLACKHOLE (RFC 7999)",
    [WATCH_VISIBILITY] = "peers that had the prefix of our name server have it no more",
};

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
    const char *hosted = report->is_hosted ? watch_hosted_why[report->alarm] : NULL;
    g_autofree char *since = clock_format(report->first_us);
    g_autoptr(GString) text = g_string_new(report->ours);

    if (report->has_prefix)
        g_string_append(text, ":");
    append_route(text, report);
    if (report->has_as) {
        g_string_append(text, ", ");
        append_as(text, report);
    }
    g_string_append_printf(text, ": %s; ", hosted ? hosted : watch_rows[report->alarm].why);
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
    if (report->host)
        g_string_append_printf(text, "; our name server %s is there", report->host);
    if (report->has_rov)
        g_string_append_printf(text, "; RPKI: %s", rov_state_name(report->rov));
    if (report->has_rov && report->serial)
        g_string_append_printf(text, " (serial %u)", report->serial);
    return g_string_free(g_steal_pointer(&text), FALSE);
}
