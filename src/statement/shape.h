/*
 * shape.h: which members a JSON object has and what they hold, as tables.
 *
 * The shapes of predicates and of the community's policy are such tables; docs/schema/ says the
 * same as JSON Schema, and a test compares the two. Members beyond a table are read over, so that
 * what is added later does not break who reads now.
 */
#pragma once
#include "base/json.h"

enum shape_kind {
    SHAPE_TEXT,      /* low..high bytes of UTF-8 (high 0: SHAPE_TEXT_LIMIT) that show as they are */
    SHAPE_INTEGER,   /* low..high */
    SHAPE_BOOLEAN,   /* true or false */
    SHAPE_WORD,      /* one of `words` */
    SHAPE_TIME,      /* RFC 3339 */
    SHAPE_DATE,      /* "2027-11-12" */
    SHAPE_SHA256,    /* 64 lower-case hex digits */
    SHAPE_BASE64,    /* RFC 4648 section 4, padded, not empty */
    SHAPE_DOMAIN,    /* lower-case A-labels */
    SHAPE_COUNTRY,   /* ISO 3166-1 alpha-2 */
    SHAPE_LANGUAGE,  /* BCP 47 */
    SHAPE_URI,       /* with a scheme */
    SHAPE_ED25519,   /* a vkey of type 0x01 */
    SHAPE_WITNESS,   /* a vkey of type 0x04 */
    SHAPE_ROLE_KEY,  /* either of them, or "x25519:" and 32 bytes in base64 */
    SHAPE_PREDICATE, /* "urn:entente:predicate:NAME:1" */
    SHAPE_PARTY,     /* a signatory id in hex, "key:" and an Ed25519 key in hex, or "local" */
    SHAPE_OBJECT,    /* `inside`: its members */
    SHAPE_LIST,      /* low..high items, each as `inside`, which has no name */
    SHAPE_TEXTS,     /* low..high texts by one of `words`, or by language when there are none */
    SHAPE_MAP,       /* low..high members of any name, each as `inside` (NULL: anything) */
};

#define SHAPE_TEXT_LIMIT 4000

enum shape_flag {
    SHAPE_OPTIONAL = 1 << 0, /* may be missing */
    SHAPE_NULLABLE = 1 << 1, /* may be null */
    SHAPE_WITHHELD = 1 << 2, /* may be the text "withheld" */
    SHAPE_UNIQUE = 1 << 3,   /* a list without repetition */
};

/* A member, or an item; a table of members ends with an entry of zeros. */
struct shape {
    const char *name;
    enum shape_kind kind;
    guint flags;
    gint64 low, high;
    const char *const *words;
    const struct shape *inside;
};

#define SHAPE_WITHHELD_WORD "withheld"

/* What a kind looks like as a regular expression (ECMA-262), for schemas; NULL: nothing to say. */
const char *shape_pattern(enum shape_kind kind);

/* Whether `value` is an object of these members. ENTENTE_ERROR_INPUT: "a.b[2]" and what is wrong
 * with it; `where` names the object itself. */
gboolean shape_check(const json_t *value, const struct shape *members, const char *where,
                     GError **error);
