#include "cli/casework.h"

#include "base/clock.h"
#include "base/terminal.h"
#include "cli/keys.h"
#include "cli/network.h"
#include "delivery/evidence_alarm.h"
#include "seal/seal_key_store.h"
#include "statement/key_import.h"
#include "statement/key_store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define REPORTER_SHOWN 8 /* hex digits of a reporter's key */

const struct reg *casework_register(const struct casework *work)
{
    return work->office->reg;
}

/* --- opening --- */

static void remember_domain(const char *id, const char *domain, gpointer data)
{
    g_hash_table_insert(data, g_strdup(id), g_strdup(domain));
}

/* What the office holds, after its community changed, too. */
static void take_over(struct casework *work)
{
    work->cases = work->office->cases;
    work->self = work->office->self;
    if (work->office->reg)
        register_each(work->office->reg, remember_domain, work->domains);
}

/* Brings the copy of the log up to date; a log that lies here costs nothing. */
static gboolean update(struct casework *work, const struct http_options *http, GError **error)
{
    g_auto(community_state_t) state = { 0 };

    if (!community_update(work->office->community, http, FRESHNESS_WAIVED, &state, error) ||
        !office_refresh(work->office, error))
        return FALSE;
    take_over(work);
    return TRUE;
}

static gboolean open_office(struct casework *work, GError **error)
{
    static const struct http_options none = { 0 };
    g_autoptr(GError) problem = NULL;

    work->data = cli_data_folder(work->context, error);
    work->own_keys = work->data ? key_store_public_keys(work->data, error) : NULL;
    work->office = work->own_keys ? office_open(work->data, work->own_keys, error) : NULL;
    if (!work->office)
        return FALSE;
    take_over(work);
    if (!work->office->community || !community_is_local(work->office->community) ||
        update(work, &none, &problem))
        return TRUE;
    /* A log that is busy is no reason not to look at cases; one that lies is. */
    if (g_error_matches(problem, ENTENTE_ERROR, ENTENTE_ERROR_SYSTEM))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&problem));
    return FALSE;
}

struct casework *casework_open(const struct context *context,
                               const struct casework_options *options, GError **error)
{
    g_autoptr(casework_t) work = g_new0(struct casework, 1);

    work->context = context;
    work->options = options;
    work->now_us = clock_now_us();
    work->french = cli_is_french(context);
    work->domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    return open_office(work, error) ? g_steal_pointer(&work) : NULL;
}

void casework_close(struct casework *work)
{
    if (!work)
        return;
    office_close(work->office);
    signing_key_free(work->key);
    g_clear_pointer(&work->own_keys, g_ptr_array_unref);
    g_hash_table_unref(work->domains);
    g_free(work->data);
    g_free(work);
}

gboolean casework_is_signatory(const struct casework *work, GError **error)
{
    return office_is_signatory(work->office) ||
           input_error(error, "only signatories write to one another: join a community first "
                              "(entente join)");
}

/* --- who signs --- */

/* "--key second" is DATA/keys/second.key; what looks like a file is one. */
static char *key_file(const struct casework *work, GError **error)
{
    const char *given = work->options->key;
    g_autofree char *path = NULL;

    if (!given || strchr(given, '/') || g_str_has_suffix(given, ".key"))
        return g_strdup(given);
    path = key_store_path(work->data, given);
    if (access(path, F_OK) == 0)
        return g_steal_pointer(&path);
    if (access(given, F_OK) == 0)
        return g_strdup(given);
    input_error(error, "there is no key \"%s\" here (%s)", given, path);
    return NULL;
}

const struct signing_key *casework_key(struct casework *work, GError **error)
{
    g_autofree char *file = NULL;

    if (work->key)
        return work->key;
    file = key_file(work, error);
    if (work->options->key && !file)
        return NULL;
    work->key = cli_signing_key(work->context, file, NULL, work->options->passphrase_file, error);
    return work->key;
}

/* --- who is who --- */

struct by_name {
    const struct casework *work;
    const char *name;
    const char *found; /* id; borrowed of the table */
    guint count;
};

static void compare_name(gpointer id, gpointer domain, gpointer data)
{
    struct by_name *search = data;
    g_autoptr(json_t) known =
        register_signatory(casework_register(search->work), id, search->work->now_us, NULL);
    const char *name = json_text(known, "name");
    g_autofree char *folded = name ? g_utf8_casefold(name, -1) : NULL;

    (void)domain;
    if (g_strcmp0(folded, search->name) != 0)
        return;
    search->found = id;
    search->count++;
}

static char *party_by_name(const struct casework *work, const char *who)
{
    g_autofree char *folded = g_utf8_validate(who, -1, NULL) ? g_utf8_casefold(who, -1) : NULL;
    struct by_name search = { work, folded, NULL, 0 };

    if (folded)
        g_hash_table_foreach(work->domains, compare_name, &search);
    return search.count == 1 ? g_strdup(search.found) : NULL;
}

static char *find_party(const struct casework *work, const char *who, GError **error)
{
    g_autoptr(GError) unknown = NULL;
    char *id = register_id(casework_register(work), who, &unknown);

    if (!id)
        id = party_by_name(work, who);
    if (!id)
        g_propagate_error(error, g_steal_pointer(&unknown));
    return id;
}

/* A signatory that joined since: the node is asked once. */
static gboolean ask_node(struct casework *work)
{
    const struct http_options http = cli_http(work->options->allow_private, NULL);

    return !community_is_local(work->office->community) && update(work, &http, NULL);
}

char *casework_party(struct casework *work, const char *who, GError **error)
{
    char *id;

    if (!casework_register(work)) {
        input_error(error,
                    "\"%s\": no signatory is known here before a community is joined "
                    "(entente join)",
                    who);
        return NULL;
    }
    id = find_party(work, who, NULL);
    if (id || !ask_node(work))
        return id ? id : find_party(work, who, error);
    return find_party(work, who, error);
}

char *casework_name(const struct casework *work, const char *party)
{
    const char *domain = party ? g_hash_table_lookup(work->domains, party) : NULL;

    if (!party)
        return g_strdup("");
    if (g_str_equal(party, work->self) || g_str_equal(party, OFFICE_LOCAL))
        return g_strdup(work->french ? "nous" : "us");
    if (domain)
        return terminal_escape(domain);
    if (case_party_is_key(party))
        return g_strdup_printf("%s %.*s", work->french ? "sans compte" : "reporter", REPORTER_SHOWN,
                               strchr(party, ':') + 1);
    return g_strndup(party, CASEWORK_SHORT_ID);
}

gboolean casework_can_reach(const struct casework *work, const char *party)
{
    const struct reg *reg = casework_register(work);
    g_autoptr(GPtrArray) keys = reg ? register_seal_keys(reg, party, work->now_us) : NULL;

    return keys && keys->len && register_mailbox(reg, party);
}

/* --- alarms --- */

gboolean casework_raise_alarms(struct casework *work, GError **error)
{
    const struct passphrase_source source = { work->options->passphrase_file, FALSE };
    g_autofree char *path = key_store_path(work->data, KEY_STORE_DEFAULT), *name = NULL;
    g_autoptr(signing_key_t) key = NULL;
    guint raised;

    if (!evidence_waits(work->data))
        return TRUE;
    if (access(path, F_OK) < 0)
        return input_error(error, "evidence against a log waits for a key to sign an alarm with: "
                                  "entente key new");
    name = cli_key_name(work->context, error);
    key = name ? key_import_private_file(path, name, &source, error) : NULL;
    return key && evidence_alarms(work->cases, work->data, key, work->now_us, &raised, error);
}

/* --- delivery --- */

gboolean casework_sync(struct casework *work, struct courier_round *round, GError **error)
{
    const struct passphrase_source source = { work->options->passphrase_file, TRUE };
    const struct signing_key *key;
    g_autoptr(GPtrArray) seal_keys = NULL;
    g_autoptr(mailboxes_t) mailboxes = NULL;
    g_autoptr(courier_t) courier = NULL;
    struct courier_options options = { .http = cli_http(work->options->allow_private, NULL) };

    if (!casework_is_signatory(work, error) || !(key = casework_key(work, error)))
        return FALSE;
    /* Where the node does not answer, what is remembered of the log counts. */
    update(work, &options.http, NULL);
    seal_keys = seal_keys_load(work->data, &source, error);
    mailboxes = seal_keys ? mailboxes_open(work->data, NULL, error) : NULL;
    if (!mailboxes)
        return FALSE;
    options.local = mailboxes;
    options.community = work->office->community;
    options.cases = work->cases;
    options.ledger = work->office->ledger;
    options.self = work->self;
    options.key = key;
    options.seal_keys = seal_keys;
    courier = courier_new(&options);
    return courier_run(courier, work->now_us, round, error);
}

/* --- cases --- */

const struct kase *casework_case(struct casework *work, const char *id, GError **error)
{
    const struct kase *kase = cases_get(work->cases, id, work->now_us, error);

    if (!kase || kase->kind)
        return kase;
    input_error(error, "case %s: what opens it has not arrived yet", id);
    return NULL;
}

const char *casework_text(const struct casework *work, const struct process_text *text)
{
    return work->french && text->fr ? text->fr : text->en;
}

/* Whether something of ours waits to be carried to somebody. */
static gboolean is_waiting_to_go(struct casework *work)
{
    g_autoptr(GPtrArray) rows = cases_outbox(work->cases, work->now_us, 1, NULL);

    return rows && rows->len > 0;
}

/* Names whoever of a case gets nothing of it, however long the node tries. */
static void tell_unreachable(struct casework *work, const char *id)
{
    const struct kase *kase = cases_get(work->cases, id, work->now_us, NULL);

    if (!casework_register(work))
        return;
    for (guint i = 0; kase && i < kase->parties->len; i++) {
        const struct case_party *party = kase->parties->pdata[i];
        g_autofree char *name = NULL;

        if (party->left || case_party_is_key(party->id) || g_str_equal(party->id, OFFICE_LOCAL) ||
            casework_can_reach(work, party->id))
            continue;
        if (g_str_equal(party->id, work->self)) {
            /* Alone in a case of one's own nobody is to answer. */
            if (kase->parties->len > 1)
                fputs(
                    work->french
                        ? "Nul ne peut vous répondre\u202f: entente key seal, entente key delegate "
                          "--role seal, entente contact mailbox URL\n"
                        : "Nobody can answer you: entente key seal, entente key delegate --role "
                          "seal, entente contact mailbox URL\n",
                    stderr);
            continue;
        }
        name = casework_name(work, party->id);
        fprintf(stderr,
                work->french
                    ? "Ne peut être remis à %s\u202f: ni clé de scellement ni boîte dans le "
                      "journal. Joignez ce signataire autrement.\n"
                    : "%s cannot be reached: it has no seal key or no mailbox in the log. Tell it "
                      "by another way.\n",
                name);
    }
}

static void tell(struct casework *work, const char *id, const char *event, gboolean done)
{
    g_autofree char *program = NULL;

    if (work->context->quiet)
        return;
    program = cli_program();
    if (!done)
        fprintf(stderr,
                work->french
                    ? "Une autre personne doit aussi signer\u202f:\n  %s approve %s --key NOM\n"
                    : "Another person signs, too:\n  %s approve %s --key NAME\n",
                program, event);
    else
        fprintf(stderr, work->french ? "Dossier %.*s\u202f: noté.\n" : "Case %.*s: recorded.\n",
                CASEWORK_SHORT_ID, id);
    if (done && is_waiting_to_go(work)) {
        fprintf(
            stderr,
            work->french
                ? "Le nœud (entente serve) le remettra\u202f; sans nœud\u202f: %s inbox --sync\n"
                : "The node (entente serve) delivers it; where none runs: %s inbox --sync\n",
            program);
        tell_unreachable(work, id);
    }
}

const struct kase *casework_case_of(struct casework *work, const char *id, const char *kind,
                                    GError **error)
{
    const struct kase *kase;

    if (kind && !cases_has(work->cases, id)) {
        input_error(error, "there is no %s \"%s\" here (entente %s list)", kind, id, kind);
        return NULL;
    }
    kase = casework_case(work, id, error);
    if (kase && kind && !g_str_equal(kase->kind->id, kind)) {
        input_error(error, "case %s is no %s: entente case show %s", id, kind, id);
        return NULL;
    }
    return kase;
}

int casework_say(struct casework *work, const struct case_draft *draft, char **id, GError **error)
{
    const struct signing_key *key = casework_key(work, error);
    g_autofree char *whole = NULL, *event = NULL;
    gboolean done;

    if (!key)
        return EXIT_INPUT;
    if (!cases_say(work->cases, draft, key, work->now_us, &whole, &event, &done, error))
        return EXIT_POLICY;
    tell(work, whole, event, done);
    if (id)
        *id = g_steal_pointer(&whole);
    return EXIT_DONE;
}
