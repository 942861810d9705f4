#include "assess/assess.h"
#include "assess/catalogue.h"
#include "base/clock.h"
#include "base/terminal.h"
#include "cli/commands.h"
#include "fix/fix_apply.h"
#include "fix/fix_plan.h"
#include "fix/fix_record.h"
#include "fix/fix_undo.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HASH_SHOWN 12 /* digits of a hash in tables and messages */
#define CONFIRM_MAX_MIN (7 * 24 * 60)

struct state {
    gboolean plan, apply, undo, confirm, list, yes, force;
    char *plan_hash, *root, *confirm_within;
};

static const struct command_option options[] = {
    { "plan", 0, G_OPTION_ARG_NONE, offsetof(struct state, plan),
      "Show what would be changed, file by file, and change nothing (the default)", NULL },
    { "apply", 0, G_OPTION_ARG_NONE, offsetof(struct state, apply),
      "Make the change: of a plan (--plan-hash), or of a new one for ID...", NULL },
    { "undo", 0, G_OPTION_ARG_NONE, offsetof(struct state, undo),
      "Take back the plan HASH, or the last one that was applied", NULL },
    { "confirm", 0, G_OPTION_ARG_NONE, offsetof(struct state, confirm),
      "Keep the plan HASH: it is not undone by itself any more", NULL },
    { "list", 0, G_OPTION_ARG_NONE, offsetof(struct state, list), "List all plans and their stage",
      NULL },
    { "plan-hash", 0, G_OPTION_ARG_STRING, offsetof(struct state, plan_hash),
      "With --apply: the plan that was shown before", "HASH" },
    { "root", 0, G_OPTION_ARG_FILENAME, offsetof(struct state, root),
      "Fix the file tree or mounted image DIR instead of this machine", "DIR" },
    { "confirm-within", 0, G_OPTION_ARG_STRING, offsetof(struct state, confirm_within),
      "With --apply: undone after MINUTES unless confirmed (10 when people could be locked out; "
      "0: never)",
      "MINUTES" },
    { "yes", 'y', G_OPTION_ARG_NONE, offsetof(struct state, yes), "With --apply ID...: do not ask",
      NULL },
    { "force", 0, G_OPTION_ARG_NONE, offsetof(struct state, force),
      "With --undo: restore files that were changed since by others", NULL },
    { NULL },
};

static const char *stage_name(enum fix_stage stage, gboolean french)
{
    static const char *const names[] = {
        [FIX_PLANNED] = "prévu",      [FIX_APPLYING] = "inachevé",  [FIX_APPLIED] = "appliqué",
        [FIX_CONFIRMED] = "confirmé", [FIX_UNDOING] = "non annulé", [FIX_UNDONE] = "annulé",
    };

    return french ? names[stage] : fix_stage_name(stage);
}

/* Judges what is asked for (ids NULL: everything), so that the plan knows what fails and where. */
static struct assessment *assess(const struct context *context, const struct state *state,
                                 char **ids, GError **error)
{
    g_autofree char *path = cli_profile_path(context);
    g_autoptr(profile_t) profile = path ? profile_load(path, error) : profile_default();
    const struct assess_options asked = {
        .root = state->root,
        .measures = (const char *const *)ids,
    };

    return profile ? assess_run(profile, &asked, error) : NULL;
}

static gboolean is_wanted(const struct assessed_finding *one)
{
    return one->measure->n_actions && !one->finding->source &&
           !(one->waiver && !one->waiver->expired) &&
           (one->finding->outcome == OUTCOME_FAIL || one->finding->outcome == OUTCOME_WARN);
}

static struct fix_plan *make_plan(const struct context *context, const struct state *state,
                                  const struct fix_tree *tree, char **ids, GError **error)
{
    g_autoptr(assessment_t) assessment = assess(context, state, ids[0] ? ids : NULL, error);
    g_autoptr(GArray) rows = g_array_new(FALSE, FALSE, sizeof(struct fix_wish));
    g_autoptr(GPtrArray) wishes = g_ptr_array_new();

    if (!assessment)
        return NULL;
    for (guint i = 0; i < assessment->findings->len; i++) {
        const struct assessed_finding *one = assessment->findings->pdata[i];
        const struct fix_wish wish = { one->measure, one->finding, ids[0] != NULL };

        if (ids[0] || is_wanted(one))
            g_array_append_val(rows, wish);
    }
    for (guint i = 0; i < rows->len; i++)
        g_ptr_array_add(wishes, &g_array_index(rows, struct fix_wish, i));
    return fix_plan_make(tree, wishes, error);
}

/* A diff or another text of many lines, escaped line by line, in colour when there is any. */
/* A line of a file, whose tabs stay. */
static char *escape_but_tabs(const char *line)
{
    g_auto(GStrv) pieces = g_strsplit(line, "\t", -1);

    for (char **piece = pieces; *piece; piece++) {
        char *escaped = terminal_escape(*piece);

        g_free(*piece);
        *piece = escaped;
    }
    return g_strjoinv("\t", pieces);
}

static void append_lines(GString *out, const char *text, gboolean colour)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line && (line[1] || **line); line++) {
        g_autofree char *escaped = escape_but_tabs(*line);
        enum style style = **line == '+'   ? STYLE_GOOD
                           : **line == '-' ? STYLE_BAD
                           : **line == '@' ? STYLE_DIM
                                           : STYLE_PLAIN;
        g_autofree char *styled = terminal_style(escaped, style, colour);

        g_string_append_printf(out, "%s\n", styled);
    }
}

static void append_notes(GString *out, const char *heading, const GPtrArray *notes, gboolean french)
{
    if (notes->len)
        g_string_append_printf(out, "\n%s\n", heading);
    for (guint i = 0; i < notes->len; i++) {
        const struct fix_note *note = notes->pdata[i];
        g_autofree char *text = terminal_escape(french ? note->fr : note->en);

        g_string_append_printf(out, "  %s%s%s\n", note->measure ? note->measure : "",
                               note->measure ? ": " : "", text);
    }
}

static char *format_plan(const struct fix_plan *plan, const struct fix_tree *tree, gboolean french,
                         gboolean colour)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < plan->edits->len; i++) {
        const struct fix_edit *edit = plan->edits->pdata[i];
        g_autofree char *change = fix_edit_describe(edit, tree);

        g_string_append(out, "# ");
        for (guint m = 0; m < edit->measures->len; m++)
            g_string_append_printf(out, "%s%s", m ? ", " : "",
                                   (const char *)edit->measures->pdata[m]);
        g_string_append_c(out, '\n');
        append_lines(out, change, colour);
    }
    for (guint i = 0; i < plan->settings->len; i++) {
        const struct fix_setting *setting = plan->settings->pdata[i];
        g_autofree char *old = terminal_escape(setting->old);

        g_string_append_printf(
            out, french ? "noyau\u202f: %s, de %s à %s\n" : "kernel: %s, %s becomes %s\n",
            setting->key, old, setting->new);
    }
    if (fix_plan_is_empty(plan))
        g_string_append(out, french ? "Rien à changer.\n" : "Nothing to change.\n");
    append_notes(out, french ? "À savoir" : "Good to know", plan->effects, french);
    append_notes(out, french ? "Non corrigé" : "Not fixed", plan->left_out, french);
    if (!fix_plan_is_empty(plan) && plan->risky)
        g_string_append_printf(
            out,
            french ? "\nUne erreur ici pourrait vous fermer la porte\u202f: annulé après %d "
                     "minutes sans "
                     "confirmation.\n"
                   : "\nA mistake here could lock you out: undone after %d minutes unless "
                     "confirmed.\n",
            FIX_CONFIRM_DEFAULT_MIN);
    return g_string_free(out, FALSE);
}

static gboolean put_json(const struct context *context, json_t *value, GError **error)
{
    g_autofree char *text = json_pretty(value);

    return cli_output(context, text, strlen(text), error);
}

static gboolean show_plan(const struct context *context, const struct fix_plan *plan,
                          const struct fix_tree *tree, GError **error)
{
    gboolean french = cli_is_french(context);
    g_autofree char *program = cli_program();
    g_autofree char *text = NULL;
    GString *out;

    if (cli_format_is(context, "json", FALSE)) {
        g_autoptr(json_t) object = fix_plan_to_json(plan, tree);

        return put_json(context, object, error);
    }
    text = format_plan(plan, tree, french, !context->output && terminal_has_colour(stdout));
    out = g_string_new(text);
    if (!fix_plan_is_empty(plan) && !context->quiet)
        g_string_append_printf(out, "\n%s fix --apply --plan-hash %s\n", program, plan->hash);
    g_free(text);
    text = g_string_free(out, FALSE);
    return cli_output(context, text, strlen(text), error);
}

static int run_plan(const struct context *context, const struct state *state, const char *store,
                    char **ids, GError **error)
{
    g_autoptr(fix_tree_t) tree = fix_tree_open(state->root ? state->root : "/", error);
    g_autoptr(fix_plan_t) plan = tree ? make_plan(context, state, tree, ids, error) : NULL;
    g_autoptr(fix_record_t) record = NULL;

    if (!plan)
        return EXIT_SYSTEM;
    if (!fix_plan_is_empty(plan)) {
        record = fix_record_new(store, plan, error);
        if (!record)
            return EXIT_SYSTEM;
    }
    return show_plan(context, plan, tree, error) ? EXIT_DONE : EXIT_SYSTEM;
}

static gboolean agree(const struct context *context, GError **error)
{
    char answer[16];

    if (!isatty(STDIN_FILENO))
        return input_error(error, "nobody to ask: add --yes, or --plan-hash of a plan seen before");
    fputs(cli_is_french(context) ? "\nAppliquer\u202f? [o/N] " : "\nApply? [y/N] ", stderr);
    if (!fgets(answer, sizeof answer, stdin) || !strchr("yYoO", answer[0]))
        return input_error(error, "not applied");
    return TRUE;
}

/* Microseconds until the undo that only a confirmation stops; 0 for none. */
static gboolean read_confirm(const struct state *state, const struct fix_plan *plan,
                             gint64 *confirm_us, GError **error)
{
    char *end = NULL;
    double minutes = plan->risky ? FIX_CONFIRM_DEFAULT_MIN : 0;

    if (state->confirm_within)
        minutes = g_ascii_strtod(state->confirm_within, &end);
    if (end &&
        (end == state->confirm_within || *end || !(minutes >= 0) || minutes > CONFIRM_MAX_MIN))
        return input_error(error, "--confirm-within %s: is not a number of minutes (0 to %d)",
                           state->confirm_within, CONFIRM_MAX_MIN);
    *confirm_us = (gint64)(minutes * G_TIME_SPAN_MINUTE);
    return TRUE;
}

static gboolean report_stage(const struct context *context, const struct fix_record *record,
                             GError **error)
{
    gboolean french = cli_is_french(context);
    g_autofree char *deadline = record->deadline_us ? clock_format(record->deadline_us) : NULL;
    g_autoptr(json_t) object = NULL;

    if (cli_format_is(context, "json", FALSE)) {
        object = json_object();
        json_object_set_new(object, "hash", json_string(record->plan->hash));
        json_object_set_new(object, "stage", json_string(fix_stage_name(record->stage)));
        if (deadline)
            json_object_set_new(object, "deadline", json_string(deadline));
        return put_json(context, object, error);
    }
    if (context->quiet || fix_plan_is_empty(record->plan))
        return TRUE;
    printf(french ? "Plan %.*s\u202f: %s.\n" : "Plan %.*s: %s.\n", HASH_SHOWN, record->plan->hash,
           stage_name(record->stage, french));
    if (record->stage == FIX_APPLIED && deadline)
        printf(french ? "Annulé le %s sauf si\u202f: entente fix --confirm %.*s\n"
                      : "Undone at %s unless: entente fix --confirm %.*s\n",
               deadline, HASH_SHOWN, record->plan->hash);
    else if (record->stage == FIX_APPLIED)
        printf(french ? "Pour revenir en arrière\u202f: entente fix --undo %.*s\n"
                      : "To take it back: entente fix --undo %.*s\n",
               HASH_SHOWN, record->plan->hash);
    return TRUE;
}

/* The record to apply, and its tree: of a plan saved before, or of a new one that people agree to.
 */
static struct fix_record *choose_plan(const struct context *context, const struct state *state,
                                      const char *store, char **ids, struct fix_tree **tree,
                                      GError **error)
{
    g_autoptr(fix_record_t) record = NULL;
    g_autoptr(fix_plan_t) plan = NULL;

    if (state->plan_hash && !ids[0]) {
        record = fix_record_find(store, state->plan_hash, error);
        if (!record)
            return NULL;
        *tree = fix_tree_open(record->plan->root, error);
        return *tree ? g_steal_pointer(&record) : NULL;
    }
    *tree = fix_tree_open(state->root ? state->root : "/", error);
    plan = *tree ? make_plan(context, state, *tree, ids, error) : NULL;
    if (!plan)
        return NULL;
    if (state->plan_hash && !g_str_has_prefix(plan->hash, state->plan_hash)) {
        system_error(error, "the plan is %.*s now, not %s; look at it again", HASH_SHOWN,
                     plan->hash, state->plan_hash);
        return NULL;
    }
    if (!cli_format_is(context, "json", FALSE)) {
        g_autofree char *text =
            format_plan(plan, *tree, cli_is_french(context), terminal_has_colour(stdout));

        if (!context->quiet)
            fputs(text, stdout);
        fflush(stdout);
    }
    if (!fix_plan_is_empty(plan) && !state->yes && !state->plan_hash && !agree(context, error))
        return NULL;
    if (!fix_plan_is_empty(plan))
        return fix_record_new(store, plan, error);
    record = g_new0(struct fix_record, 1);
    record->plan = g_steal_pointer(&plan);
    return g_steal_pointer(&record);
}

static int run_apply(const struct context *context, const struct state *state, const char *store,
                     char **ids, GError **error)
{
    g_autoptr(fix_tree_t) tree = NULL;
    g_autoptr(fix_record_t) record = choose_plan(context, state, store, ids, &tree, error);
    gboolean done;
    gint64 confirm_us = 0;
    int lock;

    if (!record || !read_confirm(state, record->plan, &confirm_us, error))
        return EXIT_SYSTEM;
    if (fix_plan_is_empty(record->plan))
        return report_stage(context, record, error) ? EXIT_DONE : EXIT_SYSTEM;
    lock = fix_store_lock(store, error);
    if (lock < 0)
        return EXIT_SYSTEM;
    done = fix_apply(record, tree, confirm_us, error);
    close(lock);
    if (done && record->deadline_us)
        done = fix_apply_start_timer(store, record, error);
    return done && report_stage(context, record, error) ? EXIT_DONE : EXIT_SYSTEM;
}

static gboolean serves(const struct fix_record *record, const struct measure *measure)
{
    return !measure ||
           g_ptr_array_find_with_equal_func(record->plan->measures, measure->id, g_str_equal, NULL);
}

/* The plan that --undo or --confirm is about: by hash, by a measure's id, or the last applied. */
static struct fix_record *find_applied(const char *store, const char *argument, GError **error)
{
    const struct measure *measure = argument ? catalogue_find(argument) : NULL;
    g_autoptr(GPtrArray) records = NULL;

    if (argument && !measure)
        return fix_record_find(store, argument, error);
    records = fix_record_list(store, NULL);
    for (guint i = records->len; i-- > 0;) {
        const struct fix_record *record = records->pdata[i];

        if ((record->stage == FIX_APPLIED || record->stage == FIX_CONFIRMED) &&
            serves(record, measure))
            return fix_record_find(store, record->plan->hash, error);
    }
    input_error(error, "no plan is applied%s%s", measure ? " for " : "",
                measure ? measure->id : "");
    return NULL;
}

static int run_undo(const struct context *context, const struct state *state, const char *store,
                    char **arguments, GError **error)
{
    g_autoptr(fix_record_t) record = find_applied(store, arguments[0], error);
    g_autoptr(fix_tree_t) tree = record ? fix_tree_open(record->plan->root, error) : NULL;
    gboolean done;
    int lock;

    if (!tree)
        return EXIT_SYSTEM;
    lock = fix_store_lock(store, error);
    if (lock < 0)
        return EXIT_SYSTEM;
    done = fix_undo(record, tree, state->force, error);
    close(lock);
    return done && report_stage(context, record, error) ? EXIT_DONE : EXIT_SYSTEM;
}

static int run_confirm(const struct context *context, const struct state *state, const char *store,
                       char **arguments, GError **error)
{
    g_autoptr(fix_record_t) record = NULL;
    int lock = fix_store_lock(store, error);
    gboolean done;

    if (lock < 0)
        return EXIT_SYSTEM;
    record = find_applied(store, arguments[0], error);
    done = record && (record->stage == FIX_APPLIED || record->stage == FIX_CONFIRMED ||
                      system_error(error, "plan %.*s is not applied (%s)", HASH_SHOWN,
                                   record->plan->hash, fix_stage_name(record->stage)));
    done = done && fix_record_enter(record, FIX_CONFIRMED, 0, error);
    close(lock);
    return done && report_stage(context, record, error) ? EXIT_DONE : EXIT_SYSTEM;
}

/* What is wrong was said on standard error already. */
static void list_damaged(const struct fix_damage *damage, gboolean french, struct text_table *table,
                         json_t *array)
{
    g_autofree char *hash = g_strndup(damage->hash, HASH_SHOWN);
    const char *const cells[] = { hash, french ? "abîmé" : "damaged", "", "", "", "" };
    json_t *row = json_object();

    text_table_row(table, cells, NULL);
    json_object_set_new(row, "hash", json_string(damage->hash));
    json_object_set_new(row, "stage", json_string("damaged"));
    json_object_set_new(row, "damage", json_safe_string(damage->what));
    json_array_append_new(array, row);
}

static int run_list(const struct context *context, const struct state *state, const char *store,
                    char **arguments, GError **error)
{
    static const char *const headings[] = { "PLAN", "STAGE",    "SINCE", "FILES",
                                            "ROOT", "MEASURES", NULL };
    static const char *const headings_fr[] = { "PLAN",   "ÉTAPE",   "DEPUIS", "FICHIERS",
                                               "RACINE", "MESURES", NULL };
    gboolean french = cli_is_french(context);
    g_autoptr(GPtrArray) damaged = g_ptr_array_new_with_free_func((GDestroyNotify)fix_damage_free);
    g_autoptr(GPtrArray) records = fix_record_list(store, damaged);
    g_autoptr(text_table_t) table = text_table_new(french ? headings_fr : headings);
    g_autoptr(json_t) array = json_array();
    g_autofree char *text = NULL;

    for (guint i = 0; i < records->len; i++) {
        const struct fix_record *record = records->pdata[i];
        g_autofree char *hash = g_strndup(record->plan->hash, HASH_SHOWN);
        g_autofree char *since = record->changed_us ? clock_format(record->changed_us) : NULL;
        g_autofree char *files = g_strdup_printf("%u", record->plan->edits->len);
        g_autofree char *measures = record->plan->measures->len == 1
                                        ? g_strdup(record->plan->measures->pdata[0])
                                        : g_strdup_printf("%u", record->plan->measures->len);
        json_t *row = json_object(), *ids = json_array();

        for (guint m = 0; m < record->plan->measures->len; m++)
            json_array_append_new(ids, json_string(record->plan->measures->pdata[m]));
        {
            const char *const cells[] = { hash,
                                          stage_name(record->stage, french),
                                          since ? since : "",
                                          files,
                                          record->plan->root,
                                          measures };

            text_table_row(table, cells, NULL);
        }
        json_object_set_new(row, "hash", json_string(record->plan->hash));
        json_object_set_new(row, "stage", json_string(fix_stage_name(record->stage)));
        if (since)
            json_object_set_new(row, "since", json_string(since));
        if (record->deadline_us) {
            g_autofree char *deadline = clock_format(record->deadline_us);

            json_object_set_new(row, "deadline", json_string(deadline));
        }
        json_object_set_new(row, "root", json_safe_string(record->plan->root));
        json_object_set_new(row, "measures", ids);
        json_array_append_new(array, row);
    }
    for (guint i = 0; i < damaged->len; i++)
        list_damaged(damaged->pdata[i], french, table, array);
    if (cli_format_is(context, "json", FALSE))
        return put_json(context, array, error) && !damaged->len ? EXIT_DONE : EXIT_SYSTEM;
    text = cli_table(context, table);
    return cli_output(context, text, strlen(text), error) && !damaged->len ? EXIT_DONE
                                                                           : EXIT_SYSTEM;
}

static int run(const struct context *context, void *data, char **arguments, GError **error)
{
    const struct state *state = data;
    const struct {
        gboolean asked;
        int (*run)(const struct context *, const struct state *, const char *, char **, GError **);
    } modes[] = {
        { state->apply, run_apply }, { state->undo, run_undo }, { state->confirm, run_confirm },
        { state->list, run_list },   { state->plan, run_plan },
    };
    g_autofree char *folder = cli_data_folder(context, error);
    g_autofree char *store = folder ? g_build_filename(folder, "fixes", NULL) : NULL;
    g_autoptr(GPtrArray) said = NULL;
    guint asked = 0, mode = G_N_ELEMENTS(modes) - 1;

    for (guint i = 0; i < G_N_ELEMENTS(modes); i++)
        if (modes[i].asked) {
            mode = i;
            asked++;
        }
    if (asked > 1)
        return input_error(error, "choose one of --plan, --apply, --undo, --confirm, --list");
    said = store ? fix_recover(store, NULL, error) : NULL;
    if (!said)
        return EXIT_SYSTEM;
    for (guint i = 0; i < said->len; i++) {
        g_autofree char *text = terminal_escape(said->pdata[i]);

        fprintf(stderr, "entente fix: %s\n", text);
    }
    return modes[mode].run(context, state, store, arguments, error);
}

const struct command command_fix = {
    .name = "fix",
    .summary = "Show, make and take back what puts failing measures right",
    .arguments = "[ID...|HASH]",
    .formats = "text, json",
    .details =
        "Without ID, everything that fails and has an automatic fix. A plan names every file and\n"
        "every byte; nothing else is changed, and --undo brings it all back.\n\n"
        "Example: entente fix --plan host.ssh.root-login\n"
        "         entente fix --apply --plan-hash 0f3a92c1d4e5\n"
        "         entente fix --confirm 0f3a92c1d4e5\n"
        "         entente fix --undo",
    .options = options,
    .state_size = sizeof(struct state),
    .run = run,
};
