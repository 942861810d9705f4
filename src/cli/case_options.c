/* case_options.c: what we may do now in a case, as commands to paste. */
#include "cli/case_text.h"

#include <string.h>

/* Steps that have a subcommand of their own. */
static const struct {
    const char *kind, *event, *command; /* kind NULL: of any */
} commands[] = {
    { NULL, "add-party", "case add-party %s --to ROLE=SIGNATORY" },
    { NULL, "attach", "case attach %s FILE..." },
    { NULL, "message", "case message %s 'TEXT'" },
    { NULL, "offer-transfer", "case transfer %s --to SIGNATORY" },
    { "drill", "answer", "contact answer %s" },
};

static void add_choices(const struct process_field *field, GString *text)
{
    for (const struct process_choice *choice = field->choices; choice->id; choice++)
        g_string_append_printf(text, "%s%s", choice == field->choices ? "" : "|", choice->id);
}

/* "--field 'harm=life|rights'": quoted, as a shell would else read the bars. */
static void add_field(const struct kind *kind, const char *id, GString *text)
{
    static const char *const values[] = {
        [FIELD_TEXT] = "TEXT",       [FIELD_LINE] = "TEXT",       [FIELD_YES_NO] = "yes|no",
        [FIELD_NUMBER] = "NUMBER",   [FIELD_TIME] = "TIME",       [FIELD_DATE] = "DATE",
        [FIELD_COUNTRY] = "COUNTRY", [FIELD_LANGUAGES] = "en,fr", [FIELD_URI] = "URI",
        [FIELD_DIGEST] = "SHA256",   [FIELD_KEY] = "x25519:...",
    };
    const struct process_field *field = kind_field(kind, id);

    g_string_append_printf(text, " --field '%s=", id);
    if (field && field->choices)
        add_choices(field, text);
    else
        g_string_append(text, field ? values[field->type] : "TEXT");
    g_string_append_c(text, '\'');
}

static guint machines_with(const GPtrArray *options, const struct case_option *option)
{
    guint count = 0;

    for (guint i = 0; i < options->len; i++) {
        const struct case_option *other = options->pdata[i];

        count += g_str_equal(other->step->event, option->step->event);
    }
    return count;
}

static void add_option(const struct casework *work, const struct kase *kase,
                       const GPtrArray *options, const struct case_option *option, GString *text)
{
    const char *own = NULL;
    g_autofree char *id = g_strndup(kase->id, CASEWORK_SHORT_ID);
    g_autofree char *instance = option->instance ? casework_name(work, option->instance) : NULL;

    for (guint i = 0; i < G_N_ELEMENTS(commands); i++)
        if (g_str_equal(commands[i].event, option->step->event) &&
            (!commands[i].kind || g_str_equal(commands[i].kind, kase->kind->id)))
            own = commands[i].command;
    g_string_append(text, "  entente ");
    if (own) {
        g_auto(GStrv) parts = g_strsplit(own, "%s", 2);

        g_string_append_printf(text, "%s%s%s", parts[0], id, parts[1]);
        if (option->reason)
            g_string_append(text, " --reason 'TEXT'");
    } else {
        g_string_append_printf(text, "case step %s %s", id, option->step->event);
        if (machines_with(options, option) > 1) {
            g_string_append_printf(text, " --machine %s", option->step->machine);
            if (instance && !g_str_equal(option->instance, work->self))
                g_string_append_printf(text, " --instance %s", instance);
        }
        for (const char *const *field = option->step->needs; field && *field; field++)
            add_field(kase->kind, *field, text);
        if (option->step->effect == EFFECT_SET_TLP)
            g_string_append(text, " --tlp LEVEL");
    }
    g_string_append_printf(text, "\n      %s", casework_text(work, &option->step->title));
    if (option->step->approvals > 1)
        g_string_append_printf(
            text, work->french ? " (%u clés différentes signent)" : " (%u different keys sign)",
            option->step->approvals);
    g_string_append_c(text, '\n');
}

/* Whether the register has a signatory that is no party: to be brought in, or handed over to. */
static gboolean somebody_is_outside(const struct casework *work, const struct kase *kase)
{
    GHashTableIter all;
    gpointer id;

    g_hash_table_iter_init(&all, work->domains);
    while (g_hash_table_iter_next(&all, &id, NULL)) {
        const struct case_party *party = case_party_of(kase, id);

        if (!party || party->left)
            return TRUE;
    }
    return FALSE;
}

void case_text_options(const struct casework *work, const struct kase *kase, GString *text)
{
    g_autoptr(GPtrArray) options = case_options(kase, cases_self(work->cases, kase));

    if (!options->len)
        return;
    g_string_append(text, work->french ? "\nCe que vous pouvez faire maintenant\n"
                                       : "\nWhat you can do now\n");
    for (guint i = 0; i < options->len; i++) {
        const struct case_option *option = options->pdata[i];

        if (!case_step_brings_in(option->step) || somebody_is_outside(work, kase))
            add_option(work, kase, options, option, text);
    }
}
