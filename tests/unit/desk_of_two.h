/*
 * desk_of_two.h: two signatories with their own cases, keys of two people each, and a post between
 * them, for tests of what is kept of cases.
 */
#pragma once
#include "base/clock.h"
#include "base/error.h"
#include "process/cases.h"
#include "process/desk.h"

#include <glib/gstdio.h>
#include <string.h>

#define ORIGIN "example.org/log"
#define SECOND ((gint64)G_USEC_PER_SEC)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define START (G_GINT64_CONSTANT(1793000000) * G_USEC_PER_SEC)

enum { ALICE, BOB, SIDES };

static const char *const side_ids[SIDES] = {
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
};

struct side {
    char *folder;
    struct signing_key *keys[2];
    gint64 revoked_us; /* of the first key; 0: never */
    struct cases *cases;
};

struct world {
    struct side sides[SIDES];
    gint64 now_us;
};

static GPtrArray *world_keys(gpointer data, const char *party, gint64 time_us, const char *hint,
                             enum case_verdict *why)
{
    struct world *world = data;
    GPtrArray *found = g_ptr_array_new_with_free_func((GDestroyNotify)public_key_free);

    *why = CASE_UNKNOWN_KEY;
    for (guint i = 0; i < SIDES; i++)
        for (guint k = 0; g_str_equal(side_ids[i], party) && k < 2; k++) {
            const struct public_key *key = world->sides[i].keys[k]->public;
            g_autofree char *name = public_key_hint(key);

            if (!hint || !g_str_equal(name, hint))
                continue;
            if (k == 0 && world->sides[i].revoked_us && world->sides[i].revoked_us <= time_us) {
                *why = CASE_REVOKED;
                continue;
            }
            *why = CASE_APPLIED;
            g_ptr_array_add(found, public_key_copy(key));
        }
    return found;
}

static void side_open(struct world *world, guint i)
{
    g_autoptr(GError) error = NULL;
    const struct cases_options options = {
        .self = side_ids[i],
        .origin = ORIGIN,
        .fold = { .keys = { world_keys, world }, .data = world },
    };

    world->sides[i].cases = cases_open(world->sides[i].folder, &options, &error);
    g_assert_no_error(error);
}

static void world_set_up(struct world *world, gconstpointer data)
{
    (void)data;
    for (guint i = 0; i < SIDES; i++) {
        struct side *side = &world->sides[i];

        side->folder = g_dir_make_tmp("cases-XXXXXX", NULL);
        for (guint k = 0; k < 2; k++) {
            guint8 seed[KEY_SEED_SIZE];
            g_autofree char *name = g_strdup_printf("side%u.example/person%u", i, k);

            memset(seed, (int)(i * 2 + k + 1), sizeof seed);
            side->keys[k] = signing_key_from_seed(name, seed, NULL);
        }
        side_open(world, i);
    }
    world->now_us = START;
}

static void remove_tree(const char *path)
{
    g_autoptr(GDir) directory = g_dir_open(path, 0, NULL);
    const char *name;

    while (directory && (name = g_dir_read_name(directory))) {
        g_autofree char *inner = g_build_filename(path, name, NULL);

        remove_tree(inner);
    }
    g_remove(path);
}

static void world_tear_down(struct world *world, gconstpointer data)
{
    (void)data;
    for (guint i = 0; i < SIDES; i++) {
        struct side *side = &world->sides[i];

        cases_close(side->cases);
        remove_tree(side->folder);
        g_free(side->folder);
        for (guint k = 0; k < 2; k++)
            signing_key_free(side->keys[k]);
    }
}

/* Fields from a text with ' for ". */
static json_t *fields(const char *text)
{
    g_autofree char *json = g_strdelimit(g_strdup(text), "'", '"');
    json_t *value = json_loads(json, 0, NULL);

    g_assert_nonnull(value);
    return value;
}

/* Says a step, or opens (`id` NULL) a case with the other side, with the key of person `person`.
 * Gives the id of the event or draft; NULL: `error`. */
static G_GNUC_UNUSED char *try_say(struct world *world, guint side, guint person, const char *kind,
                                   const char *id, const char *event, const char *text,
                                   char **new_id, gboolean *done, GError **error)
{
    g_autoptr(json_t) members = fields(text);
    const char *const to[] = { side_ids[!side], NULL }, *const nobody[] = { NULL };
    const struct kind *row = kind ? kind_find(kind) : NULL;
    const struct case_draft draft = {
        .id = id,
        .kind = kind,
        .to = row && !row->own ? to : nobody,
        .event = event,
        .fields = members,
    };
    char *said = NULL;

    world->now_us += SECOND;
    return cases_say(world->sides[side].cases, &draft, world->sides[side].keys[person],
                     world->now_us, new_id, &said, done, error)
               ? said
               : NULL;
}

static G_GNUC_UNUSED char *open_case(struct world *world, guint side, const char *kind,
                                     const char *text)
{
    g_autoptr(GError) error = NULL;
    gboolean done;
    char *id = NULL;
    g_autofree char *event =
        try_say(world, side, 0, kind, NULL, CASE_EVENT_OPEN, text, &id, &done, &error);

    g_assert_no_error(error);
    g_assert_nonnull(event);
    g_assert_true(done);
    return id;
}

static G_GNUC_UNUSED void say(struct world *world, guint side, const char *id, const char *event,
                              const char *text)
{
    g_autoptr(GError) error = NULL;
    gboolean done;
    g_autofree char *said = try_say(world, side, 0, NULL, id, event, text, NULL, &done, &error);

    g_assert_no_error(error);
    g_assert_true(done);
}

/* Carries all that is in a side's outbox; `acknowledge`: it leaves it. Gives how many were taken.
 */
static G_GNUC_UNUSED guint carry(struct world *world, guint from, gboolean acknowledge)
{
    g_autoptr(GError) error = NULL;
    struct cases *sender = world->sides[from].cases;
    g_autoptr(GPtrArray) rows = cases_outbox(sender, world->now_us, 1000, &error);
    guint taken = 0;

    g_assert_no_error(error);
    for (guint i = 0; i < rows->len; i++) {
        const struct outbox_row *row = rows->pdata[i];
        g_autofree char *why = NULL;
        enum case_verdict verdict;

        if (!g_str_equal(row->recipient, side_ids[!from]))
            continue;
        verdict = cases_take(world->sides[!from].cases, row->envelope, world->now_us, &why, &error);
        g_assert_no_error(error);
        taken += verdict == CASE_APPLIED;
        if (acknowledge)
            g_assert_true(cases_arrived(sender, row->recipient, row->id, row->author, row->stream,
                                        row->seq, &error));
    }
    return taken;
}

static G_GNUC_UNUSED json_t *list_cases(struct world *world, guint side,
                                        const struct cases_filter *filter)
{
    g_autoptr(GError) error = NULL;
    json_t *list = cases_list(world->sides[side].cases, filter, world->now_us, &error);

    g_assert_no_error(error);
    return list;
}

static G_GNUC_UNUSED const char *state_of_case(struct world *world, guint side, const char *id)
{
    g_autoptr(GError) error = NULL;
    const struct kase *kase = cases_get(world->sides[side].cases, id, world->now_us, &error);

    g_assert_no_error(error);
    return ((const struct case_state *)kase->states->pdata[0])->state;
}

#define HELP "{'what':'All files are encrypted','continuing':'yes','channel':'+33 1 23'}"
