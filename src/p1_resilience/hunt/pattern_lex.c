/* The tokens of STIX patterns (STIX 2.1 section 9.2; the lexical rules of its ANTLR grammar). */
#include "p1_resilience/hunt/pattern_private.h"
#include <string.h>

static const struct {
    const char *word;
    enum pattern_token_kind token;
    enum pattern_operator relation;
} words[] = {
    { "AND", TOKEN_AND, 0 },
    { "EXISTS", TOKEN_OPERATOR, PATTERN_EXISTS },
    { "FOLLOWEDBY", TOKEN_FOLLOWEDBY, 0 },
    { "IN", TOKEN_OPERATOR, PATTERN_IN },
    { "ISSUBSET", TOKEN_OPERATOR, PATTERN_ISSUBSET },
    { "ISSUPERSET", TOKEN_OPERATOR, PATTERN_ISSUPERSET },
    { "LIKE", TOKEN_OPERATOR, PATTERN_LIKE },
    { "MATCHES", TOKEN_OPERATOR, PATTERN_MATCHES },
    { "NOT", TOKEN_NOT, 0 },
    { "OR", TOKEN_OR, 0 },
    { "REPEATS", TOKEN_REPEATS, 0 },
    { "SECONDS", TOKEN_SECONDS, 0 },
    { "START", TOKEN_START, 0 },
    { "STOP", TOKEN_STOP, 0 },
    { "TIMES", TOKEN_TIMES, 0 },
    { "WITHIN", TOKEN_WITHIN, 0 },
};

/* Longer signs before those that begin them. */
static const struct {
    const char *sign;
    enum pattern_token_kind token;
    enum pattern_operator relation;
} signs[] = {
    { "==", TOKEN_OPERATOR, PATTERN_EQUAL },
    { "=", TOKEN_OPERATOR, PATTERN_EQUAL },
    { "!=", TOKEN_OPERATOR, PATTERN_NOT_EQUAL },
    { "<>", TOKEN_OPERATOR, PATTERN_NOT_EQUAL },
    { "<=", TOKEN_OPERATOR, PATTERN_LESS_EQUAL },
    { ">=", TOKEN_OPERATOR, PATTERN_GREATER_EQUAL },
    { "<", TOKEN_OPERATOR, PATTERN_LESS },
    { ">", TOKEN_OPERATOR, PATTERN_GREATER },
    { "[", TOKEN_BRACKET_OPEN, 0 },
    { "]", TOKEN_BRACKET_CLOSE, 0 },
    { "(", TOKEN_PARENTHESIS_OPEN, 0 },
    { ")", TOKEN_PARENTHESIS_CLOSE, 0 },
    { ",", TOKEN_COMMA, 0 },
    { ":", TOKEN_COLON, 0 },
    { ".", TOKEN_DOT, 0 },
    { "*", TOKEN_ASTERISK, 0 },
};

static const char *const operator_texts[] = {
    [PATTERN_EQUAL] = "=",
    [PATTERN_NOT_EQUAL] = "!=",
    [PATTERN_LESS] = "<",
    [PATTERN_LESS_EQUAL] = "<=",
    [PATTERN_GREATER] = ">",
    [PATTERN_GREATER_EQUAL] = ">=",
    [PATTERN_IN] = "IN",
    [PATTERN_LIKE] = "LIKE",
    [PATTERN_MATCHES] = "MATCHES",
    [PATTERN_ISSUBSET] = "ISSUBSET",
    [PATTERN_ISSUPERSET] = "ISSUPERSET",
    [PATTERN_EXISTS] = "EXISTS",
};

const char *pattern_operator_text(enum pattern_operator relation)
{
    return operator_texts[relation];
}

static int byte_at(const struct pattern_lexer *lexer, gsize at)
{
    return at < lexer->length ? (guchar)lexer->text[at] : -1;
}

static gboolean is_digit(int byte)
{
    return byte >= '0' && byte <= '9';
}

static gboolean begins_name(int byte)
{
    return byte == '_' || (byte > 0 && g_ascii_isalpha(byte));
}

static gboolean continues_name(int byte)
{
    return begins_name(byte) || is_digit(byte) || byte == '-';
}

/* White space as Unicode has it; GLib leaves out the vertical tab and NEL. */
static gboolean is_space(gunichar character)
{
    const gunichar vertical_tab = 0x0b, next_line = 0x85;

    return g_unichar_isspace(character) || character == vertical_tab || character == next_line;
}

/* Over white space and comments. */
static gboolean skip_space(struct pattern_lexer *lexer, enum pattern_refusal *refusal,
                           GError **error)
{
    while (lexer->at < lexer->length) {
        const char *here = lexer->text + lexer->at, *end;

        if (is_space(g_utf8_get_char(here))) {
            lexer->at = g_utf8_next_char(here) - lexer->text;
        } else if (strncmp(here, "/*", 2) == 0) {
            end = strstr(here + 2, "*/");
            if (!end)
                return pattern_refuse(refusal, error, PATTERN_REFUSED_UNTERMINATED, lexer->at,
                                      "a comment without its \"*/\"");
            lexer->at = end + 2 - lexer->text;
        } else if (strncmp(here, "//", 2) == 0) {
            lexer->at += strcspn(here, "\r\n");
        } else {
            return TRUE;
        }
    }
    return TRUE;
}

/* A string from its opening quote at `at`; its value goes to `token`. */
static gboolean lex_string(struct pattern_lexer *lexer, gsize at, struct pattern_token *token,
                           enum pattern_refusal *refusal, GError **error)
{
    g_autoptr(GString) value = g_string_new(NULL);

    for (at++; byte_at(lexer, at) != '\''; at++) {
        int byte = byte_at(lexer, at);

        if (byte < 0)
            return pattern_refuse(refusal, error, PATTERN_REFUSED_UNTERMINATED, token->position,
                                  "a string without its closing quote");
        if (byte == '\\') {
            int next = byte_at(lexer, at + 1);

            if (next == '\'' || next == '\\')
                byte = byte_at(lexer, ++at);
            else if (!(lexer->flags & PATTERN_LENIENT))
                return pattern_refuse(refusal, error, PATTERN_REFUSED_ESCAPE, at,
                                      "a backslash stands only before ' and \\");
        }
        g_string_append_c(value, (char)byte);
    }
    token->kind = TOKEN_LITERAL;
    token->literal = PATTERN_STRING;
    token->text = g_string_free(g_steal_pointer(&value), FALSE);
    lexer->at = at + 1;
    return TRUE;
}

static gboolean hex_is_whole(const char *text)
{
    gsize length = strlen(text);

    return length % 2 == 0 && strspn(text, "0123456789abcdefABCDEF") == length;
}

/* Groups of four, the last one padded; at least one group (the grammar's BinaryLiteral). */
static gboolean base64_is_canonical(const char *text)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    gsize length = strlen(text), data = strspn(text, digits);
    gsize padding = length - data;

    return length > 0 && length % 4 == 0 && padding <= 2 && strspn(text + data, "=") == padding;
}

/* The number of the two digits at `text`; -1: they are none. */
static int two_digits(const char *text)
{
    return is_digit(text[0]) && is_digit(text[1]) ? (text[0] - '0') * 10 + text[1] - '0' : -1;
}

/* YYYY-MM-DDThh:mm:ss[.d+]Z; the calendar is not looked at, as the grammar does not. */
gboolean pattern_timestamp_is_sound(const char *text)
{
    static const char form[] = "dddd-dd-ddTdd:dd:dd";
    static const struct {
        guint8 at, least, most;
    } parts[] = { { 5, 1, 12 }, { 8, 1, 31 }, { 11, 0, 23 }, { 14, 0, 59 }, { 17, 0, 60 } };
    gsize length = strlen(text), size = sizeof form - 1;

    if (length < size + 1)
        return FALSE;
    for (gsize i = 0; i < size; i++)
        if (form[i] == 'd' ? !is_digit(text[i]) : text[i] != form[i])
            return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(parts); i++) {
        int value = two_digits(text + parts[i].at);

        if (value < parts[i].least || value > parts[i].most)
            return FALSE;
    }
    text += size;
    if (*text == '.') {
        gsize fraction = strspn(text + 1, "0123456789");

        if (fraction == 0)
            return FALSE;
        text += 1 + fraction;
    }
    return strcmp(text, "Z") == 0;
}

static const struct {
    char letter;
    enum pattern_literal_kind kind;
    gboolean (*sound)(const char *text);
    enum pattern_refusal refusal;
    const char *rule;
} lettered[] = {
    { 'h', PATTERN_HEX, hex_is_whole, PATTERN_REFUSED_HEX, "h'...' takes pairs of hex digits" },
    { 'b', PATTERN_BASE64, base64_is_canonical, PATTERN_REFUSED_BASE64,
      "b'...' takes base64 in groups of four, padded" },
    { 't', PATTERN_TIMESTAMP, pattern_timestamp_is_sound, PATTERN_REFUSED_TIMESTAMP,
      "t'...' takes YYYY-MM-DDThh:mm:ss[.d]Z" },
};

/* A literal of a letter and quotes, whose opening quote is the byte after the letter. */
static gboolean lex_lettered(struct pattern_lexer *lexer, guint row, struct pattern_token *token,
                             enum pattern_refusal *refusal, GError **error)
{
    const char *value = lexer->text + lexer->at + 2;
    const char *end = strchr(value, '\'');

    if (!end)
        return pattern_refuse(refusal, error, PATTERN_REFUSED_UNTERMINATED, token->position,
                              "a literal without its closing quote");
    token->text = g_strndup(value, end - value);
    if (!lettered[row].sound(token->text))
        return pattern_refuse(refusal, error, lettered[row].refusal, token->position, "%s",
                              lettered[row].rule);
    token->kind = TOKEN_LITERAL;
    token->literal = lettered[row].kind;
    lexer->at = end + 1 - lexer->text;
    return TRUE;
}

/* [+-]? (0 | [1-9][0-9]*) or [+-]? [0-9]* '.' [0-9]+ */
static gboolean lex_number(struct pattern_lexer *lexer, struct pattern_token *token,
                           enum pattern_refusal *refusal, GError **error)
{
    gsize at = lexer->at, digits, whole;

    if (byte_at(lexer, at) == '-' || byte_at(lexer, at) == '+')
        at++;
    digits = at;
    while (is_digit(byte_at(lexer, at)))
        at++;
    whole = at - digits;
    token->kind = TOKEN_LITERAL;
    token->literal = PATTERN_INTEGER;
    if (byte_at(lexer, at) == '.' && is_digit(byte_at(lexer, at + 1))) {
        token->literal = PATTERN_FLOAT;
        for (at++; is_digit(byte_at(lexer, at));)
            at++;
    }
    token->text = g_strndup(lexer->text + lexer->at, at - lexer->at);
    lexer->at = at;
    if (token->literal == PATTERN_FLOAT)
        return TRUE;
    if (whole > 1 && lexer->text[digits] == '0')
        return pattern_refuse(refusal, error, PATTERN_REFUSED_NUMBER, token->position,
                              "a number has no leading zeros");
    if (!g_ascii_string_to_signed(*token->text == '+' ? token->text + 1 : token->text, 10,
                                  G_MININT64, G_MAXINT64, NULL, NULL))
        return pattern_refuse(refusal, error, PATTERN_REFUSED_NUMBER, token->position,
                              "an integer beyond 64 bits");
    return TRUE;
}

/* Whether a number begins at `at`: digits, or a dot and a digit, after at most one sign. */
static gboolean begins_number(const struct pattern_lexer *lexer, gsize at)
{
    if (byte_at(lexer, at) == '-' || byte_at(lexer, at) == '+')
        at++;
    if (byte_at(lexer, at) == '.')
        at++;
    return is_digit(byte_at(lexer, at));
}

static void lex_name(struct pattern_lexer *lexer, struct pattern_token *token)
{
    gsize at = lexer->at;

    while (continues_name(byte_at(lexer, at)))
        at++;
    token->text = g_strndup(lexer->text + lexer->at, at - lexer->at);
    token->kind = TOKEN_IDENTIFIER;
    lexer->at = at;
    if (strcmp(token->text, "true") == 0 || strcmp(token->text, "false") == 0) {
        token->kind = TOKEN_LITERAL;
        token->literal = PATTERN_BOOLEAN;
    }
    for (guint i = 0; i < G_N_ELEMENTS(words); i++)
        if (strcmp(token->text, words[i].word) == 0) {
            token->kind = words[i].token;
            token->relation = words[i].relation;
        }
}

gboolean pattern_needs_quotes(const char *name)
{
    struct pattern_token token = { 0 };
    struct pattern_lexer lexer = { .text = name, .length = strlen(name) };
    gboolean plain;

    /* With a hyphen it lexes here, but STIX 2.1 wants quotes: hashes.'SHA-256'. */
    if (!begins_name(byte_at(&lexer, 0)) || strchr(name, '-'))
        return TRUE;
    lex_name(&lexer, &token);
    plain = token.kind == TOKEN_IDENTIFIER && lexer.at == lexer.length;
    g_free(token.text);
    return !plain;
}

static gboolean lex_sign(struct pattern_lexer *lexer, struct pattern_token *token)
{
    for (guint i = 0; i < G_N_ELEMENTS(signs); i++) {
        gsize length = strlen(signs[i].sign);

        if (strncmp(lexer->text + lexer->at, signs[i].sign, length) != 0)
            continue;
        token->kind = signs[i].token;
        token->relation = signs[i].relation;
        lexer->at += length;
        return TRUE;
    }
    return FALSE;
}

static gboolean lex_token(struct pattern_lexer *lexer, struct pattern_token *token,
                          enum pattern_refusal *refusal, GError **error)
{
    int byte = byte_at(lexer, lexer->at);

    if (byte == '\'')
        return lex_string(lexer, lexer->at, token, refusal, error);
    for (guint i = 0; i < G_N_ELEMENTS(lettered); i++)
        if (byte == lettered[i].letter && byte_at(lexer, lexer->at + 1) == '\'')
            return lex_lettered(lexer, i, token, refusal, error);
    if (begins_number(lexer, lexer->at))
        return lex_number(lexer, token, refusal, error);
    if (begins_name(byte)) {
        lex_name(lexer, token);
        return TRUE;
    }
    if (lex_sign(lexer, token))
        return TRUE;
    return pattern_refuse(
        refusal, error, PATTERN_REFUSED_CHARACTER, lexer->at,
        "no token of a pattern begins with \"%.*s\"",
        (int)(g_utf8_next_char(lexer->text + lexer->at) - (lexer->text + lexer->at)),
        lexer->text + lexer->at);
}

gboolean pattern_lex(struct pattern_lexer *lexer, struct pattern_token *token,
                     enum pattern_refusal *refusal, GError **error)
{
    g_clear_pointer(&token->text, g_free);
    *token = (struct pattern_token){ .kind = TOKEN_END };
    if (!skip_space(lexer, refusal, error))
        return FALSE;
    token->position = token->end = lexer->at;
    if (lexer->at == lexer->length)
        return TRUE;
    if (!lex_token(lexer, token, refusal, error))
        return FALSE;
    token->end = lexer->at;
    return TRUE;
}
