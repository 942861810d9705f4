/*
 * The grammar of STIX patterns, by recursive descent; each level of precedence is one function:
 *
 *     observations  FOLLOWEDBY > OR > AND > qualified     (loosest first)
 *     tests         OR > AND > test
 */
#include "base/error.h"
#include "p1_resilience/hunt/pattern_private.h"
#include <string.h>

struct pattern {
    struct pattern_node *root;
};

struct parser {
    struct pattern_lexer lexer;
    struct pattern_token token; /* the one looked at */
    guint depth, nodes;
    enum pattern_refusal *refusal;
    GError **error;
};

static const char *const refusal_names[PATTERN_REFUSALS] = {
    [PATTERN_REFUSED_NOT] = "none",
    [PATTERN_REFUSED_SYNTAX] = "syntax",
    [PATTERN_REFUSED_CHARACTER] = "character",
    [PATTERN_REFUSED_ENCODING] = "encoding",
    [PATTERN_REFUSED_ESCAPE] = "escape",
    [PATTERN_REFUSED_UNTERMINATED] = "unterminated",
    [PATTERN_REFUSED_NUMBER] = "number",
    [PATTERN_REFUSED_HEX] = "hex",
    [PATTERN_REFUSED_BASE64] = "base64",
    [PATTERN_REFUSED_TIMESTAMP] = "timestamp",
    [PATTERN_REFUSED_PATH] = "path",
    [PATTERN_REFUSED_LITERAL] = "literal",
    [PATTERN_REFUSED_HASH] = "hash",
    [PATTERN_REFUSED_QUALIFIER] = "qualifier",
    [PATTERN_REFUSED_REPEATED_QUALIFIER] = "repeated-qualifier",
    [PATTERN_REFUSED_TOO_LONG] = "too-long",
    [PATTERN_REFUSED_TOO_DEEP] = "too-deep",
    [PATTERN_REFUSED_TOO_MANY] = "too-many",
};

static const char *const token_names[TOKEN_KINDS] = {
    [TOKEN_END] = "the end",
    [TOKEN_BRACKET_OPEN] = "\"[\"",
    [TOKEN_BRACKET_CLOSE] = "\"]\"",
    [TOKEN_PARENTHESIS_OPEN] = "\"(\"",
    [TOKEN_PARENTHESIS_CLOSE] = "\")\"",
    [TOKEN_COMMA] = "\",\"",
    [TOKEN_COLON] = "\":\"",
    [TOKEN_DOT] = "\".\"",
    [TOKEN_ASTERISK] = "\"*\"",
    [TOKEN_OPERATOR] = "an operator",
    [TOKEN_AND] = "AND",
    [TOKEN_OR] = "OR",
    [TOKEN_NOT] = "NOT",
    [TOKEN_FOLLOWEDBY] = "FOLLOWEDBY",
    [TOKEN_START] = "START",
    [TOKEN_STOP] = "STOP",
    [TOKEN_WITHIN] = "WITHIN",
    [TOKEN_SECONDS] = "SECONDS",
    [TOKEN_REPEATS] = "REPEATS",
    [TOKEN_TIMES] = "TIMES",
    [TOKEN_IDENTIFIER] = "a name",
    [TOKEN_LITERAL] = "a value",
};

static struct pattern_node *parse_observations(struct parser *parser);
static struct pattern_node *parse_tests(struct parser *parser);

const char *pattern_refusal_name(enum pattern_refusal refusal)
{
    return refusal_names[refusal];
}

gboolean pattern_refuse(enum pattern_refusal *refusal, GError **error, enum pattern_refusal why,
                        gsize position, const char *format, ...)
{
    g_autofree char *message = NULL;
    va_list arguments;

    va_start(arguments, format);
    message = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    if (refusal)
        *refusal = why;
    return input_error(error, "position %" G_GSIZE_FORMAT ": %s", position + 1, message);
}

static void clear_literal(struct pattern_literal *literal)
{
    g_free(literal->text);
}

static void clear_step(struct pattern_step *step)
{
    g_free(step->name);
}

static void clear_qualifier(struct pattern_qualifier *qualifier)
{
    g_free(qualifier->start);
    g_free(qualifier->stop);
    g_free(qualifier->number);
}

static void node_free(struct pattern_node *node)
{
    if (!node)
        return;
    g_clear_pointer(&node->children, g_ptr_array_unref);
    g_clear_pointer(&node->qualifiers, g_array_unref);
    g_clear_pointer(&node->path.steps, g_array_unref);
    g_clear_pointer(&node->literals, g_array_unref);
    g_free(node->path.type);
    g_free(node);
}

typedef struct pattern_node pattern_node_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(pattern_node_t, node_free)

static gboolean advance(struct parser *parser)
{
    return pattern_lex(&parser->lexer, &parser->token, parser->refusal, parser->error);
}

/* Refuses the token that stands where `wanted` was expected. */
static gboolean unexpected(struct parser *parser, const char *wanted)
{
    return pattern_refuse(parser->refusal, parser->error, PATTERN_REFUSED_SYNTAX,
                          parser->token.position, "%s instead of %s",
                          token_names[parser->token.kind], wanted);
}

/* Over a token of that kind. */
static gboolean expect(struct parser *parser, enum pattern_token_kind kind)
{
    if (parser->token.kind != kind)
        return unexpected(parser, token_names[kind]);
    return advance(parser);
}

static gboolean count_node(struct parser *parser)
{
    if (++parser->nodes > PATTERN_NODE_LIMIT)
        return pattern_refuse(parser->refusal, parser->error, PATTERN_REFUSED_TOO_MANY,
                              parser->token.position, "more than %d tests and values",
                              PATTERN_NODE_LIMIT);
    return TRUE;
}

/* One parenthesis or bracket deeper; the caller takes it back. */
static gboolean descend(struct parser *parser)
{
    if (++parser->depth > PATTERN_DEPTH_LIMIT)
        return pattern_refuse(parser->refusal, parser->error, PATTERN_REFUSED_TOO_DEEP,
                              parser->token.position, "more than %d brackets within one another",
                              PATTERN_DEPTH_LIMIT);
    return TRUE;
}

static struct pattern_node *node_new(struct parser *parser, enum pattern_node_kind kind,
                                     gsize position)
{
    struct pattern_node *node;

    if (!count_node(parser))
        return NULL;
    node = g_new0(struct pattern_node, 1);
    node->kind = kind;
    node->position = position;
    if (kind != PATTERN_TEST) {
        node->children = g_ptr_array_new_with_free_func((GDestroyNotify)node_free);
        return node;
    }
    node->literals = g_array_new(FALSE, FALSE, sizeof(struct pattern_literal));
    g_array_set_clear_func(node->literals, (GDestroyNotify)clear_literal);
    return node;
}

/* operand (JOIN operand)*: one node with all of them, or the operand itself when it is alone. */
static struct pattern_node *parse_joined(struct parser *parser, enum pattern_token_kind join,
                                         enum pattern_node_kind kind,
                                         struct pattern_node *(*operand)(struct parser *))
{
    g_autoptr(pattern_node_t) first = operand(parser);
    g_autoptr(pattern_node_t) node = NULL;

    if (!first || parser->token.kind != join)
        return g_steal_pointer(&first);
    node = node_new(parser, kind, first->position);
    if (!node)
        return NULL;
    g_ptr_array_add(node->children, g_steal_pointer(&first));
    while (parser->token.kind == join) {
        struct pattern_node *next = advance(parser) ? operand(parser) : NULL;

        if (!next)
            return NULL;
        g_ptr_array_add(node->children, next);
    }
    return g_steal_pointer(&node);
}

/* What stands between parentheses; the node inside, for the tree needs no parentheses. */
static struct pattern_node *parse_parenthesised(struct parser *parser,
                                                struct pattern_node *(*inside)(struct parser *))
{
    g_autoptr(pattern_node_t) node = NULL;

    if (!descend(parser) || !advance(parser))
        return NULL;
    node = inside(parser);
    if (!node || !expect(parser, TOKEN_PARENTHESIS_CLOSE))
        return NULL;
    parser->depth--;
    return g_steal_pointer(&node);
}

/* The literal looked at, and on. */
static gboolean take_literal(struct parser *parser, GArray *literals)
{
    struct pattern_literal literal = { .kind = parser->token.literal };

    if (parser->token.kind != TOKEN_LITERAL)
        return unexpected(parser, token_names[TOKEN_LITERAL]);
    if (!count_node(parser))
        return FALSE;
    literal.text = g_steal_pointer(&parser->token.text);
    literal.truth = literal.kind == PATTERN_BOOLEAN && strcmp(literal.text, "true") == 0;
    g_array_append_val(literals, literal);
    return advance(parser);
}

/* '(' [literal (',' literal)*] ')' */
static gboolean parse_set(struct parser *parser, GArray *literals)
{
    if (!expect(parser, TOKEN_PARENTHESIS_OPEN))
        return FALSE;
    if (parser->token.kind == TOKEN_PARENTHESIS_CLOSE)
        return advance(parser);
    if (!take_literal(parser, literals))
        return FALSE;
    while (parser->token.kind == TOKEN_COMMA)
        if (!advance(parser) || !take_literal(parser, literals))
            return FALSE;
    return expect(parser, TOKEN_PARENTHESIS_CLOSE);
}

/* A name, or a quoted one, as a step. */
static gboolean take_name_step(struct parser *parser, GArray *steps)
{
    struct pattern_step step = { .kind = PATTERN_STEP_NAME };
    gboolean quoted =
        parser->token.kind == TOKEN_LITERAL && parser->token.literal == PATTERN_STRING;

    if (parser->token.kind != TOKEN_IDENTIFIER && !quoted)
        return pattern_refuse(parser->refusal, parser->error, PATTERN_REFUSED_PATH,
                              parser->token.position, "%s instead of the name of a property",
                              token_names[parser->token.kind]);
    if (!count_node(parser))
        return FALSE;
    step.name = g_steal_pointer(&parser->token.text);
    g_array_append_val(steps, step);
    return advance(parser);
}

/* [3], [-1] or [*], from its bracket. */
static gboolean take_index_step(struct parser *parser, GArray *steps)
{
    struct pattern_step step = { .kind = PATTERN_STEP_ANY };

    if (!count_node(parser) || !expect(parser, TOKEN_BRACKET_OPEN))
        return FALSE;
    if (parser->token.kind == TOKEN_LITERAL && parser->token.literal == PATTERN_INTEGER) {
        step.kind = PATTERN_STEP_INDEX;
        step.index = g_ascii_strtoll(parser->token.text, NULL, 10);
    } else if (parser->token.kind != TOKEN_ASTERISK) {
        return pattern_refuse(parser->refusal, parser->error, PATTERN_REFUSED_PATH,
                              parser->token.position, "%s instead of a position or \"*\"",
                              token_names[parser->token.kind]);
    }
    g_array_append_val(steps, step);
    return advance(parser) && expect(parser, TOKEN_BRACKET_CLOSE);
}

/* type ':' name ( '.' name | '[' n ']' )* */
static gboolean parse_path(struct parser *parser, struct pattern_path *path)
{
    if (parser->token.kind != TOKEN_IDENTIFIER)
        return unexpected(parser, "the path of a property");
    path->type = g_steal_pointer(&parser->token.text);
    path->steps = g_array_new(FALSE, FALSE, sizeof(struct pattern_step));
    g_array_set_clear_func(path->steps, (GDestroyNotify)clear_step);
    if (!advance(parser))
        return FALSE;
    if (parser->token.kind != TOKEN_COLON)
        return pattern_refuse(parser->refusal, parser->error, PATTERN_REFUSED_PATH,
                              parser->token.position, "no \":\" after the type of the object");
    if (!advance(parser) || !take_name_step(parser, path->steps))
        return FALSE;
    for (;;) {
        if (parser->token.kind == TOKEN_DOT) {
            if (!advance(parser) || !take_name_step(parser, path->steps))
                return FALSE;
        } else if (parser->token.kind == TOKEN_BRACKET_OPEN) {
            if (!take_index_step(parser, path->steps))
                return FALSE;
        } else {
            return TRUE;
        }
    }
}

/* What stands after an operator other than IN and EXISTS. */
static gboolean parse_operand(struct parser *parser, struct pattern_node *test)
{
    gsize position = parser->token.position;
    const struct pattern_literal *literal;

    if (!take_literal(parser, test->literals))
        return FALSE;
    literal = &g_array_index(test->literals, struct pattern_literal, 0);
    if (test->relation >= PATTERN_LIKE && literal->kind != PATTERN_STRING)
        return pattern_refuse(parser->refusal, parser->error, PATTERN_REFUSED_LITERAL, position,
                              "%s takes a string", pattern_operator_text(test->relation));
    if (test->relation >= PATTERN_LESS && literal->kind == PATTERN_BOOLEAN)
        return pattern_refuse(parser->refusal, parser->error, PATTERN_REFUSED_LITERAL, position,
                              "%s takes no true or false", pattern_operator_text(test->relation));
    return TRUE;
}

static struct pattern_node *parse_exists(struct parser *parser)
{
    g_autoptr(pattern_node_t) test = node_new(parser, PATTERN_TEST, parser->token.position);

    if (!test)
        return NULL;
    test->relation = PATTERN_EXISTS;
    if (parser->lexer.flags & PATTERN_STIX_2_0) {
        pattern_refuse(parser->refusal, parser->error, PATTERN_REFUSED_SYNTAX,
                       parser->token.position, "EXISTS came with STIX 2.1");
        return NULL;
    }
    if (!advance(parser) || !parse_path(parser, &test->path))
        return NULL;
    return g_steal_pointer(&test);
}

/* path [NOT] operator value, EXISTS path, or tests in parentheses. */
static struct pattern_node *parse_test(struct parser *parser)
{
    g_autoptr(pattern_node_t) test = NULL;

    if (parser->token.kind == TOKEN_PARENTHESIS_OPEN)
        return parse_parenthesised(parser, parse_tests);
    if (parser->token.kind == TOKEN_OPERATOR && parser->token.relation == PATTERN_EXISTS)
        return parse_exists(parser);
    test = node_new(parser, PATTERN_TEST, parser->token.position);
    if (!test || !parse_path(parser, &test->path))
        return NULL;
    test->negated = parser->token.kind == TOKEN_NOT;
    if (test->negated && !advance(parser))
        return NULL;
    if (parser->token.kind != TOKEN_OPERATOR || parser->token.relation == PATTERN_EXISTS) {
        unexpected(parser, token_names[TOKEN_OPERATOR]);
        return NULL;
    }
    test->relation = parser->token.relation;
    if (!advance(parser))
        return NULL;
    if (!(test->relation == PATTERN_IN ? parse_set(parser, test->literals)
                                       : parse_operand(parser, test)) ||
        !pattern_check_test(test, parser->refusal, parser->error))
        return NULL;
    return g_steal_pointer(&test);
}

static struct pattern_node *parse_tests_and(struct parser *parser)
{
    return parse_joined(parser, TOKEN_AND, PATTERN_AND, parse_test);
}

static struct pattern_node *parse_tests(struct parser *parser)
{
    return parse_joined(parser, TOKEN_OR, PATTERN_OR, parse_tests_and);
}

/* '[' tests ']' */
static struct pattern_node *parse_bracket(struct parser *parser)
{
    g_autoptr(pattern_node_t) node = node_new(parser, PATTERN_OBSERVATION, parser->token.position);
    struct pattern_node *tests;

    if (!node || !descend(parser) || !expect(parser, TOKEN_BRACKET_OPEN))
        return NULL;
    tests = parse_tests(parser);
    if (!tests)
        return NULL;
    g_ptr_array_add(node->children, tests);
    if (!expect(parser, TOKEN_BRACKET_CLOSE))
        return NULL;
    parser->depth--;
    return g_steal_pointer(&node);
}

/* The time after START or STOP. */
static gboolean take_time(struct parser *parser, char **time)
{
    const struct pattern_token *token = &parser->token;
    gboolean plain = token->kind == TOKEN_LITERAL && token->literal == PATTERN_STRING &&
                     (parser->lexer.flags & PATTERN_STIX_2_0);

    if (!plain && (token->kind != TOKEN_LITERAL || token->literal != PATTERN_TIMESTAMP))
        return pattern_refuse(parser->refusal, parser->error, PATTERN_REFUSED_QUALIFIER,
                              token->position, "START and STOP take a time: t'...'");
    if (plain && !pattern_timestamp_is_sound(token->text))
        return pattern_refuse(parser->refusal, parser->error, PATTERN_REFUSED_TIMESTAMP,
                              token->position, "the string is no YYYY-MM-DDThh:mm:ss[.d]Z");
    *time = g_steal_pointer(&parser->token.text);
    return advance(parser);
}

static gboolean parse_start_stop(struct parser *parser, struct pattern_qualifier *qualifier)
{
    return advance(parser) && take_time(parser, &qualifier->start) && expect(parser, TOKEN_STOP) &&
           take_time(parser, &qualifier->stop);
}

/* A positive number: an integer, or with `fractions` a float as well. */
static gboolean take_positive(struct parser *parser, struct pattern_qualifier *qualifier,
                              gboolean fractions)
{
    const struct pattern_token *token = &parser->token;
    gboolean number =
        token->kind == TOKEN_LITERAL &&
        (token->literal == PATTERN_INTEGER || (fractions && token->literal == PATTERN_FLOAT));

    if (number)
        qualifier->seconds = g_ascii_strtod(token->text, NULL);
    if (!number || !(qualifier->seconds > 0) || *token->text == '-')
        return pattern_refuse(parser->refusal, parser->error, PATTERN_REFUSED_QUALIFIER,
                              token->position, "not a number above zero");
    if (!fractions)
        qualifier->times = g_ascii_strtoll(token->text, NULL, 10);
    qualifier->number = g_steal_pointer(&parser->token.text);
    return advance(parser);
}

static gboolean parse_within(struct parser *parser, struct pattern_qualifier *qualifier)
{
    return advance(parser) && take_positive(parser, qualifier, TRUE) &&
           expect(parser, TOKEN_SECONDS);
}

static gboolean parse_repeats(struct parser *parser, struct pattern_qualifier *qualifier)
{
    return advance(parser) && take_positive(parser, qualifier, FALSE) &&
           expect(parser, TOKEN_TIMES);
}

static const struct qualifier_row {
    enum pattern_token_kind token;
    enum pattern_qualifier_kind kind;
    gboolean (*parse)(struct parser *parser, struct pattern_qualifier *qualifier);
} qualifier_rows[] = {
    { TOKEN_START, PATTERN_START_STOP, parse_start_stop },
    { TOKEN_WITHIN, PATTERN_WITHIN, parse_within },
    { TOKEN_REPEATS, PATTERN_REPEATS, parse_repeats },
};

static const struct qualifier_row *qualifier_at(const struct parser *parser)
{
    for (guint i = 0; i < G_N_ELEMENTS(qualifier_rows); i++)
        if (parser->token.kind == qualifier_rows[i].token)
            return &qualifier_rows[i];
    return NULL;
}

/* The qualifiers that stand here; each kind once. */
static gboolean parse_qualifiers(struct parser *parser, GArray *qualifiers)
{
    const struct qualifier_row *row;

    while ((row = qualifier_at(parser))) {
        struct pattern_qualifier qualifier = { .kind = row->kind };

        for (guint i = 0; i < qualifiers->len; i++)
            if (g_array_index(qualifiers, struct pattern_qualifier, i).kind == row->kind)
                return pattern_refuse(parser->refusal, parser->error,
                                      PATTERN_REFUSED_REPEATED_QUALIFIER, parser->token.position,
                                      "a second %s on one observation", token_names[row->token]);
        if (!count_node(parser) || !row->parse(parser, &qualifier)) {
            clear_qualifier(&qualifier);
            return FALSE;
        }
        if (row->kind == PATTERN_REPEATS)
            qualifier.seconds = 0;
        g_array_append_val(qualifiers, qualifier);
    }
    return TRUE;
}

/* A bracket or observations in parentheses, and the qualifiers that bind to it. */
static struct pattern_node *parse_qualified(struct parser *parser)
{
    g_autoptr(pattern_node_t) child = NULL;
    g_autoptr(pattern_node_t) node = NULL;

    if (parser->token.kind == TOKEN_PARENTHESIS_OPEN)
        child = parse_parenthesised(parser, parse_observations);
    else if (parser->token.kind == TOKEN_BRACKET_OPEN)
        child = parse_bracket(parser);
    else
        unexpected(parser, "\"[\"");
    if (!child || !qualifier_at(parser))
        return g_steal_pointer(&child);
    node = node_new(parser, PATTERN_QUALIFIED, child->position);
    if (!node)
        return NULL;
    g_ptr_array_add(node->children, g_steal_pointer(&child));
    node->qualifiers = g_array_new(FALSE, FALSE, sizeof(struct pattern_qualifier));
    g_array_set_clear_func(node->qualifiers, (GDestroyNotify)clear_qualifier);
    if (!parse_qualifiers(parser, node->qualifiers))
        return NULL;
    return g_steal_pointer(&node);
}

static struct pattern_node *parse_observations_and(struct parser *parser)
{
    return parse_joined(parser, TOKEN_AND, PATTERN_AND, parse_qualified);
}

static struct pattern_node *parse_observations_or(struct parser *parser)
{
    return parse_joined(parser, TOKEN_OR, PATTERN_OR, parse_observations_and);
}

static struct pattern_node *parse_observations(struct parser *parser)
{
    return parse_joined(parser, TOKEN_FOLLOWEDBY, PATTERN_FOLLOWEDBY, parse_observations_or);
}

/* What the reader needs of the bytes before any token: a bound, UTF-8 without NUL. */
static gboolean check_text(const char *text, gsize length, enum pattern_refusal *refusal,
                           GError **error)
{
    const char *end = text;

    if (length > PATTERN_LENGTH_LIMIT)
        return pattern_refuse(refusal, error, PATTERN_REFUSED_TOO_LONG, PATTERN_LENGTH_LIMIT,
                              "more than %d bytes", PATTERN_LENGTH_LIMIT);
    if (length > 0 && !g_utf8_validate(text, (gssize)length, &end))
        return pattern_refuse(refusal, error, PATTERN_REFUSED_ENCODING, end - text,
                              "a byte that is no UTF-8 text");
    return TRUE;
}

struct pattern *pattern_parse(const char *text, gsize length, guint flags,
                              enum pattern_refusal *refusal, GError **error)
{
    g_autofree char *copy = NULL;
    g_autoptr(pattern_node_t) root = NULL;
    struct parser parser = { .refusal = refusal, .error = error };
    struct pattern *pattern = NULL;

    if (refusal)
        *refusal = PATTERN_REFUSED_NOT;
    if (!check_text(text, length, refusal, error))
        return NULL;
    copy = g_strndup(text, length);
    parser.lexer = (struct pattern_lexer){ .text = copy, .length = length, .flags = flags };
    if (advance(&parser))
        root = parse_observations(&parser);
    if (root && (parser.token.kind == TOKEN_END || unexpected(&parser, token_names[TOKEN_END]))) {
        pattern = g_new0(struct pattern, 1);
        pattern->root = g_steal_pointer(&root);
    }
    g_free(parser.token.text);
    return pattern;
}

void pattern_free(struct pattern *pattern)
{
    if (!pattern)
        return;
    node_free(pattern->root);
    g_free(pattern);
}

const struct pattern_node *pattern_root(const struct pattern *pattern)
{
    return pattern->root;
}
