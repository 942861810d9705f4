/*
 * case_export.c: `entente case export`: a case that leaves this machine, as a folder or as one JSON
 * document (docs/schema/case-export.json): what it looks like, the signed events, the files.
 *
 * For whom it is decides what may go: a party of the case gets what was said to it; we ourselves
 * all that is here; everybody else what was said to all parties, and that only when their TLP level
 * lets them see it (process/tlp_rule.h). More than that goes only when it is said aloud; to the
 * public, never.
 */
#include "base/file.h"
#include "base/terminal.h"
#include "cli/case_command.h"
#include "delivery/commitment_root.h"
#include "statement/base64.h"

#include <stdio.h>
#include <string.h>

#define EXPORT_SCHEMA "entente/case-export/1"
#define FOLDER_MODE 0700
#define FILE_MODE 0600
#define INLINE_LIMIT (16u << 20) /* bytes of files within a JSON document */
#define FILE_LIMIT (1u << 30)
#define NAME_LIMIT 180 /* bytes of a file's name that are kept; what names it is its digest */
#define ENDING_LIMIT 16

struct export
{
    struct casework *work;
    const struct kase *kase;
    const char *viewer; /* as case_json() has it: a party, CASE_VIEWER_OUTSIDE; NULL: all */
    json_t *files;      /* of cases_attachments(): those that are in the events exported */
};

/* --- who may have it --- */

static gboolean is_exported(const struct export *export, const struct case_entry *entry)
{
    if (!entry->event || !export->viewer)
        return entry->event != NULL;
    return g_str_equal(export->viewer, CASE_VIEWER_OUTSIDE)
               ? g_str_equal(entry->event->stream, CASE_STREAM_SHARED)
               : case_event_is_for(export->kase, entry->event, export->viewer);
}

static enum tlp most_closed(const struct export *export)
{
    enum tlp level = export->kase->tlp;

    for (guint i = 0; i < export->kase->entries->len; i++) {
        const struct case_entry *entry = export->kase->entries->pdata[i];

        if (is_exported(export, entry))
            level = MAX(level, entry->event->tlp);
    }
    return level;
}

static gboolean check_level(struct export *export, const char *audience, enum tlp may,
                            gboolean aloud, GError **error)
{
    const struct tlp_rule *rule = tlp_rule(may);
    g_autofree char *word = NULL, *limit = g_ascii_strup(tlp_name(may), -1);
    enum tlp level;

    if (!rule->own)
        export->viewer = CASE_VIEWER_OUTSIDE;
    level = most_closed(export);
    if (level <= may)
        return TRUE;
    word = g_ascii_strup(tlp_name(level), -1);
    if (!rule->aloud)
        return policy_error(error,
                            "the case holds TLP:%s, for %s: to \"%s\" goes nothing but TLP:%s, "
                            "whoever says so",
                            word, tlp_rule(level)->limit_en, audience, limit);
    if (!aloud)
        return policy_error(
            error,
            "the case holds TLP:%s, which is not for \"%s\" (--above-tlp exports it "
            "all the same)",
            word, audience);
    fprintf(stderr, "TLP:%s goes to \"%s\", as you said\n", word, audience);
    return TRUE;
}

static gboolean choose_audience(struct export *export, const struct case_arguments *given,
                                char **party, GError **error)
{
    const char *audience = given->audience ? given->audience : tlp_rule(TLP_AMBER_STRICT)->audience;
    enum tlp may;

    if (tlp_audience(audience, &may))
        return check_level(export, audience, may, given->above_tlp, error);
    *party = casework_party(export->work, audience, NULL);
    if (!*party)
        return input_error(error,
                           "--for \"%s\" is no signatory, and none of organisation, clients, "
                           "community, public",
                           audience);
    if (case_party_of(export->kase, *party)) {
        export->viewer = *party;
        return TRUE;
    }
    /* Another signatory is one of the community. */
    return check_level(export, audience, TLP_GREEN, given->above_tlp, error);
}

/* --- what goes --- */

/* A row of cases_attachments(); its texts are borrowed. */
static struct case_file file_of(const struct export *export, const json_t *row)
{
    struct case_file file = {
        .id = export->kase->id,
        .stream = json_text(row, "stream"),
        .size = (guint64)json_number(row, "size", 0),
    };

    hex_decode_into(json_text(row, "sha256"), file.sha256.bytes, sizeof file.sha256.bytes);
    return file;
}

/* Whether an event that is exported announces this file. */
static gboolean is_wanted(const struct export *export, const struct case_file *wanted)
{
    for (guint i = 0; i < export->kase->entries->len; i++) {
        const struct case_entry *entry = export->kase->entries->pdata[i];

        for (guint j = 0; is_exported(export, entry) && j < entry->event->attachments->len; j++) {
            const struct case_file file =
                case_file_of(entry->event, entry->event->attachments->pdata[j]);

            if (g_str_equal(file.stream, wanted->stream) && file.size == wanted->size &&
                memcmp(&file.sha256, &wanted->sha256, sizeof file.sha256) == 0)
                return TRUE;
        }
    }
    return FALSE;
}

static gboolean collect_files(struct export *export, GError **error)
{
    g_autoptr(json_t) all = cases_attachments(export->work->cases, export->kase->id, error);
    json_t *file;
    size_t index;

    if (!all)
        return FALSE;
    json_array_foreach(all, index, file)
    {
        const struct case_file one = file_of(export, file);

        if (is_wanted(export, &one))
            json_array_append(export->files, file);
    }
    return TRUE;
}

static json_t *envelopes(const struct export *export, GError **error)
{
    g_autoptr(json_t) list = json_array();

    for (guint i = 0; i < export->kase->entries->len; i++) {
        const struct case_entry *entry = export->kase->entries->pdata[i];
        gsize length;
        const void *bytes;
        json_t *envelope;

        if (!is_exported(export, entry))
            continue;
        bytes = g_bytes_get_data(entry->event->envelope, &length);
        envelope = json_parse(bytes, length, CASE_EVENT_LIMIT, "event", error);
        if (!envelope)
            return NULL;
        json_array_append_new(list, envelope);
    }
    return g_steal_pointer(&list);
}

/* Of the events exported those whose time can be proven; by the number of the event from 1. */
static json_t *proofs(const struct export *export)
{
    const struct office *office = export->work->office;
    json_t *list = json_array();
    gint64 number = 0;

    for (guint i = 0; office->community && i < export->kase->entries->len; i++) {
        const struct case_entry *entry = export->kase->entries->pdata[i];
        json_t *proof;

        if (!is_exported(export, entry))
            continue;
        number++;
        /* What is in no trusted checkpoint yet goes without one. */
        proof = case_root_prove(office->ledger, office->community, &entry->event->hash, NULL);
        if (proof)
            json_array_append_new(
                list, json_pack("{s:I, s:o}", "number", (json_int_t)number, "proof", proof));
    }
    return list;
}

static char *file_path(const struct export *export, const json_t *file)
{
    const struct case_file one = file_of(export, file);

    return cases_attachment_path(export->work->cases, &one);
}

/* --- as one document --- */

static gboolean put_file(const struct export *export, json_t *file, gsize *room, GError **error)
{
    const gsize size = (gsize)json_number(file, "size", 0);
    g_autofree char *path = size <= *room ? file_path(export, file) : NULL, *text = NULL;
    g_autoptr(GBytes) bytes = path ? file_read(path, FILE_LIMIT, error) : NULL;

    if (path && !bytes)
        return FALSE;
    if (!bytes)
        return TRUE;
    *room -= size;
    text = g_base64_encode(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
    json_object_set_new(file, "data", json_string(text));
    return TRUE;
}

static int write_document(const struct export *export, GError **error)
{
    g_autoptr(json_t) document = NULL, events = envelopes(export, error);
    g_autofree char *text = NULL;
    gsize room = INLINE_LIMIT, index;
    json_t *file;

    if (!events)
        return EXIT_SYSTEM;
    json_array_foreach(export->files, index, file)
    {
        if (!put_file(export, file, &room, error))
            return EXIT_SYSTEM;
    }
    document = json_pack("{s:s, s:o, s:O, s:O, s:o}", "schema", EXPORT_SCHEMA, "case",
                         case_json(export->kase, export->viewer), "events", events, "files",
                         export->files, "proofs", proofs(export));
    text = json_pretty(document);
    return cli_output(export->work->context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

/* --- as a folder --- */

static gboolean write_json(const char *folder, const char *name, const json_t *value,
                           GError **error)
{
    g_autofree char *path = g_build_filename(folder, name, NULL), *text = json_pretty(value);

    return file_write(path, text, strlen(text), FILE_MODE, error);
}

static gboolean write_events(const struct export *export, const char *folder, GError **error)
{
    g_autoptr(json_t) events = envelopes(export, error);
    const json_t *event;
    size_t index;

    if (!events || !file_make_folder(folder, FOLDER_MODE, error))
        return FALSE;
    json_array_foreach(events, index, event)
    {
        g_autofree char *name = g_strdup_printf("%04zu.dsse.json", index + 1);

        if (!write_json(folder, name, event, error))
            return FALSE;
    }
    return TRUE;
}

static gboolean write_proofs(const struct export *export, const char *folder, GError **error)
{
    g_autoptr(json_t) list = proofs(export);
    const json_t *item;
    size_t index;

    if (json_array_size(list) && !file_make_folder(folder, FOLDER_MODE, error))
        return FALSE;
    json_array_foreach(list, index, item)
    {
        g_autofree char *name = g_strdup_printf("%04d.json", (int)json_number(item, "number", 0));

        if (!write_json(folder, name, json_object_get(item, "proof"), error))
            return FALSE;
    }
    return TRUE;
}

/* A name as it is safe in a folder; of a long one the beginning and how it ends (".pdf"). */
static char *plain_name(const char *name)
{
    g_autofree char *escaped = terminal_escape(name), *begin = NULL;
    const char *ending = strrchr(escaped, '.');
    gsize kept = NAME_LIMIT;

    g_strdelimit(escaped, "/\\", '_');
    if (strlen(escaped) <= NAME_LIMIT)
        return g_steal_pointer(&escaped);
    while (kept && g_utf8_get_char_validated(escaped + kept, -1) >= (gunichar)-2)
        kept--; /* not within a character */
    begin = g_strndup(escaped, kept);
    return g_strconcat(begin, ending && strlen(ending) <= ENDING_LIMIT ? ending : "", NULL);
}

/* "SHA256-NAME": names of others are never a path, nor each other's. */
static gboolean write_files(const struct export *export, const char *folder, guint *missing,
                            GError **error)
{
    const json_t *file;
    size_t index;

    if (json_array_size(export->files) && !file_make_folder(folder, FOLDER_MODE, error))
        return FALSE;
    json_array_foreach(export->files, index, file)
    {
        g_autofree char *from = file_path(export, file), *to = NULL, *name = NULL;
        g_autofree char *plain = plain_name(json_text(file, "name"));
        g_autoptr(GBytes) bytes = from ? file_read(from, FILE_LIMIT, error) : NULL;

        if (!from) {
            ++*missing;
            continue;
        }
        name = g_strdup_printf("%.*s-%s", CASEWORK_SHORT_ID, json_text(file, "sha256"), plain);
        to = g_build_filename(folder, name, NULL);
        if (!bytes || !file_write(to, g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes),
                                  FILE_MODE, error))
            return FALSE;
    }
    return TRUE;
}

static int write_folder(const struct export *export, GError **error)
{
    const struct context *context = export->work->context;
    g_autofree char *folder =
        context->output ? g_strdup(context->output)
                        : g_strdup_printf("case-%.*s", CASEWORK_SHORT_ID, export->kase->id);
    g_autofree char *events = g_build_filename(folder, "events", NULL);
    g_autofree char *files = g_build_filename(folder, "files", NULL);
    g_autofree char *proof_folder = g_build_filename(folder, "proofs", NULL);
    g_autofree char *shown = terminal_escape(folder);
    g_autoptr(json_t) view = case_json(export->kase, export->viewer);
    guint missing = 0;

    if (g_file_test(folder, G_FILE_TEST_EXISTS))
        return input_error(error, "%s: exists already", folder);
    if (!file_make_folder(folder, FOLDER_MODE, error) ||
        !write_json(folder, "case.json", view, error) || !write_events(export, events, error) ||
        !write_proofs(export, proof_folder, error) || !write_files(export, files, &missing, error))
        return EXIT_SYSTEM;
    if (missing)
        fprintf(stderr, "%u file%s not arrived here yet, and left out\n", missing,
                missing == 1 ? " has" : "s have");
    if (!context->quiet)
        fprintf(stderr, "%s\n", shown);
    return EXIT_DONE;
}

static int run_export(struct export *export, const struct case_arguments *given, const char *id,
                      GError **error)
{
    g_autofree char *party = NULL;

    export->kase = casework_case(export->work, id, error);
    if (!export->kase || !choose_audience(export, given, &party, error) ||
        !collect_files(export, error))
        return EXIT_INPUT;
    return cli_format_is(export->work->context, "json", FALSE) ? write_document(export, error)
                                                               : write_folder(export, error);
}

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct case_arguments *given = shared;
    g_autoptr(casework_t) work = NULL;
    g_autoptr(json_t) files = json_array();
    struct export export = { .files = files };

    if (!arguments[0] || arguments[1])
        return input_error(error, "export takes one case");
    work = casework_open(context, &given->work, error);
    if (!work)
        return EXIT_SYSTEM;
    export.work = work;
    return run_export(&export, given, arguments[0], error);
}

const struct subcommand case_subcommand_export = { "export", run };
