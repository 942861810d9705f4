#include "p7_hygiene/host/secrets.h"

#include <math.h>
#include <string.h>

#define LINE_MAX_BYTES 4096 /* longer lines are data, not settings: tokens only */
#define PASSWORD_MIN 4
#define TOKEN_MIN 12
#define VALUE_MAX 256
#define TOKEN_ENTROPY 3.0

double secrets_entropy(const char *text, gsize length)
{
    guint counts[256] = { 0 };
    double bits = 0;

    for (gsize i = 0; i < length; i++)
        counts[(guchar)text[i]]++;
    for (guint i = 0; i < G_N_ELEMENTS(counts); i++)
        if (counts[i])
            bits -= (double)counts[i] / length * log2((double)counts[i] / length);
    return bits;
}

struct scan {
    secrets_fn each;
    gpointer data;
    gboolean bare, stopped;
    const char *mark; /* where the next token or key may begin, or the end of the text */
    guint line;
};

static void report(struct scan *scan, const char *rule, const char *secret, gsize length)
{
    if (!scan->each(rule, scan->line, secret, length, scan->data))
        scan->stopped = TRUE;
}

/* --- tokens with a known form ----------------------------------------------------------------- */

static gboolean is_upper_digit(char sign)
{
    return g_ascii_isupper(sign) || g_ascii_isdigit(sign);
}

static gboolean is_alnum(char sign)
{
    return g_ascii_isalnum(sign);
}

static gboolean is_word(char sign)
{
    return g_ascii_isalnum(sign) || sign == '_' || sign == '-';
}

static const struct token {
    const char *rule, *start;
    gboolean (*sign)(char sign);
    gsize least, most; /* signs behind `start` */
} tokens[] = {
    { "aws-access-key", "AKIA", is_upper_digit, 16, 16 },
    { "github-token", "ghp_", is_alnum, 36, 36 },
    { "github-token", "gho_", is_alnum, 36, 36 },
    { "github-token", "ghs_", is_alnum, 36, 36 },
    { "github-token", "github_pat_", is_word, 60, 100 },
    { "gitlab-token", "glpat-", is_word, 20, 64 },
    { "slack-token", "xoxb-", is_word, 10, 250 },
    { "slack-token", "xoxp-", is_word, 10, 250 },
    { "google-api-key", "AIza", is_word, 35, 35 },
    { "stripe-key", "sk_live_", is_alnum, 24, 128 },
};

static void look_for_tokens(struct scan *scan, const char *line, gsize length)
{
    for (gsize i = 0; i < G_N_ELEMENTS(tokens) && !scan->stopped; i++) {
        const struct token *token = &tokens[i];
        const gsize start = strlen(token->start);
        const char *at = memmem(line, length, token->start, start);
        gsize count = 0;

        if (!at || (at > line && is_word(at[-1])))
            continue;
        while (at + start + count < line + length && count <= token->most &&
               token->sign(at[start + count]))
            count++;
        if (count >= token->least && count <= token->most)
            report(scan, token->rule, at, start + count);
    }
}

static const char key_begin[] = "-----BEGIN ";

static void look_for_key(struct scan *scan, const char *line, gsize length)
{
    static const char end[] = "PRIVATE KEY-----";
    static const char encrypted[] = "ENCRYPTED ";
    const char *at = memmem(line, length, key_begin, strlen(key_begin));
    gsize left = at ? (gsize)(line + length - at) : 0;

    if (at && memmem(at, left, end, strlen(end)) && !memmem(at, left, encrypted, strlen(encrypted)))
        report(scan, "private-key", at, left);
}

static gboolean begins(const char *at, gsize left, const char *start)
{
    gsize length = strlen(start);

    return left >= length && memcmp(at, start, length) == 0;
}

static gboolean begins_marked(const char *at, gsize left)
{
    for (gsize i = 0; i < G_N_ELEMENTS(tokens); i++)
        if (begins(at, left, tokens[i].start))
            return TRUE;
    return begins(at, left, key_begin);
}

/* Signs that marks begin with: of two that follow each other, a bit that both have says one may. */
struct mark_signs {
    guint8 first[256], second[256];
};

static void mark_signs_init(struct mark_signs *signs)
{
    memset(signs, 0, sizeof *signs);
    for (gsize i = 0; i <= G_N_ELEMENTS(tokens); i++) {
        const char *start = i < G_N_ELEMENTS(tokens) ? tokens[i].start : key_begin;

        signs->first[(guchar)start[0]] |= 1u << i % 8;
        signs->second[(guchar)start[1]] |= 1u << i % 8;
    }
}

/* The first place from `at` where a token or a key may begin: only its line is asked for each. */
static const char *next_mark(const struct mark_signs *signs, const char *at, const char *end)
{
    for (; at + 1 < end; at++)
        if (signs->first[(guchar)at[0]] & signs->second[(guchar)at[1]] &&
            begins_marked(at, end - at))
            return at;
    return end;
}

/* --- assignments ------------------------------------------------------------------------------ */

/* Names of settings that hold a secret end so; `random`: its value must look like a token. */
static const struct keyword {
    const char *end;
    gboolean random;
} keywords[] = {
    { "password", FALSE }, { "passwd", FALSE },    { "passphrase", FALSE }, { "passwort", FALSE },
    { "secret", TRUE },    { "secret_key", TRUE }, { "secretkey", TRUE },   { "token", TRUE },
    { "api_key", TRUE },   { "apikey", TRUE },     { "access_key", TRUE },  { "auth_key", TRUE },
    { "_pass", FALSE },    { "_pwd", FALSE },
};

static const struct keyword *keyword_of(const char *name, gsize length)
{
    char lower[64];

    if (length >= sizeof lower)
        return NULL;
    for (gsize i = 0; i < length; i++)
        lower[i] = name[i] == '-' ? '_' : g_ascii_tolower(name[i]);
    lower[length] = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(keywords); i++)
        if (g_str_has_suffix(lower, keywords[i].end))
            return &keywords[i];
    return NULL;
}

static gboolean is_placeholder(const char *value, gsize length)
{
    static const char *const words[] = { "none",     "null",     "true",      "false",
                                         "yes",      "no",       "ask",       "prompt",
                                         "files",    "compat",   "secret",    "password",
                                         "required", "optional", "undefined", "redacted",
                                         "disabled", "enabled",  "default" };
    static const char *const starts[] = { "your",  "<",       "$",      "%",    "{",           "*",
                                          "xxx",   "example", "os.env", "env.", "process.env", "/",
                                          "file:", "vault:",  "!",      "..." };
    g_autofree char *lower = g_ascii_strdown(value, length);

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_str_equal(lower, words[i]))
            return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(starts); i++)
        if (g_str_has_prefix(lower, starts[i]))
            return TRUE;
    return FALSE;
}

/* What stands behind "=" or ":": a quoted text, or a bare word that ends the statement. */
static gboolean read_value(const struct scan *scan, const char *at, const char *end,
                           const char **value, gsize *length)
{
    while (at < end && strchr(" \t>=:", *at) && *at)
        at++;
    if (at < end && (*at == '"' || *at == '\'')) {
        const char *close = memchr(at + 1, *at, end - at - 1);

        *value = at + 1;
        *length = close ? (gsize)(close - at - 1) : 0;
        return close && !memchr(*value, ' ', *length);
    }
    if (!scan->bare)
        return FALSE;
    *value = at;
    while (at < end && !g_ascii_isspace(*at) && !strchr(";,#", *at))
        at++;
    *length = at - *value;
    while (at < end && g_ascii_isspace(*at))
        at++;
    /* More words make it prose; a bracket makes it a call. */
    return (at == end || strchr(";,#&|", *at)) && !memchr(*value, '(', *length);
}

static void look_at_assignment(struct scan *scan, const char *line, gsize length, const char *sign)
{
    const char *end = line + length, *name_end = sign, *name, *value;
    const struct keyword *keyword;
    gsize size;

    while (name_end > line && strchr(" \t\"']", name_end[-1]))
        name_end--;
    name = name_end;
    while (name > line && (is_word(name[-1]) || name[-1] == '.'))
        name--;
    if (name == name_end || (name > line && name[-1] == '/')) /* "/etc/passwd:rw" is a path */
        return;
    keyword = keyword_of(name, name_end - name);
    if (!keyword || !read_value(scan, sign + 1, end, &value, &size) || size > VALUE_MAX ||
        size < (keyword->random ? TOKEN_MIN : PASSWORD_MIN) || is_placeholder(value, size))
        return;
    if (!keyword->random || secrets_entropy(value, size) >= TOKEN_ENTROPY)
        report(scan, keyword->end + (*keyword->end == '_'), value, size);
}

static gboolean is_comment(const char *line, gsize length)
{
    while (length && g_ascii_isspace(*line)) {
        line++;
        length--;
    }
    return length && (strchr("#;*", *line) || (length > 1 && line[0] == '/' && line[1] == '/'));
}

static void scan_line(struct scan *scan, const char *line, gsize length)
{
    const char *at = line, *end = line + length;

    if (scan->mark < end) {
        look_for_tokens(scan, line, length);
        look_for_key(scan, line, length);
    }
    if (length > LINE_MAX_BYTES || is_comment(line, length))
        return;
    for (guint tries = 0; at < end && tries < 16 && !scan->stopped; tries++) {
        const char *sign = at;

        while (sign < end && *sign != '=' && *sign != ':')
            sign++;
        if (sign == end)
            break;
        look_at_assignment(scan, line, length, sign);
        at = sign + 1;
        while (at < end && (*at == '=' || *at == ':'))
            at++;
    }
}

void secrets_scan(const char *text, gsize length, gboolean bare, secrets_fn each, gpointer data)
{
    const char *end = text + length;
    struct scan scan = { each, data, bare, FALSE, text, 0 };
    struct mark_signs signs;

    mark_signs_init(&signs);
    for (const char *at = text; at < end && !scan.stopped;) {
        const char *stop = memchr(at, '\n', end - at);

        if (!stop)
            stop = end;
        if (scan.mark <= at)
            scan.mark = next_mark(&signs, at, end);
        scan.line++;
        scan_line(&scan, at, stop - at);
        at = stop + 1;
    }
}
