/*
 * pattern.h: STIX patterns (STIX 2.1 section 9; the strings of STIX 2.0 as well): read whole into
 * a tree, printed back, and compiled to indicators where a hunt in logs can decide them.
 *
 *     [file:hashes.'SHA-256' = '...' AND file:name = 'x.exe'] OR [domain-name:value = 'evil.com']
 *      `-------------- test ------'                            `-- observation: one bracket ----'
 *
 * The tree is n-ary: `a OR b OR c` is one node with three children, so that long lists are flat;
 * parentheses that change nothing are not kept. Its size and depth are bounded (below), so that
 * walks may recurse.
 */
#pragma once
#include <glib.h>

struct indicator; /* indicator.h */

#define PATTERN_LENGTH_LIMIT (256 * 1024) /* bytes of one pattern */
#define PATTERN_DEPTH_LIMIT 64            /* parentheses and brackets within one another */
#define PATTERN_NODE_LIMIT 16384          /* nodes of one tree, literals of lists included */

/* Why a pattern was refused. */
enum pattern_refusal {
    PATTERN_REFUSED_NOT, /* it was not */
    PATTERN_REFUSED_SYNTAX,
    PATTERN_REFUSED_CHARACTER,          /* no token begins so */
    PATTERN_REFUSED_ENCODING,           /* not UTF-8, or NUL */
    PATTERN_REFUSED_ESCAPE,             /* a backslash before neither ' nor \ */
    PATTERN_REFUSED_UNTERMINATED,       /* a string or a comment without its end */
    PATTERN_REFUSED_NUMBER,             /* leading zeros, or out of range */
    PATTERN_REFUSED_HEX,                /* h'..' of odd length or with other digits */
    PATTERN_REFUSED_BASE64,             /* b'..' that is not canonical */
    PATTERN_REFUSED_TIMESTAMP,          /* t'..' that is no time in UTC */
    PATTERN_REFUSED_PATH,               /* an object path without ':', or with a bad step */
    PATTERN_REFUSED_LITERAL,            /* a kind of literal that this operator does not take */
    PATTERN_REFUSED_HASH,               /* a value that does not fit the hash it is named */
    PATTERN_REFUSED_QUALIFIER,          /* a value that the qualifier does not take */
    PATTERN_REFUSED_REPEATED_QUALIFIER, /* WITHIN 5 SECONDS WITHIN 6 SECONDS */
    PATTERN_REFUSED_TOO_LONG,
    PATTERN_REFUSED_TOO_DEEP,
    PATTERN_REFUSED_TOO_MANY,
    PATTERN_REFUSALS
};
const char *pattern_refusal_name(enum pattern_refusal refusal); /* "escape", "too-deep" */

enum pattern_flags {
    PATTERN_STRICT = 0,
    /*
     * Takes what real feeds hold and the standard forbids: a lone backslash in a string stands for
     * itself. Nothing else is forgiven.
     */
    PATTERN_LENIENT = 1 << 0,
    PATTERN_STIX_2_0 = 1 << 1, /* START and STOP take plain strings as well; EXISTS is refused */
};

enum pattern_literal_kind {
    PATTERN_STRING,
    PATTERN_INTEGER,
    PATTERN_FLOAT,
    PATTERN_BOOLEAN,
    PATTERN_HEX,
    PATTERN_BASE64,
    PATTERN_TIMESTAMP,
};

struct pattern_literal {
    enum pattern_literal_kind kind;
    gboolean truth; /* BOOLEAN */
    char *text;     /* STRING: its value; the others as written, without quotes and letter */
};

enum pattern_step_kind { PATTERN_STEP_NAME, PATTERN_STEP_INDEX, PATTERN_STEP_ANY };

/* One step of a path: .name, [3] or [*]. */
struct pattern_step {
    enum pattern_step_kind kind;
    gint64 index;
    char *name;
};

struct pattern_path {
    char *type;    /* "network-traffic" */
    GArray *steps; /* struct pattern_step; the first is a name */
};

enum pattern_operator {
    PATTERN_EQUAL,
    PATTERN_NOT_EQUAL,
    PATTERN_LESS,
    PATTERN_LESS_EQUAL,
    PATTERN_GREATER,
    PATTERN_GREATER_EQUAL,
    PATTERN_IN,
    PATTERN_LIKE,
    PATTERN_MATCHES,
    PATTERN_ISSUBSET,
    PATTERN_ISSUPERSET,
    PATTERN_EXISTS,
};

enum pattern_qualifier_kind { PATTERN_START_STOP, PATTERN_WITHIN, PATTERN_REPEATS };

struct pattern_qualifier {
    enum pattern_qualifier_kind kind;
    double seconds;     /* WITHIN; > 0 */
    gint64 times;       /* REPEATS; > 0 */
    char *start, *stop; /* START_STOP: as written */
    char *number;       /* WITHIN, REPEATS: as written */
};

enum pattern_node_kind {
    PATTERN_FOLLOWEDBY,  /* between observations; children in order */
    PATTERN_OR,          /* between observations, or between tests */
    PATTERN_AND,         /* between observations, or between tests */
    PATTERN_QUALIFIED,   /* one child and its qualifiers */
    PATTERN_OBSERVATION, /* a bracket; one child */
    PATTERN_TEST,        /* path operator literals */
};

struct pattern_node {
    enum pattern_node_kind kind;
    gboolean negated;               /* TEST: NOT before the operator */
    enum pattern_operator relation; /* TEST */
    gsize position;                 /* byte of the text, from 0, where it begins */
    GPtrArray *children;            /* struct pattern_node; NULL for TEST */
    GArray *qualifiers;             /* struct pattern_qualifier; QUALIFIED only */
    struct pattern_path path;       /* TEST */
    GArray *literals;               /* struct pattern_literal: TEST; one, but any number for IN */
};

struct pattern;

/*
 * Reads one pattern. NULL and ENTENTE_ERROR_INPUT with the position in the text ("position 14:
 * ..."; from 1, in bytes); the reason goes to `refusal` unless it is NULL. The caller owns it.
 */
struct pattern *pattern_parse(const char *text, gsize length, guint flags,
                              enum pattern_refusal *refusal, GError **error);
void pattern_free(struct pattern *pattern);
typedef struct pattern pattern_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(pattern_t, pattern_free)

const struct pattern_node *pattern_root(const struct pattern *pattern);

/* The pattern in one spelling; strict readers take it and get an equal tree. Owned by the caller.
 */
char *pattern_print(const struct pattern *pattern);
/* Equal trees; where they stood in the text does not count. */
gboolean pattern_equal(const struct pattern *one, const struct pattern *other);

/*
 * Whether a value has the form of the hash that it is said to be ("SHA-256", in any case, with or
 * without its hyphen). Hashes that are not known fit.
 */
gboolean pattern_hash_fits(const char *algorithm, const char *value);

/* Why a pattern, or a part of one, cannot be hunted in logs. */
enum pattern_unhuntable {
    PATTERN_HUNTABLE,
    PATTERN_HAS_SEQUENCE,    /* FOLLOWEDBY */
    PATTERN_HAS_CONJUNCTION, /* AND between brackets */
    PATTERN_HAS_QUALIFIER,   /* WITHIN, REPEATS, START STOP */
    PATTERN_HAS_NEGATION,    /* NOT, != */
    PATTERN_HAS_COMPARISON,  /* <, >, EXISTS, ISSUPERSET */
    PATTERN_HAS_EXPRESSION,  /* MATCHES */
    PATTERN_HAS_WILDCARD,    /* LIKE with % or _ */
    PATTERN_HAS_OTHER_PATH,  /* a property that logs are not searched for: process:command_line */
    PATTERN_HAS_OTHER_VALUE, /* a value that is no indicator: ipv4-addr:value = 'x' */
    PATTERN_UNHUNTABLES
};
const char *pattern_unhuntable_name(enum pattern_unhuntable reason); /* "sequence" */
const char *pattern_unhuntable_text(enum pattern_unhuntable reason); /* what it means, English */

struct pattern_indicator {
    struct indicator *indicator; /* owned by the hunt */
    gboolean partial;            /* the pattern asks for more than this value */
    char
        *terms; /* of partial: the rest of what it asks for (hit_terms.h); NULL: no line can tell */
};

/*
 * What of a pattern can be hunted. A pattern is searched by alternatives (brackets and tests that
 * OR joins); some may be huntable and others not: `reason` names the first that is not.
 */
struct pattern_hunt {
    GArray *indicators; /* struct pattern_indicator */
    guint unhunted;     /* alternatives that are not searched for */
    enum pattern_unhuntable reason;
};

/* Never fails: a pattern that cannot be hunted has no indicators and a reason. Owned by the caller.
 */
struct pattern_hunt *pattern_compile(const struct pattern *pattern);
void pattern_hunt_free(struct pattern_hunt *hunt);
typedef struct pattern_hunt pattern_hunt_t;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(pattern_hunt_t, pattern_hunt_free)
