/* verify_verdict.c: what was found, for people and as JSON. */
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/verify_command.h"
#include "statement/base64.h"

#include <string.h>

#define LABEL_COLUMNS 11

void verdict_init(struct verdict *verdict, const char *kind)
{
    *verdict = (struct verdict){
        .kind = kind,
        .lines = g_string_new(NULL),
        .details = json_object(),
    };
}

void verdict_clear(struct verdict *verdict)
{
    g_clear_pointer(&verdict->message, g_free);
    g_string_free(verdict->lines, TRUE);
    json_decref(verdict->details);
}

/* What is false outweighs what cannot be read, and that what is undecided. */
static guint gravity(int status)
{
    return status == EXIT_FOUND ? 2 : status == EXIT_INPUT ? 1 : 0;
}

void verdict_refuse(struct verdict *verdict, const char *reason, int status, const char *format,
                    ...)
{
    va_list arguments;

    if (verdict->reason && gravity(status) <= gravity(verdict->status))
        return;
    g_free(verdict->message);
    verdict->reason = reason;
    verdict->status = status;
    va_start(arguments, format);
    verdict->message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
}

/* What readers, updates and comparisons say of a log begins with one of these, and a colon. */
static const char *const log_reasons[] = {
    "quorum", "receipt", "rolled-back", "signature", "split-view", "stale", "unknown-log",
};

void verdict_refuse_log(struct verdict *verdict, const GError *found)
{
    const char *reason = "proof";

    for (guint i = 0; i < G_N_ELEMENTS(log_reasons); i++)
        if (g_str_has_prefix(found->message, log_reasons[i]) &&
            found->message[strlen(log_reasons[i])] == ':')
            reason = log_reasons[i];
    verdict_refuse(verdict, reason, EXIT_FOUND, "%s", found->message);
}

void verdict_line(struct verdict *verdict, const char *label, const char *format, ...)
{
    g_autofree char *text = NULL, *escaped = NULL;
    va_list arguments;

    va_start(arguments, format);
    text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    escaped = terminal_escape(text);
    g_string_append_printf(verdict->lines, "  %s%*s %s\n", label,
                           MAX(0, LABEL_COLUMNS - (int)terminal_columns(label)), "", escaped);
}

static char *as_json(const struct verdict *verdict, const char *what)
{
    g_autoptr(json_t) value =
        json_pack("{s:o, s:s, s:s, s:s?, s:o}", "file", json_safe_string(what), "kind",
                  verdict->kind, "verdict", verdict->reason ? "refused" : "good", "reason",
                  verdict->reason, "message", json_safe_string(verdict->message));

    json_object_update_missing(value, verdict->details);
    return json_pretty(value);
}

static char *as_text(const struct verdict *verdict, const char *what, gboolean french,
                     gboolean colour)
{
    GString *out = g_string_new(NULL);
    gboolean good = !verdict->reason;
    const char *word = french ? (good ? "Valable" : "Refusé") : (good ? "Good" : "Refused");
    g_autofree char *styled = terminal_style(word, good ? STYLE_GOOD : STYLE_BAD, colour);
    g_autofree char *target = terminal_escape(what);
    g_autofree char *message = verdict->message ? terminal_escape(verdict->message) : NULL;
    const char *why = french ? "cause" : "why";

    g_string_append_printf(out, french ? "%s\u202f: %s" : "%s: %s", styled, target);
    if (!good)
        g_string_append_printf(out, " (%s)", verdict->reason);
    g_string_append_c(out, '\n');
    if (message)
        g_string_append_printf(out, "  %s%*s %s\n", why, LABEL_COLUMNS - (int)strlen(why), "",
                               message);
    g_string_append(out, verdict->lines->str);
    return g_string_free(out, FALSE);
}

int verdict_put(const struct context *context, struct verdict *verdict, const char *what,
                GError **error)
{
    g_autofree char *text = cli_format_is(context, "json", FALSE)
                                ? as_json(verdict, what)
                                : as_text(verdict, what, cli_is_french(context),
                                          !context->output && terminal_has_colour(stdout));

    return cli_output(context, text, strlen(text), error) ? verdict->status : EXIT_SYSTEM;
}

static void put_margins(struct verdict *verdict, const GArray *margins)
{
    json_t *list = json_array();

    for (guint i = 0; margins && i < margins->len; i++) {
        const struct quorum_margin *margin = &g_array_index(margins, struct quorum_margin, i);

        verdict_line(verdict, "quorum", "%s: %u of %u witnesses, %u needed, margin %d",
                     margin->group, margin->have, margin->members, margin->needed, margin->margin);
        json_array_append_new(
            list, json_pack("{s:o, s:i, s:i, s:i, s:i}", "group", json_safe_string(margin->group),
                            "needed", (int)margin->needed, "have", (int)margin->have, "members",
                            (int)margin->members, "margin", margin->margin));
    }
    json_object_set_new(verdict->details, "margins", list);
}

void verdict_take_quorum(struct verdict *verdict, const struct verify_state *state,
                         const struct quorum_policy *policy, const struct quorum_verdict *quorum)
{
    g_autofree char *digest = hex_encode(policy->digest, sizeof policy->digest);
    g_autofree char *time =
        quorum->log_time_s ? clock_format((gint64)quorum->log_time_s * G_USEC_PER_SEC) : NULL;

    put_margins(verdict, quorum->margins);
    verdict_line(verdict, "policy", "%s", digest);
    json_object_set_new(verdict->details, "policy", json_string(digest));
    if (time) {
        verdict_line(verdict, "log time", "%s", time);
        json_object_set_new(verdict->details, "log_time", json_string(time));
    }
    /* A policy without a quorum says nothing about witnesses: the log's word alone. */
    if (policy->none || quorum->reason == QUORUM_MISSING) {
        json_object_set_new(verdict->details, "unwitnessed", json_true());
        verdict_line(verdict, "unwitnessed", "no quorum of witnesses has cosigned it");
        if (!state->allow_unwitnessed)
            verdict_refuse(verdict, policy->none ? "unwitnessed" : "quorum", EXIT_SYSTEM,
                           "too few witnesses have cosigned it: it is the log's word alone "
                           "(--allow-unwitnessed takes it)");
    } else if (quorum->reason == QUORUM_STALE) {
        if (!state->allow_stale)
            verdict_refuse(verdict, "stale", EXIT_SYSTEM,
                           "its cosignatures are older than the policy allows (--allow-stale takes "
                           "it)");
    } else if (quorum->reason != QUORUM_GOOD) {
        verdict_refuse(verdict, quorum_reason_name(quorum->reason), EXIT_FOUND,
                       "the checkpoint is not one of the policy's log, rightly signed");
    }
}
