/* The rules of TLP 2.0 at the way out, and the record of what was refused. */
#include "base/clock.h"
#include "base/error.h"
#include "p1_resilience/intel/egress_private.h"
#include "p1_resilience/intel/stix.h"
#include <string.h>

#define NAMED_IN_JOURNAL 50u /* refused objects that an event names */
/* The same refusals to the same recipient are said again after a day. */
#define SAID_AGAIN_US (24 * G_TIME_SPAN_HOUR)

enum demand {
    NOTHING,      /* may go */
    A_NAME,       /* may go to who is named */
    A_CLIENT,     /* passed on: may go to who is named */
    NEVER_ONWARD, /* passed on: may not */
    NOT_PUBLIC,   /* may not */
    A_DIGEST,     /* only a salted digest may */
};

/* One row a level, one column a recipient: what is demanded, and when passed on. */
static const struct {
    guint8 direct, onward;
} rules[TLP_RED + 1][EGRESS_RECIPIENT_KINDS] = {
    [TLP_CLEAR] = { [EGRESS_OWN] = { NOTHING, NOTHING },
                    [EGRESS_SIGNATORY] = { NOTHING, NOTHING },
                    [EGRESS_COLLECTION] = { NOTHING, NOTHING },
                    [EGRESS_PUBLIC] = { NOTHING, NOTHING },
                    [EGRESS_LOG] = { NOTHING, NOTHING } },
    [TLP_GREEN] = { [EGRESS_OWN] = { NOTHING, NOTHING },
                    [EGRESS_SIGNATORY] = { NOTHING, NOTHING },
                    [EGRESS_COLLECTION] = { NOTHING, NOTHING },
                    [EGRESS_PUBLIC] = { NOT_PUBLIC, NOT_PUBLIC },
                    [EGRESS_LOG] = { A_DIGEST, A_DIGEST } },
    [TLP_AMBER] = { [EGRESS_OWN] = { NOTHING, NOTHING },
                    [EGRESS_SIGNATORY] = { NOTHING, A_CLIENT },
                    [EGRESS_COLLECTION] = { NOTHING, A_CLIENT },
                    [EGRESS_PUBLIC] = { NOT_PUBLIC, NOT_PUBLIC },
                    [EGRESS_LOG] = { A_DIGEST, A_DIGEST } },
    [TLP_AMBER_STRICT] = { [EGRESS_OWN] = { NOTHING, NOTHING },
                           [EGRESS_SIGNATORY] = { A_NAME, NEVER_ONWARD },
                           [EGRESS_COLLECTION] = { A_NAME, NEVER_ONWARD },
                           [EGRESS_PUBLIC] = { NOT_PUBLIC, NOT_PUBLIC },
                           [EGRESS_LOG] = { A_DIGEST, A_DIGEST } },
    [TLP_RED] = { [EGRESS_OWN] = { A_NAME, A_NAME },
                  [EGRESS_SIGNATORY] = { A_NAME, NEVER_ONWARD },
                  [EGRESS_COLLECTION] = { A_NAME, NEVER_ONWARD },
                  [EGRESS_PUBLIC] = { NOT_PUBLIC, NOT_PUBLIC },
                  [EGRESS_LOG] = { A_DIGEST, A_DIGEST } },
};

static const struct {
    const char *name, *text;
} verdicts[EGRESS_VERDICTS] = {
    [EGRESS_PASS] = { "pass", "may go" },
    [EGRESS_DIGEST] = { "digest", "only a salted digest may enter a public log" },
    [EGRESS_NOT_PUBLIC] = { "not-public", "its level is not for the public" },
    [EGRESS_CEILING] = { "ceiling", "it is stricter than what the recipient may get" },
    [EGRESS_UNNAMED] = { "unnamed", "its level wants recipients by name, and this one is not" },
    [EGRESS_ONWARD] = { "onward", "its source did not allow to pass it on" },
    [EGRESS_REFERENCE] = { "reference", "it says nothing without an object that may not go" },
    [EGRESS_MALFORMED] = { "malformed", "its level cannot be told" },
};

static const char *const kind_names[EGRESS_RECIPIENT_KINDS] = {
    [EGRESS_OWN] = "own",
    [EGRESS_SIGNATORY] = "signatory",
    [EGRESS_COLLECTION] = "collection",
    [EGRESS_PUBLIC] = "public",
    [EGRESS_LOG] = "log",
};

struct egress {
    const struct egress_recipient *recipient;
    const struct marking_context *context;
    struct journal *journal;
    guint64 counts[EGRESS_VERDICTS];
    json_t *refused;     /* the first NAMED_IN_JOURNAL: [id, reason] */
    GChecksum *refusals; /* over all of them, in order */
};

const char *egress_verdict_name(enum egress_verdict verdict)
{
    return verdicts[verdict].name;
}

const char *egress_verdict_text(enum egress_verdict verdict)
{
    return verdicts[verdict].text;
}

static gboolean is_named(const struct egress_recipient *recipient)
{
    return recipient->id && recipient->named && g_strv_contains(recipient->named, recipient->id);
}

enum egress_verdict egress_decide(enum tlp level, const struct egress_recipient *recipient,
                                  gboolean onward)
{
    enum egress_recipient_kind kind = recipient->kind;
    enum demand demand;

    /* A reader that nobody knows is the public, whatever it reads. */
    if ((kind == EGRESS_SIGNATORY || kind == EGRESS_COLLECTION) && !recipient->id)
        kind = EGRESS_PUBLIC;
    demand = onward ? rules[level][kind].onward : rules[level][kind].direct;
    switch (demand) {
    case A_DIGEST:
        return EGRESS_DIGEST;
    case NOT_PUBLIC:
        return EGRESS_NOT_PUBLIC;
    case NEVER_ONWARD:
        return EGRESS_ONWARD;
    case A_CLIENT:
    case A_NAME:
        if (!is_named(recipient))
            return demand == A_NAME ? EGRESS_UNNAMED : EGRESS_ONWARD;
        break;
    case NOTHING:
        break;
    }
    return level > recipient->ceiling ? EGRESS_CEILING : EGRESS_PASS;
}

struct egress *egress_new(const struct egress_recipient *recipient,
                          const struct marking_context *context, struct journal *journal)
{
    struct egress *egress = g_new0(struct egress, 1);

    egress->recipient = recipient;
    egress->context = context;
    egress->journal = journal;
    egress->refused = json_array();
    egress->refusals = g_checksum_new(G_CHECKSUM_SHA256);
    return egress;
}

void egress_free(struct egress *egress)
{
    if (!egress)
        return;
    json_decref(egress->refused);
    g_checksum_free(egress->refusals);
    g_free(egress);
}

const struct egress_recipient *egress_recipient(const struct egress *egress)
{
    return egress->recipient;
}

const struct marking_context *egress_context(const struct egress *egress)
{
    return egress->context;
}

guint64 egress_count(const struct egress *egress, enum egress_verdict verdict)
{
    return egress->counts[verdict];
}

void egress_note(struct egress *egress, const char *id, enum egress_verdict verdict)
{
    const char *reason = egress_verdict_name(verdict);

    egress->counts[verdict]++;
    if (verdict == EGRESS_PASS)
        return;
    g_checksum_update(egress->refusals, (const guchar *)(id ? id : ""),
                      id ? (gssize)strlen(id) + 1 : 1);
    g_checksum_update(egress->refusals, (const guchar *)reason, (gssize)strlen(reason) + 1);
    if (json_array_size(egress->refused) < NAMED_IN_JOURNAL) {
        json_t *pair = json_array();

        json_array_append_new(pair, json_safe_string(id));
        json_array_append_new(pair, json_string(reason));
        json_array_append_new(egress->refused, pair);
    }
}

enum egress_verdict egress_level(struct egress *egress, const char *id, enum tlp level,
                                 gboolean known)
{
    enum egress_verdict verdict = egress_decide(level, egress->recipient, FALSE);

    if (verdict == EGRESS_PASS && !known)
        verdict = EGRESS_REFERENCE;
    egress_note(egress, id, verdict);
    return verdict;
}

enum egress_verdict egress_pass(struct egress *egress, const char *id, enum tlp level,
                                gboolean onward)
{
    const enum egress_verdict verdict = egress_decide(level, egress->recipient, onward);

    egress_note(egress, id, verdict);
    return verdict;
}

static enum egress_verdict decide_object(struct egress *egress, const json_t *object,
                                         gboolean onward)
{
    if (!json_is_object(object) || !json_text(object, "id") || !json_text(object, "type"))
        return EGRESS_MALFORMED;
    return egress_decide(marking_level(object, egress->context), egress->recipient, onward);
}

/* The bytes that go of an object that may: as they are, or without some references. */
static GBytes *send_object(const char *text, gsize length, const json_t *object,
                           egress_visible_fn visible, gpointer data)
{
    g_autoptr(json_t) stripped = egress_references_strip(object, visible, data);

    return stripped ? stix_bytes(stripped) : g_bytes_new(text, length);
}

GBytes *egress_object(struct egress *egress, const char *text, gsize length, const json_t *object,
                      gboolean onward, egress_visible_fn visible, gpointer data,
                      enum egress_verdict *verdict)
{
    *verdict = decide_object(egress, object, onward);
    if (*verdict == EGRESS_PASS && !egress_references_hold(object, visible, data))
        *verdict = EGRESS_REFERENCE;
    egress_note(egress, json_text(object, "id"), *verdict);
    return *verdict == EGRESS_PASS ? send_object(text, length, object, visible, data) : NULL;
}

/* What an item needs of the others, and how much of that goes. */
struct needs {
    gboolean any[EGRESS_NEEDS_MAX];
    guint met[EGRESS_NEEDS_MAX];
};

/* One need that another item meets. */
struct dependence {
    guint item, group;
};

/* What goes together. */
struct company {
    struct egress_item *items;
    struct needs *needs;   /* of each item */
    GHashTable *going;     /* id -> number of items with it that go */
    GHashTable *depending; /* id -> GArray of struct dependence */
    egress_visible_fn visible;
    gpointer data;
    guint item; /* the one whose needs are gathered */
};

static gboolean goes(const char *id, gpointer data)
{
    const struct company *company = data;

    return g_hash_table_contains(company->going, id) ||
           (company->visible && company->visible(id, company->data));
}

static void add_need(const char *id, guint group, gpointer data)
{
    struct company *company = data;
    struct needs *needs = &company->needs[company->item];
    const struct dependence dependence = { company->item, group };
    GArray *depending;

    needs->any[group] = TRUE;
    if (!goes(id, company))
        return;
    needs->met[group]++;
    if (company->visible && company->visible(id, company->data))
        return; /* whoever else goes */
    depending = g_hash_table_lookup(company->depending, id);
    if (!depending) {
        depending = g_array_new(FALSE, FALSE, sizeof(struct dependence));
        g_hash_table_insert(company->depending, g_strdup(id), depending);
    }
    g_array_append_val(depending, dependence);
}

static void add_going(struct company *company, const char *id)
{
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(company->going, id));

    g_hash_table_insert(company->going, (gpointer)id, GUINT_TO_POINTER(before + 1));
}

/* One item with that id stays behind; TRUE: it was the last. */
static gboolean remove_going(struct company *company, const char *id)
{
    guint before = GPOINTER_TO_UINT(g_hash_table_lookup(company->going, id));

    if (before > 1) {
        g_hash_table_insert(company->going, (gpointer)id, GUINT_TO_POINTER(before - 1));
        return FALSE;
    }
    g_hash_table_remove(company->going, id);
    return TRUE;
}

/* Takes an item back whose needs are not met, and tells those that depended on it. */
static void stay_behind(struct company *company, guint item, GArray *queue)
{
    const char *id = json_text(company->items[item].object, "id");
    const GArray *depending;

    company->items[item].verdict = EGRESS_REFERENCE;
    depending = remove_going(company, id) ? g_hash_table_lookup(company->depending, id) : NULL;
    for (guint i = 0; depending && i < depending->len; i++) {
        const struct dependence *one = &g_array_index(depending, struct dependence, i);

        if (--company->needs[one->item].met[one->group] == 0)
            g_array_append_val(queue, one->item);
    }
}

/* Keeps back the items that need what does not go, those that need them, and so on. */
static void keep_back(struct company *company, guint count)
{
    g_autoptr(GArray) queue = g_array_new(FALSE, FALSE, sizeof(guint));

    for (guint i = 0; i < count; i++)
        for (guint group = 0; group < EGRESS_NEEDS_MAX; group++)
            if (company->needs[i].any[group] && company->needs[i].met[group] == 0)
                g_array_append_val(queue, i);
    for (guint at = 0; at < queue->len; at++) {
        guint item = g_array_index(queue, guint, at);

        if (company->items[item].verdict == EGRESS_PASS)
            stay_behind(company, item, queue);
    }
}

void egress_objects(struct egress *egress, struct egress_item *items, guint count,
                    egress_visible_fn visible, gpointer data)
{
    g_autofree struct needs *needs = g_new0(struct needs, count);
    g_autoptr(GHashTable) going = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) depending =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_array_unref);
    struct company company = { items, needs, going, depending, visible, data, 0 };

    for (guint i = 0; i < count; i++) {
        items[i].sent = NULL;
        items[i].verdict = decide_object(egress, items[i].object, items[i].onward);
        if (items[i].verdict == EGRESS_PASS)
            add_going(&company, json_text(items[i].object, "id"));
    }
    for (company.item = 0; company.item < count; company.item++)
        if (items[company.item].verdict == EGRESS_PASS)
            egress_references_needed(items[company.item].object, add_need, &company);
    keep_back(&company, count);
    for (guint i = 0; i < count; i++) {
        egress_note(egress, json_text(items[i].object, "id"), items[i].verdict);
        if (items[i].verdict == EGRESS_PASS)
            items[i].sent =
                send_object(items[i].text, items[i].length, items[i].object, goes, &company);
    }
}

static gboolean keep_time(const struct event *event, gpointer data)
{
    *(gint64 *)data = event->time_us;
    return TRUE;
}

/* What the journal keeps of the refusals of one exchange. */
static char *refusals_text(const struct egress *egress, const char *digest)
{
    const struct egress_recipient *recipient = egress->recipient;
    g_autoptr(json_t) body = json_object();
    json_t *counts = json_object();
    g_autofree char *text = NULL;
    char *dump;

    json_object_set_new(body, "recipient", json_string(kind_names[recipient->kind]));
    if (recipient->id)
        json_object_set_new(body, "id", json_safe_string(recipient->id));
    if (recipient->through)
        json_object_set_new(body, "through", json_safe_string(recipient->through));
    json_object_set_new(body, "ceiling", json_string(tlp_name(recipient->ceiling)));
    for (guint i = EGRESS_PASS + 1; i < EGRESS_VERDICTS; i++)
        if (egress->counts[i])
            json_object_set_new(counts, egress_verdict_name(i),
                                json_integer((json_int_t)egress->counts[i]));
    json_object_set_new(body, "refused", counts);
    json_object_set(body, "objects", egress->refused);
    json_object_set_new(body, "digest", json_string(digest));
    dump = json_dumps(body, JSON_COMPACT);
    text = g_strdup(dump);
    free(dump);
    return g_steal_pointer(&text);
}

gboolean egress_finish(struct egress *egress, GError **error)
{
    const struct egress_recipient *recipient = egress->recipient;
    g_autoptr(GChecksum) refusals = NULL;
    g_autofree char *key = NULL, *text = NULL;
    struct journal_filter filter = { .kind = "egress" };
    gint64 said_us = 0;

    if (!egress->journal || json_array_size(egress->refused) == 0)
        return TRUE;
    refusals = g_checksum_copy(egress->refusals);
    key = g_strdup_printf("%s %.16s", recipient->id ? recipient->id : kind_names[recipient->kind],
                          g_checksum_get_string(refusals));
    filter.key = key;
    if (!journal_each(egress->journal, &filter, keep_time, &said_us, error))
        return FALSE;
    if (said_us && clock_now_us() - said_us < SAID_AGAIN_US)
        return TRUE;
    text = refusals_text(egress, g_checksum_get_string(refusals));
    return journal_note(egress->journal, "egress", NULL, key, text, error);
}
