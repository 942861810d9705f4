/* clock_json.c: a check of time as JSON (docs/schema/clock-check.json). */
#include "base/clock.h"
#include "p2_internet/clock/clock_check.h"

static json_t *time_json(gint64 time_us)
{
    g_autofree char *text = clock_format(time_us);

    return json_string(text);
}

static json_t *certificate_json(const struct clock_report *report,
                                const struct nts_certificate *shown)
{
    const gint64 agreed_us = report->time_us + report->agreement.offset_us;
    json_t *value = json_pack(
        "{s:o, s:o, s:o, s:o, s:b}", "subject", json_safe_string(shown->subject), "issuer",
        json_safe_string(shown->issuer), "not_before", time_json(shown->not_before_us), "not_after",
        time_json(shown->not_after_us), "valid_by_our_clock", !shown->out_of_time);

    if (report->agreement.majority)
        json_object_set_new(
            value, "valid_by_agreed_time",
            json_boolean(shown->not_before_us <= agreed_us && agreed_us <= shown->not_after_us));
    return value;
}

static void put_sample(json_t *value, const struct measured *measured)
{
    const guint8 *id = measured->header.reference_id;
    g_autofree char *reference = g_strdup_printf("%02x%02x%02x%02x", id[0], id[1], id[2], id[3]);

    json_object_set_new(value, "offset_us", json_integer(measured->offset_us));
    json_object_set_new(value, "delay_us", json_integer(measured->delay_us));
    json_object_set_new(value, "jitter_us", json_integer(measured->jitter_us));
    json_object_set_new(value, "distance_us", json_integer(measured->distance_us));
    json_object_set_new(value, "root_delay_us", json_integer(measured->header.root_delay_us));
    json_object_set_new(value, "root_dispersion_us",
                        json_integer(measured->header.root_dispersion_us));
    json_object_set_new(value, "stratum", json_integer(measured->header.stratum));
    json_object_set_new(value, "leap", json_string(ntp_leap_name(measured->header.leap)));
    json_object_set_new(value, "reference_id", json_string(reference));
}

static json_t *row_json(const struct clock_report *report, const struct clock_row *row)
{
    const struct measured *measured = &row->measured;
    g_autofree char *runner = clock_source_operator(row->source);
    json_t *value =
        json_pack("{s:s, s:s, s:s, s:b, s:i, s:i, s:i, s:i, s:i}", "source", row->source->text,
                  "operator", runner, "verdict", clock_word_name(row->word), "authenticated",
                  measured->authenticated, "sent", (int)measured->sent, "received",
                  (int)measured->received, "not_ours", (int)measured->not_ours, "forged",
                  (int)measured->forged, "malformed", (int)measured->malformed);

    if (measured->address)
        json_object_set_new(value, "address", json_string(measured->address));
    if (measured->redirect)
        json_object_set_new(value, "redirect", json_safe_string(measured->redirect));
    if (measured->certificate.subject)
        json_object_set_new(value, "certificate", certificate_json(report, &measured->certificate));
    if (measured->kiss[0])
        json_object_set_new(value, "kiss", json_string(measured->kiss));
    if (measured->reason) {
        json_object_set_new(value, "reason", json_string(measured->reason));
        json_object_set_new(value, "problem", json_safe_string(measured->problem));
    } else {
        put_sample(value, measured);
    }
    return value;
}

static json_t *agreement_json(const struct clock_report *report)
{
    json_t *value = json_pack("{s:b, s:i, s:i}", "majority", report->agreement.majority, "compared",
                              (int)report->counted, "agreeing", (int)report->agreement.agreeing);

    if (report->agreement.majority) {
        json_object_set_new(value, "offset_us", json_integer(report->agreement.offset_us));
        json_object_set_new(value, "low_us", json_integer(report->agreement.low_us));
        json_object_set_new(value, "high_us", json_integer(report->agreement.high_us));
    }
    return value;
}

static json_t *daemon_json(const struct local_clock *local)
{
    return json_pack("{s:s, s:i, s:o, s:o, s:I, s:I, s:I, s:i, s:i, s:i}", "name", local->daemon,
                     "stratum", (int)local->stratum, "reference",
                     json_safe_string(local->reference), "leap", json_safe_string(local->leap),
                     "offset_us", (json_int_t)local->offset_us, "root_delay_us",
                     (json_int_t)local->root_delay_us, "root_dispersion_us",
                     (json_int_t)local->root_dispersion_us, "sources", (int)local->sources,
                     "usable", (int)local->selectable, "reachable", (int)local->reachable);
}

static json_t *local_json(const struct local_clock *local)
{
    json_t *value = json_object();

    if (local->kernel)
        json_object_set_new(value, "kernel",
                            json_pack("{s:b, s:I, s:I}", "synchronised", local->synchronised,
                                      "max_error_us", (json_int_t)local->max_error_us,
                                      "estimated_error_us", (json_int_t)local->estimated_error_us));
    if (local->daemon)
        json_object_set_new(value, "daemon", daemon_json(local));
    if (local->problem)
        json_object_set_new(value, "problem", json_safe_string(local->problem));
    return value;
}

static json_t *server_json(const struct clock_source *server, const struct amplified *found)
{
    json_t *answers = json_array();
    json_t *value = json_pack("{s:s, s:o}", "server", server->text, "questions", answers);

    for (guint i = 0; i < AMPLIFY_QUESTIONS; i++)
        json_array_append_new(answers, json_pack("{s:s, s:i, s:i, s:i}", "question",
                                                 amplify_question_name(i), "sent_bytes",
                                                 (int)found->answers[i].sent, "received_packets",
                                                 (int)found->answers[i].packets, "received_bytes",
                                                 (int)found->answers[i].received));
    if (found->burst.sent)
        json_object_set_new(value, "burst",
                            json_pack("{s:i, s:i, s:i}", "sent", (int)found->burst.sent, "answered",
                                      (int)found->burst.answered, "kisses",
                                      (int)found->burst.kisses));
    if (found->problem)
        json_object_set_new(value, "problem", json_safe_string(found->problem));
    return value;
}

static json_t *checks_json(const struct clock_report *report)
{
    json_t *checks = json_array();

    for (const struct clock_judgement *row = clock_judgements; row->id; row++) {
        g_autoptr(GString) detail = g_string_new(NULL);
        const enum clock_outcome outcome = row->judge(report, detail);

        json_array_append_new(checks, json_pack("{s:s, s:s, s:o, s:s, s:s}", "id", row->id,
                                                "outcome", clock_outcome_name(outcome), "detail",
                                                json_safe_string(detail->str), "reference",
                                                row->reference, "fix", row->fix));
    }
    return checks;
}

json_t *clock_report_json(const struct clock_report *report)
{
    json_t *sources = json_array(), *servers = json_array();
    json_t *value =
        json_pack("{s:s, s:o, s:o, s:o, s:o, s:o}", "schema", "entente/clock-check/1", "time",
                  time_json(report->time_us), "sources", sources, "agreement",
                  agreement_json(report), "servers", servers, "checks", checks_json(report));

    for (guint i = 0; i < report->count; i++)
        json_array_append_new(sources, row_json(report, &report->rows[i]));
    for (guint i = 0; i < report->servers->len; i++)
        json_array_append_new(servers,
                              server_json(report->servers->pdata[i], &report->amplified[i]));
    if (report->has_local)
        json_object_set_new(value, "local", local_json(&report->local));
    return value;
}
