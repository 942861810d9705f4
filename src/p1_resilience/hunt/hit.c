#include "p1_resilience/hunt/hit.h"

#include "base/clock.h"
#include "p1_resilience/hunt/hit_terms.h"

#include <string.h>

/* What is asserted of one indicator: a hit in the making. */
struct group {
    struct hunt_hit hit;
    char *text;
    gboolean suppressed, open; /* an assertion with a warning; one without */
};

static void group_free(gpointer data)
{
    struct group *group = data;

    g_ptr_array_unref(group->hit.sources);
    g_clear_pointer(&group->hit.in_part, g_ptr_array_unref);
    g_free(group->text);
    g_free(group);
}

static gboolean in_time(const struct assertion *assertion, const struct hit_rule *rule,
                        gint64 line_us)
{
    gint64 at = rule->validity == HIT_VALID_AT ? rule->at_us : line_us;

    if (rule->validity == HIT_VALID_ANY || at == HIT_TIME_NONE)
        return TRUE;
    return at >= assertion->valid_from_us &&
           (!assertion->valid_until_us || at < assertion->valid_until_us);
}

/* A parent domain that was reported is no news; a host name is only itself. */
static gboolean concerns(const struct assertion *assertion, gboolean whole, gboolean repeated)
{
    if (assertion->flags & ASSERTION_WITHDRAWN)
        return FALSE;
    if (assertion->indicator.kind == INDICATOR_HOST)
        return whole;
    return !repeated;
}

static struct group *group_of(GPtrArray *groups, const struct hunt_hit *base,
                              const struct assertion *assertion)
{
    struct group *group;

    for (guint i = 0; i < groups->len; i++) {
        group = groups->pdata[i];
        if (group->hit.kind == assertion->indicator.kind &&
            strcmp(group->text, assertion->indicator.text) == 0)
            return group;
    }
    group = g_new0(struct group, 1);
    group->hit = *base;
    group->hit.kind = assertion->indicator.kind;
    group->hit.indicator = group->text = g_strdup(assertion->indicator.text);
    group->hit.sources = g_ptr_array_new();
    group->hit.confidence = ASSERTION_NO_CONFIDENCE;
    group->hit.suppressed_by = NULL;
    group->hit.in_part = NULL;
    group->hit.partial = TRUE; /* until somebody asserts it as it is */
    g_ptr_array_add(groups, group);
    return group;
}

static void add_source(struct group *group, const struct hunt_table *table, guint index)
{
    struct hunt_source source;
    const char *name;

    if (!hunt_table_source(table, index, &source))
        return;
    name = source.name ? source.name : "";
    for (guint i = 0; i < group->hit.sources->len; i++)
        if (strcmp(group->hit.sources->pdata[i], name) == 0)
            return;
    g_ptr_array_add(group->hit.sources, (gpointer)name);
}

/* Whether the assertion asks for more than the line has. */
static gboolean is_in_part(const struct assertion *assertion, const struct hit_seen *seen)
{
    return (assertion->flags & ASSERTION_PARTIAL) &&
           !(seen && hit_terms_met(assertion->terms, seen));
}

static void add_in_part(struct hunt_hit *hit, const char *object)
{
    if (!hit->in_part)
        hit->in_part = g_ptr_array_new_with_free_func(g_free);
    if (!g_ptr_array_find_with_equal_func(hit->in_part, object, g_str_equal, NULL))
        g_ptr_array_add(hit->in_part, g_strdup(object));
}

static void add(struct group *group, const struct hunt_table *table,
                const struct assertion *assertion, const struct hit_seen *seen)
{
    struct hunt_hit *hit = &group->hit;
    const char *warning = NULL;

    add_source(group, table, assertion->source);
    if (assertion->confidence != ASSERTION_NO_CONFIDENCE &&
        (hit->confidence == ASSERTION_NO_CONFIDENCE || assertion->confidence > hit->confidence))
        hit->confidence = assertion->confidence;
    hit->tlp = MAX(hit->tlp, assertion->tlp);
    if (!is_in_part(assertion, seen))
        hit->partial = FALSE;
    else if (assertion->object)
        add_in_part(hit, assertion->object);
    if (assertion->warning)
        warning = hunt_table_warning(table, assertion->warning - 1);
    else if (assertion->flags & ASSERTION_FALSE_POSITIVE)
        warning = HIT_FALSE_POSITIVE;
    group->open = group->open || !warning;
    if (!hit->suppressed_by)
        hit->suppressed_by = warning;
}

guint hunt_hits(const struct hunt_table *table, const struct hunt_hit *base, gboolean whole,
                gboolean repeated, const struct hit_seen *seen, const struct hit_rule *rule,
                hunt_hit_function take, gpointer data)
{
    g_autoptr(GPtrArray) groups = g_ptr_array_new_with_free_func(group_free);
    g_auto(hunt_cursor_t) cursor = { 0 };
    struct assertion assertion;
    guint out_of_time = 0;

    if (!hunt_table_find(table, base->hash, base->key, base->key_length, &cursor))
        return 0;
    while (hunt_table_next(table, &cursor, &assertion)) {
        if (!concerns(&assertion, whole, repeated))
            continue;
        if (!in_time(&assertion, rule, base->time_us)) {
            out_of_time++;
            continue;
        }
        add(group_of(groups, base, &assertion), table, &assertion, seen);
    }
    for (guint i = 0; i < groups->len; i++) {
        struct group *group = groups->pdata[i];

        if (group->open) /* somebody asserts it whom nobody contradicts */
            group->hit.suppressed_by = NULL;
        if (group->hit.partial)
            g_clear_pointer(&group->hit.in_part, g_ptr_array_unref);
        take(&group->hit, data);
    }
    return out_of_time;
}

/* JSON is UTF-8: bytes that are none become U+FFFD. */
static json_t *text_json(const guint8 *bytes, gsize length)
{
    g_autofree char *text = g_utf8_make_valid((const char *)bytes, (gssize)length);

    return json_string(text);
}

void hunt_hit_put_in_part(const struct hunt_hit *hit, json_t *object)
{
    json_t *in_part = hit->in_part ? json_array() : NULL;

    for (guint i = 0; in_part && i < hit->in_part->len; i++)
        json_array_append_new(in_part, json_safe_string(hit->in_part->pdata[i]));
    if (in_part)
        json_object_set_new(object, "in_part", in_part);
}

json_t *hunt_hit_object(const struct hunt_hit *hit)
{
    json_t *object = json_object(), *sources = json_array();
    g_autofree char *time = hit->time_us == HIT_TIME_NONE ? NULL : clock_format(hit->time_us);
    g_autofree char *file = g_utf8_make_valid(hit->file, -1);

    for (guint i = 0; i < hit->sources->len; i++)
        json_array_append_new(sources, json_string(hit->sources->pdata[i]));
    json_object_set_new(object, "file", json_string(file));
    json_object_set_new(object, "line", json_integer((json_int_t)hit->line));
    json_object_set_new(object, "offset", json_integer((json_int_t)hit->offset));
    json_object_set_new(object, "kind", json_string(indicator_kind_name(hit->kind)));
    json_object_set_new(object, "indicator", json_string(hit->indicator));
    json_object_set_new(object, "token", text_json(hit->token, hit->token_length));
    json_object_set_new(object, "view", json_string(hunt_view_name(hit->view)));
    json_object_set_new(object, "sources", sources);
    json_object_set_new(object, "confidence",
                        hit->confidence == ASSERTION_NO_CONFIDENCE ? json_null()
                                                                   : json_integer(hit->confidence));
    json_object_set_new(object, "tlp", json_string(tlp_name(hit->tlp)));
    json_object_set_new(object, "suppressed_by",
                        hit->suppressed_by ? json_string(hit->suppressed_by) : json_null());
    json_object_set_new(object, "partial", json_boolean(hit->partial));
    hunt_hit_put_in_part(hit, object);
    json_object_set_new(object, "time", time ? json_string(time) : json_null());
    if (hit->text)
        json_object_set_new(object, "text", text_json(hit->text, hit->text_length));
    return object;
}

char *hunt_hit_json(const struct hunt_hit *hit)
{
    g_autoptr(json_t) object = hunt_hit_object(hit);

    return json_dumps(object, JSON_COMPACT);
}

char *hunt_hit_token(const struct hunt_hit *hit)
{
    return g_utf8_make_valid((const char *)hit->token, (gssize)hit->token_length);
}
