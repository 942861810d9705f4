/* case_show.c: one case for people, made from its JSON document. */
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/case_command.h"
#include "cli/case_text.h"
#include "cli/public_alarms.h"
#include "process/desk.h"

#include <string.h>

#define LABEL_COLUMNS 10
#define HASH_SHOWN 8 /* hex digits of an event, as "prove" takes them */

struct page {
    struct casework *work;
    const struct kase *kase;
    const json_t *view;
    GString *text;
    gboolean colour;
};

static const char *say(const struct page *page, const char *english, const char *french)
{
    return page->work->french ? french : english;
}

static void put_line(const struct page *page, const char *label, const char *value)
{
    g_autofree char *shown = terminal_escape(value ? value : "");
    const guint columns = terminal_columns(label);

    g_string_append_printf(page->text, "%s%*s  %s\n", label,
                           (int)(columns < LABEL_COLUMNS ? LABEL_COLUMNS - columns : 0), "", shown);
}

static void put_heading(const struct page *page, const char *english, const char *french)
{
    g_autofree char *text = terminal_style(say(page, english, french), STYLE_BOLD, page->colour);

    g_string_append_printf(page->text, "\n%s\n", text);
}

static void put_table(const struct page *page, const struct text_table *table)
{
    g_autofree char *text = cli_table(page->work->context, table);

    g_string_append(page->text, text);
}

static void put_head(const struct page *page)
{
    const json_t *view = page->view, *fields = json_object_get(view, "fields");
    const char *kind = json_text(view, "kind"), *title = json_text(fields, "title");
    g_autofree char *opened = case_text_time(json_text(view, "opened"));
    g_autofree char *changed = case_text_time(json_text(view, "changed"));
    g_autofree char *level = g_strconcat("TLP:", json_text(view, "tlp"), NULL);
    g_autofree char *upper = g_ascii_strup(level, -1);
    g_autofree char *kept = case_text_time(json_text(view, "kept_until"));

    put_line(page, say(page, "case", "dossier"), json_text(view, "id"));
    put_line(page, say(page, "kind", "type"), case_text_kind(page->work, kind));
    if (title)
        put_line(page, say(page, "subject", "objet"), title);
    put_line(page, say(page, "state", "état"),
             case_text_state(page->work, kind, json_text(view, "state")));
    put_line(page, "TLP", upper);
    put_line(page, say(page, "opened", "ouvert"), opened);
    put_line(page, say(page, "changed", "modifié"), changed);
    if (*kept)
        put_line(page, say(page, "kept until", "gardé"), kept);
}

static void put_parties(const struct page *page)
{
    const struct kind *kind = page->kase->kind;
    const json_t *parties = json_object_get(page->view, "parties"), *party;
    guint widest = 0;
    size_t index;

    put_heading(page, "Parties", "Parties");
    json_array_foreach(parties, index, party)
    {
        g_autofree char *name = casework_name(page->work, json_text(party, "id"));

        widest = MAX(widest, terminal_columns(name));
    }
    json_array_foreach(parties, index, party)
    {
        const struct process_role *role = kind_role(kind, json_text(party, "role"));
        g_autofree char *name = casework_name(page->work, json_text(party, "id"));
        const char *offered = json_text(party, "offered_by");

        g_string_append_printf(page->text, "  %s%*s  %s%s%s%s\n", name,
                               (int)(widest - terminal_columns(name)), "",
                               role ? casework_text(page->work, &role->title) : "",
                               json_is_true(json_object_get(party, "left"))
                                   ? say(page, ", left", ", a quitté le dossier")
                                   : "",
                               offered ? say(page, ", offered and not yet taken over",
                                             ", proposé et pas encore repris")
                                       : "",
                               json_is_true(json_object_get(party, "unreachable"))
                                   ? say(page, ", cannot be reached", ", injoignable")
                                   : "");
    }
}

/* Machines beside the main one: the state of an embargo, of each vendor. */
static void put_states(const struct page *page)
{
    const json_t *states = json_object_get(page->view, "states"), *state;
    size_t index;

    if (json_array_size(states) < 2)
        return;
    put_heading(page, "States", "États");
    json_array_foreach(states, index, state)
    {
        const struct process_machine *machine =
            kind_machine(page->kase->kind, json_text(state, "machine"));
        const struct process_text *text =
            machine ? kind_state_text(machine, json_text(state, "state")) : NULL;
        g_autofree char *instance = casework_name(page->work, json_text(state, "instance"));
        g_autofree char *since = case_text_time(json_text(state, "since"));

        if (!text)
            continue;
        g_string_append_printf(page->text, "  %s%s%s: %s (%s)\n",
                               casework_text(page->work, &machine->title), *instance ? " " : "",
                               instance, casework_text(page->work, text), since);
    }
}

static enum style standing_style(const char *standing)
{
    if (g_strcmp0(standing, clock_standing_name(CLOCK_OVERDUE)) == 0)
        return STYLE_BAD;
    return g_strcmp0(standing, clock_standing_name(CLOCK_MISSED)) == 0 ? STYLE_WARN : STYLE_PLAIN;
}

static const char *standing_text(const struct page *page, const char *standing)
{
    static const struct process_text texts[] = {
        [CLOCK_RUNNING] = { "running", "en cours" },
        [CLOCK_PAUSED] = { "paused", "suspendu" },
        [CLOCK_MET] = { "met", "respecté" },
        [CLOCK_OVERDUE] = { "overdue", "en retard" },
        [CLOCK_MISSED] = { "missed", "tenu en retard" },
        [CLOCK_EXPIRED] = { "expired", "échu" },
    };

    for (guint i = 0; i < G_N_ELEMENTS(texts); i++)
        if (g_strcmp0(clock_standing_name(i), standing) == 0)
            return casework_text(page->work, &texts[i]);
    return standing;
}

static gboolean is_open(const char *standing)
{
    return g_strcmp0(standing, clock_standing_name(CLOCK_RUNNING)) == 0 ||
           g_strcmp0(standing, clock_standing_name(CLOCK_OVERDUE)) == 0;
}

static void put_clocks(const struct page *page)
{
    static const char *const english[] = { "DUE", "", "CLOCK", "WHOSE", "STANDING", NULL };
    static const char *const french[] = { "ÉCHÉANCE", "", "DÉLAI", "À QUI", "SITUATION", NULL };
    const json_t *clocks = json_object_get(page->view, "clocks"), *clock;
    g_autoptr(text_table_t) table = text_table_new(page->work->french ? french : english);
    size_t index;

    if (!json_array_size(clocks))
        return;
    put_heading(page, "Clocks", "Délais");
    json_array_foreach(clocks, index, clock)
    {
        const char *standing = json_text(clock, "standing"), *bearer = json_text(clock, "bearer");
        const struct process_role *role = kind_role(page->kase->kind, json_text(clock, "role"));
        g_autofree char *due = case_text_time(json_text(clock, "due"));
        g_autofree char *left =
            is_open(standing)
                ? case_text_left(json_text(clock, "due"), page->work->now_us, page->work->french)
                : g_strdup("");
        g_autofree char *whose = bearer || !role
                                     ? casework_name(page->work, bearer)
                                     : g_strdup(casework_text(page->work, &role->title));
        const char *const cells[] = {
            due, left, case_text_clock(page->work, page->kase->kind->id, json_text(clock, "id")),
            whose, standing_text(page, standing)
        };
        const enum style style = standing_style(standing);
        const enum style styles[] = { STYLE_PLAIN, style, STYLE_PLAIN, STYLE_PLAIN, style };

        text_table_row(table, cells, styles);
    }
    put_table(page, table);
}

/* --- events --- */

/* A value on lines of its own, each escaped by itself. */
static void put_text(const struct page *page, const char *label, const char *value)
{
    g_auto(GStrv) lines = g_strsplit(value, "\n", -1);
    const char *colon = g_str_has_suffix(label, "?") ? "" : say(page, ":", "\u202f:");

    g_string_append_printf(page->text, "    %s%s ", label, colon);
    for (char **line = lines; *line; line++) {
        g_autofree char *shown = terminal_escape(*line);

        g_string_append_printf(page->text, "%s%s\n", line == lines ? "" : "      ", shown);
    }
    if (!*lines)
        g_string_append_c(page->text, '\n');
}

static char *choice_text(const struct page *page, const struct process_field *field,
                         const char *value)
{
    for (const struct process_choice *choice = field->choices; choice->id; choice++)
        if (g_strcmp0(choice->id, value) == 0)
            return g_strdup(casework_text(page->work, &choice->text));
    return g_strdup(value ? value : "");
}

static char *list_text(const struct page *page, const struct process_field *field,
                       const json_t *list)
{
    g_autoptr(GString) text = g_string_new(NULL);
    const json_t *item;
    size_t index;

    json_array_foreach(list, index, item)
    {
        g_autofree char *word = field && field->choices
                                    ? choice_text(page, field, json_string_value(item))
                                    : g_strdup(json_string_value(item));

        g_string_append_printf(text, "%s%s", index ? ", " : "", word ? word : "");
    }
    return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *value_text(const struct page *page, const struct process_field *field,
                        const json_t *value)
{
    char *dumped, *text;

    if (json_is_boolean(value))
        return g_strdup(json_is_true(value) ? say(page, "yes", "oui") : say(page, "no", "non"));
    if (json_is_array(value))
        return list_text(page, field, value);
    if (json_is_string(value))
        return field && field->choices ? choice_text(page, field, json_string_value(value))
                                       : g_strdup(json_string_value(value));
    dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    text = g_strdup(dumped);
    free(dumped);
    return text;
}

/* A party by its name, a role by its title. */
static char *field_text(const struct page *page, const char *name,
                        const struct process_field *field, const json_t *value)
{
    const struct process_role *role = g_str_equal(name, "role") && json_is_string(value)
                                          ? kind_role(page->kase->kind, json_string_value(value))
                                          : NULL;

    if (role)
        return g_strdup(casework_text(page->work, &role->title));
    return g_str_equal(name, "party") && json_is_string(value)
               ? casework_name(page->work, json_string_value(value))
               : value_text(page, field, value);
}

static void put_fields(const struct page *page, const json_t *fields)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)fields, name, value)
    {
        const struct process_field *field = kind_field(page->kase->kind, name);

        if (g_str_equal(name, "roles")) /* who has which stands under the parties */
            continue;
        g_autofree char *text = field_text(page, name, field, value);
        g_autofree char *label =
            field ? g_strdup(casework_text(page->work, &field->title)) : terminal_escape(name);

        put_text(page, label, text);
    }
}

static void put_attachments(const struct page *page, const json_t *attachments)
{
    const json_t *file;
    size_t index;

    json_array_foreach(attachments, index, file)
    {
        g_autofree char *name = terminal_escape(json_text(file, "name"));
        g_autofree char *size = g_format_size((guint64)json_number(file, "size", 0));

        g_string_append_printf(page->text, "    %s %s (%s, %.12s)\n", say(page, "file", "fichier"),
                               name, size, json_text(file, "sha256"));
    }
}

/* "Declined → ...", and what stands against an event. */
static char *result_text(const struct page *page, const json_t *entry)
{
    const char *verdict = json_text(entry, "verdict"), *to = json_text(entry, "to_state");
    const struct process_machine *machine =
        kind_machine(page->kase->kind, json_text(entry, "machine"));
    const struct process_text *state = machine && to ? kind_state_text(machine, to) : NULL;

    if (g_strcmp0(verdict, case_verdict_name(CASE_APPLIED)) != 0)
        return g_strdup_printf(page->work->french ? " [sans effet\u202f: %s]" : " [no effect: %s]",
                               verdict);
    if (!state || g_strcmp0(to, json_text(entry, "from_state")) == 0)
        return g_strdup("");
    return g_strdup_printf(" → %s", casework_text(page->work, state));
}

static void put_entry(const struct page *page, const json_t *entry)
{
    const char *from = json_text(entry, "from"), *event = json_text(entry, "event");
    const gboolean witnessed = json_is_true(json_object_get(entry, "witnessed"));
    g_autofree char *time = case_text_time(json_text(entry, "counts_at"));
    g_autofree char *who =
        from ? casework_name(page->work, from) : g_strdup(say(page, "by itself", "de lui-même"));
    g_autofree char *result = result_text(page, entry), *what = NULL, *head = NULL;
    const gint64 signers = json_number(entry, "signers", 1);
    const char *hash = json_text(entry, "hash");

    what = terminal_escape(
        case_text_step(page->work, page->kase->kind->id, json_text(entry, "machine"), event));
    head = terminal_style(what, STYLE_BOLD, page->colour);
    g_string_append_printf(page->text, "  %s %s  %s  %s%s", time,
                           witnessed ? say(page, "witnessed", "attesté")
                                     : say(page, "claimed", "déclaré"),
                           who, head, result);
    if (hash)
        g_string_append_printf(page->text, "  %.*s", HASH_SHOWN, hash);
    if (signers > 1)
        g_string_append_printf(page->text, " (%d signatures)", (int)signers);
    g_string_append_c(page->text, '\n');
    put_fields(page, json_object_get(entry, "fields"));
    put_attachments(page, json_object_get(entry, "attachments"));
    case_delivery_text(page->work, page->view, hash, page->text);
}

static void put_entries(const struct page *page)
{
    const gint64 hidden = json_number(page->view, "hidden", 0);
    const json_t *entry;
    size_t index;

    put_heading(page, "Events", "Événements");
    json_array_foreach(json_object_get(page->view, "entries"), index, entry) put_entry(page, entry);
    if (hidden)
        g_string_append_printf(page->text,
                               page->work->french ? "  %d autres ne vous sont pas destinés\n"
                                                  : "  %d more are not for you\n",
                               (int)hidden);
}

/* With whom it was published, and who sees it too. */
static void put_published(const struct page *page)
{
    const json_t *alarm;
    size_t index;

    json_array_foreach(json_object_get(page->view, "published"), index, alarm)
    {
        g_autofree char *entry =
            g_strdup_printf("%" G_GINT64_FORMAT, json_number(alarm, "index", 0));
        g_autofree char *answers = public_alarms_answers_text(page->work->context, alarm);

        put_heading(page, "Published, and who sees it too", "Publiée, et qui la voit aussi");
        put_line(page, say(page, "entry", "entrée"), entry);
        g_string_append(page->text, answers);
    }
}

char *case_text_show(struct casework *work, const json_t *view, const struct kase *kase)
{
    struct page page = {
        .work = work,
        .kase = kase,
        .view = view,
        .text = g_string_new(NULL),
        .colour = !work->context->output && terminal_has_colour(stdout),
    };

    put_head(&page);
    put_parties(&page);
    put_states(&page);
    put_clocks(&page);
    put_entries(&page);
    put_published(&page);
    case_text_options(work, kase, page.text);
    return g_string_free(page.text, FALSE);
}

/* --- the command --- */

static int run(const struct context *context, gconstpointer shared, char **arguments,
               GError **error)
{
    const struct case_arguments *given = shared;
    return case_show(context, &given->work, arguments, NULL, error);
}

int case_show(const struct context *context, const struct casework_options *options,
              char **arguments, const char *kind, GError **error)
{
    g_autoptr(casework_t) work = NULL;
    g_autoptr(json_t) view = NULL;
    g_autofree char *text = NULL;
    const struct signing_key *key = NULL;
    const struct kase *kase;

    if (!arguments[0] || arguments[1])
        return input_error(error, "show takes one case: its id, or the beginning of it");
    work = casework_open(context, options, error);
    if (!work)
        return EXIT_SYSTEM;
    if (options->key && !(key = casework_key(work, error)))
        return EXIT_INPUT;
    if (!casework_case_of(work, arguments[0], kind, error))
        return EXIT_INPUT;
    view = desk_view(work->cases, arguments[0], key ? key->public : NULL, work->now_us, error);
    kase = view ? casework_case(work, arguments[0], error) : NULL;
    if (!kase || !case_delivery_add(work, view, error))
        return EXIT_INPUT;
    public_alarms_add(work, view);
    text = cli_format_is(context, "json", FALSE) ? json_pretty(view)
                                                 : case_text_show(work, view, kase);
    return cli_output(context, text, strlen(text), error) ? EXIT_DONE : EXIT_SYSTEM;
}

const struct subcommand case_subcommand_show = { "show", run };
