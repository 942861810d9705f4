#include "fix/fix_lines.h"

#include <string.h>

#define BLANKS " \t"

/* A line in a text: [start, stop), the line feed at `stop` unless the text ends there. */
struct line {
    gsize start, stop;
};

static gboolean next_line(const GString *text, struct line *line)
{
    const char *feed;

    if (line->start >= text->len)
        return FALSE;
    feed = memchr(text->str + line->start, '\n', text->len - line->start);
    line->stop = feed ? (gsize)(feed - text->str) : text->len;
    return TRUE;
}

static gsize skip_blanks(const GString *text, gsize at, gsize stop)
{
    while (at < stop && text->str[at] && strchr(BLANKS, text->str[at]))
        at++;
    return at;
}

static gsize trim_end(const GString *text, gsize start, gsize stop)
{
    while (stop > start && text->str[stop - 1] && strchr(BLANKS "\r", text->str[stop - 1]))
        stop--;
    return stop;
}

static gboolean is_comment(const GString *text, gsize at, gsize stop)
{
    return at < stop && (text->str[at] == '#' || text->str[at] == ';');
}

/*
 * The place after the words of `key` at `at`, or 0 when they are not there. What follows is the
 * end, a blank, or one of `marks`.
 */
static gsize after_key(const GString *text, gsize at, gsize stop, const char *key,
                       const char *marks, gboolean caseless)
{
    while (*key) {
        gsize word = strcspn(key, BLANKS);

        if (stop - at < word || (caseless ? g_ascii_strncasecmp(text->str + at, key, word)
                                          : memcmp(text->str + at, key, word)) != 0)
            return 0;
        at += word;
        key += word;
        key += strspn(key, BLANKS);
        if (at < stop && (!text->str[at] || !strchr(BLANKS, text->str[at])) &&
            (*key || !text->str[at] || !strchr(marks, text->str[at])))
            return 0;
        if (*key)
            at = skip_blanks(text, at, stop);
    }
    return at;
}

/* The place of the value after the key's separator: blanks, at most one of `marks`, blanks. */
static gsize after_separator(const GString *text, gsize at, gsize stop, const char *marks)
{
    at = skip_blanks(text, at, stop);
    if (at < stop && text->str[at] && strchr(marks, text->str[at]))
        at = skip_blanks(text, at + 1, stop);
    return at;
}

static void splice(GString *text, gsize start, gsize stop, const char *replacement)
{
    g_string_erase(text, start, stop - start);
    g_string_insert(text, start, replacement);
}

/* Gives the line at `line` the value; `value_at` is where its value begins. */
static gboolean set_value(GString *text, const struct line *line, gsize key_end, gsize value_at,
                          const char *value, const char *separator)
{
    gsize stop = trim_end(text, value_at, line->stop);
    g_autofree char *whole = NULL;

    if (stop - value_at == strlen(value) &&
        memcmp(text->str + value_at, value, stop - value_at) == 0)
        return FALSE;
    if (value_at > key_end) {
        splice(text, value_at, stop, value);
        return TRUE;
    }
    whole = g_strconcat(separator, value, NULL);
    splice(text, key_end, stop, whole);
    return TRUE;
}

static void end_with_feed(GString *text)
{
    if (text->len && text->str[text->len - 1] != '\n')
        g_string_append_c(text, '\n');
}

static gboolean set_everywhere(GString *text, const char *key, const char *value,
                               const char *separator, gboolean add)
{
    g_autofree char *marks = g_strstrip(g_strdup(separator ? separator : ""));
    const char *between = !*value ? "" : separator && *separator ? separator : " ";
    gboolean found = FALSE, changed = FALSE;
    gsize example = G_MAXSIZE;
    g_autofree char *fresh = NULL;

    for (struct line line = { 0 }; next_line(text, &line); line.start = line.stop + 1) {
        gsize at = skip_blanks(text, line.start, line.stop), end;
        gboolean comment = is_comment(text, at, line.stop);

        if (comment)
            at = skip_blanks(text, at + 1, line.stop);
        end = after_key(text, at, line.stop, key, marks, FALSE);
        if (!end)
            continue;
        if (comment) {
            example = line.stop;
            continue;
        }
        found = TRUE;
        changed |= set_value(text, &line, end, after_separator(text, end, line.stop, marks), value,
                             between);
        next_line(text, &line);
    }
    if (found || !add)
        return changed;
    fresh = g_strconcat(key, between, value, NULL);
    if (example < text->len) {
        g_string_insert_c(text, example, '\n');
        g_string_insert(text, example + 1, fresh);
    } else {
        end_with_feed(text);
        g_string_append_printf(text, "%s\n", fresh);
    }
    return TRUE;
}

gboolean lines_set(GString *text, const char *key, const char *value, const char *separator)
{
    return set_everywhere(text, key, value, separator, TRUE);
}

gboolean lines_correct(GString *text, const char *key, const char *value, const char *separator)
{
    return set_everywhere(text, key, value, separator, FALSE);
}

gboolean lines_delete(GString *text, const char *key)
{
    gboolean changed = FALSE;

    for (struct line line = { 0 }; next_line(text, &line);) {
        gsize at = skip_blanks(text, line.start, line.stop);

        if (*key && after_key(text, at, line.stop, key, "", FALSE)) {
            g_string_erase(text, line.start, MIN(line.stop + 1, text->len) - line.start);
            changed = TRUE;
        } else {
            line.start = line.stop + 1;
        }
    }
    return changed;
}

gboolean lines_add(GString *text, const char *wanted)
{
    for (struct line line = { 0 }; next_line(text, &line); line.start = line.stop + 1) {
        gsize at = skip_blanks(text, line.start, line.stop);
        gsize stop = trim_end(text, at, line.stop);

        if (stop - at == strlen(wanted) && memcmp(text->str + at, wanted, stop - at) == 0)
            return FALSE;
    }
    end_with_feed(text);
    g_string_append_printf(text, "%s\n", wanted);
    return TRUE;
}

static gboolean is_section(const GString *text, gsize at, gsize stop, const char *name)
{
    gsize length = strlen(name);

    stop = trim_end(text, at, stop);
    return stop - at == length + 2 && text->str[at] == '[' && text->str[stop - 1] == ']' &&
           memcmp(text->str + at + 1, name, length) == 0;
}

gboolean lines_set_ini(GString *text, const char *section, const char *key, const char *value)
{
    gboolean inside = FALSE, seen = FALSE, found = FALSE, changed = FALSE;
    gsize place = G_MAXSIZE;
    g_autofree char *fresh = g_strdup_printf("%s=%s\n", key, value);

    for (struct line line = { 0 }; next_line(text, &line); line.start = line.stop + 1) {
        gsize at = skip_blanks(text, line.start, line.stop), end;

        if (at < line.stop && text->str[at] == '[') {
            inside = !seen && is_section(text, at, line.stop, section);
            seen |= inside;
        }
        if (!inside)
            continue;
        if (at < trim_end(text, at, line.stop) && !is_comment(text, at, line.stop))
            place = line.stop;
        end = after_key(text, at, line.stop, key, "=", FALSE);
        if (!end)
            continue;
        found = TRUE;
        changed |=
            set_value(text, &line, end, after_separator(text, end, line.stop, "="), value, "=");
        next_line(text, &line);
        place = line.stop;
    }
    if (found)
        return changed;
    if (!seen) {
        end_with_feed(text);
        g_string_append_printf(text, "%s[%s]\n%s", text->len ? "\n" : "", section, fresh);
        return TRUE;
    }
    if (place >= text->len) {
        end_with_feed(text);
        g_string_append(text, fresh);
    } else {
        g_string_insert(text, place + 1, fresh);
    }
    return TRUE;
}

/* The place after a sshd_config key word (blanks, one '=' and quotes may follow), or 0. */
static gsize after_sshd_key(const GString *text, const struct line *line, const char *key)
{
    return after_key(text, skip_blanks(text, line->start, line->stop), line->stop, key, "=", TRUE);
}

static gboolean sshd_set(GString *text, const char *key, const char *value, gboolean add)
{
    gboolean found = FALSE, changed = FALSE;
    g_autofree char *fresh = g_strdup_printf("%s %s\n", key, value);

    for (struct line line = { 0 }; next_line(text, &line); line.start = line.stop + 1) {
        gsize end;

        if (after_sshd_key(text, &line, "Match"))
            break;
        end = after_sshd_key(text, &line, key);
        if (!end)
            continue;
        found = TRUE;
        changed |=
            set_value(text, &line, end, after_separator(text, end, line.stop, "="), value, " ");
        next_line(text, &line);
    }
    if (found || !add)
        return changed;
    g_string_prepend(text, fresh);
    return TRUE;
}

gboolean lines_sshd_set(GString *text, const char *key, const char *value)
{
    return sshd_set(text, key, value, TRUE);
}

gboolean lines_sshd_correct(GString *text, const char *key, const char *value)
{
    return sshd_set(text, key, value, FALSE);
}

gboolean lines_sshd_includes_before(const GString *text, const char *pattern, const char *key)
{
    for (struct line line = { 0 }; next_line(text, &line); line.start = line.stop + 1) {
        gsize end = after_sshd_key(text, &line, "Include");

        if (end) {
            g_autofree char *rest = g_strndup(text->str + end, line.stop - end);
            g_auto(GStrv) words = g_strsplit_set(rest, " \t\r=\"", -1);

            if (g_strv_contains((const char *const *)words, pattern))
                return TRUE;
        }
        if (after_sshd_key(text, &line, "Match") || after_sshd_key(text, &line, key))
            return FALSE;
    }
    return FALSE;
}

gboolean lines_sshd_match_sets(const GString *text, const char *key)
{
    gboolean conditional = FALSE;

    for (struct line line = { 0 }; next_line(text, &line); line.start = line.stop + 1) {
        conditional |= after_sshd_key(text, &line, "Match") != 0;
        if (conditional && after_sshd_key(text, &line, key))
            return TRUE;
    }
    return FALSE;
}

/* Whether `word` is one of `words`, or has one of them as its name ("mitigations=off"). */
static gboolean is_named(const char *word, char *const *words, gboolean by_name)
{
    gsize name = strcspn(word, "=");

    for (; *words; words++)
        if (g_str_equal(word, *words) || (**words && by_name && strcspn(*words, "=") == name &&
                                          strncmp(word, *words, name) == 0))
            return TRUE;
    return FALSE;
}

static char *merge_words(const char *present, char *const *add, char *const *remove)
{
    g_auto(GStrv) old = g_strsplit_set(present, BLANKS, -1);
    GString *merged = g_string_new(NULL);

    for (char **word = old; *word; word++) {
        gboolean removed = FALSE;

        for (char *const *name = remove; *name; name++)
            removed |= **name && (g_str_equal(*word, *name) ||
                                  (!strchr(*name, '=') && g_str_has_prefix(*word, *name) &&
                                   (*word)[strlen(*name)] == '='));
        if (**word && !removed && (is_named(*word, add, FALSE) || !is_named(*word, add, TRUE)))
            g_string_append_printf(merged, "%s%s", merged->len ? " " : "", *word);
    }
    for (; *add; add++)
        if (**add && !g_strv_contains((const char *const *)old, *add))
            g_string_append_printf(merged, "%s%s", merged->len ? " " : "", *add);
    return g_string_free(merged, FALSE);
}

static gboolean same_words(const char *left, const char *right)
{
    g_auto(GStrv) none = g_new0(char *, 1);
    g_autofree char *folded = merge_words(left, none, none);

    return g_str_equal(folded, right);
}

gboolean lines_set_words(GString *text, const char *key, const char *add, const char *remove)
{
    g_auto(GStrv) added = g_strsplit_set(add ? add : "", BLANKS, -1);
    g_auto(GStrv) removed = g_strsplit_set(remove ? remove : "", BLANKS, -1);
    g_autofree char *old = NULL, *merged = NULL, *quoted = NULL;
    struct line last = { 0 };
    gsize value = 0, stop;

    for (struct line line = { 0 }; next_line(text, &line); line.start = line.stop + 1) {
        gsize at = skip_blanks(text, line.start, line.stop);
        gsize end = after_key(text, at, line.stop, key, "=", FALSE);

        if (end && end < line.stop && text->str[end] == '=') {
            last = line;
            value = end + 1;
        }
    }
    if (!value) {
        if (!add)
            return FALSE;
        end_with_feed(text);
        g_string_append_printf(text, "%s=\"%s\"\n", key, add);
        return TRUE;
    }
    stop = trim_end(text, value, last.stop);
    old = g_strndup(text->str + value, stop - value);
    if (strlen(old) >= 2 && (*old == '"' || *old == '\'') && old[strlen(old) - 1] == *old) {
        memmove(old, old + 1, strlen(old) - 2);
        old[strlen(old) - 2] = 0;
    }
    merged = merge_words(old, added, removed);
    if (same_words(old, merged))
        return FALSE;
    quoted = g_strdup_printf("\"%s\"", merged);
    splice(text, value, stop, quoted);
    return TRUE;
}

/* Whether option `old` and option `wanted` exclude each other: "exec" and "noexec", "a=1" and
 * "a=2". */
static gboolean contradicts(const char *old, const char *wanted)
{
    static const char *const pairs[][2] = { { "rw", "ro" }, { "relatime", "noatime" } };
    const char *sign = strchr(wanted, '=');

    if (g_str_equal(old, wanted))
        return FALSE;
    if (sign)
        return strncmp(old, wanted, sign - wanted + 1) == 0;
    if ((g_str_has_prefix(wanted, "no") && g_str_equal(old, wanted + 2)) ||
        (g_str_has_prefix(old, "no") && g_str_equal(wanted, old + 2)))
        return TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(pairs); i++)
        if ((g_str_equal(old, pairs[i][0]) && g_str_equal(wanted, pairs[i][1])) ||
            (g_str_equal(old, pairs[i][1]) && g_str_equal(wanted, pairs[i][0])))
            return TRUE;
    return FALSE;
}

static char *merge_options(const char *present, char *const *wanted)
{
    g_auto(GStrv) old = g_strsplit(present, ",", -1);
    GString *merged = g_string_new(NULL);

    for (char **option = old; *option; option++) {
        gboolean keep = **option != 0;

        for (char *const *want = wanted; *want && keep; want++)
            keep = !contradicts(*option, *want);
        if (keep)
            g_string_append_printf(merged, "%s%s", merged->len ? "," : "", *option);
    }
    for (char *const *want = wanted; *want; want++)
        if (!g_strv_contains((const char *const *)old, *want))
            g_string_append_printf(merged, "%s%s", merged->len ? "," : "", *want);
    return g_string_free(merged, FALSE);
}

gboolean lines_mount_options(GString *text, const char *point, const char *options, gboolean *found)
{
    enum { FIELD_POINT = 1, FIELD_OPTIONS = 3, FIELDS };
    g_auto(GStrv) wanted = g_strsplit(options, ",", -1);
    gboolean changed = FALSE;

    *found = FALSE;
    for (struct line line = { 0 }; next_line(text, &line); line.start = line.stop + 1) {
        gsize begin[FIELDS], end[FIELDS], at = line.start;
        g_autofree char *old = NULL, *merged = NULL;
        guint fields = 0;

        for (at = skip_blanks(text, at, line.stop);
             at < line.stop && fields < FIELDS && !(fields == 0 && is_comment(text, at, line.stop));
             at = skip_blanks(text, at, line.stop)) {
            begin[fields] = at;
            while (at < line.stop && (!text->str[at] || !strchr(BLANKS, text->str[at])))
                at++;
            end[fields++] = at;
        }
        if (fields < FIELDS || end[FIELD_POINT] - begin[FIELD_POINT] != strlen(point) ||
            memcmp(text->str + begin[FIELD_POINT], point, strlen(point)) != 0)
            continue;
        *found = TRUE;
        old =
            g_strndup(text->str + begin[FIELD_OPTIONS], end[FIELD_OPTIONS] - begin[FIELD_OPTIONS]);
        merged = merge_options(old, wanted);
        if (g_str_equal(old, merged))
            continue;
        splice(text, begin[FIELD_OPTIONS], end[FIELD_OPTIONS], merged);
        changed = TRUE;
        next_line(text, &line);
    }
    return changed;
}
