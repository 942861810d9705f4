/*
 * What may leave, to whom: every row of the rules, references (egress_references), MISP events, the
 * record.
 */
#include "p1_resilience/intel/egress.h"

#include "p1_resilience/intel/stix.h"

#include <stdlib.h>
#include <string.h>

#define IDENTITY "identity--11111111-1111-4111-8111-111111111111"
#define INDICATOR "indicator--22222222-2222-4222-8222-222222222222"
#define MALWARE "malware--33333333-3333-4333-8333-333333333333"
#define RELATIONSHIP "relationship--44444444-4444-4444-8444-444444444444"
#define REPORT "report--55555555-5555-4555-8555-555555555555"
#define NOTE "note--66666666-6666-4666-8666-666666666666"

static const char *const named[] = { "somebody", "partner", NULL };
static const struct marking_context careful = { .fallback = TLP_AMBER };

static struct egress_recipient recipient_of(enum egress_recipient_kind kind, const char *id)
{
    return (struct egress_recipient){ .kind = kind, .id = id, .ceiling = TLP_RED, .named = named };
}

/*
 * One row a level; per recipient what it gets: by name, as a stranger to the list, and both again
 * when the object is passed on. p pass, d digest, x not public, u unnamed, o onward.
 */
static const struct {
    enum tlp level;
    const char *own, *signatory, *collection, *public, *log;
} rows[] = {
    { TLP_CLEAR, "pppp", "pppp", "pppp", "pppp", "pppp" },
    { TLP_GREEN, "pppp", "pppp", "pppp", "xxxx", "dddd" },
    { TLP_AMBER, "pppp", "pppo", "pppo", "xxxx", "dddd" },
    { TLP_AMBER_STRICT, "pppp", "puoo", "puoo", "xxxx", "dddd" },
    { TLP_RED, "pupu", "puoo", "puoo", "xxxx", "dddd" },
};

static enum egress_verdict verdict_of(char letter)
{
    static const char letters[] = "pdx?uo";

    return (enum egress_verdict)(strchr(letters, letter) - letters);
}

static void check_row(enum tlp level, enum egress_recipient_kind kind, const char *wanted)
{
    for (guint i = 0; i < 4; i++) {
        struct egress_recipient recipient = recipient_of(kind, i % 2 ? "stranger" : "partner");

        if (egress_decide(level, &recipient, i >= 2) != verdict_of(wanted[i]))
            g_error("%s, recipient %d, case %u: %s", tlp_name(level), kind, i,
                    egress_verdict_name(egress_decide(level, &recipient, i >= 2)));
    }
}

static void test_every_rule(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        check_row(rows[i].level, EGRESS_OWN, rows[i].own);
        check_row(rows[i].level, EGRESS_SIGNATORY, rows[i].signatory);
        check_row(rows[i].level, EGRESS_COLLECTION, rows[i].collection);
        check_row(rows[i].level, EGRESS_PUBLIC, rows[i].public);
        check_row(rows[i].level, EGRESS_LOG, rows[i].log);
    }
}

static void test_ceilings(void)
{
    for (enum tlp ceiling = TLP_CLEAR; ceiling <= TLP_RED; ceiling++)
        for (enum tlp level = TLP_CLEAR; level <= TLP_RED; level++) {
            struct egress_recipient recipient = recipient_of(EGRESS_SIGNATORY, "partner");

            recipient.ceiling = ceiling;
            g_assert_cmpint(egress_decide(level, &recipient, FALSE), ==,
                            level > ceiling ? EGRESS_CEILING : EGRESS_PASS);
        }
}

static void test_nobody_in_particular_is_the_public(void)
{
    struct egress_recipient reader = recipient_of(EGRESS_COLLECTION, NULL);

    g_assert_cmpint(egress_decide(TLP_GREEN, &reader, FALSE), ==, EGRESS_NOT_PUBLIC);
    g_assert_cmpint(egress_decide(TLP_CLEAR, &reader, FALSE), ==, EGRESS_PASS);
}

static gboolean is_id(const char *id, gpointer data)
{
    return strcmp(id, data) == 0;
}

/* Sends one object (with ' for ") of level CLEAR; the text that goes, or NULL. */
static char *send(const char *text, egress_visible_fn visible, gpointer data,
                  enum egress_verdict *verdict)
{
    static const struct marking_context open = { .fallback = TLP_CLEAR };
    struct egress_recipient recipient = recipient_of(EGRESS_PUBLIC, NULL);
    g_autoptr(egress_t) egress = egress_new(&recipient, &open, NULL);
    g_autofree char *quoted = g_strdelimit(g_strdup(text), "'", '"');
    g_autoptr(json_t) object = json_loads(quoted, 0, NULL);
    g_autoptr(GBytes) sent = NULL;
    gsize length;
    const char *bytes;

    g_assert_nonnull(object);
    sent = egress_object(egress, quoted, strlen(quoted), object, FALSE, visible, data, verdict);
    if (!sent)
        return NULL;
    bytes = g_bytes_get_data(sent, &length);
    return g_strdelimit(g_strndup(bytes, length), "\"", '\'');
}

static void test_bytes_go_as_they_came(void)
{
    static const char *const text = "{ 'type' : 'x-thing',  'id':'x-thing--1', 'n': 1.50e0 }";
    enum egress_verdict verdict;
    g_autofree char *sent = send(text, NULL, NULL, &verdict);

    g_assert_cmpstr(sent, ==, text);
}

static void test_references_are_taken_out(void)
{
    static const struct {
        const char *text, *sent; /* sent NULL: refused */
    } cases[] = {
        { "{'type':'malware','id':'" MALWARE "','created_by_ref':'" IDENTITY "','name':'x'}",
          "{'type':'malware','id':'" MALWARE "','name':'x'}" },
        { "{'type':'malware','id':'" MALWARE "','sample_refs':['" REPORT "','" INDICATOR "']}",
          "{'type':'malware','id':'" MALWARE "','sample_refs':['" INDICATOR "']}" },
        /* At any depth. */
        { "{'type':'email-message','id':'e','body_multipart':[{'body_raw_ref':'file--1','a':1}]}",
          "{'type':'email-message','id':'e','body_multipart':[{'a':1}]}" },
        { "{'type':'x','id':'x','extensions':{'e':{'y_refs':['z--1']}}}",
          "{'type':'x','id':'x','extensions':{'e':{}}}" },
        /* Markings stay, and are mended. */
        { "{'type':'x','id':'x','object_marking_refs':['marking-definition--1'],'a_ref':'b'}",
          "{'type':'x','id':'x','object_marking_refs':['marking-definition--1']}" },
        { "{'type':'x','id':'x','a_refs':['b','" INDICATOR "'],'granular_markings':[{'marking_ref':"
          "'m','selectors':['a_refs.[0]','n']}]}",
          "{'type':'x','id':'x','a_refs':['" INDICATOR "'],'granular_markings':[{'marking_ref':"
          "'m','selectors':['a_refs','n']}]}" },
        { "{'type':'x','id':'x','a_ref':'b','granular_markings':[{'marking_ref':'m',"
          "'selectors':['a_ref']}]}",
          "{'type':'x','id':'x'}" },
        /* What makes no sense without its reference. */
        { "{'type':'relationship','id':'r','source_ref':'" INDICATOR "','target_ref':'b'}", NULL },
        { "{'type':'sighting','id':'s','sighting_of_ref':'b'}", NULL },
        { "{'type':'sighting','id':'s','sighting_of_ref':'" INDICATOR
          "','observed_data_refs':['o']}",
          "{'type':'sighting','id':'s','sighting_of_ref':'" INDICATOR "'}" },
        { "{'type':'report','id':'r','object_refs':['b','c']}", NULL },
        { "{'type':'report','id':'r','object_refs':['b','" INDICATOR "']}",
          "{'type':'report','id':'r','object_refs':['" INDICATOR "']}" },
        { "{'type':'network-traffic','id':'n','src_ref':'b','dst_ref':'" INDICATOR "'}",
          "{'type':'network-traffic','id':'n','dst_ref':'" INDICATOR "'}" },
        { "{'type':'network-traffic','id':'n','src_ref':'b','dst_ref':'c'}", NULL },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        enum egress_verdict verdict;
        g_autofree char *sent = send(cases[i].text, is_id, INDICATOR, &verdict);

        g_assert_cmpstr(sent, ==, cases[i].sent);
        g_assert_cmpint(verdict, ==, cases[i].sent ? EGRESS_PASS : EGRESS_REFERENCE);
    }
}

static const char *const together[] = {
    "{\"type\":\"identity\",\"id\":\"" IDENTITY "\"}",
    "{\"type\":\"indicator\",\"id\":\"" INDICATOR "\",\"created_by_ref\":\"" IDENTITY "\"}",
    /* RED */
    "{\"type\":\"malware\",\"id\":\"" MALWARE "\",\"object_marking_refs\":["
    "\"marking-definition--5e57c739-391a-4eb3-b6be-7d15ca92d5ed\"]}",
    "{\"type\":\"relationship\",\"id\":\"" RELATIONSHIP "\",\"source_ref\":\"" INDICATOR
    "\",\"target_ref\":\"" MALWARE "\"}",
    "{\"type\":\"note\",\"id\":\"" NOTE "\",\"object_refs\":[\"" RELATIONSHIP "\"]}",
    "{\"type\":\"report\",\"id\":\"" REPORT "\",\"object_refs\":[\"" NOTE "\",\"" INDICATOR
    "\",\"" MALWARE "\"]}",
    "[1]",
};

/* What goes together keeps its references; what needs what stays behind, stays behind. */
static void test_objects_together(void)
{
    static const enum egress_verdict wanted[] = {
        EGRESS_PASS,      EGRESS_PASS, EGRESS_CEILING,   EGRESS_REFERENCE,
        EGRESS_REFERENCE, EGRESS_PASS, EGRESS_MALFORMED,
    };
    struct egress_recipient recipient = recipient_of(EGRESS_SIGNATORY, "partner");
    struct egress_item items[G_N_ELEMENTS(together)] = { 0 };
    g_autoptr(egress_t) egress = NULL;
    gsize length;

    recipient.ceiling = TLP_AMBER;
    egress = egress_new(&recipient, &careful, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(items); i++) {
        items[i].text = together[i];
        items[i].length = strlen(together[i]);
        items[i].object = json_loads(together[i], 0, NULL);
    }
    egress_objects(egress, items, G_N_ELEMENTS(items), NULL, NULL);
    for (guint i = 0; i < G_N_ELEMENTS(items); i++) {
        g_assert_cmpint(items[i].verdict, ==, wanted[i]);
        g_assert_cmpint(items[i].sent != NULL, ==, wanted[i] == EGRESS_PASS);
    }
    g_assert_cmpmem(g_bytes_get_data(items[1].sent, NULL), g_bytes_get_size(items[1].sent),
                    together[1], strlen(together[1]));
    {
        g_autofree char *report =
            g_strndup(g_bytes_get_data(items[5].sent, &length), g_bytes_get_size(items[5].sent));

        g_assert_cmpstr(report, ==,
                        "{\"type\":\"report\",\"id\":\"" REPORT "\",\"object_refs\":[\"" INDICATOR
                        "\"]}");
    }
    g_assert_cmpuint(egress_count(egress, EGRESS_PASS), ==, 3);
    g_assert_cmpuint(egress_count(egress, EGRESS_REFERENCE), ==, 2);
    for (guint i = 0; i < G_N_ELEMENTS(items); i++) {
        json_decref((json_t *)items[i].object);
        if (items[i].sent)
            g_bytes_unref(items[i].sent);
    }
}

/* A chain that hangs on one object falls with it, link by link, in no more than linear time. */
static void test_a_long_chain_falls(void)
{
    enum { LINKS = 20000 };
    static const struct marking_context open = { .fallback = TLP_CLEAR };
    const struct egress_recipient recipient = { .kind = EGRESS_PUBLIC, .ceiling = TLP_RED };
    g_autoptr(egress_t) egress = egress_new(&recipient, &open, NULL);
    g_autofree struct egress_item *items = g_new0(struct egress_item, LINKS);
    gint64 begun_us = g_get_monotonic_time();

    for (guint i = 0; i < LINKS; i++)
        items[i].object =
            json_pack("{s:s, s:o, s:[o, s]}", "type", "note", "id", json_sprintf("note--%u", i),
                      "object_refs", json_sprintf("note--%u", i + 1), "malware--1");
    egress_objects(egress, items, LINKS, NULL, NULL);
    for (guint i = 0; i < LINKS; i++) {
        g_assert_cmpint(items[i].verdict, ==, EGRESS_REFERENCE);
        json_decref((json_t *)items[i].object);
    }
    g_assert_cmpint(g_get_monotonic_time() - begun_us, <, 10 * G_USEC_PER_SEC);
}

/* --- MISP ------------------------------------------------------------------------------------- */

static json_t *send_event(const char *text, enum tlp ceiling, enum egress_verdict *verdict,
                          guint64 *refused)
{
    struct egress_recipient recipient = recipient_of(EGRESS_SIGNATORY, "partner");
    g_autoptr(egress_t) egress = NULL;
    g_autofree char *quoted = g_strdelimit(g_strdup(text), "'", '"');
    g_autoptr(json_t) event = json_loads(quoted, 0, NULL);
    json_t *sent;

    g_assert_nonnull(event);
    recipient.ceiling = ceiling;
    egress = egress_new(&recipient, &careful, NULL);
    sent = egress_misp_event(egress, event, FALSE, verdict);
    *refused = egress_count(egress, EGRESS_CEILING);
    return sent;
}

static void test_misp_levels(void)
{
    static const struct {
        const char *event;
        enum tlp ceiling; /* the lowest with which it goes */
    } cases[] = {
        { "{'Event':{'uuid':'u','Tag':[{'name':'tlp:white'}]}}", TLP_CLEAR },
        { "{'Event':{'uuid':'u','Tag':[{'name':'TLP:GREEN'},{'name':'x'}]}}", TLP_GREEN },
        { "{'uuid':'u','Tag':[{'name':'tlp:clear'},{'name':'tlp:amber+strict'}]}",
          TLP_AMBER_STRICT },
        { "{'uuid':'u','Tag':[{'name':'tlp:ex:chr'}]}", TLP_RED },
        { "{'uuid':'u'}", TLP_AMBER },
        { "{'uuid':'u','distribution':'3'}", TLP_AMBER },
        { "{'uuid':'u','distribution':'0'}", TLP_AMBER_STRICT },
        { "{'uuid':'u','distribution':4}", TLP_AMBER_STRICT },
        { "{'uuid':'u','distribution':'0','Tag':[{'name':'tlp:white'}]}", TLP_CLEAR },
    };

    for (guint i = 0; i < G_N_ELEMENTS(cases); i++)
        for (enum tlp ceiling = TLP_CLEAR; ceiling <= TLP_RED; ceiling++) {
            enum egress_verdict verdict;
            guint64 refused;
            g_autoptr(json_t) sent = send_event(cases[i].event, ceiling, &verdict, &refused);

            g_assert_cmpint(sent != NULL, ==, ceiling >= cases[i].ceiling);
            g_assert_cmpint(verdict, ==, sent ? EGRESS_PASS : EGRESS_CEILING);
        }
}

static void test_misp_parts(void)
{
    enum egress_verdict verdict;
    guint64 refused;
    g_autoptr(json_t) sent = send_event(
        "{'Event':{'uuid':'u','Tag':[{'name':'tlp:green'}],'RelatedEvent':[{'Event':{}}],"
        "'extends_uuid':'v','ShadowAttribute':[{'value':'proposal'}],'Attribute':["
        "{'uuid':'a1','value':'x','Sighting':[{'source':'other'}]},"
        "{'uuid':'a2','value':'secret','Tag':[{'name':'tlp:red'}]}],"
        "'Galaxy':[{'GalaxyCluster':[{'uuid':'g','Tag':[{'name':'tlp:red'}]}]}],"
        "'Object':[{'uuid':'o1','Attribute':[{'uuid':'a3','value':'y'},"
        "{'uuid':'a4','value':'hidden','Tag':[{'name':'TLP:AMBER'}]}],"
        "'ObjectReference':[{'referenced_uuid':'a2','Attribute':{'value':'secret'}},"
        "{'referenced_uuid':'a1','Attribute':{'value':'x'}},{'referenced_uuid':'o2'}]},"
        "{'uuid':'o2','Attribute':[{'uuid':'a5','value':'z','Tag':[{'name':'tlp:red'}]}]}]}}",
        TLP_GREEN, &verdict, &refused);
    g_autofree char *text = NULL;
    char *dump = json_dumps(sent, JSON_COMPACT);

    text = g_strdelimit(g_strdup(dump), "\"", '\'');
    free(dump);
    g_assert_cmpstr(text, ==,
                    "{'Event':{'uuid':'u','Tag':[{'name':'tlp:green'}],'Attribute':["
                    "{'uuid':'a1','value':'x'}],'Galaxy':[{'GalaxyCluster':[]}],'Object':[{'uuid':'"
                    "o1','Attribute':["
                    "{'uuid':'a3','value':'y'}],'ObjectReference':[{'referenced_uuid':'a1'}]}]}}");
    g_assert_cmpuint(refused, ==, 4);
}

/* --- The record ------------------------------------------------------------------------------- */

static gboolean count_event(const struct event *event, gpointer data)
{
    GString *bodies = data;
    gsize length;
    const char *body = g_bytes_get_data(event->body, &length);

    g_string_append_len(bodies, body, (gssize)length);
    g_string_append_c(bodies, '\n');
    return TRUE;
}

static void exchange(struct journal *journal, const char *object)
{
    struct egress_recipient recipient = recipient_of(EGRESS_PUBLIC, NULL);
    g_autoptr(egress_t) egress = egress_new(&recipient, &careful, journal);
    g_autoptr(json_t) json = json_loads(object, 0, NULL);
    g_autoptr(GError) error = NULL;
    enum egress_verdict verdict;
    GBytes *sent = egress_object(egress, object, strlen(object), json, FALSE, NULL, NULL, &verdict);

    g_assert_null(sent);
    egress_finish(egress, &error);
    g_assert_no_error(error);
}

static void test_refusals_are_journalled_once(void)
{
    g_autofree char *folder = g_dir_make_tmp("entente-egress-XXXXXX", NULL);
    g_autofree char *remove = g_strdup_printf("rm -rf %s", folder);
    g_autoptr(journal_t) journal = journal_open(folder, NULL);
    g_autoptr(GString) bodies = g_string_new(NULL);
    const struct journal_filter filter = { .kind = "egress" };
    const char *line;

    exchange(journal, together[0]);
    exchange(journal, together[0]);
    exchange(journal, together[2]);
    journal_each(journal, &filter, count_event, bodies, NULL);
    line = strchr(bodies->str, '\n');
    g_assert_nonnull(strstr(bodies->str, "\"recipient\":\"public\""));
    g_assert_nonnull(strstr(bodies->str, "\"refused\":{\"not-public\":1}"));
    g_assert_nonnull(strstr(bodies->str, "[\"" IDENTITY "\",\"not-public\"]"));
    g_assert_nonnull(strstr(line, MALWARE));
    g_assert_cmpuint(strlen(strchr(line + 1, '\n')), ==, 1); /* two events, not three */
    g_assert_cmpint(system(remove), ==, 0);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/egress/rules", test_every_rule);
    g_test_add_func("/egress/ceilings", test_ceilings);
    g_test_add_func("/egress/nobody", test_nobody_in_particular_is_the_public);
    g_test_add_func("/egress/bytes", test_bytes_go_as_they_came);
    g_test_add_func("/egress/references", test_references_are_taken_out);
    g_test_add_func("/egress/together", test_objects_together);
    g_test_add_func("/egress/chain", test_a_long_chain_falls);
    g_test_add_func("/egress/misp-levels", test_misp_levels);
    g_test_add_func("/egress/misp-parts", test_misp_parts);
    g_test_add_func("/egress/journal", test_refusals_are_journalled_once);
    return g_test_run();
}
