/*
 * Modules case_fold, case_chain, case_opening: one order on every side, whatever the order of
 * arrival; what is missing, said twice, forked, for others, or not signed.
 */
#include "case_scene.h"

#define MEMBERS 5 /* finder, coordinator, two vendors, one who is brought in */
#define FINDER 0
#define COORDINATOR 1
#define FIRST_VENDOR 2
#define HISTORIES 150
#define ARRIVALS 8 /* orders of arrival of each history */
#define STEPS 30

static char *text_of(const struct kase *kase, const char *viewer)
{
    g_autoptr(json_t) value = case_json(kase, viewer);
    g_autoptr(GBytes) bytes = NULL;

    /* What a party cannot see it cannot count. */
    if (viewer) {
        json_object_del(value, "hidden");
        json_object_del(value, "changed");
    }
    bytes = json_canonical(value, NULL);
    return g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
}

/* --- many sides at once --- */

struct world {
    struct lab *lab;
    struct case_fold *folds[MEMBERS];
    GPtrArray *events;           /* struct case_event *, all that were said */
    GPtrArray *pending[MEMBERS]; /* struct case_event *, on their way */
    gint64 now_s;
};

static void deliver(struct world *world, guint member, guint count)
{
    GPtrArray *pending = world->pending[member];

    while (count-- && pending->len) {
        guint index = (guint)g_test_rand_int_range(0, (gint32)pending->len);
        struct case_event *event = g_ptr_array_steal_index_fast(pending, index);

        case_fold_add(world->folds[member], event, LAB_NOW);
        case_event_free(event);
    }
}

static void send(struct world *world, guint from, struct case_event *event)
{
    g_ptr_array_add(world->events, event);
    for (guint i = 0; i < MEMBERS; i++)
        if (i != from && g_strv_contains((const char *const *)event->to, world->lab->ids[i]))
            g_ptr_array_add(world->pending[i], case_event_ref(event));
}

static json_t *random_fields(const struct world *world, const struct kase *kase,
                             const struct process_step *step)
{
    json_t *fields = json_object();
    gint64 days = g_test_rand_int_range(1, 100);

    for (guint i = 0; step->needs && step->needs[i]; i++)
        json_object_set_new(fields, step->needs[i],
                            lab_value(world->lab, kase->kind, kase,
                                      kind_field(kase->kind, step->needs[i]), world->now_s, days));
    for (guint i = 0; step->takes && step->takes[i]; i++)
        if (g_test_rand_int_range(0, 2))
            json_object_set_new(fields, step->takes[i],
                                lab_value(world->lab, kase->kind, kase,
                                          kind_field(kase->kind, step->takes[i]), world->now_s,
                                          days));
    if (case_step_brings_in(step))
        json_object_set_new(fields, "reason", json_string("they need to know"));
    if (json_object_get(fields, "party")) /* the one member who is not there from the start */
        json_object_set_new(fields, "party", json_string(world->lab->ids[MEMBERS - 1]));
    return fields;
}

/* One of the things a party may do, from what it knows. */
static void act(struct world *world, guint member)
{
    struct case_fold *fold = world->folds[member];
    const struct kase *kase = case_fold_at(fold, lab_us(world->now_s));
    g_autoptr(GPtrArray) options =
        kase->kind ? case_options(kase, world->lab->ids[member]) : g_ptr_array_new();
    g_autofree char *apart = g_strconcat("vendor:", world->lab->ids[member], NULL);
    const struct case_option *option;
    struct lab_said said;
    struct case_event *event;

    if (!options->len)
        return;
    option = options->pdata[g_test_rand_int_range(0, (gint32)options->len)];
    if (option->step->effect == EFFECT_SET_TLP || option->step->effect == EFFECT_OFFER ||
        option->step->effect == EFFECT_LEAVE || /* who left gets nothing more */
        g_str_equal(option->step->event, "close") || g_str_equal(option->step->event, "withdraw"))
        return;
    said = (struct lab_said){ .party = member,
                              .kind = kase->kind->id,
                              .machine = option->step->machine,
                              .instance = option->instance,
                              .event = option->step->event,
                              .fields = random_fields(world, kase, option->step),
                              .tlp = kase->tlp,
                              .signers = option->step->approvals,
                              .at_s = world->now_s };
    if (option->step->local)
        said.stream = CASE_STREAM_LOCAL;
    else if (option->instance && kind_machine(kase->kind, said.machine)->apart &&
             g_str_equal(option->instance, world->lab->ids[member]) && g_test_rand_int_range(0, 2))
        said.stream = apart;
    event = lab_event(world->lab, fold, &said);
    case_fold_add(fold, event, LAB_NOW);
    send(world, member, event);
}

static void begin(struct world *world)
{
    char *to[] = { world->lab->ids[1], world->lab->ids[2], world->lab->ids[3], NULL };
    json_t *fields = report("2027-02-25T10:00:00Z");
    struct case_event *opened;

    json_object_set_new(fields, "roles",
                        json_pack("{s:s, s:s, s:s, s:s}", world->lab->ids[0], "finder", to[0],
                                  "coordinator", to[1], "vendor", to[2], "vendor"));
    opened = lab_event(world->lab, world->folds[FINDER],
                       &(struct lab_said){ .kind = "disclosure",
                                           .machine = "report",
                                           .event = CASE_EVENT_OPEN,
                                           .fields = fields,
                                           .tlp = TLP_AMBER,
                                           .signers = 1,
                                           .to = to });
    ASSERT_VERDICT(case_fold_add(world->folds[FINDER], opened, LAB_NOW), CASE_APPLIED);
    send(world, FINDER, opened);
}

static void world_clear(struct world *world)
{
    for (guint i = 0; i < MEMBERS; i++) {
        case_fold_free(world->folds[i]);
        g_ptr_array_unref(world->pending[i]);
    }
    g_ptr_array_unref(world->events);
}

static void live(struct world *world)
{
    for (guint i = 0; i < MEMBERS; i++) {
        world->folds[i] = lab_fold(world->lab, world->lab->ids[i]);
        world->pending[i] = g_ptr_array_new_with_free_func((GDestroyNotify)case_event_free);
    }
    world->events = g_ptr_array_new_with_free_func((GDestroyNotify)case_event_free);
    world->now_s = 0;
    begin(world);
    for (guint i = 0; i < STEPS; i++) {
        guint member = (guint)g_test_rand_int_range(0, MEMBERS - 1);

        world->now_s += g_test_rand_int_range(0, 10) ? g_test_rand_int_range(0, 3) : 20 * DAY;
        act(world, member);
        deliver(world, (guint)g_test_rand_int_range(0, MEMBERS - 1),
                (guint)g_test_rand_int_range(0, 4));
    }
    for (guint i = 0; i < MEMBERS - 1; i++)
        deliver(world, i, G_MAXUINT);
}

/* The same events in any order give the same bytes; each side sees what the others may show it. */
static void compare(struct world *world)
{
    gint64 then_us = lab_us(world->now_s + 10 * DAY);
    const struct kase *whole = case_fold_at(world->folds[COORDINATOR], then_us);
    g_autoptr(case_fold_t) all = lab_fold(world->lab, NULL);
    g_autofree char *wanted = NULL;

    for (guint i = 0; i < MEMBERS - 1; i++) {
        const char *viewer = world->lab->ids[i];
        /* Notes are nobody else's: each side is compared by what all could have. */
        g_autofree char *here = text_of(case_fold_at(world->folds[i], then_us), viewer);
        g_autofree char *there = NULL;
        g_autoptr(case_fold_t) fold = lab_fold(world->lab, NULL);

        for (guint j = 0; j < world->events->len; j++) {
            struct case_event *event = world->events->pdata[j];

            if (!g_str_equal(event->stream, CASE_STREAM_LOCAL) || g_str_equal(event->from, viewer))
                case_fold_add(fold, event, LAB_NOW);
        }
        there = text_of(case_fold_at(fold, then_us), viewer);
        g_assert_cmpstr(here, ==, there);
    }
    (void)whole;
    for (guint round = 0; round < ARRIVALS; round++) {
        g_autoptr(case_fold_t) fold = lab_fold(world->lab, NULL);
        g_autoptr(GPtrArray) left = g_ptr_array_copy(world->events, NULL, NULL);
        g_autofree char *text = NULL;

        g_ptr_array_set_free_func(left, NULL);
        while (left->len) {
            guint index = (guint)g_test_rand_int_range(0, (gint32)left->len);

            case_fold_add(fold, g_ptr_array_steal_index_fast(left, index), LAB_NOW);
            if (!g_test_rand_int_range(0, 5))
                case_fold_at(fold, lab_us(g_test_rand_int_range(0, 200 * DAY)));
        }
        text = text_of(case_fold_at(fold, then_us), NULL);
        if (!wanted)
            wanted = g_strdup(text);
        g_assert_cmpstr(text, ==, wanted);
    }
}

static void test_convergence(void)
{
    g_autoptr(lab_t) lab = lab_new();
    guint events = 0, overtaken = 0;

    lab->trusted = TRUE;
    for (guint i = 0; i < HISTORIES; i++) {
        struct world world = { .lab = lab };

        live(&world);
        compare(&world);
        events += world.events->len;
        for (guint j = 0; j < world.events->len; j++) {
            const struct case_event *event = world.events->pdata[j];

            overtaken +=
                case_fold_verdict(world.folds[COORDINATOR], &event->hash) == CASE_OVERTAKEN;
        }
        world_clear(&world);
    }
    g_test_message("%u events, %u overtaken, %u arrivals", events, overtaken, HISTORIES * ARRIVALS);
    g_assert_cmpuint(overtaken, >, 0); /* else nothing was said at the same time */
}

static struct case_event *report_step(struct scene *scene, guint party, const char *event,
                                      gint64 at_s)
{
    return lab_event(scene->lab, scene->fold,
                     &(struct lab_said){ .party = party,
                                         .kind = "disclosure",
                                         .machine = "report",
                                         .event = event,
                                         .fields = json_pack("{s:s}", "reason", "enough is known"),
                                         .tlp = TLP_AMBER,
                                         .signers = 1,
                                         .at_s = at_s });
}

/* Two act on one state at once: the first in the order has its way, whichever comes first. */
static void test_overtaken(void)
{
    g_autoptr(scene_t) scene = scene_new("disclosure");
    g_autoptr(case_event_t) close = NULL, defer = NULL, knowing = NULL;

    ASSERT_VERDICT(scene_open(scene, disclosure_roles, report(NULL)), CASE_APPLIED);
    SAYS(scene, .party = 1, .event = "receive", .at_s = 10);
    SAYS(scene, .party = 1, .event = "validate", .at_s = 20);
    SAYS(scene, .party = 1, .event = "accept", .at_s = 30);
    close = report_step(scene, 1, "close", 200);
    defer = report_step(scene, 3, "defer", 201);
    ASSERT_VERDICT(case_fold_add(scene->fold, defer, LAB_NOW), CASE_APPLIED);
    g_assert_cmpstr(scene_state(scene, 300, "report", NULL), ==, "deferred");
    ASSERT_VERDICT(case_fold_add(scene->fold, close, LAB_NOW), CASE_APPLIED);
    ASSERT_VERDICT(case_fold_verdict(scene->fold, &defer->hash), CASE_OVERTAKEN);
    g_assert_cmpstr(scene_state(scene, 300, "report", NULL), ==, "closed");
    /* Who knew that it was closed was not overtaken. */
    knowing = report_step(scene, 2, "defer", 202);
    ASSERT_VERDICT(case_fold_add(scene->fold, knowing, LAB_NOW), CASE_NOT_POSSIBLE);
}

/* --- arrival --- */

static struct case_event *made(struct scene *scene, guint party, gint64 at_s, const char *text)
{
    return lab_event(scene->lab, scene->fold,
                     &(struct lab_said){ .party = party,
                                         .kind = scene->kind->id,
                                         .machine = scene->kind->machines[0].id,
                                         .event = "message",
                                         .fields = json_pack("{s:s}", "text", text),
                                         .tlp = scene->tlp,
                                         .signers = 1,
                                         .at_s = at_s });
}

/* What moves in the stream of one party is no reason for a verdict that others have to share. */
static void test_overtaken_is_no_matter_of_what_some_do_not_see(void)
{
    g_autoptr(scene_t) scene = scene_new("disclosure");
    g_autofree char *stream = NULL;

    ASSERT_VERDICT(scene_open(scene, disclosure_roles, report("2027-02-25T10:00:00Z")),
                   CASE_APPLIED);
    stream = g_strconcat("vendor:", scene->lab->ids[2], NULL);
    SAYS(scene, .party = 2, .machine = "vendor", .instance = scene->lab->ids[2], .event = "notice",
         .at_s = 10, .stream = stream);
    ASSERT_VERDICT(SAY(scene, .party = 0, .machine = "embargo", .event = "accept", .at_s = 20),
                   CASE_NOT_POSSIBLE); /* it proposed it: the other vendor knows no more */
}

static void test_gaps(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    g_autoptr(case_fold_t) far = NULL;
    g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)case_event_free);
    const char *author;
    struct case_hash last;

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    author = scene->lab->ids[1];
    far = lab_fold(scene->lab, author);
    for (guint i = 0; i < 6; i++) {
        struct case_event *event = made(scene, 1, 10 + i, "x");

        case_fold_add(scene->fold, event, LAB_NOW);
        g_ptr_array_add(events, event);
    }
    ASSERT_VERDICT(case_fold_add(far, events->pdata[5], LAB_NOW), CASE_GAP);
    ASSERT_VERDICT(case_fold_add(far, events->pdata[3], LAB_NOW), CASE_GAP);
    {
        g_autofree char *gaps = case_fold_gaps(far, author, CASE_STREAM_SHARED);

        g_assert_cmpstr(gaps, ==, "1-3, 5");
    }
    ASSERT_VERDICT(case_fold_add(far, events->pdata[0], LAB_NOW), CASE_GAP); /* no opening */
    ASSERT_VERDICT(case_fold_verdict(far, &((struct case_event *)events->pdata[5])->hash),
                   CASE_GAP);
    g_assert_cmpuint(case_fold_last(far, author, CASE_STREAM_SHARED, &last), ==, 0);
    {
        const struct kase *kase = scene_at(scene, 100);
        struct case_event *opening =
            (struct case_event *)((struct case_entry *)kase->entries->pdata[0])->event;

        ASSERT_VERDICT(case_fold_add(far, opening, LAB_NOW), CASE_APPLIED);
    }
    for (guint i = 1; i < 5; i++)
        case_fold_add(far, events->pdata[i], LAB_NOW);
    g_assert_null(case_fold_gaps(far, author, CASE_STREAM_SHARED));
    g_assert_cmpuint(case_fold_last(far, author, CASE_STREAM_SHARED, &last), ==, 6);
    {
        g_autofree char *here = text_of(scene_at(scene, 100), NULL);
        g_autofree char *there = text_of(case_fold_at(far, lab_us(100)), NULL);

        g_assert_cmpstr(here, ==, there);
    }
}

static void test_replays_and_forks(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    g_autoptr(case_event_t) first = NULL, fork = NULL, after = NULL, opening = NULL, answer = NULL;
    g_autoptr(json_t) heads = NULL;

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    first = made(scene, 1, 10, "one");
    fork = made(scene, 1, 10, "two");
    ASSERT_VERDICT(case_fold_add(scene->fold, first, LAB_NOW), CASE_APPLIED);
    ASSERT_VERDICT(case_fold_add(scene->fold, first, LAB_NOW), CASE_REPLAYED);
    ASSERT_VERDICT(case_fold_add(scene->fold, fork, LAB_NOW), CASE_FORKED);
    ASSERT_VERDICT(case_fold_verdict(scene->fold, &fork->hash), CASE_FORKED);
    /* What builds on the loser is lost with it. */
    {
        g_autoptr(case_fold_t) fooled = lab_fold(scene->lab, NULL);
        const struct kase *kase = scene_at(scene, 20);
        struct scene theirs = { scene->lab, fooled, scene->kind, scene->tlp };

        opening = case_event_ref(
            (struct case_event *)((struct case_entry *)kase->entries->pdata[0])->event);
        case_fold_add(fooled, opening, LAB_NOW);
        case_fold_add(fooled, fork, LAB_NOW);
        after = made(&theirs, 1, 20, "three");
        answer = made(&theirs, 0, 20, "an honest answer to what it saw");
    }
    ASSERT_VERDICT(case_fold_add(scene->fold, after, LAB_NOW), CASE_FORKED);
    /* Whoever was shown the loser is not silenced by it. */
    ASSERT_VERDICT(case_fold_add(scene->fold, answer, LAB_NOW), CASE_APPLIED);
    /* A second opening begins another case. */
    {
        g_autoptr(scene_t) again = scene_new("assistance");
        struct case_entry *entry;

        ASSERT_VERDICT(scene_open(again, two_roles, help("yes")), CASE_APPLIED);
        entry = scene_at(again, 1)->entries->pdata[0];
        ASSERT_VERDICT(case_fold_add(scene->fold, (struct case_event *)entry->event, LAB_NOW),
                       CASE_MIS_ADDRESSED);
    }
}

static void test_more_signatures(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    g_autoptr(case_event_t) one = NULL, two = NULL;
    g_autoptr(dsse_t) dsse = NULL;
    g_autoptr(GBytes) envelope = NULL;

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    SAYS(scene, .party = 1, .event = "acknowledge", .at_s = 5);
    one = lab_event(
        scene->lab, scene->fold,
        &(struct lab_said){ .party = 1,
                            .kind = "assistance",
                            .machine = "call",
                            .event = "decline",
                            .fields = json_pack("{s:s, s:s}", "reason", "r", "referral", "them"),
                            .tlp = TLP_AMBER,
                            .signers = 1,
                            .at_s = 10 });
    ASSERT_VERDICT(case_fold_add(scene->fold, one, LAB_NOW), CASE_APPROVALS);
    dsse = dsse_parse(g_bytes_get_data(one->envelope, NULL), g_bytes_get_size(one->envelope), "x",
                      NULL);
    envelope = lab_sign(scene->lab, 1, 2, dsse->payload);
    two = case_event_parse(envelope, NULL);
    ASSERT_VERDICT(case_fold_add(scene->fold, two, LAB_NOW), CASE_REPLAYED);
    g_assert_cmpstr(scene_state(scene, 20, "call", NULL), ==, "declined");
}

static void test_what_is_not_of_the_case(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    g_autoptr(case_fold_t) stranger = NULL;
    g_autoptr(case_event_t) forged = NULL, early = NULL, other_log = NULL, message = NULL;
    struct case_options elsewhere = { .log = "another.example/log" };
    g_autoptr(case_fold_t) away = case_fold_new(&elsewhere);
    const struct kase *kase;
    struct case_event *opening;

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    kase = scene_at(scene, 10);
    opening = (struct case_event *)((struct case_entry *)kase->entries->pdata[0])->event;
    /* Signed by someone else's key. */
    forged = made(scene, 1, 10, "x");
    forged->signers = 0;
    g_free(forged->from);
    forged->from = g_strdup(scene->lab->ids[0]);
    ASSERT_VERDICT(case_fold_add(scene->fold, forged, LAB_NOW), CASE_UNKNOWN_KEY);
    early = made(scene, 1, 1000, "x");
    ASSERT_VERDICT(case_fold_add(scene->fold, early, lab_us(699)), CASE_TIME);
    ASSERT_VERDICT(case_fold_add(scene->fold, early, lab_us(700)), CASE_APPLIED);
    ASSERT_VERDICT(case_fold_add(away, opening, LAB_NOW), CASE_OTHER_LOG);
    other_log = made(scene, 9, 1000, "I am nobody here");
    ASSERT_VERDICT(case_fold_add(scene->fold, other_log, LAB_NOW), CASE_NOT_A_PARTY);
    /* To someone who is no party of it. */
    stranger = lab_fold(scene->lab, scene->lab->ids[7]);
    ASSERT_VERDICT(case_fold_add(stranger, opening, LAB_NOW), CASE_MIS_ADDRESSED);
    message = made(scene, 0, 1001, "y");
    g_free(message->id);
    message->id = g_strdup("ffffffffffffffffffffffffffffffff");
    message->signers = 1;
    ASSERT_VERDICT(case_fold_add(scene->fold, message, LAB_NOW), CASE_MIS_ADDRESSED);
}

/* Who is brought in gets the event that says so first, and then the past. */
static void test_joining(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    g_autoptr(case_fold_t) late = NULL;
    const struct kase *kase;

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    SAYS(scene, .party = 0, .event = "message", .at_s = 10,
         .fields = json_pack("{s:s}", "text", "before you came"));
    SAYS(scene, .party = 1, .event = "note", .at_s = 11, .stream = CASE_STREAM_LOCAL,
         .fields = json_pack("{s:s}", "text", "not for you"));
    SAYS(scene, .party = 1, .event = "add-party", .at_s = 20,
         .fields = json_pack("{s:s, s:s, s:s}", "party", scene->lab->ids[4], "role", "expert",
                             "reason", "knows the product"));
    late = lab_fold(scene->lab, scene->lab->ids[4]);
    kase = scene_at(scene, 30);
    ASSERT_VERDICT(
        case_fold_add(late,
                      (struct case_event *)((struct case_entry *)kase->entries->pdata[3])->event,
                      LAB_NOW),
        CASE_GAP);
    ASSERT_VERDICT(
        case_fold_add(late,
                      (struct case_event *)((struct case_entry *)kase->entries->pdata[2])->event,
                      LAB_NOW),
        CASE_MIS_ADDRESSED);
    for (guint i = 0; i < 2; i++)
        ASSERT_VERDICT(
            case_fold_add(
                late, (struct case_event *)((struct case_entry *)kase->entries->pdata[i])->event,
                LAB_NOW),
            CASE_APPLIED);
    g_assert_cmpstr(case_party_of(case_fold_at(late, lab_us(30)), scene->lab->ids[4])->role, ==,
                    "expert");
}

/* --- times --- */

static gint64 witnessed_us(gpointer data, const struct case_hash *event)
{
    return *(const gint64 *)data;
}

static gboolean anchored(gpointer data, guint64 size, const struct case_hash *root,
                         gint64 *log_time_us)
{
    *log_time_us = lab_us(3600);
    return size == 7;
}

static void test_witnessed_times(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    struct case_options options = { .log = LAB_LOG, .witnessed_us = witnessed_us };
    gint64 log_us = 0;
    const struct kase *kase;

    options.keys = (struct case_keys){ lab_keys_of, scene->lab };
    options.data = &log_us;
    case_fold_free(scene->fold);
    scene->fold = case_fold_new(&options);
    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    g_assert_false(scene_clock(scene, 0, "acknowledge", NULL)->witnessed);
    assert_clock(scene, 0, "acknowledge", NULL, 24 * HOUR, CLOCK_RUNNING);
    /* Once its commitment is proven, the log's time counts. */
    log_us = lab_us(1800);
    case_fold_refresh(scene->fold);
    assert_clock(scene, 0, "acknowledge", NULL, 1800 + 24 * HOUR, CLOCK_RUNNING);
    kase = scene_at(scene, 0);
    g_assert_true(scene_clock(scene, 0, "acknowledge", NULL)->witnessed);
    g_assert_true(((struct case_entry *)kase->entries->pdata[0])->witnessed);
    g_assert_cmpint(kase->opened_us, ==, lab_us(1800));
}

/* The log times of an opening and of what is said after it, hours apart. */
struct hours {
    gint64 opened_us, then_us;
    struct case_hash opening;
};

static gint64 hourly_us(gpointer data, const struct case_hash *event)
{
    const struct hours *hours = data;

    return memcmp(event, &hours->opening, sizeof *event) == 0 ? hours->opened_us : hours->then_us;
}

static void scene_hourly(struct scene *scene, struct hours *hours)
{
    struct case_options options = { .log = LAB_LOG, .witnessed_us = hourly_us };

    options.keys = (struct case_keys){ lab_keys_of, scene->lab };
    options.data = hours;
    case_fold_free(scene->fold);
    scene->fold = case_fold_new(&options);
}

static void learn_opening(struct scene *scene, struct hours *hours)
{
    const struct kase *kase = scene_at(scene, 0);

    hours->opening = ((const struct case_entry *)kase->entries->pdata[0])->event->hash;
}

/* Nobody is late because an hour's commitment was not yet full. */
static void test_done_within_the_hour(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    struct hours hours = { 0 };

    scene_hourly(scene, &hours);
    ASSERT_VERDICT(scene_open(scene, two_roles, help("yes")), CASE_APPLIED);
    learn_opening(scene, &hours);
    SAYS(scene, .party = 1, .event = "acknowledge", .at_s = 4 * HOUR - 60);
    hours.opened_us = lab_us(10);
    hours.then_us = lab_us(5 * HOUR - 120); /* its hour was full long after the clock ran out */
    case_fold_refresh(scene->fold);
    assert_clock(scene, 6 * HOUR, "acknowledge", NULL, 10 + 4 * HOUR, CLOCK_MET);
    g_assert_true(scene_clock(scene, 6 * HOUR, "acknowledge", NULL)->witnessed);
    /* A false clock gains no more than what its commitment can bear out. */
    hours.then_us = lab_us(6 * HOUR);
    case_fold_refresh(scene->fold);
    assert_clock(scene, 7 * HOUR, "acknowledge", NULL, 10 + 4 * HOUR, CLOCK_MISSED);
    g_assert_cmpint(scene_clock(scene, 7 * HOUR, "acknowledge", NULL)->met_us, ==,
                    lab_us(6 * HOUR) - CASE_COMMITMENT_US);
}

/* An echo within seconds is in time, whichever hours its commitments fall into. */
static void test_short_clocks_across_the_hour(void)
{
    static const char *const roles[] = { "caller", "contact", NULL };
    static const char nonce[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    g_autoptr(scene_t) scene = scene_new("drill");
    struct hours hours = { 0 };

    scene_hourly(scene, &hours);
    ASSERT_VERDICT(scene_open(scene, roles, json_pack("{s:s, s:s}", "level", "l1", "nonce", nonce)),
                   CASE_APPLIED);
    learn_opening(scene, &hours);
    SAYS(scene, .party = 1, .event = "echo", .at_s = 3,
         .fields = json_pack("{s:s}", "nonce", nonce));
    hours.opened_us = lab_us(7);
    hours.then_us = lab_us(HOUR + 7);
    case_fold_refresh(scene->fold);
    g_assert_cmpstr(scene_state(scene, 600, "drill", NULL), ==, "echoed");
    assert_clock(scene, 600, "answer", NULL, 15 * 60, CLOCK_RUNNING);
}

static void test_anchors(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    struct case_options options = { .log = LAB_LOG, .anchor = anchored };
    g_autoptr(case_event_t) event = NULL;

    options.keys = (struct case_keys){ lab_keys_of, scene->lab };
    case_fold_free(scene->fold);
    scene->fold = case_fold_new(&options);
    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    /* Who held a checkpoint of one hour later did not speak before that. */
    event = made(scene, 0, 10, "x");
    event->anchor_size = 7;
    event->anchor_us = lab_us(5);
    event->signers = 1;
    ASSERT_VERDICT(case_fold_add(scene->fold, event, LAB_NOW), CASE_APPLIED);
    g_assert_cmpint(scene_at(scene, 5000)->changed_us, ==, lab_us(3600));
}

/* An event may not be older than what it names. */
static void test_time_goes_on(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");

    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    SAYS(scene, .party = 0, .event = "message", .at_s = 100,
         .fields = json_pack("{s:s}", "text", "x"));
    ASSERT_VERDICT(SAY(scene, .party = 1, .event = "acknowledge", .at_s = 99), CASE_TIME);
    SAYS(scene, .party = 1, .event = "acknowledge", .at_s = 100);
}

/* A long case, and one event that comes late into its middle. */
static void test_a_late_event_in_a_long_case(void)
{
    g_autoptr(scene_t) scene = scene_new("assistance");
    g_autoptr(case_fold_t) straight = NULL;
    g_autoptr(case_event_t) late = NULL;
    g_autofree char *here = NULL, *there = NULL;

    scene->lab->trusted = TRUE;
    ASSERT_VERDICT(scene_open(scene, two_roles, help("no")), CASE_APPLIED);
    straight = lab_fold(scene->lab, NULL);
    for (guint i = 0; i < 1500; i++) {
        if (i == 700)
            late = made(scene, 1, 10 + i, "late");
        SAYS(scene, .party = 0, .event = i % 3 ? "message" : "complete", .at_s = 10 + i,
             .fields =
                 i % 3 ? json_pack("{s:s}", "text", "x") : json_pack("{s:i}", "people", (int)i));
    }
    ASSERT_VERDICT(case_fold_add(scene->fold, late, LAB_NOW), CASE_APPLIED);
    {
        const struct kase *kase = scene_at(scene, 5000);

        g_assert_cmpuint(kase->entries->len, ==, 1502);
        for (guint i = 0; i < kase->entries->len; i++)
            case_fold_add(
                straight,
                (struct case_event *)((struct case_entry *)kase->entries->pdata[i])->event,
                LAB_NOW);
        here = text_of(kase, NULL);
        there = text_of(case_fold_at(straight, lab_us(5000)), NULL);
        g_assert_cmpstr(here, ==, there);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/case-fold/convergence", test_convergence);
    g_test_add_func("/case-fold/overtaken", test_overtaken);
    g_test_add_func("/case-fold/overtaken/what-some-do-not-see",
                    test_overtaken_is_no_matter_of_what_some_do_not_see);
    g_test_add_func("/case-fold/gaps", test_gaps);
    g_test_add_func("/case-fold/replays-and-forks", test_replays_and_forks);
    g_test_add_func("/case-fold/more-signatures", test_more_signatures);
    g_test_add_func("/case-fold/not-of-the-case", test_what_is_not_of_the_case);
    g_test_add_func("/case-fold/joining", test_joining);
    g_test_add_func("/case-fold/witnessed", test_witnessed_times);
    g_test_add_func("/case-fold/done-within-the-hour", test_done_within_the_hour);
    g_test_add_func("/case-fold/short-clocks-across-the-hour", test_short_clocks_across_the_hour);
    g_test_add_func("/case-fold/anchors", test_anchors);
    g_test_add_func("/case-fold/time-goes-on", test_time_goes_on);
    g_test_add_func("/case-fold/late-event", test_a_late_event_in_a_long_case);
    return g_test_run();
}
