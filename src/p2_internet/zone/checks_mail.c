/* checks_mail.c: who may take mail, send mail and issue certificates for the zone. */
#include "p2_internet/zone/view.h"

#include <string.h>

#define CAA_CRITICAL 0x80
#define SPF_HEAD "v=spf1"
#define SPF_LOOKUPS_MAX 10u /* RFC 7208 section 4.6.4 */

/* The first server's answer. */
static GPtrArray *answer_of(const struct zone_view *view, enum zone_probe probe, guint16 type)
{
    for (guint i = 0; zone_next(view, &i); i++) {
        const struct dns_packet *packet = zone_answer(view, i, probe);

        if (packet)
            return zone_rrset(packet, DNS_ANSWER, view->in->names->apex, type);
    }
    return NULL;
}

static enum zone_outcome exchangers(struct zone_view *view)
{
    g_autoptr(GPtrArray) found = answer_of(view, PROBE_MX, DNS_TYPE_MX);
    guint null = 0;

    if (!found)
        return ZONE_NOT_SEEN;
    for (guint i = 0; i < found->len; i++) {
        const struct dns_record *record = found->pdata[i];

        null += record->length == 3 && !record->data[2];
    }
    if (null && found->len > 1)
        zone_problem(view, ZONE_NO_SERVER, "a null MX stands beside others (RFC 7505)");
    for (guint i = 0; i < view->in->mail->len; i++) {
        const struct zone_host *host = view->in->mail->pdata[i];

        if (g_str_equal(host->name, "."))
            continue;
        if (host->is_alias)
            zone_problem_at(view, SEVERITY_MEDIUM, ZONE_NO_SERVER, "%s is an alias (CNAME)",
                            host->name);
        if (host->is_absent)
            zone_problem(view, ZONE_NO_SERVER, "%s does not exist", host->name);
        else if (!host->addresses->len && !host->is_unknown)
            zone_problem(view, ZONE_NO_SERVER, "%s has no address", host->name);
    }
    return found->len ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

/* The strings of a TXT record, joined. */
static char *txt_of(const struct dns_record *record)
{
    GString *text = g_string_new(NULL);

    for (guint at = 0; at < record->length; at += 1u + record->data[at])
        g_string_append_len(text, (const char *)record->data + at + 1,
                            (gssize)MIN(record->data[at], record->length - at - 1u));
    return g_string_free(text, FALSE);
}

/* A term of SPF (RFC 7208 section 4.6.1), without its qualifier. */
static gboolean is_spf_term(const char *term, guint *lookups)
{
    static const struct {
        const char *name;
        gboolean looks_up;
    } terms[] = { { "all", FALSE },     { "include", TRUE }, { "a", TRUE },    { "mx", TRUE },
                  { "ptr", TRUE },      { "ip4", FALSE },    { "ip6", FALSE }, { "exists", TRUE },
                  { "redirect", TRUE }, { "exp", FALSE } };
    const gsize length = strcspn(term, ":=/");

    for (gsize i = 0; i < G_N_ELEMENTS(terms); i++)
        if (length == strlen(terms[i].name) &&
            g_ascii_strncasecmp(term, terms[i].name, length) == 0) {
            *lookups += terms[i].looks_up;
            return TRUE;
        }
    return term[length] == '='; /* an unknown modifier is ignored */
}

static void judge_spf(struct zone_view *view, const char *text)
{
    g_auto(GStrv) terms = g_strsplit(text + strlen(SPF_HEAD), " ", -1);
    guint lookups = 0;

    for (guint i = 0; terms[i]; i++) {
        const char *term = terms[i] + (strchr("+-~?", *terms[i]) && *terms[i] ? 1 : 0);

        if (*term && !is_spf_term(term, &lookups))
            zone_problem(view, ZONE_NO_SERVER, "\"%s\" is no term of SPF", terms[i]);
        if (g_ascii_strcasecmp(terms[i], "+all") == 0 || g_ascii_strcasecmp(terms[i], "all") == 0)
            zone_problem(view, ZONE_NO_SERVER, "\"%s\" lets everybody send", terms[i]);
    }
    if (lookups > SPF_LOOKUPS_MAX)
        zone_problem(view, ZONE_NO_SERVER, "%u terms ask the DNS, more than %u", lookups,
                     SPF_LOOKUPS_MAX);
}

static enum zone_outcome senders(struct zone_view *view)
{
    g_autoptr(GPtrArray) found = answer_of(view, PROBE_TXT, DNS_TYPE_TXT);
    guint policies = 0;

    if (!found)
        return ZONE_NOT_SEEN;
    for (guint i = 0; i < found->len; i++) {
        g_autofree char *text = txt_of(found->pdata[i]);
        const gsize head = strlen(SPF_HEAD);

        if (g_ascii_strncasecmp(text, SPF_HEAD, head) != 0 || (text[head] && text[head] != ' '))
            continue;
        policies++;
        judge_spf(view, text);
    }
    if (policies > 1)
        zone_problem(view, ZONE_NO_SERVER, "%u SPF policies: receivers heed none", policies);
    return policies ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

static enum zone_outcome caa_there(struct zone_view *view)
{
    g_autoptr(GPtrArray) found = answer_of(view, PROBE_CAA, DNS_TYPE_CAA);

    if (!found)
        return ZONE_NOT_SEEN;
    if (!found->len)
        zone_problem(view, ZONE_NO_SERVER, "every authority may issue certificates");
    return ZONE_PASS;
}

static gboolean tag_is(const struct dns_record *record, const char *tag)
{
    return record->data[1] == strlen(tag) &&
           g_ascii_strncasecmp((const char *)record->data + 2, tag, strlen(tag)) == 0;
}

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \t");
}

/* Letters and digits, with hyphens between them; 0: none. */
static gsize label_length(const char *text)
{
    gsize length = 0;

    for (gsize i = 0; g_ascii_isalnum(text[i]) || (i && text[i] == '-'); i++)
        if (text[i] != '-')
            length = i + 1;
    return length;
}

/* TAG=VALUE, with ";" between several (RFC 8659 section 4.2). */
static gboolean are_parameters(const char *text)
{
    for (;; text = skip_blanks(text + 1)) {
        const gsize length = label_length(text);

        text = skip_blanks(text + length);
        if (!length || *text != '=')
            return FALSE;
        text = skip_blanks(text + 1);
        while (g_ascii_isgraph(*text) && *text != ';')
            text++;
        text = skip_blanks(text);
        if (*text != ';')
            return !*text;
    }
}

/* issue-value of RFC 8659 section 4.2: [NAME] [; [PARAMETERS]]. */
static gboolean is_issue_value(const char *text)
{
    text = skip_blanks(text);
    if (*text && *text != ';') {
        gsize length;

        while ((length = label_length(text)) && text[length] == '.')
            text += length + 1;
        if (!length)
            return FALSE;
        text = skip_blanks(text + length);
    }
    if (*text != ';')
        return !*text;
    text = skip_blanks(text + 1);
    return !*text || are_parameters(text);
}

static void judge_caa(struct zone_view *view, const struct dns_record *record)
{
    static const char *const known[] = { "issue",    "issuewild",    "iodef",       "issuemail",
                                         "issuevmc", "contactemail", "contactphone" };
    g_autofree char *tag = NULL, *value = NULL;

    if (record->length < 3 || !record->data[1] || record->data[1] > record->length - 2u) {
        zone_problem(view, ZONE_NO_SERVER, "a CAA record without a tag");
        return;
    }
    tag = g_strndup((const char *)record->data + 2, record->data[1]);
    value = g_strndup((const char *)record->data + 2 + record->data[1],
                      record->length - 2u - record->data[1]);
    if (tag_is(record, "iodef") && !g_str_has_prefix(value, "mailto:") &&
        !g_str_has_prefix(value, "http://") && !g_str_has_prefix(value, "https://"))
        zone_problem(view, ZONE_NO_SERVER, "iodef \"%s\" is no address to report to", value);
    if ((tag_is(record, "issue") || tag_is(record, "issuewild")) &&
        (strlen(value) != record->length - 2u - record->data[1] || !is_issue_value(value)))
        zone_problem(view, ZONE_NO_SERVER, "%s \"%s\" is malformed: it lets nobody issue", tag,
                     value);
    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (tag_is(record, known[i]))
            return;
    if (record->data[0] & CAA_CRITICAL)
        zone_problem(view, ZONE_NO_SERVER,
                     "the tag \"%s\" is critical and unknown: nobody issues certificates", tag);
}

static enum zone_outcome caa_form(struct zone_view *view)
{
    g_autoptr(GPtrArray) found = answer_of(view, PROBE_CAA, DNS_TYPE_CAA);

    if (!found)
        return ZONE_NOT_SEEN;
    for (guint i = 0; i < found->len; i++)
        judge_caa(view, found->pdata[i]);
    return found->len ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

static enum zone_outcome caa_signed(struct zone_view *view)
{
    g_autoptr(GPtrArray) found = answer_of(view, PROBE_CAA, DNS_TYPE_CAA);

    if (!found)
        return ZONE_NOT_SEEN;
    if (found->len && !zone_is_signed(view))
        zone_problem(view, ZONE_NO_SERVER, "CAA records in an unsigned zone can be forged");
    return found->len ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

const struct zone_check zone_checks_mail[] = {
    { "mail.exchangers",
      "RFC 5321 section 5.1",
      SEVERITY_HIGH,
      { "Mail exchangers exist, under their own names",
        "Les serveurs de courrier existent, sous leur propre nom" },
      { "Remove or correct the MX record: who registers a name that does not exist gets your "
        "mail.",
        "Retirez ou corrigez l'enregistrement MX : qui enregistre un nom inexistant reçoit votre "
        "courrier." },
      exchangers },
    { "mail.senders",
      "RFC 7208 section 4.5",
      SEVERITY_MEDIUM,
      { "There is one SPF policy, and it can be read",
        "Il y a une seule politique SPF, et elle est lisible" },
      { "Keep one TXT record that begins with v=spf1, with at most ten terms that ask the DNS.",
        "Gardez un seul enregistrement TXT commençant par v=spf1, avec dix termes interrogeant le "
        "DNS au plus." },
      senders },
    { "caa.there",
      "RFC 8659 section 3",
      SEVERITY_LOW,
      { "CAA records say who may issue certificates",
        "Des enregistrements CAA disent qui peut émettre des certificats" },
      { "Publish a CAA record with your authorities, and iodef with an address for reports.",
        "Publiez un enregistrement CAA avec vos autorités, et iodef avec une adresse de "
        "signalement." },
      caa_there },
    { "caa.form",
      "RFC 8659 section 4",
      SEVERITY_MEDIUM,
      { "CAA records can be understood", "Les enregistrements CAA sont compréhensibles" },
      { "Write the record as `0 issue \"ca.example\"`.",
        "Écrivez l'enregistrement sous la forme `0 issue \"ca.example\"`." },
      caa_form },
    { "caa.signed",
      "RFC 8659 section 5.6",
      SEVERITY_LOW,
      { "CAA records are signed", "Les enregistrements CAA sont signés" },
      { "Sign the zone.", "Signez la zone." },
      caa_signed },
    { NULL },
};
