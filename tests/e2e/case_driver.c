/*
 * case_driver.c: what the desk of a signatory says in its cases, beside a node over the same data
 * folder (test_delivery.py): one JSON object a line on standard input, one answer a line.
 *
 *     {"do": "say", "case"?, "kind"?, "to"?: [ID], "event"?, "machine"?, "stream"?, "fields"?,
 * "files"?, "key"?}
 *     {"do": "show", "case"}    entries in order, clocks, states
 *     {"do": "list"}            ids of cases
 *     {"do": "take", "envelope"}  as if it had come: the verdict
 *     {"do": "refusals"}        what was refused, here or by others
 *     {"do": "outbox"}          how many rows wait
 *     {"do": "seal", "to", "message", "data"?}  any JSON, and text behind it, as the content of a
 * message, sealed: base64
 *     {"do": "commit", "now_us"}  the hour's root, as if it were then
 *     {"do": "proof", "event"}  the proof of when it was there; null: none yet
 */
#include "base/clock.h"
#include "delivery/commitment_root.h"
#include "delivery/office.h"
#include "seal/content.h"
#include "seal/seal.h"
#include "statement/base64.h"
#include "statement/key_import.h"
#include "statement/key_store.h"

#include <stdio.h>
#include <string.h>

#define LINE_LIMIT (8u << 20)

static struct office *office;
static struct signing_key *key;

static char **strings(const json_t *list)
{
    char **made = g_new0(char *, json_array_size(list) + 1);
    const json_t *item;
    size_t i;

    json_array_foreach(list, i, item)
    {
        made[i] = g_strdup(json_string_value(item));
    }
    return made;
}

static json_t *say(const json_t *asked, GError **error)
{
    g_auto(GStrv) to = strings(json_object_get(asked, "to"));
    g_auto(GStrv) files = strings(json_object_get(asked, "files"));
    const struct case_draft draft = {
        .id = json_text(asked, "case"),
        .kind = json_text(asked, "kind"),
        .to = (const char *const *)to,
        .stream = json_text(asked, "stream"),
        .machine = json_text(asked, "machine"),
        .event = json_text(asked, "event"),
        .fields = json_object_get(asked, "fields"),
        .files = files[0] ? (const char *const *)files : NULL,
    };
    g_autofree char *id = NULL, *event = NULL;
    gboolean done;

    if (!cases_say(office->cases, &draft, key, clock_now_us(), &id, &event, &done, error))
        return NULL;
    return json_pack("{s:s, s:s, s:b}", "case", id, "event", event, "done", done);
}

static json_t *entry_json(const struct case_entry *entry)
{
    const struct case_event *event = entry->event;
    g_autofree char *hash = hex_encode(event->hash.bytes, sizeof event->hash.bytes);
    json_t *files = json_array();

    for (guint i = 0; i < event->attachments->len; i++) {
        const struct case_file file = case_file_of(event, event->attachments->pdata[i]);
        g_autofree char *path = cases_attachment_path(office->cases, &file);

        json_array_append_new(files, path ? json_string(path) : json_null());
    }
    return json_pack("{s:s, s:s, s:i, s:s, s:s, s:s, s:I, s:b, s:O, s:o}", "hash", hash, "from",
                     event->from, "seq", (int)event->seq, "stream", event->stream, "event",
                     event->event, "verdict", case_verdict_name(entry->verdict), "clock_us",
                     (json_int_t)entry->clock_us, "witnessed", entry->witnessed, "fields",
                     event->fields, "files", files);
}

static json_t *show(const json_t *asked, GError **error)
{
    const gint64 now_us = json_number(asked, "now_us", clock_now_us());
    const struct kase *kase = cases_get(office->cases, json_text(asked, "case"), now_us, error);
    json_t *entries, *states, *clocks;

    if (!kase)
        return NULL;
    entries = json_array();
    states = json_array();
    clocks = json_array();
    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];

        if (entry->event)
            json_array_append_new(entries, entry_json(entry));
    }
    for (guint i = 0; i < kase->states->len; i++)
        json_array_append_new(states,
                              json_string(((struct case_state *)kase->states->pdata[i])->state));
    for (guint i = 0; i < kase->clocks->len; i++) {
        const struct case_clock *clock = kase->clocks->pdata[i];

        json_array_append_new(clocks, json_pack("{s:s, s:I, s:I, s:s, s:b}", "id", clock->clock->id,
                                                "from_us", (json_int_t)clock->from_us, "due_us",
                                                (json_int_t)clock->due_us, "standing",
                                                clock_standing_name(clock->standing), "witnessed",
                                                clock->witnessed));
    }
    return json_pack("{s:o, s:o, s:o}", "entries", entries, "states", states, "clocks", clocks);
}

static json_t *list(const json_t *asked, GError **error)
{
    const struct cases_filter filter = { .open = TRUE, .ended = TRUE, .limit = 1000 };

    (void)asked;
    return cases_list(office->cases, &filter, clock_now_us(), error);
}

static json_t *take(const json_t *asked, GError **error)
{
    g_autoptr(GBytes) envelope = json_canonical(json_object_get(asked, "envelope"), error);
    g_autoptr(GError) failure = NULL;
    g_autofree char *why = NULL;
    enum case_verdict verdict;

    if (!envelope)
        return NULL;
    verdict = cases_take(office->cases, envelope, clock_now_us(), &why, &failure);
    if (failure) {
        g_propagate_error(error, g_steal_pointer(&failure));
        return NULL;
    }
    return json_pack("{s:s, s:s?}", "verdict", case_verdict_name(verdict), "why", why);
}

static json_t *refusals(const json_t *asked, GError **error)
{
    (void)asked;
    return ledger_refusals(office->ledger, 1000, error);
}

static json_t *outbox(const json_t *asked, GError **error)
{
    g_autoptr(GPtrArray) rows = cases_outbox(office->cases, G_MAXINT64, 1000, error);

    (void)asked;
    return rows ? json_integer(rows->len) : NULL;
}

static json_t *prove(const json_t *asked, GError **error)
{
    struct case_hash event;
    g_autoptr(GError) failure = NULL;
    json_t *proof;

    if (!hex_decode_into(json_text(asked, "event"), event.bytes, sizeof event.bytes))
        return NULL;
    proof = case_root_prove(office->ledger, office->community, &event, &failure);
    if (failure)
        g_propagate_error(error, g_steal_pointer(&failure));
    return proof || (error && *error) ? proof : json_null();
}

static json_t *seal(const json_t *asked, GError **error)
{
    g_autoptr(GPtrArray) texts =
        register_seal_keys(office->reg, json_text(asked, "to"), clock_now_us());
    g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
    const char *said = json_text(asked, "data");
    g_autoptr(GBytes) data = said ? g_bytes_new(said, strlen(said)) : NULL;
    g_autoptr(GBytes) content = seal_content_pack(json_object_get(asked, "message"), data, error);
    g_autoptr(GBytes) sealed = NULL;
    g_autofree char *text = NULL;

    for (guint i = 0; i < texts->len; i++) {
        struct seal_public *public = g_new0(struct seal_public, 1);

        g_ptr_array_add(keys, public);
        if (!seal_public_parse(texts->pdata[i], public, error))
            return NULL;
    }
    sealed = content ? seal_bytes(content, keys, error) : NULL;
    if (!sealed)
        return NULL;
    text = g_base64_encode(g_bytes_get_data(sealed, NULL), g_bytes_get_size(sealed));
    return json_pack("{s:s}", "sealed", text);
}

static json_t *commit(const json_t *asked, GError **error)
{
    const struct http_options http = { .allow_plain = TRUE, .allow_private = TRUE };
    const struct case_root_self self = { community_genesis(office->community)->origin, office->self,
                                         office->domain };
    gboolean made;

    if (!case_root_commit(office->ledger, office->cases, office->community, &self, key, &http,
                          json_number(asked, "now_us", 0), &made, error))
        return NULL;
    return json_boolean(made);
}

static const struct {
    const char *name;
    json_t *(*run)(const json_t *asked, GError **error);
} commands[] = {
    { "say", say },     { "show", show },     { "list", list },
    { "take", take },   { "outbox", outbox }, { "refusals", refusals },
    { "proof", prove }, { "commit", commit }, { "seal", seal },
};

static json_t *answer(const json_t *asked, GError **error)
{
    if (!office_refresh(office, error))
        return NULL;
    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        if (g_strcmp0(json_text(asked, "do"), commands[i].name) == 0)
            return commands[i].run(asked, error);
    return NULL;
}

int main(int argc, char **argv)
{
    const struct passphrase_source source = { NULL, FALSE };
    g_autoptr(GPtrArray) keys = NULL;
    g_autofree char *path = NULL, *line = g_malloc(LINE_LIMIT);
    g_autoptr(GError) error = NULL;

    if (argc < 2)
        return 2;
    keys = key_store_public_keys(argv[1], &error);
    path = key_store_path(argv[1], KEY_STORE_DEFAULT);
    key = keys ? key_import_private_file(path, NULL, &source, &error) : NULL;
    office = key ? office_open(argv[1], keys, &error) : NULL;
    if (!office) {
        fprintf(stderr, "%s\n", error->message);
        return 1;
    }
    while (fgets(line, LINE_LIMIT, stdin)) {
        g_autoptr(GError) failure = NULL;
        g_autoptr(json_t) asked = json_parse(line, strlen(line), LINE_LIMIT, "line", &failure);
        g_autoptr(json_t) got = asked ? answer(asked, &failure) : NULL;
        g_autofree char *text = NULL;

        if (!got)
            got = json_pack("{s:o}", "error",
                            json_safe_string(failure ? failure->message : "no such command"));
        text = json_dumps(got, JSON_COMPACT | JSON_ENCODE_ANY);
        puts(text);
        fflush(stdout);
    }
    office_close(office);
    signing_key_free(key);
    return 0;
}
