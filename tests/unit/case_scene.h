/* case_scene.h: a case on the table of case_lab.h; party 0 opened it. */
#pragma once
#include "case_lab.h"

#define HOUR 3600
#define DAY LAB_DAY_S

struct scene {
    struct lab *lab;
    struct case_fold *fold;
    const struct kind *kind;
    enum tlp tlp;
};

static inline void scene_free(struct scene *scene)
{
    case_fold_free(scene->fold);
    lab_free(scene->lab);
    g_free(scene);
}
typedef struct scene scene_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(scene_t, scene_free)

static inline struct scene *scene_new(const char *kind)
{
    struct scene *scene = g_new0(struct scene, 1);

    scene->lab = lab_new();
    scene->fold = lab_fold(scene->lab, NULL);
    scene->kind = kind_find(kind);
    scene->tlp = scene->kind->tlp;
    return scene;
}

/* `roles`: of party 0, 1, ...; `fields` is taken over. */
static inline enum case_verdict scene_open(struct scene *scene, const char *const *roles,
                                           json_t *fields)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) to = NULL;
    json_t *given = json_object();

    for (guint i = 0; roles[i]; i++) {
        json_object_set_new(given, scene->lab->ids[i], json_string(roles[i]));
        if (i)
            g_strv_builder_add(builder, scene->lab->ids[i]);
    }
    to = g_strv_builder_end(builder);
    json_object_set_new(fields, "roles", given);
    return lab_say(scene->lab, scene->fold,
                   &(struct lab_said){ .kind = scene->kind->id,
                                       .machine = scene->kind->machines[0].id,
                                       .event = CASE_EVENT_OPEN,
                                       .fields = fields,
                                       .tlp = scene->tlp,
                                       .signers = 1,
                                       .to = to });
}

static inline enum case_verdict scene_say(struct scene *scene, struct lab_said said)
{
    said.kind = scene->kind->id;
    said.machine = said.machine ? said.machine : scene->kind->machines[0].id;
    said.tlp = said.tlp ? said.tlp : scene->tlp;
    said.signers = said.signers ? said.signers : 1;
    return lab_say(scene->lab, scene->fold, &said);
}

#define SAY(scene, ...) scene_say(scene, (struct lab_said){ __VA_ARGS__ })
#define SAYS(scene, ...) ASSERT_VERDICT(SAY(scene, __VA_ARGS__), CASE_APPLIED)

static inline const struct kase *scene_at(struct scene *scene, gint64 at_s)
{
    return case_fold_at(scene->fold, lab_us(at_s));
}

static inline const char *scene_state(struct scene *scene, gint64 at_s, const char *machine,
                                      const char *instance)
{
    return case_state_of(scene_at(scene, at_s), machine, instance)->state;
}

/* The newest run of a clock. */
static inline const struct case_clock *scene_clock(struct scene *scene, gint64 at_s, const char *id,
                                                   const char *instance)
{
    const struct kase *kase = scene_at(scene, at_s);
    const struct case_clock *found = NULL;

    for (guint i = 0; i < kase->clocks->len; i++) {
        const struct case_clock *clock = kase->clocks->pdata[i];

        if (g_str_equal(clock->clock->id, id) && g_strcmp0(clock->instance, instance) == 0 &&
            (!found || clock->from_us > found->from_us))
            found = clock;
    }
    return found;
}

static inline void assert_clock(struct scene *scene, gint64 at_s, const char *id,
                                const char *instance, gint64 due_s, enum clock_standing standing)
{
    const struct case_clock *clock = scene_clock(scene, at_s, id, instance);

    g_assert_nonnull(clock);
    g_assert_cmpint(clock->due_us / G_USEC_PER_SEC - LAB_START, ==, due_s);
    g_assert_cmpstr(clock_standing_name(clock->standing), ==, clock_standing_name(standing));
}

static inline json_t *help(const char *continuing)
{
    return json_pack("{s:s, s:s, s:s}", "what", "files are gone", "continuing", continuing,
                     "channel", "+33 1 23 45 67 89");
}

static inline json_t *report(const char *proposed)
{
    json_t *fields = json_pack("{s:s, s:s, s:s}", "product", "Widget", "description", "overflow",
                               "contact", "finder@example.org");

    if (proposed)
        json_object_set_new(fields, "embargo_proposed_until", json_string(proposed));
    return fields;
}

static const char *const two_roles[] = { "requester", "helper", NULL };
static const char *const disclosure_roles[] = { "finder", "coordinator", "vendor", "vendor", NULL };
