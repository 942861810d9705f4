#include "finding/scrub.h"

#include <glib.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define GLUED_MIN 4 /* -pPASSWORD; shorter is a flag */

/* How the names of secret settings end; `whole`: only as a word of its own. */
static const struct {
    const char *end;
    gboolean whole;
} names[] = {
    { "password", FALSE },   { "passwd", FALSE },      { "passphrase", FALSE },
    { "passwort", FALSE },   { "requirepass", FALSE }, { "secret", FALSE },
    { "secrets", FALSE },    { "secret_key", FALSE },  { "secretkey", FALSE },
    { "token", FALSE },      { "api_key", FALSE },     { "apikey", FALSE },
    { "access_key", FALSE }, { "auth_key", FALSE },    { "private_key", FALSE },
    { "credential", FALSE }, { "credentials", FALSE }, { "bindpw", FALSE },
    { "pass", TRUE },        { "pw", TRUE },           { "psk", TRUE },
};

/* Programs whose -p takes a password glued to it. */
static const char *const glued[] = { "mysql", "mariadb", "sshpass", "mongo", "7z", "rar" };

struct scrubbing {
    const char *start, *at;
    GString *out;
    gboolean takes_glued;
};

static gboolean is_name(char sign)
{
    return g_ascii_isalnum(sign) || sign == '_' || sign == '-' || sign == '.';
}

static gboolean is_secret_name(const char *name, gsize length)
{
    char lower[NAME_MAX_BYTES];

    while (length && *name == '-') {
        name++;
        length--;
    }
    if (length >= sizeof lower) {
        name += length - (sizeof lower - 1);
        length = sizeof lower - 1;
    }
    for (gsize i = 0; i < length; i++)
        lower[i] = name[i] == '-' || name[i] == '.' ? '_' : g_ascii_tolower(name[i]);
    lower[length] = 0;
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        gsize end = strlen(names[i].end);

        if (g_str_has_suffix(lower, names[i].end) &&
            (!names[i].whole || length == end || lower[length - end - 1] == '_'))
            return TRUE;
    }
    return FALSE;
}

/* A switch, or a name of something that holds the secret elsewhere. */
static gboolean is_harmless(const char *value, gsize length)
{
    static const char *const words[] = { "yes", "no",   "true", "false", "on",
                                         "off", "none", "0",    "1",     SCRUBBED };

    if (!length || *value == '$' || *value == '%')
        return TRUE;
    for (gsize i = 0; i < G_N_ELEMENTS(words); i++)
        if (strlen(words[i]) == length && g_ascii_strncasecmp(value, words[i], length) == 0)
            return TRUE;
    return FALSE;
}

/* Leaves out the value that stands at `at`, to its closing quote or the end of the word. */
static void skip_value(struct scrubbing *s)
{
    const char *from = s->at, *end;
    char quote = 0;

    if (*from == '\\' && (from[1] == '"' || from[1] == '\''))
        g_string_append_c(s->out, *from++);
    if (*from == '"' || *from == '\'') {
        quote = *from;
        g_string_append_c(s->out, *from++);
    }
    end = quote ? strchr(from, quote) : from + strcspn(from, " \t\r\n,;&|\"'");
    if (!end)
        end = from + strlen(from);
    if (is_harmless(from, end - from))
        g_string_append_len(s->out, from, end - from);
    else
        g_string_append(s->out, SCRUBBED);
    s->at = end;
}

/* At "//" of "scheme://user:password@host". */
static void scrub_address(struct scrubbing *s)
{
    const char *from = s->at + strlen("//");
    const char *end = from + strcspn(from, "/ \t\r\n\"'<>"), *host = NULL, *colon;

    for (const char *at = from; at < end; at++)
        if (*at == '@')
            host = at;
    colon = host ? memchr(from, ':', host - from) : NULL;
    if (!colon) {
        g_string_append_len(s->out, s->at, from - s->at);
        s->at = from;
        return;
    }
    g_string_append_len(s->out, s->at, colon + 1 - s->at);
    g_string_append(s->out, SCRUBBED);
    s->at = host;
}

/* Behind "=" or ":" that was just put out: whether a secret's name stands before it. */
static gboolean follows_secret_name(const struct scrubbing *s, char sign)
{
    const char *end = s->at - 1, *name;
    gboolean quoted = FALSE;

    while (end > s->start && (end[-1] == ' ' || end[-1] == '"' || end[-1] == '\'')) {
        quoted |= end[-1] != ' ';
        end--;
    }
    for (name = end; name > s->start && is_name(name[-1]);)
        name--;
    /* A bare colon means something else in sudoers and in databases: "NOPASSWD: ALL". */
    if (sign == ':' && !quoted && end - name >= 6 && g_ascii_strncasecmp(end - 6, "passwd", 6) == 0)
        return FALSE;
    return name < end && is_secret_name(name, end - name);
}

/* What follows an option or a scheme of HTTP that was just put out, when a secret does. */
static void scrub_operand(struct scrubbing *s, const char *word, gsize length)
{
    const char *value = s->at + strspn(s->at, " \t"), *end = value + strcspn(value, " \t\r\n,;&|");
    const char *colon = memchr(value, ':', end - value);
    gboolean user = (length == 2 && g_ascii_strncasecmp(word, "-u", 2) == 0) ||
                    (length == 6 && strncmp(word, "--user", 6) == 0);
    gboolean http = (length == 6 && g_ascii_strncasecmp(word, "bearer", length) == 0) ||
                    (length == 5 && g_ascii_strncasecmp(word, "basic", length) == 0);

    if (value == s->at || value == end)
        return;
    if (user && colon && strspn(colon + 1, "0123456789") < (gsize)(end - colon - 1)) {
        g_string_append_len(s->out, s->at, colon + 1 - s->at);
        s->at = colon + 1;
        skip_value(s);
    } else if ((length > 2 && strncmp(word, "--", 2) == 0 && is_secret_name(word, length)) ||
               (http && strstr(s->start, "uthorization"))) {
        g_string_append_len(s->out, s->at, value - s->at);
        s->at = value;
        skip_value(s);
    }
}

/* At the start of a word. */
static void scrub_word(struct scrubbing *s)
{
    const char *word = s->at;
    gsize length = 0;

    while (is_name(word[length]))
        length++;
    if (s->takes_glued && length >= 2 && word[0] == '-' && word[1] == 'p') {
        gsize whole = strcspn(word, " \t\r\n,;&|\"'");

        if (whole >= GLUED_MIN && strspn(word + 2, "0123456789") < whole - 2) {
            g_string_append(s->out, "-p" SCRUBBED);
            s->at += whole;
            return;
        }
    }
    g_string_append_len(s->out, word, length);
    s->at += length;
    scrub_operand(s, word, length);
}

char *scrub_secrets(const char *text)
{
    struct scrubbing s = { text, text, g_string_sized_new(strlen(text)), FALSE };

    for (gsize i = 0; i < G_N_ELEMENTS(glued); i++)
        s.takes_glued |= strstr(text, glued[i]) != NULL;
    while (*s.at) {
        if (is_name(*s.at)) {
            scrub_word(&s);
        } else if (g_str_has_prefix(s.at, "//") && s.at > text &&
                   (s.at[-1] == ':' || s.at[-1] == '=')) {
            scrub_address(&s);
        } else {
            char sign = *s.at++;

            g_string_append_c(s.out, sign);
            if ((sign == '=' || sign == ':') && *s.at && follows_secret_name(&s, sign)) {
                while (*s.at == ' ')
                    g_string_append_c(s.out, *s.at++);
                skip_value(&s);
            }
        }
    }
    return g_string_free(s.out, FALSE);
}
