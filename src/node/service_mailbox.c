/*
 * service_mailbox.c: takes sealed messages for this node's signatory and for those it relays for,
 * and gives them to their owners.
 *
 * A relay knows of a message its mailbox, its size and when it came. Who posted is not asked, and
 * no address is written down anywhere.
 */
#include "base/clock.h"
#include "base/error.h"
#include "delivery/mailbox_request.h"
#include "node/metrics.h"
#include "node/places.h"
#include "node/problem.h"
#include "node/services.h"
#include "node/view.h"
#include "statement/key_store.h"

#include <stdio.h>
#include <string.h>

#define POST_COST 100
#define READ_COST 5
#define LIST_LIMIT 1000
#define UNSIGNED_SHARE 3 /* percent of a reply box: 31 MiB, 3,000 messages */
#define RETRY_S 3600
#define TICK_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)
#define ALL "all"
#define SEALED_TYPE "application/octet-stream"
/* ENTSEAL1 with its KEM, KDF and AEAD: nothing else is kept (seal/). */
static const char sealed_head[] = "ENTSEAL1\0\x20\0\x01\0\x02";

struct mailbox_service {
    struct node *node;
    struct community_policy *genesis;
    GPtrArray *own_keys; /* struct public_key *: by which the own signatory is found */
    struct mailboxes *mailboxes;
    guint work_bits;
    GPtrArray *authorities; /* of the node's public URLs; empty: not said */
    GMutex lock;            /* of what follows */
    GHashTable *kept;       /* mailbox -> id of its signatory */
    gint64 kept_us;         /* the register's change that it was made from */
    gint64 ticked_us;       /* monotonic */
    guint64 taken, refused, given;
};

struct mailboxes *node_mailboxes(const struct node *node)
{
    struct mailbox_service *own = node_service(node, &service_mailbox);

    return own ? own->mailboxes : NULL;
}

static void stop(gpointer service)
{
    struct mailbox_service *own = service;

    mailboxes_close(own->mailboxes);
    g_clear_pointer(&own->own_keys, g_ptr_array_unref);
    g_ptr_array_unref(own->authorities);
    community_policy_free(own->genesis);
    g_hash_table_unref(own->kept);
    g_mutex_clear(&own->lock);
    g_free(own);
}

static GPtrArray *authorities_of(char **urls)
{
    GPtrArray *authorities = g_ptr_array_new_with_free_func(g_free);

    for (; urls && *urls; urls++) {
        char *authority = mailbox_authority(*urls);

        if (authority)
            g_ptr_array_add(authorities, authority);
    }
    return authorities;
}

static gpointer start(struct node *node, GError **error)
{
    const struct node_options *options = node_options(node);
    struct community_policy *genesis = node_log_folder(node) ? node_genesis(node, error) : NULL;
    struct mailbox_service *own;

    if (!genesis)
        return NULL;
    own = g_new0(struct mailbox_service, 1);
    g_mutex_init(&own->lock);
    own->node = node;
    own->genesis = genesis;
    own->authorities = authorities_of(options->public_urls);
    own->kept = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    own->work_bits = options->mailbox_work ? options->mailbox_work : MAILBOX_WORK_BITS;
    own->own_keys = key_store_public_keys(options->data_folder, error);
    if (own->own_keys)
        return own;
    stop(own);
    return NULL;
}

static gboolean run(gpointer service, GError **error)
{
    struct mailbox_service *own = service;
    const struct node_options *options = node_options(own->node);
    const struct mailboxes_limits limits = { .box_bytes = options->mailbox_size };

    if (options->relay_for && !own->authorities->len && !options->quiet)
        fprintf(stderr, "Mailboxes: who takes messages at several places cannot read them here "
                        "until this node is told where it is (--public-url URL)\n");
    own->mailboxes = mailboxes_open(options->data_folder, &limits, error);
    return own->mailboxes != NULL;
}

/* --- whose mailboxes are kept --- */

struct keeping {
    struct mailbox_service *own;
    char *self; /* the own signatory's id; or NULL */
};

static gboolean relays_for(const struct mailbox_service *own, const char *domain)
{
    const char *const *names = (const char *const *)node_options(own->node)->relay_for;

    return names && (g_strv_contains(names, ALL) || g_strv_contains(names, domain));
}

static void keep(const char *id, const char *domain, gpointer data)
{
    const struct keeping *keeping = data;

    if (g_strcmp0(id, keeping->self) == 0 || relays_for(keeping->own, domain))
        g_hash_table_insert(keeping->own->kept, mailbox_id(keeping->own->genesis->origin, id),
                            g_strdup(id));
}

/* The signatory whose mailbox it is, when it is kept here; owned by the caller. */
static char *owner_of(struct mailbox_service *own, const char *mailbox, const struct shown *shown)
{
    char *owner;

    g_mutex_lock(&own->lock);
    if (own->kept_us != shown->changed_us) {
        struct keeping keeping = { own, register_id_of_keys(shown->reg, own->own_keys) };

        g_hash_table_remove_all(own->kept);
        register_each(shown->reg, keep, &keeping);
        own->kept_us = shown->changed_us;
        g_free(keeping.self);
    }
    owner = g_strdup(g_hash_table_lookup(own->kept, mailbox));
    g_mutex_unlock(&own->lock);
    return owner;
}

gboolean node_keeps_mailbox(const struct node *node, const struct shown *shown, const char *mailbox)
{
    struct mailbox_service *own = node_service(node, &service_mailbox);
    g_autofree char *owner = own ? owner_of(own, mailbox, shown) : NULL;

    return owner != NULL;
}

/* --- who asks --- */

/* As it was signed: the path, and the members of the query that count, in this order. */
static char *target_of(const struct node_request *request)
{
    static const char *const names[] = { "after", MAILBOX_SHA256_QUERY };
    GString *target = g_string_new(request->path);
    char mark = '?';

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        const char *value = request->query(request, names[i]);

        if (!value)
            continue;
        g_string_append_printf(target, "%c%s=%s", mark, names[i], value);
        mark = '&';
    }
    return g_string_free(target, FALSE);
}

/*
 * The names that a request of a signatory may be directed at. Each of its relays sees what it signs
 * for that relay, and could show it to another one, with any Host it likes: so the Host tells
 * nothing. The names are the node's public ones; where nobody said them, the one place where the
 * signatory takes messages, as the log has it. Where that is several, this node cannot know which
 * of them it is, and believes none.
 */
static GPtrArray *names_for(const struct mailbox_service *own, const struct shown *shown,
                            const char *signatory)
{
    const json_t *urls = json_object_get(register_mailbox(shown->reg, signatory), "urls"), *url;
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    size_t i;

    for (guint k = 0; k < own->authorities->len; k++)
        g_ptr_array_add(names, g_strdup(own->authorities->pdata[k]));
    if (names->len)
        return names;
    json_array_foreach(urls, i, url)
    {
        g_autofree char *authority = mailbox_authority(json_string_value(url));

        if (authority && !g_ptr_array_find_with_equal_func(names, authority, g_str_equal, NULL))
            g_ptr_array_add(names, g_steal_pointer(&authority));
    }
    if (names->len > 1)
        g_ptr_array_set_size(names, 0);
    return names;
}

/* Whose request it may be, as it says: keys that speak for one of whom mailboxes are kept here. */
struct claim {
    GPtrArray *keys, *names; /* NULL: nobody's */
};
typedef struct claim claim_t;

static void claim_clear(struct claim *claim)
{
    g_clear_pointer(&claim->keys, g_ptr_array_unref);
    g_clear_pointer(&claim->names, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(claim_t, claim_clear)

static gboolean is_signed_by(const struct claim *claim, const struct node_request *request,
                             const struct mailbox_signature *signature)
{
    g_autofree char *target = target_of(request), *sha256 = mailbox_sha256(request->body);

    for (guint i = 0; claim->keys && i < claim->keys->len; i++)
        for (guint k = 0; k < claim->names->len; k++) {
            const struct mailbox_request signed_one = { request->method, claim->names->pdata[k],
                                                        target, sha256 };

            if (mailbox_signature_verify(signature, claim->keys->pdata[i], &signed_one,
                                         clock_now_us(), NULL))
                return TRUE;
        }
    return FALSE;
}

struct asked {
    const char *mailbox;
    char *owner; /* signatory id; NULL: a reply box, or none of ours */
    gboolean is_reply;
    gboolean by_owner; /* of a reply box: by any signatory whose mailbox is kept here */
    guint64 number;
};

static void asked_clear(struct asked *asked)
{
    g_free(asked->owner);
}

/* The header may be by the owner; for a reply box, by all whose mailboxes are kept. */
static void read_claim(struct mailbox_service *own, const struct shown *shown, const char *owner,
                       const char *hint, struct claim *claim)
{
    const struct predicate *predicate = predicate_find(PREDICATE_MAILBOX);
    g_autofree char *id = owner ? g_strdup(owner) : register_id(shown->reg, hint, NULL);
    g_autofree char *mailbox = id ? mailbox_id(own->genesis->origin, id) : NULL;
    g_autofree char *kept = mailbox ? owner_of(own, mailbox, shown) : NULL;

    if (!kept)
        return;
    claim->keys = register_signers(shown->reg, kept, predicate, clock_now_us(), hint, NULL);
    claim->names = names_for(own, shown, kept);
}

/* Finds the mailbox and who asks. FALSE: answered. */
static gboolean find(struct mailbox_service *own, const struct node_request *request,
                     const char *mailbox, struct asked *asked, struct node_answer *answer)
{
    const char *header = request->header(request, MAILBOX_SIGNATURE_HEADER);
    g_auto(mailbox_signature_t) signature = { 0 };
    g_auto(claim_t) claim = { 0 };
    struct view *view = register_view(node_service(own->node, &service_register));
    const struct shown *shown;

    *asked = (struct asked){ .mailbox = mailbox };
    if (header && !mailbox_signature_parse(header, &signature, NULL)) {
        answer_problem(answer, 400, MAILBOX_SIGNATURE_HEADER " is \"NAME+HEX8 SECONDS BASE64\".");
        return FALSE;
    }
    if (mailbox_id_is_valid(mailbox) &&
        !mailbox_is_reply(own->mailboxes, mailbox, &asked->is_reply, NULL)) {
        answer_problem(answer, 503, "The mailboxes cannot be read now.");
        return FALSE;
    }
    shown = view_hold(view);
    asked->owner = owner_of(own, mailbox, shown);
    if (header)
        read_claim(own, shown, asked->owner, signature.hint, &claim);
    view_release(view);
    asked->by_owner = is_signed_by(&claim, request, &signature);
    if (asked->owner || asked->is_reply)
        return TRUE;
    if (asked->by_owner && mailbox_id_is_valid(mailbox) && g_str_equal(request->method, "POST"))
        return TRUE; /* who answers opens the reply box */
    answer_problem(answer, 404, "No such mailbox is kept here.");
    return FALSE;
}

/* A reply box is read by who knows its name, which nobody can guess. */
static gboolean may_read(const struct asked *asked, struct node_answer *answer)
{
    if (asked->is_reply || asked->by_owner)
        return TRUE;
    answer_problem(answer, 401,
                   "Only its owner may: " MAILBOX_SIGNATURE_HEADER
                   " is missing, is not of this time, is not by a key of its signatory, or is "
                   "for another host: for who takes messages at several places, this node has to "
                   "be told which one it is (--public-url).");
    return FALSE;
}

/* By its own fill, or by that of all. Of a reply box always the same: it says nothing of what is in
 * it, and strangers have a small part of one anyway (has_room()). */
static guint work_bits(struct mailbox_service *own, const struct asked *asked)
{
    struct mailbox_fill fill = { 0 }, all = { 0 };

    if (!asked->is_reply) {
        mailbox_fill(own->mailboxes, asked->mailbox, &fill, NULL);
        mailbox_fill(own->mailboxes, NULL, &all, NULL);
    }
    return mailbox_work_bits(own->work_bits, MAX(fill.share, all.share));
}

/* --- answers --- */

static void answer_box(struct node *node, gpointer service, const struct node_request *request,
                       struct node_answer *answer)
{
    struct mailbox_service *own = service;
    struct asked asked;

    (void)node;
    if (find(own, request, request->parameter, &asked, answer))
        answer_json(answer, 200,
                    json_pack("{s:s, s:i, s:I}", "mailbox", request->parameter, "work_bits",
                              (int)work_bits(own, &asked), "limit",
                              (json_int_t)MAILBOX_MESSAGE_LIMIT));
    asked_clear(&asked);
}

static void tick(struct mailbox_service *own)
{
    const gint64 now_us = g_get_monotonic_time();
    gboolean due;

    g_mutex_lock(&own->lock);
    due = now_us - own->ticked_us >= TICK_US;
    if (due)
        own->ticked_us = now_us;
    g_mutex_unlock(&own->lock);
    if (due)
        mailboxes_tick(own->mailboxes, clock_now_us(), NULL, NULL);
}

static gboolean is_sealed(GBytes *message)
{
    const gsize head = sizeof sealed_head - 1;

    return g_bytes_get_size(message) > head &&
           memcmp(g_bytes_get_data(message, NULL), sealed_head, head) == 0;
}

static void refuse(struct mailbox_service *own, struct node_answer *answer, guint status,
                   const char *reason, const char *detail)
{
    answer_refusal(answer, status, reason, detail);
    __atomic_fetch_add(&own->refused, 1, __ATOMIC_RELAXED);
}

static void put(struct mailbox_service *own, const struct asked *asked, GBytes *message,
                struct node_answer *answer)
{
    const gint64 now_us = clock_now_us();
    g_autoptr(GError) error = NULL;
    guint64 number;

    tick(own);
    if ((!asked->owner && asked->by_owner &&
         !mailbox_open_reply(own->mailboxes, asked->mailbox, now_us, &error)) ||
        !mailbox_put(own->mailboxes, asked->mailbox, message, now_us, &number, &error)) {
        const gboolean full = g_error_matches(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY);

        refuse(own, answer, full ? 507 : 503, full ? "full" : NULL,
               full ? "The mailbox is full." : "The message could not be kept.");
        answer->retry_after_s = RETRY_S;
        return;
    }
    answer_json(answer, 202, json_object());
    __atomic_fetch_add(&own->taken, 1, __ATOMIC_RELAXED);
}

/* A reporter without an account keeps in its reply box what it wrote back; nobody can tell it from
 * strangers, and anybody may have a box opened, by a report: so a part of one is all they get. */
static gboolean has_room(struct mailbox_service *own, const char *mailbox)
{
    struct mailbox_fill fill;

    return mailbox_fill(own->mailboxes, mailbox, &fill, NULL) && fill.share < UNSIGNED_SHARE;
}

static void answer_post(struct node *node, gpointer service, const struct node_request *request,
                        struct node_answer *answer)
{
    struct mailbox_service *own = service;
    const char *nonce = request->header(request, MAILBOX_WORK_HEADER);
    struct asked asked;

    (void)node;
    if (!find(own, request, request->parameter, &asked, answer)) {
        __atomic_fetch_add(&own->refused, 1, __ATOMIC_RELAXED);
    } else if (!is_sealed(request->body)) {
        refuse(own, answer, 415, "sealed", "Only sealed messages (ENTSEAL1) are taken.");
    } else if (!asked.by_owner && (!nonce || !mailbox_work_verify(asked.mailbox, request->body,
                                                                  nonce, work_bits(own, &asked)))) {
        refuse(own, answer, 403, "work",
               MAILBOX_WORK_HEADER " is missing or shows less work than the mailbox demands.");
    } else if (asked.is_reply && !asked.by_owner && !has_room(own, asked.mailbox)) {
        refuse(own, answer, 507, "full", "This reply box takes no more but from those who answer.");
        answer->retry_after_s = RETRY_S;
    } else {
        put(own, &asked, request->body, answer);
    }
    asked_clear(&asked);
}

static json_t *row_json(const struct mailbox_row *row)
{
    g_autofree char *time = clock_format(row->time_us);

    return json_pack("{s:I, s:I, s:s}", "number", (json_int_t)row->number, "size",
                     (json_int_t)row->size, "time", time);
}

static void answer_list(struct node *node, gpointer service, const struct node_request *request,
                        struct node_answer *answer)
{
    struct mailbox_service *own = service;
    const char *text = request->query(request, "after");
    g_autoptr(GArray) rows = NULL;
    guint64 after = 0;
    struct asked asked = { 0 };
    json_t *list;

    (void)node;
    if (text && !g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, &after, NULL)) {
        answer_problem(answer, 400, "\"after\" is the number of a message.");
        return;
    }
    if (find(own, request, request->parameter, &asked, answer) && may_read(&asked, answer)) {
        rows = mailbox_list(own->mailboxes, asked.mailbox, after, LIST_LIMIT, NULL);
        if (!rows)
            answer_problem(answer, 503, "The mailbox cannot be read now.");
    }
    asked_clear(&asked);
    if (!rows)
        return;
    list = json_array();
    for (guint i = 0; i < rows->len; i++)
        json_array_append_new(list, row_json(&g_array_index(rows, struct mailbox_row, i)));
    answer_json(answer, 200,
                json_pack("{s:o, s:b}", "messages", list, "more", rows->len == LIST_LIMIT));
}

/* "MAILBOX/messages/NUMBER"; answered and FALSE when that is no message of who asks. */
static gboolean find_message(struct mailbox_service *own, const struct node_request *request,
                             char **mailbox, struct asked *asked, struct node_answer *answer)
{
    const char *slash = strchr(request->parameter, '/');
    const char *digits = strrchr(request->parameter, '/') + 1;
    guint64 number;

    *asked = (struct asked){ 0 };
    if (!g_ascii_string_to_unsigned(digits, 10, 1, G_MAXINT64, &number, NULL)) {
        answer_problem(answer, 400, "The number of a message is a number from 1.");
        return FALSE;
    }
    *mailbox = g_strndup(request->parameter, (gsize)(slash - request->parameter));
    if (!find(own, request, *mailbox, asked, answer) || !may_read(asked, answer))
        return FALSE;
    asked->number = number;
    return TRUE;
}

static void answer_get(struct node *node, gpointer service, const struct node_request *request,
                       struct node_answer *answer)
{
    struct mailbox_service *own = service;
    g_autofree char *mailbox = NULL;
    g_autoptr(GError) error = NULL;
    struct asked asked;
    GBytes *message;

    (void)node;
    if (find_message(own, request, &mailbox, &asked, answer)) {
        message = mailbox_get(own->mailboxes, mailbox, asked.number, &error);
        if (message) {
            answer_bytes(answer, 200, SEALED_TYPE, message);
            __atomic_fetch_add(&own->given, 1, __ATOMIC_RELAXED);
        } else {
            answer_problem(answer, error ? 503 : 404,
                           error ? "The mailbox cannot be read now." : "There is no such message.");
        }
    }
    asked_clear(&asked);
}

static void answer_delete(struct node *node, gpointer service, const struct node_request *request,
                          struct node_answer *answer)
{
    struct mailbox_service *own = service;
    const char *sha256 = request->query(request, MAILBOX_SHA256_QUERY);
    g_autofree char *mailbox = NULL;
    g_autoptr(GError) error = NULL;
    struct asked asked;

    (void)node;
    if (find_message(own, request, &mailbox, &asked, answer)) {
        if (!sha256 || !mailbox_id_is_valid(sha256))
            answer_problem(answer, 400,
                           "A DELETE names the message: ?" MAILBOX_SHA256_QUERY
                           "=HEX, 64 lower-case digits.");
        else if (mailbox_delete(own->mailboxes, mailbox, asked.number, sha256, &error))
            answer->status = 204;
        else if (g_error_matches(error, ENTENTE_ERROR, ENTENTE_ERROR_POLICY))
            answer_refusal(answer, 409, "other", "The message of this number is another one.");
        else
            answer_problem(answer, 503, "The message cannot be deleted now.");
    }
    asked_clear(&asked);
}

static void metrics(gpointer service, GString *text)
{
    struct mailbox_service *own = service;
    struct mailbox_fill fill = { 0 };

    mailbox_fill(own->mailboxes, NULL, &fill, NULL);
    metric_add(text, METRIC_GAUGE, "mailbox_messages", "Messages kept, of all mailboxes.",
               fill.messages);
    metric_add(text, METRIC_GAUGE, "mailbox_bytes", "Bytes of messages kept.", fill.bytes);
    metric_add(text, METRIC_GAUGE, "mailbox_full_percent", "Of the quota of all mailboxes.",
               fill.share);
    metric_add(text, METRIC_COUNTER, "mailbox_taken_total", "Messages taken.",
               __atomic_load_n(&own->taken, __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "mailbox_refused_total", "Messages refused.",
               __atomic_load_n(&own->refused, __ATOMIC_RELAXED));
    metric_add(text, METRIC_COUNTER, "mailbox_given_total", "Messages given to their owners.",
               __atomic_load_n(&own->given, __ATOMIC_RELAXED));
}

#define BOX "/api/v1/mailboxes/{mailbox}"
static const struct route routes[] = {
    { "GET", BOX, ROUTE_WORK, 0, READ_COST, answer_box },
    { "POST", BOX "/messages", ROUTE_WORK, MAILBOX_MESSAGE_LIMIT, POST_COST, answer_post },
    { "GET", BOX "/messages", ROUTE_WORK, 0, READ_COST, answer_list },
    { "GET", BOX "/messages/{number}", ROUTE_WORK, 0, READ_COST, answer_get },
    { "DELETE", BOX "/messages/{number}", ROUTE_WORK, 0, READ_COST, answer_delete },
    { NULL },
};

const struct service service_mailbox = {
    .name = "mailbox",
    .start = start,
    .run = run,
    .stop = stop,
    .routes = routes,
    .metrics = metrics,
};
