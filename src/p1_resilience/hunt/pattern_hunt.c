/*
 * What of a STIX pattern a search in logs can decide.
 *
 * Each node gives its alternatives: the values one of which must be seen for the node to hold. OR
 * joins the alternatives of its children; AND needs those of one child only, and takes the child
 * that says most, its values marked as partial; what the others ask for goes with them, where a
 * line can tell. What joins observations over time is not hunted.
 */
#include "p1_resilience/hunt/hit_terms.h"
#include "p1_resilience/hunt/indicator.h"
#include "p1_resilience/hunt/pattern_private.h"
#include <string.h>

static const struct {
    const char *name, *text;
} reasons[PATTERN_UNHUNTABLES] = {
    [PATTERN_HUNTABLE] = { "none", "all of it can be hunted" },
    [PATTERN_HAS_SEQUENCE] = { "sequence", "asks for events in an order (FOLLOWEDBY)" },
    [PATTERN_HAS_CONJUNCTION] = { "conjunction", "asks for several events together (AND)" },
    [PATTERN_HAS_QUALIFIER] = { "qualifier", "asks for times or a number of events" },
    [PATTERN_HAS_NEGATION] = { "negation", "asks for what a value is not" },
    [PATTERN_HAS_COMPARISON] = { "comparison", "compares by order, presence or superset" },
    [PATTERN_HAS_EXPRESSION] = { "expression", "holds a regular expression (MATCHES)" },
    [PATTERN_HAS_WILDCARD] = { "wildcard", "holds a wildcard (LIKE with % or _)" },
    [PATTERN_HAS_OTHER_PATH] = { "other-path", "asks for a property that logs are not searched "
                                               "for" },
    [PATTERN_HAS_OTHER_VALUE] = { "other-value", "names a value that is no indicator" },
};

#define ADDRESS                                                                                    \
    (INDICATOR_ONLY(INDICATOR_IPV4) | INDICATOR_ONLY(INDICATOR_IPV6) |                             \
     INDICATOR_ONLY(INDICATOR_CIDR))
#define NAME (INDICATOR_ONLY(INDICATOR_DOMAIN) | INDICATOR_ONLY(INDICATOR_HOST))

/* Properties that are searched for; `steps` is the path printed with every index as [*]. */
static const struct {
    const char *type, *steps;
    guint kinds; /* of indicators that the value may be */
} paths[] = {
    { "ipv4-addr", "value", ADDRESS },
    { "ipv6-addr", "value", ADDRESS },
    { "domain-name", "value", NAME },
    { "domain-name", "resolves_to_refs[*].value", ADDRESS | NAME },
    /* Feeds name bare hosts so, too. */
    { "url", "value",
      INDICATOR_ONLY(INDICATOR_URL) | INDICATOR_ONLY(INDICATOR_IPV4) |
          INDICATOR_ONLY(INDICATOR_IPV6) | NAME },
    { "email-addr", "value", INDICATOR_ONLY(INDICATOR_EMAIL) },
    { "email-message", "from_ref.value", INDICATOR_ONLY(INDICATOR_EMAIL) },
    { "email-message", "sender_ref.value", INDICATOR_ONLY(INDICATOR_EMAIL) },
    { "network-traffic", "dst_ref.value", ADDRESS | NAME },
    { "network-traffic", "src_ref.value", ADDRESS | NAME },
    { "file", "hashes[*]", INDICATOR_ONLY(INDICATOR_HASH) },
    { "artifact", "hashes[*]", INDICATOR_ONLY(INDICATOR_HASH) },
    { "x509-certificate", "hashes[*]", INDICATOR_ONLY(INDICATOR_HASH) },
};

/* Digests that a hunt knows by their length; others of the same length mean something else. */
static const char *const hunted_hashes[] = { "MD5", "SHA1", "SHA256", "SHA512" };

/* How much a kind says when only one term of an AND can be searched for. */
static const guint8 specificity[INDICATOR_KINDS] = {
    [INDICATOR_HASH] = 6, [INDICATOR_URL] = 5,    [INDICATOR_EMAIL] = 4, [INDICATOR_IPV4] = 3,
    [INDICATOR_IPV6] = 3, [INDICATOR_DOMAIN] = 2, [INDICATOR_HOST] = 2,  [INDICATOR_CIDR] = 1,
};

static struct pattern_hunt *hunt_tests(const struct pattern_node *node);

const char *pattern_unhuntable_name(enum pattern_unhuntable reason)
{
    return reasons[reason].name;
}

const char *pattern_unhuntable_text(enum pattern_unhuntable reason)
{
    return reasons[reason].text;
}

static void clear_indicator(struct pattern_indicator *found)
{
    indicator_free(found->indicator);
    g_free(found->terms);
}

static struct pattern_hunt *hunt_new(void)
{
    struct pattern_hunt *hunt = g_new0(struct pattern_hunt, 1);

    hunt->indicators = g_array_new(FALSE, FALSE, sizeof(struct pattern_indicator));
    g_array_set_clear_func(hunt->indicators, (GDestroyNotify)clear_indicator);
    return hunt;
}

void pattern_hunt_free(struct pattern_hunt *hunt)
{
    if (!hunt)
        return;
    g_array_unref(hunt->indicators);
    g_free(hunt);
}

static void miss(struct pattern_hunt *hunt, enum pattern_unhuntable reason)
{
    hunt->unhunted++;
    if (hunt->reason == PATTERN_HUNTABLE)
        hunt->reason = reason;
}

static struct pattern_hunt *missed(enum pattern_unhuntable reason)
{
    struct pattern_hunt *hunt = hunt_new();

    miss(hunt, reason);
    return hunt;
}

/* Adds what `part` found to `hunt`, and frees it. */
static void join(struct pattern_hunt *hunt, struct pattern_hunt *part)
{
    for (guint i = 0; i < part->indicators->len; i++) {
        struct pattern_indicator *found =
            &g_array_index(part->indicators, struct pattern_indicator, i);
        struct pattern_indicator moved = { g_steal_pointer(&found->indicator), found->partial,
                                           g_steal_pointer(&found->terms) };

        g_array_append_val(hunt->indicators, moved);
    }
    hunt->unhunted += part->unhunted;
    if (hunt->reason == PATTERN_HUNTABLE)
        hunt->reason = part->reason;
    pattern_hunt_free(part);
}

static gboolean hash_is_hunted(const char *algorithm)
{
    g_autofree char *name = pattern_hash_name(algorithm);

    for (guint i = 0; i < G_N_ELEMENTS(hunted_hashes); i++)
        if (strcmp(name, hunted_hashes[i]) == 0)
            return TRUE;
    return FALSE;
}

/* The path as the rows above have it: indexes, and the names of hunted hashes, are "[*]". */
static char *path_shape(const struct pattern_path *path)
{
    GString *shape = g_string_new(NULL);
    gboolean of_hashes = FALSE;

    for (guint i = 0; i < path->steps->len; i++) {
        const struct pattern_step *step = &g_array_index(path->steps, struct pattern_step, i);

        if (step->kind != PATTERN_STEP_NAME || (of_hashes && hash_is_hunted(step->name)))
            g_string_append(shape, "[*]");
        else
            g_string_append_printf(shape, "%s%s", i > 0 ? "." : "", step->name);
        of_hashes = i == 0 && step->kind == PATTERN_STEP_NAME && strcmp(step->name, "hashes") == 0;
    }
    return g_string_free(shape, FALSE);
}

/* The kinds of indicators that a property holds; 0: it is not searched for. */
static guint path_kinds(const struct pattern_path *path)
{
    g_autofree char *shape = path_shape(path);

    for (guint i = 0; i < G_N_ELEMENTS(paths); i++)
        if (strcmp(path->type, paths[i].type) == 0 && strcmp(shape, paths[i].steps) == 0)
            return paths[i].kinds;
    return 0;
}

/* Why an operator cannot be decided by the presence of a value; HUNTABLE: it can. */
static enum pattern_unhuntable test_reason(const struct pattern_node *test)
{
    static const enum pattern_unhuntable by_operator[] = {
        [PATTERN_EQUAL] = PATTERN_HUNTABLE,
        [PATTERN_NOT_EQUAL] = PATTERN_HAS_NEGATION,
        [PATTERN_LESS] = PATTERN_HAS_COMPARISON,
        [PATTERN_LESS_EQUAL] = PATTERN_HAS_COMPARISON,
        [PATTERN_GREATER] = PATTERN_HAS_COMPARISON,
        [PATTERN_GREATER_EQUAL] = PATTERN_HAS_COMPARISON,
        [PATTERN_IN] = PATTERN_HUNTABLE,
        [PATTERN_LIKE] = PATTERN_HUNTABLE,
        [PATTERN_MATCHES] = PATTERN_HAS_EXPRESSION,
        [PATTERN_ISSUBSET] = PATTERN_HUNTABLE,
        [PATTERN_ISSUPERSET] = PATTERN_HAS_COMPARISON,
        [PATTERN_EXISTS] = PATTERN_HAS_COMPARISON,
    };
    const struct pattern_literal *first =
        (const struct pattern_literal *)(void *)test->literals->data;

    if (test->negated)
        return PATTERN_HAS_NEGATION;
    if (test->relation == PATTERN_LIKE && strpbrk(first->text, "%_"))
        return PATTERN_HAS_WILDCARD;
    return by_operator[test->relation];
}

static void hunt_value(struct pattern_hunt *hunt, const struct pattern_literal *literal,
                       guint kinds)
{
    gboolean digits =
        literal->kind == PATTERN_HEX && kinds == (guint)INDICATOR_ONLY(INDICATOR_HASH);
    struct pattern_indicator found = { .indicator = g_new0(struct indicator, 1) };
    enum indicator_why why;

    if ((literal->kind != PATTERN_STRING && !digits) ||
        !indicator_parse(literal->text, strlen(literal->text), INDICATOR_VERBATIM | kinds,
                         found.indicator, &why)) {
        indicator_free(found.indicator);
        miss(hunt, PATTERN_HAS_OTHER_VALUE);
        return;
    }
    g_array_append_val(hunt->indicators, found);
}

static struct pattern_hunt *hunt_test(const struct pattern_node *test)
{
    guint kinds = path_kinds(&test->path);
    enum pattern_unhuntable reason = kinds ? test_reason(test) : PATTERN_HAS_OTHER_PATH;
    struct pattern_hunt *hunt;

    if (reason != PATTERN_HUNTABLE)
        return missed(reason);
    hunt = hunt_new();
    for (guint i = 0; i < test->literals->len; i++)
        hunt_value(hunt, &g_array_index(test->literals, struct pattern_literal, i), kinds);
    if (test->literals->len == 0) /* IN () holds for nothing */
        miss(hunt, PATTERN_HAS_OTHER_VALUE);
    return hunt;
}

static struct pattern_hunt *hunt_or(const struct pattern_node *node,
                                    struct pattern_hunt *(*operand)(const struct pattern_node *))
{
    struct pattern_hunt *hunt = hunt_new();

    for (guint i = 0; i < node->children->len; i++)
        join(hunt, operand(g_ptr_array_index(node->children, i)));
    return hunt;
}

/* How well alternatives decide a term of an AND: complete ones first, then the least specific. */
static guint worth(const struct pattern_hunt *hunt)
{
    const guint complete = 1 << 8;
    guint least = G_MAXUINT8;

    if (hunt->indicators->len == 0)
        return 0;
    for (guint i = 0; i < hunt->indicators->len; i++) {
        const struct pattern_indicator *found =
            &g_array_index(hunt->indicators, struct pattern_indicator, i);

        least = MIN(least, specificity[found->indicator->kind]);
    }
    return least + (hunt->unhunted == 0 ? complete : 0);
}

/* Appends one term: one of these alternatives is seen. FALSE: a line cannot tell. */
static gboolean add_term(GString *terms, const struct pattern_hunt *hunt)
{
    if (hunt->unhunted || !hunt->indicators->len)
        return FALSE;
    for (guint i = 0; i < hunt->indicators->len; i++) {
        const struct pattern_indicator *found =
            &g_array_index(hunt->indicators, struct pattern_indicator, i);

        if (found->partial || !hit_terms_add(terms, found->indicator, i == 0))
            return FALSE;
    }
    return terms->len <= HIT_TERMS_LIMIT;
}

/* A value that needs `more`, beside what it needed before; NULL: what no line can tell. */
static void require(struct pattern_indicator *found, const char *more)
{
    char *terms = NULL;

    if (more && (!found->partial || found->terms))
        terms = g_strjoin(found->terms ? " " : NULL, more, found->terms, NULL);
    if (terms && strlen(terms) > HIT_TERMS_LIMIT)
        g_clear_pointer(&terms, g_free);
    g_free(found->terms);
    found->terms = terms;
    found->partial = TRUE;
}

/* AND of tests within one bracket. */
static struct pattern_hunt *hunt_and(const struct pattern_node *node)
{
    g_autoptr(GPtrArray) hunts = g_ptr_array_new_with_free_func((GDestroyNotify)pattern_hunt_free);
    g_autoptr(GString) terms = g_string_new(NULL);
    struct pattern_hunt *best;
    gboolean known = TRUE;
    guint chosen = 0;

    for (guint i = 0; i < node->children->len; i++) {
        g_ptr_array_add(hunts, hunt_tests(g_ptr_array_index(node->children, i)));
        if (worth(hunts->pdata[i]) > worth(hunts->pdata[chosen]))
            chosen = i;
    }
    best = g_ptr_array_steal_index(hunts, chosen);
    for (guint i = 0; i < hunts->len && known; i++)
        known = add_term(terms, hunts->pdata[i]);
    for (guint i = 0; i < best->indicators->len; i++)
        require(&g_array_index(best->indicators, struct pattern_indicator, i),
                known ? terms->str : NULL);
    return best;
}

/* Within a bracket: all tests are about one event. */
static struct pattern_hunt *hunt_tests(const struct pattern_node *node)
{
    if (node->kind == PATTERN_AND)
        return hunt_and(node);
    if (node->kind == PATTERN_OR)
        return hunt_or(node, hunt_tests);
    return hunt_test(node);
}

/* Outside brackets: each bracket is about an event of its own. */
static struct pattern_hunt *hunt_observations(const struct pattern_node *node)
{
    static const enum pattern_unhuntable by_kind[] = {
        [PATTERN_FOLLOWEDBY] = PATTERN_HAS_SEQUENCE,
        [PATTERN_AND] = PATTERN_HAS_CONJUNCTION,
        [PATTERN_QUALIFIED] = PATTERN_HAS_QUALIFIER,
    };

    if (node->kind == PATTERN_OBSERVATION)
        return hunt_tests(g_ptr_array_index(node->children, 0));
    if (node->kind == PATTERN_OR)
        return hunt_or(node, hunt_observations);
    return missed(by_kind[node->kind]);
}

/* What is needed in one alternative or another is left open, unless it is the same. */
static void merge(struct pattern_indicator *found, const struct pattern_indicator *other)
{
    found->partial = found->partial && other->partial;
    if (!found->partial || g_strcmp0(found->terms, other->terms) != 0)
        g_clear_pointer(&found->terms, g_free);
}

/* One of each value; where it alone decides one alternative, it is not partial. */
static void drop_doubles(struct pattern_hunt *hunt)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (guint i = 0; i < hunt->indicators->len;) {
        struct pattern_indicator *found =
            &g_array_index(hunt->indicators, struct pattern_indicator, i);
        char *key = g_strdup_printf("%d %s", found->indicator->kind, found->indicator->text);
        gpointer before;

        if (g_hash_table_lookup_extended(seen, key, NULL, &before)) {
            merge(&g_array_index(hunt->indicators, struct pattern_indicator,
                                 GPOINTER_TO_UINT(before)),
                  found);
            g_array_remove_index(hunt->indicators, i);
            g_free(key);
        } else {
            g_hash_table_insert(seen, key, GUINT_TO_POINTER(i++));
        }
    }
}

struct pattern_hunt *pattern_compile(const struct pattern *pattern)
{
    struct pattern_hunt *hunt = hunt_observations(pattern_root(pattern));

    drop_doubles(hunt);
    return hunt;
}
