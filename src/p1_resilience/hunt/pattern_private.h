/*
 * pattern_private.h: what the parts of the pattern reader share: tokens, and the makers of nodes.
 * Not for other rooms; the face is pattern.h.
 */
#pragma once
#include "p1_resilience/hunt/pattern.h"

enum pattern_token_kind {
    TOKEN_END,
    TOKEN_BRACKET_OPEN,
    TOKEN_BRACKET_CLOSE,
    TOKEN_PARENTHESIS_OPEN,
    TOKEN_PARENTHESIS_CLOSE,
    TOKEN_COMMA,
    TOKEN_COLON,
    TOKEN_DOT,
    TOKEN_ASTERISK,
    TOKEN_OPERATOR, /* `relation` says which: = != < <= > >= and the words of pattern_operator */
    TOKEN_AND,
    TOKEN_OR,
    TOKEN_NOT,
    TOKEN_FOLLOWEDBY,
    TOKEN_START,
    TOKEN_STOP,
    TOKEN_WITHIN,
    TOKEN_SECONDS,
    TOKEN_REPEATS,
    TOKEN_TIMES,
    TOKEN_IDENTIFIER,
    TOKEN_LITERAL, /* `literal` says which */
    TOKEN_KINDS
};

struct pattern_token {
    enum pattern_token_kind kind;
    enum pattern_operator relation;
    enum pattern_literal_kind literal;
    gsize position; /* its first byte, from 0 */
    gsize end;      /* the byte after it */
    char *text;     /* of identifiers and literals: as struct pattern_literal has it; owned */
};

struct pattern_lexer {
    const char *text;
    gsize length;
    gsize at;
    guint flags;
};

/*
 * Refuses at byte `position` (from 0): sets `refusal` and `error`, returns FALSE. `refusal` may be
 * NULL.
 */
gboolean pattern_refuse(enum pattern_refusal *refusal, GError **error, enum pattern_refusal why,
                        gsize position, const char *format, ...) G_GNUC_PRINTF(5, 6);

/* The next token, in place of what `token` held. FALSE: refused. */
gboolean pattern_lex(struct pattern_lexer *lexer, struct pattern_token *token,
                     enum pattern_refusal *refusal, GError **error);

/* YYYY-MM-DDThh:mm:ss[.d+]Z with parts in range; the calendar is not looked at. */
gboolean pattern_timestamp_is_sound(const char *text);

/* Whether an identifier needs quotes as the step of a path: it does not lex as one, or is a word.
 */
gboolean pattern_needs_quotes(const char *name);

/*
 * Checks beyond the grammar: hashes fit the algorithm that the path names, ISSUBSET and ISSUPERSET
 * take networks. FALSE: refused.
 */
gboolean pattern_check_test(const struct pattern_node *test, enum pattern_refusal *refusal,
                            GError **error);

/* The name of a hash in one spelling: "sha-256" -> "SHA256". Owned by the caller. */
char *pattern_hash_name(const char *name);

/* The word or sign of an operator: "=", "LIKE". */
const char *pattern_operator_text(enum pattern_operator relation);
