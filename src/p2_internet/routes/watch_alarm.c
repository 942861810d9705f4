#include "p2_internet/routes/watch_alarm.h"

#include "base/clock.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

#define EVIDENCE_MAX 16
#define PEERS_MAX 1000000
#define KEY_MAX 250    /* bytes: a line of a case holds 300 */
#define TEXT_MAX 19000 /* bytes: a text of a case holds 20000 */

/* As watch_rows says it in English. */
static const char *const french[WATCH_ALARMS] = {
    [WATCH_ORIGIN] = "notre préfixe est annoncé par un AS qui n'est pas le nôtre",
    [WATCH_SUB_PREFIX] = "une partie de notre préfixe est annoncée par un AS qui n'est pas le "
                         "nôtre",
    [WATCH_SQUATTING] = "un espace d'adresses que nous n'annonçons pas est annoncé",
    [WATCH_FIRST_HOP] = "notre AS figure comme origine derrière un AS qui n'est pas notre voisin",
    [WATCH_MORE_SPECIFIC] = "notre AS annonce une partie de notre préfixe que le profil ne "
                            "connaît pas",
    [WATCH_SUPER_PREFIX] = "l'espace autour de notre préfixe est annoncé par un autre AS alors "
                           "que le nôtre n'est pas vu",
    [WATCH_RPKI_INVALID] = "une route vers notre espace est invalide selon la RPKI (RFC 6811)",
    [WATCH_RPKI_NOTFOUND] = "aucune ROA ne couvre ce que nous annonçons : signez-en une",
    [WATCH_ASPA_INVALID] = "le chemin de notre préfixe ne peut être juste, selon les ASPA de ses "
                           "propres AS",
    [WATCH_LEAK] = "une de nos routes descend vers un client puis remonte (RFC 7908)",
    [WATCH_UPSTREAM] = "un AS qui n'est pas notre transitaire porte nos routes",
    [WATCH_DOWNSTREAM] = "notre AS porte les routes d'un AS qui n'est pas notre client",
    [WATCH_AS_MISUSE] = "notre AS figure comme origine d'un préfixe qui n'est pas le nôtre",
    [WATCH_BOGON] = "un numéro d'AS réservé figure dans le chemin de notre préfixe",
    [WATCH_LOOP] = "notre AS figure deux fois dans un chemin, avec d'autres entre les deux",
    [WATCH_BLACKHOLE] = "notre préfixe porte BLACKHOLE (RFC 7999) au-delà de ceux qui l'ont "
                        "demandé",
    [WATCH_VISIBILITY] = "des pairs qui avaient notre préfixe ne l'ont plus",
    [WATCH_SILENCE] = "cette source ne dit plus rien : nous sommes aveugles de ce côté",
};

/* As watch_hosted_why says it. */
static const char *const french_hosted[WATCH_ALARMS] = {
    [WATCH_ORIGIN] = "le préfixe de notre serveur de noms est annoncé par un AS qui ne l'annonçait "
                     "pas",
    [WATCH_SUB_PREFIX] =
        "une partie de ce préfixe, avec notre serveur de noms, est annoncée par un "
        "AS qui ne l'annonçait pas",
    [WATCH_RPKI_INVALID] = "une route vers notre serveur de noms est invalide selon la RPKI "
                           "(RFC 6811)",
    [WATCH_ASPA_INVALID] =
        "le chemin vers notre serveur de noms ne peut être juste, selon les ASPA "
        "de ses propres AS",
    [WATCH_LEAK] = "une route vers notre serveur de noms descend vers un client puis remonte "
                   "(RFC 7908)",
    [WATCH_BOGON] = "un numéro d'AS réservé figure dans le chemin vers notre serveur de noms",
    [WATCH_BLACKHOLE] = "le préfixe de notre serveur de noms porte BLACKHOLE (RFC 7999)",
    [WATCH_VISIBILITY] = "des pairs qui avaient le préfixe de notre serveur de noms ne l'ont plus",
};

/* --- the line --- */

static void set_times(json_t *line, const struct watch_report *report)
{
    const struct {
        const char *member;
        gint64 time_us;
    } times[] = { { "time", report->at_us },
                  { "first", report->first_us },
                  { "last", report->last_us } };

    for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
        g_autofree char *text = clock_format(times[i].time_us);

        json_object_set_new(line, times[i].member, json_string(text));
    }
}

json_t *watch_report_json(const struct watch_report *report)
{
    json_t *line =
        json_pack("{s:n, s:s, s:s, s:s, s:o, s:o, s:i, s:i, s:n, s:n, s:o, s:o}", "time", "step",
                  watch_step_name(report->step), "alarm", watch_rows[report->alarm].id, "severity",
                  watch_rows[report->alarm].severity, "key", json_safe_string(report->key), "ours",
                  json_safe_string(report->ours), "peers", (int)report->peers, "most_peers",
                  (int)report->most_peers, "first", "last", "text", json_safe_string(report->text),
                  "path", json_safe_string(report->path));
    json_t *evidence = json_array();

    set_times(line, report);
    if (report->has_prefix) {
        char prefix[IP_PREFIX_TEXT];

        ip_prefix_format(&report->prefix, prefix);
        json_object_set_new(line, "prefix", json_string(prefix));
    }
    if (report->has_as)
        json_object_set_new(line, "as", json_integer(report->as));
    if (report->has_rov) {
        json_object_set_new(line, "rov", json_string(rov_state_name(report->rov)));
        json_object_set_new(line, "serial", json_integer(report->serial));
    }
    if (report->host) {
        json_object_set_new(line, "name_server", json_safe_string(report->host));
        json_object_set_new(line, "hosted", json_boolean(report->is_hosted));
    }
    for (char *const *text = report->evidence; *text; text++)
        json_array_append_new(evidence, json_safe_string(*text));
    json_object_set_new(line, "evidence", evidence);
    return line;
}

/* --- read back --- */

static gboolean read_named(const json_t *line, const char *member, const char *(*name)(guint),
                           guint count, guint *value)
{
    const char *text = json_text(line, member);

    for (guint i = 0; text && i < count; i++) {
        if (g_str_equal(text, name(i))) {
            *value = i;
            return TRUE;
        }
    }
    return FALSE;
}

static const char *step_name(guint value)
{
    return watch_step_name((enum watch_step)value);
}

static const char *alarm_name(guint value)
{
    return watch_rows[value].id;
}

static const char *state_name(guint value)
{
    return rov_state_name((enum rov_state)value);
}

static gboolean read_number(const json_t *line, const char *member, gint64 most, guint *value)
{
    const gint64 number = json_number(line, member, -1);

    *value = (guint)number;
    return number >= 0 && number <= most;
}

static gboolean read_time(const json_t *line, const char *member, gint64 *time_us)
{
    const char *text = json_text(line, member);

    return text && clock_parse(text, time_us, NULL);
}

static gboolean read_texts(const json_t *line, struct watch_report *report)
{
    report->key = json_text(line, "key");
    report->ours = json_text(line, "ours");
    report->text = json_text(line, "text");
    report->path = json_text(line, "path");
    return report->key && *report->key && report->ours && report->text && report->path;
}

static gboolean read_evidence(const json_t *line, struct read_report *read)
{
    const json_t *list = json_object_get(line, "evidence");
    const gsize count = json_array_size(list);

    if (!json_is_array(list) || count > EVIDENCE_MAX)
        return FALSE;
    read->evidence = g_new0(char *, count + 1);
    for (gsize i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(list, i));

        if (!text)
            return FALSE;
        read->evidence[i] = g_strdup(text);
    }
    read->report.evidence = read->evidence;
    return TRUE;
}

/* What an incident may have or not. */
static gboolean read_rest(const json_t *line, struct watch_report *report)
{
    const char *prefix = json_text(line, "prefix");
    guint rov = 0;

    report->has_prefix = json_object_get(line, "prefix") != NULL;
    report->has_as = json_object_get(line, "as") != NULL;
    report->has_rov = json_object_get(line, "rov") != NULL;
    report->host = json_text(line, "name_server");
    report->is_hosted = report->host && json_is_true(json_object_get(line, "hosted"));
    if ((report->has_prefix && (!prefix || !ip_prefix_parse(prefix, &report->prefix, NULL))) ||
        (report->has_as && !read_number(line, "as", G_MAXUINT32, &report->as)) ||
        (report->has_rov && (!read_named(line, "rov", state_name, ROV_STATES, &rov) ||
                             !read_number(line, "serial", G_MAXUINT32, &report->serial))))
        return FALSE;
    report->rov = (enum rov_state)rov;
    return TRUE;
}

static gboolean read_all(const json_t *line, struct read_report *read)
{
    struct watch_report *report = &read->report;
    guint step = 0, alarm = 0;

    if (!read_named(line, "step", step_name, WATCH_CLOSED + 1, &step) ||
        !read_named(line, "alarm", alarm_name, WATCH_ALARMS, &alarm) || !read_texts(line, report) ||
        !read_number(line, "peers", PEERS_MAX, &report->peers) ||
        !read_number(line, "most_peers", PEERS_MAX, &report->most_peers) ||
        !read_time(line, "time", &report->at_us) || !read_time(line, "first", &report->first_us) ||
        !read_time(line, "last", &report->last_us) || !read_rest(line, report) ||
        !read_evidence(line, read))
        return FALSE;
    report->step = (enum watch_step)step;
    report->alarm = (enum watch_alarm)alarm;
    return TRUE;
}

void read_report_clear(struct read_report *read)
{
    g_clear_pointer(&read->json, json_decref);
    g_clear_pointer(&read->evidence, g_strfreev);
}

gboolean watch_report_read(json_t *json, struct read_report *read, GError **error)
{
    *read = (struct read_report){ .json = json_incref(json) };
    if (read_all(json, read))
        return TRUE;
    read_report_clear(read);
    return input_error(error, "not a report of the watch over our routes");
}

/* --- for people --- */

char *route_alarm_topic(const struct watch_report *report)
{
    g_autofree char *digest = NULL;

    if (strlen(report->key) <= KEY_MAX)
        return g_strdup_printf(ROUTE_ALARM_SOURCE "|%s", report->key);
    digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, report->key, -1);
    return g_strdup_printf(ROUTE_ALARM_SOURCE "|sha256:%s", digest);
}

static void append_french(GString *text, const struct watch_report *report)
{
    g_autofree char *since = clock_format(report->first_us);
    const char *peers = report->peers == 1 ? "pair" : "pairs";
    const char *hosted = report->is_hosted ? french_hosted[report->alarm] : NULL;
    char prefix[IP_PREFIX_TEXT];

    g_string_append(text, report->ours);
    if (report->has_prefix) {
        ip_prefix_format(&report->prefix, prefix);
        g_string_append_printf(text, " : %s", prefix);
    }
    if (report->has_as && report->as)
        g_string_append_printf(text, ", AS%u", report->as);
    else if (report->has_as)
        g_string_append(text, ", un ensemble d'AS");
    g_string_append_printf(text, " : %s ; ", hosted ? hosted : french[report->alarm]);
    if (report->alarm == WATCH_SILENCE)
        g_string_append_printf(text, "dernier message le %s", since);
    else if (report->alarm == WATCH_VISIBILITY)
        g_string_append_printf(text, "%u %s, depuis le %s", report->peers, peers, since);
    else
        g_string_append_printf(text, "route vue par %u %s (%u au plus) depuis le %s", report->peers,
                               peers, report->most_peers, since);
    if (*report->path)
        g_string_append_printf(text, ", d'abord par « %s »", report->path);
    if (report->host)
        g_string_append_printf(text, " ; notre serveur de noms %s s'y trouve", report->host);
    if (report->has_rov)
        g_string_append_printf(text, " ; RPKI : %s", rov_state_name(report->rov));
    if (report->has_rov && report->serial)
        g_string_append_printf(text, " (numéro de série %u)", report->serial);
}

static void append_english(GString *text, const struct watch_report *report)
{
    if (report->step == WATCH_CLOSED)
        g_string_append(text, "Over: ");
    g_string_append(text, report->text);
}

/* Who saw it, and when: what stands before the bytes. */
static void append_seen(GString *text, const struct watch_report *report)
{
    g_autofree char *first = clock_format(report->first_us), *last = clock_format(report->last_us);

    g_string_append_printf(text, "\nFirst seen %s, last seen %s\n", first, last);
    for (char *const *seen = report->evidence; *seen; seen++) {
        const char *bytes = strrchr(*seen, ' ');

        g_string_append_printf(text, "Seen by %.*s\n",
                               (int)(bytes ? (gsize)(bytes - *seen) : strlen(*seen)), *seen);
    }
}

/* As much of the evidence as a case can hold. */
static void append_line(GString *text, const struct watch_report *report)
{
    g_autoptr(json_t) line = watch_report_json(report);
    json_t *evidence = json_object_get(line, "evidence");
    char *compact = json_dumps(line, JSON_COMPACT);

    while (text->len + strlen(compact) > TEXT_MAX && json_array_size(evidence)) {
        json_array_remove(evidence, json_array_size(evidence) - 1);
        free(compact);
        compact = json_dumps(line, JSON_COMPACT);
    }
    g_string_append(text, compact);
    free(compact);
}

char *route_alarm_text(const struct watch_report *report)
{
    g_autoptr(GString) text = g_string_new(NULL);

    append_english(text, report);
    g_string_append(text, report->step == WATCH_CLOSED ? "\nTerminé : " : "\n");
    append_french(text, report);
    append_seen(text, report);
    append_line(text, report);
    return g_string_free(g_steal_pointer(&text), FALSE);
}

json_t *route_alarm_json_of(const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (guint i = 0; lines[i]; i++) {
        g_auto(read_report_t) read = { 0 };
        g_autoptr(json_t) line = NULL;

        if (*lines[i] != '{')
            continue;
        line = json_parse(lines[i], strlen(lines[i]), ROUTE_ALARM_LINE_MAX, "alarm", NULL);
        if (line && watch_report_read(line, &read, NULL))
            return g_steal_pointer(&line);
    }
    return NULL;
}
