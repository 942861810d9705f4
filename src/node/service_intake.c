/*
 * service_intake.c: who takes reports without an account at this node, with what their browsers
 * need to seal them; and the kinds of cases, from which forms are drawn.
 *
 * A signatory takes reports of the kinds that its statement mailbox:1 names in "intake", when its
 * mailbox is kept here and it has a seal key in force. The page believes none of it: it verifies
 * the keys by the log before it offers the form.
 */
#include "base/clock.h"
#include "base/file.h"
#include "delivery/mailbox.h"
#include "node/intake.h"
#include "node/places.h"
#include "node/problem.h"
#include "node/services.h"
#include "node/view.h"
#include "p9_norms/contacts.h"
#include "process/kind.h"
#include "statement/key_store.h"

#include <string.h>

#define READ_COST 5
#define LIST_COST 20
#define SEAL_ROLE "seal"

struct intake {
    struct node *node;
    GPtrArray *own_keys; /* struct public_key *: by which the own signatory is found */
};

static void stop(gpointer service)
{
    struct intake *own = service;

    g_clear_pointer(&own->own_keys, g_ptr_array_unref);
    g_free(own);
}

static gpointer start(struct node *node, GError **error)
{
    struct intake *own;

    if (!node_service(node, &service_register))
        return NULL;
    own = g_new0(struct intake, 1);
    own->node = node;
    own->own_keys = key_store_public_keys(node_options(node)->data_folder, error);
    if (own->own_keys)
        return own;
    stop(own);
    return NULL;
}

/* --- what is published of how the own signatory is reached --- */

/* Of these kinds people in need may be told; of others they need not know. */
static gboolean is_for_reporters(const json_t *contact)
{
    static const char *const shown[] = {
        "assistance", "abuse", "technical", "legal", "24x7", NULL
    };
    const char *kind = json_text(contact, "kind"), *tlp = json_text(contact, "tlp");

    return kind && tlp && g_strv_contains(shown, kind) && g_str_equal(tlp, "clear");
}

json_t *intake_contacts(const struct node *node)
{
    static const char *const members[] = {
        "kind",  "role",      "institution", "email",    "phone",
        "hours", "time_zone", "languages",   "channels", "keys"
    };
    g_autofree char *path = node_place(node, CONTACTS_FILE);
    g_autoptr(json_t) record = json_read_file(path, CONTACTS_LIMIT, NULL);
    json_t *list = json_array(), *contact;
    size_t at;

    if (!record || !contacts_record_check(record, NULL))
        return list;
    json_array_foreach(json_object_get(record, "contacts"), at, contact)
    {
        json_t *row;

        if (!is_for_reporters(contact))
            continue;
        row = json_object();
        for (guint i = 0; i < G_N_ELEMENTS(members); i++)
            json_object_set(row, members[i], json_object_get(contact, members[i]));
        json_array_append_new(list, row);
    }
    return list;
}

/* --- who takes reports here --- */

struct listing {
    struct intake *own;
    const struct shown *shown;
    char *self, *origin; /* self: the own signatory's id; or NULL */
    json_t *recipients;
    gint64 now_us;
};

/* Its seal keys in force, the newest first, with the entries that delegate them. */
static json_t *seal_keys(const json_t *signatory)
{
    json_t *list = json_array();
    const json_t *keys = json_object_get(signatory, "keys");

    for (size_t i = json_array_size(keys); i; i--) {
        const json_t *key = json_array_get(keys, i - 1);

        if (g_strcmp0(json_text(key, "role"), SEAL_ROLE) == 0 &&
            g_strcmp0(json_text(key, "status"), "in-force") == 0)
            json_array_append_new(list,
                                  json_pack("{s:O, s:O, s:O}", "key", json_object_get(key, "key"),
                                            "index", json_object_get(key, "index"), "until",
                                            json_object_get(key, "until")));
    }
    return list;
}

static void add_recipient(const char *id, const char *domain, gpointer data)
{
    struct listing *listing = data;
    const json_t *mailbox = register_mailbox(listing->shown->reg, id);
    const json_t *kinds_taken = json_object_get(mailbox, "intake");
    g_autofree char *box = mailbox_id(listing->origin, id);
    const gboolean self = g_strcmp0(id, listing->self) == 0;
    g_autoptr(json_t) signatory = NULL, keys = NULL;
    json_t *row;

    (void)domain;
    if (!json_array_size(kinds_taken) ||
        !node_keeps_mailbox(listing->own->node, listing->shown, box))
        return;
    signatory = register_signatory(listing->shown->reg, id, listing->now_us, NULL);
    keys = signatory ? seal_keys(signatory) : NULL;
    if (!json_array_size(keys))
        return;
    row = json_pack(
        "{s:s, s:O, s:O, s:O, s:O, s:s, s:O, s:O, s:b, s:o}", "id", id, "name",
        json_object_get(signatory, "name"), "domain", json_object_get(signatory, "domain"), "group",
        json_object_get(signatory, "group"), "country", json_object_get(signatory, "country"),
        "mailbox", box, "kinds", kinds_taken, "keys", keys, "own", self, "contacts",
        self ? intake_contacts(listing->own->node) : json_array());
    json_array_append_new(listing->recipients, row);
}

static void answer_intake(struct node *node, gpointer service, const struct node_request *request,
                          struct node_answer *answer)
{
    struct intake *own = service;
    struct view *view = register_view(node_service(node, &service_register));
    struct listing listing = { .own = own, .now_us = clock_now_us() };
    g_autofree char *now = clock_format(listing.now_us);

    (void)request;
    listing.shown = register_hold(view, answer);
    if (!listing.shown)
        return;
    listing.origin = g_strdup(listing.shown->checkpoint->origin);
    listing.self = register_id_of_keys(listing.shown->reg, own->own_keys);
    listing.recipients = json_array();
    register_each(listing.shown->reg, add_recipient, &listing);
    answer_json(answer, 200,
                json_pack("{s:s, s:I, s:s, s:I, s:o, s:o}", "log", listing.origin, "size",
                          (json_int_t)listing.shown->checkpoint->size, "now", now, "limit",
                          (json_int_t)MAILBOX_MESSAGE_LIMIT, "recipients", listing.recipients,
                          "contacts", intake_contacts(node)));
    view_release(view);
    g_free(listing.origin);
    g_free(listing.self);
}

static void answer_kinds(struct node *node, gpointer service, const struct node_request *request,
                         struct node_answer *answer)
{
    (void)node;
    (void)service;
    (void)request;
    answer_json(answer, 200, kinds_json(NULL));
}

static const struct route routes[] = {
    { "GET", "/api/v1/intake", ROUTE_WORK, 0, LIST_COST, answer_intake },
    { "GET", "/api/v1/kinds", ROUTE_AT_ONCE, 0, READ_COST, answer_kinds },
    { NULL },
};

const struct service service_intake = {
    .name = "intake",
    .start = start,
    .stop = stop,
    .routes = routes,
};
