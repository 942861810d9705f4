/* checks_cds.c: what the zone asks its parent to change: CDS, CDNSKEY, CSYNC. */
#include "p2_internet/zone/signed.h"
#include "p2_internet/zone/view.h"

#include <string.h>

#define CSYNC_FIXED 6u
#define CSYNC_IMMEDIATE 0x0001u
#define CSYNC_SOA_MINIMUM 0x0002u

struct wish {
    enum zone_probe probe;
    guint16 type;
    const char *name;
    const guint8 *delete_data; /* RFC 8078 section 4 */
};
static const struct wish wishes[] = {
    { PROBE_CDS, DNS_TYPE_CDS, "CDS", (const guint8 *)"\0\0\0\0\0" },
    { PROBE_CDNSKEY, DNS_TYPE_CDNSKEY, "CDNSKEY", (const guint8 *)"\0\0\3\0\0" },
};
#define CDS (&wishes[0])
#define CDNSKEY (&wishes[1])
#define DELETE_LENGTH 5u
#define DAY_S (24 * (gint64)3600)
#define WAITING_MAX_S (30 * DAY_S)

/* The first answer that has such records, else the first one; `packet` receives it. NULL: no
 * answer. */
static GPtrArray *first_of(const struct zone_view *view, enum zone_probe probe, guint16 type,
                           const struct dns_packet **packet)
{
    g_autoptr(GPtrArray) first = NULL;

    *packet = NULL;
    for (guint i = 0; zone_next(view, &i); i++) {
        const struct dns_packet *answer = zone_answer(view, i, probe);

        if (!answer || (first && first->len))
            continue;
        g_clear_pointer(&first, g_ptr_array_unref);
        first = zone_rrset(answer, DNS_ANSWER, view->in->names->apex, type);
        *packet = answer;
    }
    return g_steal_pointer(&first);
}

static gboolean is_delete(const struct wish *wish, const struct dns_record *record)
{
    return record->length == DELETE_LENGTH &&
           memcmp(record->data, wish->delete_data, DELETE_LENGTH) == 0;
}

static enum zone_outcome same(struct zone_view *view)
{
    gboolean any = FALSE, seen = FALSE;

    for (gsize k = 0; k < G_N_ELEMENTS(wishes); k++) {
        gboolean found;

        seen |= zone_compare(view, wishes[k].probe, wishes[k].type, &found) == ZONE_PASS;
        any |= found;
    }
    return !seen ? ZONE_NOT_SEEN : any ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

static gboolean matches_any(const struct zone_view *view, const struct dns_record *cds,
                            const GPtrArray *keys)
{
    struct dnssec_ds ds;

    for (guint i = 0; dnssec_ds_read(cds, &ds) && i < keys->len; i++)
        if (dnssec_ds_matches(&ds, view->in->names->apex, keys->pdata[i]))
            return TRUE;
    return FALSE;
}

static enum zone_outcome pair(struct zone_view *view)
{
    const struct dns_packet *packet;
    g_autoptr(GPtrArray) cds = first_of(view, PROBE_CDS, DNS_TYPE_CDS, &packet);
    g_autoptr(GPtrArray) keys = first_of(view, PROBE_CDNSKEY, DNS_TYPE_CDNSKEY, &packet);

    if (!cds || !keys)
        return ZONE_NOT_SEEN;
    if (!cds->len || !keys->len)
        return ZONE_NOT_APPLICABLE;
    for (guint i = 0; i < cds->len; i++) {
        const struct dns_record *record = cds->pdata[i];

        if (is_delete(CDS, record) ? !is_delete(CDNSKEY, keys->pdata[0])
                                   : !matches_any(view, record, keys))
            zone_problem(view, ZONE_NO_SERVER, "a CDS record is of no CDNSKEY record");
    }
    for (guint i = 0; i < keys->len; i++) {
        g_autoptr(GPtrArray) one = g_ptr_array_new();
        gboolean found = is_delete(CDNSKEY, keys->pdata[i]);

        g_ptr_array_add(one, keys->pdata[i]);
        for (guint j = 0; j < cds->len && !found; j++)
            found = matches_any(view, cds->pdata[j], one);
        if (!found)
            zone_problem(view, ZONE_NO_SERVER, "a CDNSKEY record has no CDS record");
    }
    return ZONE_PASS;
}

/* Whether a DNSKEY record of the zone is this CDNSKEY record. */
static gboolean is_key(const struct zone_view *view, const struct dns_record *wished)
{
    for (guint i = 0; i < view->keys->len; i++) {
        const struct dns_record *key = view->keys->pdata[i];

        if (key->length == wished->length && memcmp(key->data, wished->data, key->length) == 0)
            return TRUE;
    }
    return FALSE;
}

static enum zone_outcome of_keys(struct zone_view *view)
{
    gboolean seen = FALSE, any = FALSE;

    for (gsize k = 0; k < G_N_ELEMENTS(wishes); k++) {
        const struct dns_packet *packet;
        g_autoptr(GPtrArray) found = first_of(view, wishes[k].probe, wishes[k].type, &packet);

        seen |= found != NULL;
        for (guint i = 0; found && i < found->len; i++) {
            any = TRUE;
            if (!is_delete(&wishes[k], found->pdata[i]) &&
                !(k == 0 ? matches_any(view, found->pdata[i], view->keys)
                         : is_key(view, found->pdata[i])))
                zone_problem(view, ZONE_NO_SERVER, "a %s record is of no key of the zone",
                             wishes[k].name);
        }
    }
    return !seen ? ZONE_NOT_SEEN : any ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

/* The zone's keys that the parent's DS records are of. */
static GPtrArray *entry_keys(const struct zone_view *view)
{
    GPtrArray *keys = g_ptr_array_new();

    for (guint i = 0; i < view->ds->len; i++)
        for (guint j = 0; j < view->keys->len; j++) {
            struct dnssec_ds ds;

            if (dnssec_ds_read(view->ds->pdata[i], &ds) &&
                dnssec_ds_matches(&ds, view->in->names->apex, view->keys->pdata[j]))
                g_ptr_array_add(keys, view->keys->pdata[j]);
        }
    return keys;
}

static enum zone_outcome authentic(struct zone_view *view)
{
    g_autoptr(GPtrArray) entries = entry_keys(view);
    const guint8 *apex = view->in->names->apex;
    gboolean seen = FALSE, any = FALSE;

    for (gsize k = 0; k < G_N_ELEMENTS(wishes); k++) {
        const struct dns_packet *packet;
        g_autoptr(GPtrArray) found = first_of(view, wishes[k].probe, wishes[k].type, &packet);
        g_autoptr(GPtrArray) signatures = NULL;

        seen |= found != NULL;
        if (!found || !found->len)
            continue;
        any = TRUE;
        signatures = zone_signatures(packet, DNS_ANSWER, apex, wishes[k].type);
        if (!zone_signed_by(view, found, signatures, view->keys))
            zone_problem(view, ZONE_NO_SERVER, "%s is signed by no key of the zone",
                         wishes[k].name);
        else if (view->ds->len && !zone_signed_by(view, found, signatures, entries))
            zone_problem(view, ZONE_NO_SERVER,
                         "%s is signed by no key that the parent has a DS record of",
                         wishes[k].name);
    }
    return !seen ? ZONE_NOT_SEEN : any ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

static enum zone_outcome delete_alone(struct zone_view *view)
{
    gboolean seen = FALSE, any = FALSE;

    for (gsize k = 0; k < G_N_ELEMENTS(wishes); k++) {
        const struct dns_packet *packet;
        g_autoptr(GPtrArray) found = first_of(view, wishes[k].probe, wishes[k].type, &packet);
        guint deletes = 0;

        seen |= found != NULL;
        for (guint i = 0; found && i < found->len; i++)
            deletes += is_delete(&wishes[k], found->pdata[i]);
        any |= found && found->len;
        if (deletes && found->len > deletes)
            zone_problem(view, ZONE_NO_SERVER, "%s asks to remove DS records, and for others",
                         wishes[k].name);
    }
    return !seen ? ZONE_NOT_SEEN : any ? ZONE_PASS : ZONE_NOT_APPLICABLE;
}

/* Since the first check that saw it. */
static void judge_waiting(struct zone_view *view)
{
    const gint64 since_s = view->in->past ? zone_past_pending(view->in->past) : ZONE_NEVER;

    if (since_s != ZONE_NEVER && view->in->now_s - since_s > WAITING_MAX_S)
        zone_problem_at(view, SEVERITY_MEDIUM, ZONE_NO_SERVER,
                        "the parent has not done it for %" G_GINT64_FORMAT " days",
                        (view->in->now_s - since_s) / DAY_S);
}

static enum zone_outcome pending(struct zone_view *view)
{
    const struct dns_packet *packet;
    g_autoptr(GPtrArray) found = first_of(view, PROBE_CDS, DNS_TYPE_CDS, &packet);
    guint same_as = 0;

    if (!found || !view->ds_seen)
        return ZONE_NOT_SEEN;
    if (!found->len)
        return ZONE_NOT_APPLICABLE;
    for (guint i = 0; i < found->len; i++)
        for (guint j = 0; j < view->ds->len; j++) {
            const struct dns_record *cds = found->pdata[i], *ds = view->ds->pdata[j];

            same_as += cds->length == ds->length && memcmp(cds->data, ds->data, ds->length) == 0;
        }
    if (same_as == found->len && found->len == view->ds->len)
        return ZONE_PASS;
    zone_problem(view, ZONE_NO_SERVER, "the parent's DS records are not (yet) what CDS asks for");
    judge_waiting(view);
    return ZONE_PASS;
}

static enum zone_outcome csync(struct zone_view *view)
{
    const struct dns_packet *packet;
    g_autoptr(GPtrArray) found = first_of(view, PROBE_CSYNC, DNS_TYPE_CSYNC, &packet);
    const struct dns_record *record, *soa = NULL;
    guint flags;

    if (!found)
        return ZONE_NOT_SEEN;
    if (!found->len)
        return ZONE_NOT_APPLICABLE;
    record = found->pdata[0];
    if (found->len > 1)
        zone_problem(view, ZONE_NO_SERVER, "%u CSYNC records", found->len);
    if (record->length <= CSYNC_FIXED) {
        zone_problem(view, ZONE_NO_SERVER, "a CSYNC record without types");
        return ZONE_PASS;
    }
    flags = dns_get16(record->data + 4);
    if (flags & ~(CSYNC_IMMEDIATE | CSYNC_SOA_MINIMUM))
        zone_problem(view, ZONE_NO_SERVER, "unknown flags 0x%04x", flags);
    for (guint i = 0; zone_next(view, &i) && !soa; i++)
        soa = zone_soa(zone_answer(view, i, PROBE_SOA_EDNS), view->in->names->apex);
    if (flags & CSYNC_SOA_MINIMUM && soa &&
        (gint32)(dns_get32(soa->data + soa->length - 20) - dns_get32(record->data)) < 0)
        zone_problem(view, ZONE_NO_SERVER, "its serial is ahead of the zone's: nothing happens");
    if (!zone_is_signed(view))
        zone_problem(view, ZONE_NO_SERVER, "the zone is unsigned: parents ignore it");
    return ZONE_PASS;
}

const struct zone_check zone_checks_cds[] = {
    { "cds.same",
      "RFC 7344 section 6.2",
      SEVERITY_HIGH,
      { "All servers ask the parent for the same keys",
        "Tous les serveurs demandent les mêmes clés au parent" },
      { "Let all servers take the zone from one place.",
        "Faites prendre la zone à tous les serveurs au même endroit." },
      same },
    { "cds.pair",
      "RFC 7344 section 4",
      SEVERITY_HIGH,
      { "CDS and CDNSKEY ask for the same", "CDS et CDNSKEY demandent la même chose" },
      { "Make both from the same key.", "Établissez les deux à partir de la même clé." },
      pair },
    { "cds.keys",
      "RFC 7344 section 4.1",
      SEVERITY_MEDIUM,
      { "CDS and CDNSKEY are of keys of the zone", "CDS et CDNSKEY désignent des clés de la zone" },
      { "Publish the key before asking the parent for it.",
        "Publiez la clé avant de la demander au parent." },
      of_keys },
    { "cds.authentic",
      "RFC 7344 section 4.1",
      SEVERITY_HIGH,
      { "CDS and CDNSKEY are signed by a key that the parent knows",
        "CDS et CDNSKEY sont signés par une clé connue du parent" },
      { "Sign them with the key-signing key whose DS record the parent has.",
        "Signez-les avec la clé de signature de clés dont le parent a le DS." },
      authentic },
    { "cds.delete-alone",
      "RFC 8078 section 4",
      SEVERITY_HIGH,
      { "A request to remove DS records stands alone", "Une demande de retrait des DS est seule" },
      { "Publish either the request to remove, or keys.",
        "Publiez soit la demande de retrait, soit des clés." },
      delete_alone },
    { "cds.pending",
      "RFC 7344 section 6",
      SEVERITY_INFO,
      { "The parent has what CDS asks for", "Le parent a ce que CDS demande" },
      { "Wait for the parent, or tell it; after a month something is wrong.",
        "Attendez le parent, ou prévenez-le ; après un mois quelque chose ne va pas." },
      pending },
    { "csync.form",
      "RFC 7477 section 2.1",
      SEVERITY_MEDIUM,
      { "CSYNC can be followed by the parent", "CSYNC peut être suivi par le parent" },
      { "Publish one signed CSYNC record with the present serial and flags 3 at most.",
        "Publiez un seul CSYNC signé, avec le numéro de série actuel et des drapeaux de 3 au "
        "plus." },
      csync },
    { NULL },
};
