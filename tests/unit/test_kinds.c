/*
 * Module kind, and every kind of the table walked through: from each state that can be reached,
 * every step by every party, as the table says and not otherwise.
 */
#include "base/error.h"
#include "case_lab.h"
#include "process/kind.h"

#include <stdlib.h>

#define NODES_LIMIT 400
#define STRANGER (LAB_PARTIES - 1) /* never a party */
#define HOUR_S 3600

/* Which values a step is given. */
enum variant {
    NEEDED,   /* what it needs */
    ALL,      /* and what it takes; dates as a form proposes them */
    REVERSED, /* the same, the dates in the other order */
    VARIANTS
};

struct move {
    guint party;
    const char *machine, *event;
    char *instance; /* interned */
    enum variant variant;
    gint64 wait_s; /* not 0: nothing is said, a clock runs out */
};

struct node {
    GArray *moves; /* struct move */
};

struct walk {
    struct lab *lab;
    const struct kind *kind;
    guint roles;         /* parties 0 .. roles-1 have one role each */
    GHashTable *seen;    /* signatures of whole cases */
    GHashTable *taken;   /* struct process_step * that had their effect */
    GHashTable *states;  /* names of states that were reached */
    GHashTable *checked; /* and looked at */
    GQueue *todo;        /* struct node * */
    guint checks;
};

/* --- values --- */

static json_t *value_of(const struct walk *walk, const struct kase *kase,
                        const struct process_field *field, enum variant variant, gint64 now_s)
{
    gint64 days = field->suggest_days ? field->suggest_days : 30;

    return lab_value(walk->lab, walk->kind, kase, field, now_s,
                     variant == REVERSED ? 400 - days : days);
}

static json_t *fields_of(const struct walk *walk, const struct kase *kase, const char *const *needs,
                         const char *const *takes, enum variant variant, gint64 now_s)
{
    json_t *fields = json_object();

    for (; needs && *needs; needs++)
        json_object_set_new(fields, *needs,
                            value_of(walk, kase, kind_field(walk->kind, *needs), variant, now_s));
    for (; variant != NEEDED && takes && *takes; takes++)
        json_object_set_new(fields, *takes,
                            value_of(walk, kase, kind_field(walk->kind, *takes), variant, now_s));
    return fields;
}

/* --- a case up to a node --- */

static struct lab_said opening(const struct walk *walk, char **to, enum variant variant)
{
    const struct kind *kind = walk->kind;
    json_t *fields = fields_of(walk, NULL, kind->opens_with, kind->opens_may, variant, 0);
    json_t *roles = json_object();
    guint party = 0;

    for (const struct process_role *role = kind->roles; role->id; role++, party++)
        json_object_set_new(roles, walk->lab->ids[party], json_string(role->id));
    json_object_set_new(fields, "roles", roles);
    return (struct lab_said){ .party = 0,
                              .kind = kind->id,
                              .machine = kind->machines[0].id,
                              .event = CASE_EVENT_OPEN,
                              .fields = fields,
                              .tlp = kind->tlp,
                              .signers = kind->opens_approvals,
                              .to = to };
}

static const char *stream_for(const struct process_step *step)
{
    return step->local ? CASE_STREAM_LOCAL : CASE_STREAM_SHARED;
}

static struct lab_said saying(const struct walk *walk, const struct kase *kase,
                              const struct process_step *step, const struct move *move,
                              gint64 now_s)
{
    json_t *fields = fields_of(walk, kase, step->needs, step->takes, move->variant, now_s);

    if (case_step_brings_in(step))
        json_object_set_new(fields, "reason", json_string("they need to know"));
    return (struct lab_said){ .party = move->party,
                              .kind = walk->kind->id,
                              .stream = stream_for(step),
                              .machine = move->machine,
                              .instance = move->instance,
                              .event = move->event,
                              .fields = fields,
                              .tlp = kase->tlp,
                              .signers = step->approvals,
                              .at_s = now_s };
}

static struct case_fold *begin(const struct walk *walk, enum variant variant)
{
    struct case_fold *fold = lab_fold(walk->lab, NULL);
    g_autoptr(GStrvBuilder) to = g_strv_builder_new();
    g_auto(GStrv) ids = NULL;
    struct lab_said said;

    for (guint i = 1; i < walk->roles; i++)
        g_strv_builder_add(to, walk->lab->ids[i]);
    ids = g_strv_builder_end(to);
    said = opening(walk, ids, variant);
    g_assert_cmpstr(case_verdict_name(lab_say(walk->lab, fold, &said)), ==, "applied");
    return fold;
}

static const struct process_step *row_for(const struct walk *walk, const struct kase *kase,
                                          const struct move *move)
{
    g_autoptr(GPtrArray) options = case_options(kase, walk->lab->ids[move->party]);

    for (guint i = 0; i < options->len; i++) {
        const struct case_option *option = options->pdata[i];

        if (g_str_equal(option->step->machine, move->machine) &&
            g_str_equal(option->step->event, move->event) &&
            g_strcmp0(option->instance, move->instance) == 0)
            return option->step;
    }
    return NULL;
}

/* The case after the moves of a node, and the time then. */
static struct case_fold *replay(const struct walk *walk, const struct node *node, gint64 *now_s)
{
    struct case_fold *fold = begin(walk, g_array_index(node->moves, struct move, 0).variant);

    *now_s = 0;
    for (guint i = 1; i < node->moves->len; i++) {
        const struct move *move = &g_array_index(node->moves, struct move, i);
        const struct kase *kase;
        const struct process_step *step;
        struct lab_said said;

        *now_s += move->wait_s ? move->wait_s : 1;
        if (move->wait_s)
            continue;
        kase = case_fold_at(fold, lab_us(*now_s));
        step = row_for(walk, kase, move);
        g_assert_nonnull(step);
        said = saying(walk, kase, step, move, *now_s);
        g_assert_cmpstr(case_verdict_name(lab_say(walk->lab, fold, &said)), ==, "applied");
    }
    return fold;
}

static char *signature_of(const struct kase *kase)
{
    GString *out = g_string_new(NULL);

    for (guint i = 0; i < kase->states->len; i++) {
        const struct case_state *state = kase->states->pdata[i];

        g_string_append_printf(out, "%s/%.4s=%s\n", state->machine->id,
                               state->instance ? state->instance : "", state->state);
    }
    for (guint i = 0; i < kase->parties->len; i++) {
        const struct case_party *party = kase->parties->pdata[i];

        g_string_append_printf(out, "%.4s %s %d %d\n", party->id, party->role, party->left,
                               party->offered_by != NULL);
    }
    return g_string_free(out, FALSE);
}

static struct node *node_with(const struct node *before, const struct move *move)
{
    struct node *node = g_new0(struct node, 1);

    node->moves = g_array_new(FALSE, TRUE, sizeof(struct move));
    if (before)
        g_array_append_vals(node->moves, before->moves->data, before->moves->len);
    g_array_append_val(node->moves, *move);
    return node;
}

/* --- what the table says of one step at one place --- */

static gboolean row_holds(const struct kase *kase, const struct process_step *step,
                          const struct case_state *state, const char *party)
{
    g_autoptr(GPtrArray) options = case_options(kase, party);

    for (guint i = 0; i < options->len; i++) {
        const struct case_option *option = options->pdata[i];

        if (option->step == step && g_strcmp0(option->instance, state->instance) == 0)
            return TRUE;
    }
    return FALSE;
}

/* Independent of the fold: what the rows alone allow, whatever guards say. */
static gboolean rows_allow(const struct kind *kind, const struct case_state *state,
                           const char *event, const char *role)
{
    for (const struct process_step *step = kind->steps; step->machine; step++) {
        gboolean from = FALSE, by = FALSE;

        if (!g_str_equal(step->machine, state->machine->id) || !g_str_equal(step->event, event))
            continue;
        for (guint i = 0; step->from[i]; i++)
            from |= g_str_equal(step->from[i], state->state) || g_str_equal(step->from[i], "**") ||
                    (g_str_equal(step->from[i], "*") &&
                     !g_strv_contains(state->machine->ends, state->state));
        for (guint i = 0; step->roles[i]; i++)
            by |= g_str_equal(step->roles[i], "*") || g_str_equal(step->roles[i], role);
        if (from && by)
            return TRUE;
    }
    return FALSE;
}

static gboolean clocks_acted(const struct kase *kase)
{
    for (guint i = 0; i < kase->entries->len; i++)
        if (((struct case_entry *)kase->entries->pdata[i])->clock)
            return TRUE;
    return FALSE;
}

/* Where a walk looks closer: a fold that is used again as long as nothing changes it. */
struct place {
    const struct node *node;
    struct case_fold *fold;
    gint64 now_s;
};

static void expect(struct walk *walk, struct place *place, const struct move *move,
                   const struct process_step *step, void (*spoil)(struct lab_said *, const void *),
                   const void *how, enum case_verdict wanted)
{
    const struct kase *kase = case_fold_at(place->fold, lab_us(place->now_s));
    struct lab_said said = saying(walk, kase, step, move, place->now_s);
    g_autofree char *before = signature_of(kase), *after = NULL;
    gboolean acted = clocks_acted(kase);
    enum case_verdict verdict;

    if (spoil)
        spoil(&said, how);
    verdict = lab_say(walk->lab, place->fold, &said);
    if (verdict == CASE_OVERTAKEN && wanted == CASE_NOT_POSSIBLE && acted)
        verdict = CASE_NOT_POSSIBLE; /* its author may not have known what the clock did */
    if (verdict != wanted)
        g_test_message("%s %s/%s by %u in\n%s", walk->kind->id, move->machine, move->event,
                       move->party, before);
    g_assert_cmpstr(case_verdict_name(verdict), ==, case_verdict_name(wanted));
    walk->checks++;
    if (wanted == CASE_APPLIED) {
        case_fold_free(place->fold);
        place->fold = replay(walk, place->node, &place->now_s);
        place->now_s++;
        return;
    }
    after = signature_of(case_fold_at(place->fold, lab_us(place->now_s)));
    g_assert_cmpstr(before, ==, after);
}

static void without_field(struct lab_said *said, const void *how)
{
    json_object_del(said->fields, how);
}

static void with_field(struct lab_said *said, const void *how)
{
    json_object_set_new(said->fields, how, json_string("x"));
}

static void with_level(struct lab_said *said, const void *how)
{
    said->tlp = *(const enum tlp *)how;
}

static void with_one_key(struct lab_said *said, const void *how)
{
    said->signers = *(const guint *)how;
}

/* What is possible is so only with approvals, fields and level. */
static void spoil_each(struct walk *walk, struct place *place, const struct move *move,
                       const struct process_step *step, gboolean owner, enum tlp level)
{
    const guint one = step->approvals - 1;
    const enum tlp above = walk->kind->tlp_ceiling + 1, below = level - 1;

    if (step->approvals > 1)
        expect(walk, place, move, step, with_one_key, &one, CASE_APPROVALS);
    for (guint i = 0; step->needs && step->needs[i]; i++)
        expect(walk, place, move, step, without_field, step->needs[i], CASE_FIELD);
    if (case_step_brings_in(step) && level >= TLP_AMBER)
        expect(walk, place, move, step, without_field, "reason", CASE_FIELD);
    expect(walk, place, move, step, with_field, "no-such-field", CASE_FIELD);
    if (walk->kind->tlp_ceiling < TLP_RED)
        expect(walk, place, move, step, with_level, &above, CASE_TLP);
    if (level > TLP_CLEAR && !owner)
        expect(walk, place, move, step, with_level, &below, CASE_TLP);
}

static void check_party(struct walk *walk, struct place *place, const char *instance,
                        const struct process_step *step, guint party)
{
    const struct kase *kase = case_fold_at(place->fold, lab_us(place->now_s));
    const struct case_state *state = case_state_of(kase, step->machine, instance);
    const struct case_party *there = case_party_of(kase, walk->lab->ids[party]);
    struct move move = { party, step->machine, step->event, (char *)instance, NEEDED, 0 };
    gboolean own, by, anywhere = FALSE;

    if (!there || there->left) {
        expect(walk, place, &move, step, NULL, NULL, CASE_NOT_A_PARTY);
        return;
    }
    own =
        g_strcmp0(state->machine->per_party, there->role) != 0 || g_str_equal(instance, there->id);
    by = g_str_equal(step->roles[0], "*") || g_strv_contains(step->roles, there->role);
    if (row_holds(kase, step, state, there->id)) {
        const gboolean owner = kind_role(walk->kind, there->role)->opens;
        const enum tlp level = kase->tlp;

        g_assert_true(by && own && rows_allow(walk->kind, state, step->event, there->role));
        spoil_each(walk, place, &move, step, owner, level);
        expect(walk, place, &move, step, NULL, NULL, CASE_APPLIED);
        return;
    }
    if (rows_allow(walk->kind, state, step->event, there->role))
        return; /* another row, or a guard */
    for (const struct process_step *row = walk->kind->steps; row->machine; row++)
        anywhere |= g_str_equal(row->machine, step->machine) &&
                    g_str_equal(row->event, step->event) &&
                    (g_str_equal(row->roles[0], "*") || g_strv_contains(row->roles, there->role));
    expect(walk, place, &move, step, NULL, NULL, anywhere && own ? CASE_NOT_POSSIBLE : CASE_ROLE);
}

/* Every step of a machine by everybody, in a state where it was not looked at yet. */
static void check_node(struct walk *walk, const struct node *node)
{
    struct place place = { node, NULL, 0 };
    const struct kase *kase;

    place.fold = replay(walk, node, &place.now_s);
    place.now_s++;
    kase = case_fold_at(place.fold, lab_us(place.now_s));
    for (guint i = 0; i < kase->states->len; i++) {
        const struct case_state *state = kase->states->pdata[i];
        g_autofree char *instance = g_strdup(state->instance);
        const char *machine = state->machine->id;

        if (!g_hash_table_add(walk->checked, g_strconcat(machine, "/", state->state, NULL)))
            continue;
        for (const struct process_step *step = walk->kind->steps; step->machine; step++)
            for (guint party = 0; g_str_equal(step->machine, machine) && party <= walk->roles;
                 party++)
                check_party(walk, &place, instance, step, party < walk->roles ? party : STRANGER);
        kase = case_fold_at(place.fold, lab_us(place.now_s));
    }
    case_fold_free(place.fold);
}

/* --- the walk --- */

/* Whether a case has a row or a state that was not there before. */
static gboolean note_progress(struct walk *walk, const struct kase *kase)
{
    gboolean news = FALSE;

    for (guint i = 0; i < kase->entries->len; i++) {
        const struct case_entry *entry = kase->entries->pdata[i];

        if (entry->step)
            news |= g_hash_table_add(walk->taken, (gpointer)entry->step);
    }
    for (guint i = 0; i < kase->states->len; i++) {
        const struct case_state *state = kase->states->pdata[i];

        news |= g_hash_table_add(walk->states,
                                 g_strconcat(state->machine->id, "/", state->state, NULL));
    }
    return news;
}

static void node_free(gpointer data)
{
    struct node *node = data;

    g_array_unref(node->moves);
    g_free(node);
}

static void visit(struct walk *walk, const struct node *before, const struct move *move)
{
    struct node *node = node_with(before, move);
    gint64 now_s;
    g_autoptr(case_fold_t) fold = replay(walk, node, &now_s);
    const struct kase *kase = case_fold_at(fold, lab_us(now_s));
    char *signature = signature_of(kase);
    gboolean news = note_progress(walk, kase);

    if (!g_hash_table_add(walk->seen, signature) && !news) {
        node_free(node);
        return;
    }
    /* What led to something new is followed first. */
    if (!news) {
        g_queue_push_tail(walk->todo, node);
        return;
    }
    g_queue_push_head(walk->todo, node);
    check_node(walk, node);
}

static void visit_next(struct walk *walk, const struct node *node)
{
    static const guint extra[] = { LAB_SPARE };
    gint64 now_s;
    g_autoptr(case_fold_t) fold = replay(walk, node, &now_s);
    const struct kase *kase = case_fold_at(fold, lab_us(now_s + 1));
    g_autoptr(GArray) moves = g_array_new(FALSE, TRUE, sizeof(struct move));
    g_autoptr(GHashTable) tried = g_hash_table_new(NULL, NULL);

    for (guint i = 0; i < walk->roles + G_N_ELEMENTS(extra); i++) {
        guint party = i < walk->roles ? i : extra[i - walk->roles];
        g_autoptr(GPtrArray) options = case_options(kase, walk->lab->ids[party]);

        for (guint j = 0; j < options->len; j++) {
            const struct case_option *option = options->pdata[j];

            /* Once is enough: for each place by one party, for what changes nothing at all. */
            if (g_hash_table_contains(walk->taken, option->step) &&
                !g_hash_table_add(tried, (gpointer)option->step))
                continue;
            if (g_hash_table_contains(walk->taken, option->step) &&
                g_str_equal(option->step->to, "=") && !option->step->effect &&
                !option->step->causes)
                continue;
            for (enum variant variant = NEEDED; variant < VARIANTS; variant++) {
                struct move move = { party,
                                     option->step->machine,
                                     option->step->event,
                                     (char *)g_intern_string(option->instance),
                                     variant,
                                     0 };

                if (variant == NEEDED || option->step->causes)
                    g_array_append_val(moves, move);
            }
        }
    }
    for (guint i = 0; i < kase->clocks->len; i++) {
        const struct case_clock *clock = kase->clocks->pdata[i];
        struct move move = { .wait_s = clock->due_us / G_USEC_PER_SEC - LAB_START - now_s + 1 };

        if (clock->clock->then && clock->standing == CLOCK_RUNNING && move.wait_s > 0)
            g_array_append_val(moves, move);
    }
    for (guint i = 0; i < moves->len; i++)
        visit(walk, node, &g_array_index(moves, struct move, i));
}

static gboolean all_taken(const struct walk *walk)
{
    for (const struct process_step *step = walk->kind->steps; step->machine; step++)
        if (!g_hash_table_contains(walk->taken, step))
            return FALSE;
    return TRUE;
}

static void test_walk(gconstpointer data)
{
    g_autoptr(lab_t) lab = lab_new();
    struct walk walk = { .lab = lab, .kind = data };
    struct move first = { .variant = ALL }, second = { .variant = NEEDED };
    guint nodes = 0;

    for (const struct process_role *role = walk.kind->roles; role->id; role++)
        walk.roles++;
    walk.seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    walk.states = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    walk.checked = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    lab->trusted = TRUE;
    walk.taken = g_hash_table_new(NULL, NULL);
    walk.todo = g_queue_new();
    visit(&walk, NULL, &first);
    visit(&walk, NULL, &second);
    while (!all_taken(&walk) && !g_queue_is_empty(walk.todo) && nodes++ < NODES_LIMIT) {
        struct node *node = g_queue_pop_head(walk.todo);

        visit_next(&walk, node);
        node_free(node);
    }
    for (const struct process_step *step = walk.kind->steps; step->machine; step++)
        if (!g_hash_table_contains(walk.taken, step))
            g_test_message("never taken: %s/%s to %s", step->machine, step->event, step->to);
    g_assert_true(all_taken(&walk));
    for (const struct process_machine *machine = walk.kind->machines; machine->id; machine++)
        for (guint i = 0; machine->states[i]; i++) {
            g_autofree char *name = g_strconcat(machine->id, "/", machine->states[i], NULL);

            g_test_message("state %s", name);
            g_assert_true(g_hash_table_contains(walk.states, name));
        }
    g_test_message("%s: %u nodes, %u verdicts", walk.kind->id, nodes, walk.checks);
    g_queue_free_full(walk.todo, node_free);
    g_hash_table_unref(walk.seen);
    g_hash_table_unref(walk.states);
    g_hash_table_unref(walk.checked);
    g_hash_table_unref(walk.taken);
}

/* --- the table --- */

static void test_levels(void)
{
    enum tlp tlp;

    g_assert_true(tlp_parse("TLP:AMBER+STRICT", &tlp));
    g_assert_cmpint(tlp, ==, TLP_AMBER_STRICT);
    g_assert_true(tlp_parse("white", &tlp));
    g_assert_cmpint(tlp, ==, TLP_CLEAR);
    g_assert_false(tlp_parse("purple", &tlp));
    g_assert_false(tlp_parse(NULL, &tlp));
    for (enum tlp level = TLP_CLEAR; level <= TLP_RED; level++) {
        g_assert_true(tlp_parse(tlp_name(level), &tlp));
        g_assert_cmpint(tlp, ==, level);
    }
}

/* The kinds that were promised, each with an acknowledgement of its own where someone is asked. */
static void test_the_kinds(void)
{
    static const char *const promised[] = {
        "abuse",        "alarm",        "assistance", "capacity-offer", "capacity-request",
        "consultation", "disclosure",   "drill",      "election-alert", "engagement",
        "exercise",     "preservation", "transfer"
    };
    guint count = 0;

    for (const struct kind *kind = kinds; kind->id; kind++, count++) {
        g_assert_cmpstr(kind->id, ==, promised[count]);
        g_assert_true(kind_find(kind->id) == kind);
        g_assert_nonnull(kind->clocks);
    }
    g_assert_cmpuint(count, ==, G_N_ELEMENTS(promised));
    g_assert_null(kind_find("no-such-kind"));
}

static void assert_field(const char *name, const char *value, gboolean good)
{
    const struct kind *kind = kind_find("assistance");
    g_autoptr(json_t) parsed = json_loads(value, JSON_DECODE_ANY, NULL);
    g_autoptr(json_t) fields = json_pack("{s:O}", name, parsed);
    const char *const takes[] = { name, NULL };
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(kind_fields_check(kind, fields, NULL, takes, &error), ==, good);
    if (!good) {
        g_assert_error(error, ENTENTE_ERROR, ENTENTE_ERROR_INPUT);
        g_assert_nonnull(strstr(error->message, name));
    }
}

static void test_fields(void)
{
    assert_field("harm", "\"life\"", TRUE);
    assert_field("harm", "\"lives\"", FALSE);
    assert_field("harm", "3", FALSE);
    assert_field("country", "\"FR\"", TRUE);
    assert_field("country", "\"fr\"", FALSE);
    assert_field("people", "12", TRUE);
    assert_field("people", "-1", FALSE);
    assert_field("people", "1.5", FALSE);
    assert_field("since", "\"2026-11-22T03:00:00Z\"", TRUE);
    assert_field("since", "\"2026-11-22\"", FALSE);
    assert_field("channel", "\"a line\"", TRUE);
    assert_field("channel", "\"two\\nlines\"", FALSE);
    assert_field("channel", "\"\\u001b[2J\"", FALSE);
    assert_field("what", "\"two\\nlines\"", TRUE);
    assert_field("language", "[\"fr\", \"en\"]", TRUE);
    assert_field("language", "[\"fr\", \"fr\"]", FALSE);
    assert_field("language", "\"fr\"", FALSE);
    assert_field("reply_key", "\"x25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"", TRUE);
    assert_field("reply_key", "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\"", FALSE);
    assert_field("nationality", "\"FR\"", FALSE);
}

/* No field for nationality, politics, religion or side has a weight in the order of calls. */
static void test_triage_is_impartial(void)
{
    static const char *const may_weigh[] = { "continuing", "harm", "means", NULL };
    const struct kind *kind = kind_find("assistance");

    for (const struct process_field *field = kind->fields; field->id; field++)
        for (const struct process_choice *choice = field->choices; choice && choice->id; choice++)
            if (choice->score)
                g_assert_true(g_strv_contains(may_weigh, field->id));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/kinds/levels", test_levels);
    g_test_add_func("/kinds/all", test_the_kinds);
    g_test_add_func("/kinds/fields", test_fields);
    g_test_add_func("/kinds/impartial", test_triage_is_impartial);
    for (const struct kind *kind = kinds; kind->id; kind++) {
        g_autofree char *path = g_strconcat("/kinds/walk/", kind->id, NULL);

        g_test_add_data_func(path, kind, test_walk);
    }
    return g_test_run();
}
