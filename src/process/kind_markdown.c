/* kind_markdown.c: the kinds of cases as a page for people (docs/processes.md). */
#include "process/kind.h"
#include "process/tlp_rule.h"

#define MINUTE_S 60
#define HOUR_S (60 * MINUTE_S)
#define DAY_S (24 * HOUR_S)

struct page {
    GString *text;
    gboolean french;
};

static const char *say(const struct page *page, const struct process_text *text)
{
    return page->french && text->fr ? text->fr : text->en;
}

static const char *word(const struct page *page, const char *english, const char *french)
{
    return page->french ? french : english;
}

/* What the signs of kind.h mean. */
static const char *plain(const struct page *page, const char *item)
{
    static const struct {
        const char *sign;
        struct process_text text;
    } signs[] = {
        { "*", { "any", "tous" } },
        { "**", { "any, ended too", "tous, même à la fin" } },
        { "-", { "a clock", "un délai" } },
        { "=", { "the same", "le même" } },
    };

    for (guint i = 0; i < G_N_ELEMENTS(signs); i++)
        if (g_str_equal(signs[i].sign, item))
            return say(page, &signs[i].text);
    return item;
}

/* "a, b, c". */
static void put_list(const struct page *page, const char *const *list)
{
    for (const char *const *item = list; item && *item; item++)
        g_string_append_printf(page->text, "%s%s", item == list ? "" : ", ", plain(page, *item));
}

static void put_length(const struct page *page, gint64 seconds)
{
    if (seconds % DAY_S == 0)
        g_string_append_printf(page->text, "%d %s", (int)(seconds / DAY_S), word(page, "d", "j"));
    else if (seconds % HOUR_S == 0)
        g_string_append_printf(page->text, "%d h", (int)(seconds / HOUR_S));
    else
        g_string_append_printf(page->text, "%d min", (int)(seconds / MINUTE_S));
}

static void put_head(const struct page *page, const struct kind *kind)
{
    g_string_append_printf(page->text, "\n## %s: `%s`\n\n%s\n\n", say(page, &kind->title), kind->id,
                           say(page, &kind->about));
    if (kind->principle)
        g_string_append_printf(page->text, "- %s: %d\n", word(page, "principle", "principe"),
                               kind->principle);
    g_string_append_printf(page->text, "- TLP: %s, %s %s\n", tlp_name(kind->tlp),
                           word(page, "up to", "jusqu'à"), tlp_name(kind->tlp_ceiling));
    g_string_append_printf(page->text, "- %s: %u %s\n",
                           word(page, "kept after its end", "conservé après sa fin"),
                           kind->retention_days, word(page, "days", "jours"));
    if (kind->anonymous)
        g_string_append_printf(
            page->text, "- %s\n",
            word(page, "may be opened without an account", "peut être ouvert sans compte"));
    if (kind->own)
        g_string_append_printf(
            page->text, "- %s\n",
            word(page, "stays within one organisation", "reste au sein d'une organisation"));
    g_string_append_printf(page->text, "- %s: ", word(page, "opened with", "ouvert avec"));
    put_list(page, kind->opens_with);
    if (kind->opens_may && *kind->opens_may) {
        g_string_append_printf(page->text, "; %s: ", word(page, "also", "et aussi"));
        put_list(page, kind->opens_may);
    }
    if (kind->opens_approvals > 1)
        g_string_append_printf(page->text, "; %u %s", kind->opens_approvals,
                               word(page, "different keys sign", "clés différentes signent"));
    g_string_append(page->text, "\n");
}

static void put_roles(const struct page *page, const struct kind *kind)
{
    g_string_append_printf(page->text, "- %s: ", word(page, "roles", "rôles"));
    for (const struct process_role *role = kind->roles; role->id; role++)
        g_string_append_printf(page->text, "%s%s (`%s`%s)", role == kind->roles ? "" : ", ",
                               say(page, &role->title), role->id,
                               role->opens       ? word(page, ", opens", ", ouvre")
                               : role->addressed ? word(page, ", addressed", ", destinataire")
                                                 : "");
    g_string_append(page->text, "\n");
}

static void put_step(const struct page *page, const struct process_step *step)
{
    g_string_append_printf(page->text, "| %s (`%s`) | ", say(page, &step->title), step->event);
    put_list(page, step->from);
    g_string_append_printf(page->text, " | %s | ", plain(page, step->to));
    put_list(page, step->roles);
    if (step->only.field)
        g_string_append_printf(page->text, ", %s %s = %s", word(page, "when", "si"),
                               step->only.field, step->only.value);
    if (step->approvals > 1)
        g_string_append_printf(page->text, " (%u)", step->approvals);
    g_string_append(page->text, " | ");
    put_list(page, step->needs);
    g_string_append(page->text, " |\n");
}

static void put_clock(const struct page *page, const struct process_clock *clock)
{
    g_string_append_printf(page->text, "- %s (`%s`, ", say(page, &clock->title), clock->role);
    put_list(page, clock->in);
    g_string_append(page->text, "): ");
    if (clock->due_field)
        g_string_append_printf(page->text, "`%s`", clock->due_field);
    else if (clock->working_days)
        g_string_append_printf(page->text, "%u %s", clock->working_days,
                               word(page, "working days", "jours ouvrés"));
    else
        put_length(page, clock->due_s);
    for (const struct process_clock_case *row = clock->cases; row && row->field; row++) {
        g_string_append(page->text, ", ");
        put_length(page, row->due_s);
        g_string_append_printf(page->text, " %s %s = %s", word(page, "when", "si"), row->field,
                               row->value);
    }
    if (clock->then)
        g_string_append_printf(page->text, "; %s `%s`", word(page, "then", "puis"), clock->then);
    g_string_append(page->text, "\n");
}

static void put_machine(const struct page *page, const struct kind *kind,
                        const struct process_machine *machine)
{
    gboolean has_clock = FALSE;

    g_string_append_printf(page->text, "\n### %s: `%s`\n\n", say(page, &machine->title),
                           machine->id);
    if (machine->per_party)
        g_string_append_printf(page->text, "%s `%s`.\n\n",
                               word(page, "One for each", "Un pour chaque"), machine->per_party);
    for (guint i = 0; machine->states[i]; i++)
        g_string_append_printf(
            page->text, "%s%s (`%s`%s)", i ? ", " : "", say(page, &machine->names[i]),
            machine->states[i],
            kind_is_end(machine, machine->states[i]) ? word(page, ", end", ", fin") : "");
    g_string_append_printf(page->text, "\n\n| %s | %s | %s | %s | %s |\n|---|---|---|---|---|\n",
                           word(page, "step", "étape"), word(page, "from", "de"),
                           word(page, "to", "vers"), word(page, "by", "par"),
                           word(page, "needs", "demande"));
    for (const struct process_step *step = kind->steps; step->machine; step++)
        if (g_str_equal(step->machine, machine->id))
            put_step(page, step);
    for (const struct process_clock *clock = kind->clocks; clock && clock->id; clock++) {
        if (!g_str_equal(clock->machine, machine->id))
            continue;
        if (!has_clock)
            g_string_append_printf(page->text, "\n%s\n\n", word(page, "Clocks:", "Délais :"));
        has_clock = TRUE;
        put_clock(page, clock);
    }
}

/* The table of tlp_rule.h. */
static void put_levels(const struct page *page)
{
    static const struct process_text entries[] = {
        [TLP_ENTRY_PARTY] = { "every party", "toute partie" },
        [TLP_ENTRY_SOURCE] = { "who marked it so", "qui l'a marqué ainsi" },
        [TLP_ENTRY_NOBODY] = { "nobody", "personne" },
    };

    g_string_append_printf(
        page->text, "\n## TLP\n\n| TLP 2.0 | %s | %s | `export --for` |\n|---|---|---|---|\n",
        word(page, "for", "pour"),
        word(page, "who may bring in, or hand over to, another signatory",
             "qui peut associer un autre signataire, ou lui transmettre son rôle"));
    for (enum tlp level = TLP_CLEAR; level <= TLP_RED; level++) {
        const struct tlp_rule *rule = tlp_rule(level);

        g_string_append_printf(
            page->text, "| %s | %s | %s%s | %s |\n", tlp_name(level),
            page->french ? rule->limit_fr : rule->limit_en, say(page, &entries[rule->entry]),
            rule->reason && rule->entry != TLP_ENTRY_NOBODY
                ? word(page, ", saying why they need to know",
                       ", en disant pourquoi il a besoin d'en connaître")
                : "",
            rule->audience ? rule->audience
                           : word(page, "parties that it names", "parties désignées"));
    }
    g_string_append(
        page->text,
        page->french
            ? "\nQui ouvre un dossier, en fixe le niveau (`set-tlp`) ou dit quelque chose "
              "au-dessus "
              "de ce niveau en est la source. Une source lève sa marque en fixant un niveau plus "
              "ouvert ; seul qui a ouvert le dossier peut passer sous son niveau.\n"
            : "\nWho opens a case, sets its level (`set-tlp`) or says something above it is the "
              "source of that. A source takes its mark back by setting a more open level; below "
              "the "
              "level of the case only who opened it can go.\n");
}

static void put_approvals(const struct page *page)
{
    g_string_append(
        page->text,
        page->french
            ? "\n## Deux signatures\n\n« (2) » après un rôle : deux clés différentes de cette "
              "partie signent. Le programme compte des clés et ne voit pas qui les tient : une "
              "personne qui en tient deux signe deux fois. Que chaque personne ait la sienne, et "
              "elle seule, est l'affaire de l'organisation.\n"
            : "\n## Two signatures\n\n\"(2)\" behind a role: two different keys of that party "
              "sign. "
              "Keys are counted; who holds them cannot be seen. A person who holds two keys can "
              "sign "
              "twice: that each person has one key of their own is for the organisation to see "
              "to.\n");
}

/* `only` (or NULL): of this kind. */
char *kinds_markdown(const struct kind *only, gboolean french)
{
    const struct page page = { g_string_new(NULL), french };

    g_string_append(page.text,
                    french ? "# Types de dossiers\n\nProduit par `entente case kinds --format "
                             "markdown --lang fr` à partir de `data/processes/`.\n"
                           : "# Kinds of cases\n\nMade by `entente case kinds --format markdown "
                             "--lang en` from `data/processes/`.\n");
    put_levels(&page);
    put_approvals(&page);
    for (const struct kind *kind = only ? only : kinds; kind->id && (!only || kind == only);
         kind++) {
        put_head(&page, kind);
        put_roles(&page, kind);
        for (const struct process_machine *machine = kind->machines; machine->id; machine++)
            put_machine(&page, kind, machine);
    }
    return g_string_free(page.text, FALSE);
}
