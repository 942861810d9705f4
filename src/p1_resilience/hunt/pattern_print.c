/* STIX patterns in one spelling, and whether two are equal. */
#include "p1_resilience/hunt/pattern_private.h"
#include <string.h>

/* How tightly a node binds its children; what is not joined needs no parentheses. */
static const guint8 bindings[] = {
    [PATTERN_FOLLOWEDBY] = 1, [PATTERN_OR] = 2,          [PATTERN_AND] = 3,
    [PATTERN_QUALIFIED] = 4,  [PATTERN_OBSERVATION] = 5, [PATTERN_TEST] = 5,
};

static const char *const joins[] = {
    [PATTERN_FOLLOWEDBY] = " FOLLOWEDBY ",
    [PATTERN_OR] = " OR ",
    [PATTERN_AND] = " AND ",
};

static const char *const literal_letters[] = {
    [PATTERN_STRING] = "",     [PATTERN_HEX] = "h",    [PATTERN_BASE64] = "b",
    [PATTERN_TIMESTAMP] = "t", [PATTERN_FLOAT] = NULL, /* and the others without quotes */
};

static void print_node(GString *out, const struct pattern_node *node);

static void print_quoted(GString *out, const char *text)
{
    g_string_append_c(out, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            g_string_append_c(out, '\\');
        g_string_append_c(out, *text);
    }
    g_string_append_c(out, '\'');
}

static void print_literal(GString *out, const struct pattern_literal *literal)
{
    const char *letter = literal_letters[literal->kind];

    if (!letter) {
        g_string_append(out, literal->text);
        return;
    }
    g_string_append(out, letter);
    print_quoted(out, literal->text);
}

static void print_path(GString *out, const struct pattern_path *path)
{
    g_string_append_printf(out, "%s:", path->type);
    for (guint i = 0; i < path->steps->len; i++) {
        const struct pattern_step *step = &g_array_index(path->steps, struct pattern_step, i);

        if (step->kind == PATTERN_STEP_ANY) {
            g_string_append(out, "[*]");
            continue;
        }
        if (step->kind == PATTERN_STEP_INDEX) {
            g_string_append_printf(out, "[%" G_GINT64_FORMAT "]", step->index);
            continue;
        }
        if (i > 0)
            g_string_append_c(out, '.');
        if (pattern_needs_quotes(step->name))
            print_quoted(out, step->name);
        else
            g_string_append(out, step->name);
    }
}

static void print_test(GString *out, const struct pattern_node *test)
{
    if (test->relation == PATTERN_EXISTS) {
        g_string_append(out, "EXISTS ");
        print_path(out, &test->path);
        return;
    }
    print_path(out, &test->path);
    g_string_append_printf(out, "%s %s ", test->negated ? " NOT" : "",
                           pattern_operator_text(test->relation));
    if (test->relation == PATTERN_IN)
        g_string_append_c(out, '(');
    for (guint i = 0; i < test->literals->len; i++) {
        if (i > 0)
            g_string_append(out, ", ");
        print_literal(out, &g_array_index(test->literals, struct pattern_literal, i));
    }
    if (test->relation == PATTERN_IN)
        g_string_append_c(out, ')');
}

static void print_qualifier(GString *out, const struct pattern_qualifier *qualifier)
{
    if (qualifier->kind == PATTERN_START_STOP)
        g_string_append_printf(out, " START t'%s' STOP t'%s'", qualifier->start, qualifier->stop);
    else if (qualifier->kind == PATTERN_WITHIN)
        g_string_append_printf(out, " WITHIN %s SECONDS", qualifier->number);
    else
        g_string_append_printf(out, " REPEATS %s TIMES", qualifier->number);
}

/* A child, in parentheses where it binds no tighter than its parent. */
static void print_child(GString *out, const struct pattern_node *parent, guint index)
{
    const struct pattern_node *child = g_ptr_array_index(parent->children, index);
    gboolean enclosed = bindings[child->kind] <= bindings[parent->kind];

    if (enclosed)
        g_string_append_c(out, '(');
    print_node(out, child);
    if (enclosed)
        g_string_append_c(out, ')');
}

static void print_node(GString *out, const struct pattern_node *node)
{
    if (node->kind == PATTERN_TEST) {
        print_test(out, node);
        return;
    }
    if (node->kind == PATTERN_OBSERVATION) {
        g_string_append_c(out, '[');
        print_node(out, g_ptr_array_index(node->children, 0));
        g_string_append_c(out, ']');
        return;
    }
    for (guint i = 0; i < node->children->len; i++) {
        if (i > 0)
            g_string_append(out, joins[node->kind]);
        print_child(out, node, i);
    }
    for (guint i = 0; node->qualifiers && i < node->qualifiers->len; i++)
        print_qualifier(out, &g_array_index(node->qualifiers, struct pattern_qualifier, i));
}

char *pattern_print(const struct pattern *pattern)
{
    GString *out = g_string_new(NULL);

    print_node(out, pattern_root(pattern));
    return g_string_free(out, FALSE);
}

static gboolean paths_equal(const struct pattern_path *one, const struct pattern_path *other)
{
    if (strcmp(one->type, other->type) != 0 || one->steps->len != other->steps->len)
        return FALSE;
    for (guint i = 0; i < one->steps->len; i++) {
        const struct pattern_step *a = &g_array_index(one->steps, struct pattern_step, i);
        const struct pattern_step *b = &g_array_index(other->steps, struct pattern_step, i);

        if (a->kind != b->kind || a->index != b->index || g_strcmp0(a->name, b->name) != 0)
            return FALSE;
    }
    return TRUE;
}

static gboolean tests_equal(const struct pattern_node *one, const struct pattern_node *other)
{
    if (one->negated != other->negated || one->relation != other->relation ||
        !paths_equal(&one->path, &other->path) || one->literals->len != other->literals->len)
        return FALSE;
    for (guint i = 0; i < one->literals->len; i++) {
        const struct pattern_literal *a = &g_array_index(one->literals, struct pattern_literal, i);
        const struct pattern_literal *b =
            &g_array_index(other->literals, struct pattern_literal, i);

        if (a->kind != b->kind || strcmp(a->text, b->text) != 0)
            return FALSE;
    }
    return TRUE;
}

static gboolean qualifiers_equal(const GArray *one, const GArray *other)
{
    if (!one || !other)
        return one == other;
    if (one->len != other->len)
        return FALSE;
    for (guint i = 0; i < one->len; i++) {
        const struct pattern_qualifier *a = &g_array_index(one, struct pattern_qualifier, i);
        const struct pattern_qualifier *b = &g_array_index(other, struct pattern_qualifier, i);

        if (a->kind != b->kind || g_strcmp0(a->number, b->number) != 0 ||
            g_strcmp0(a->start, b->start) != 0 || g_strcmp0(a->stop, b->stop) != 0)
            return FALSE;
    }
    return TRUE;
}

static gboolean nodes_equal(const struct pattern_node *one, const struct pattern_node *other)
{
    if (one->kind != other->kind)
        return FALSE;
    if (one->kind == PATTERN_TEST)
        return tests_equal(one, other);
    if (one->children->len != other->children->len ||
        !qualifiers_equal(one->qualifiers, other->qualifiers))
        return FALSE;
    for (guint i = 0; i < one->children->len; i++)
        if (!nodes_equal(g_ptr_array_index(one->children, i),
                         g_ptr_array_index(other->children, i)))
            return FALSE;
    return TRUE;
}

gboolean pattern_equal(const struct pattern *one, const struct pattern *other)
{
    return nodes_equal(pattern_root(one), pattern_root(other));
}
