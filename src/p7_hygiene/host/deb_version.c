#include "p7_hygiene/host/deb_version.h"

#include <glib.h>
#include <string.h>

struct version {
    const char *epoch, *upstream, *revision;
    gsize epoch_length, upstream_length, revision_length;
};

static struct version split(const char *text)
{
    struct version version = { .epoch = "", .revision = "" };
    const char *colon = strchr(text, ':'), *dash;

    if (colon) {
        version.epoch = text;
        version.epoch_length = colon - text;
        text = colon + 1;
    }
    dash = strrchr(text, '-');
    version.upstream = text;
    version.upstream_length = dash ? (gsize)(dash - text) : strlen(text);
    if (dash) {
        version.revision = dash + 1;
        version.revision_length = strlen(dash + 1);
    }
    return version;
}

/* '~' sorts before the end of the text, letters before every other sign. */
static int rank(const char *text, gsize length, gsize at)
{
    if (at >= length || g_ascii_isdigit(text[at]))
        return 0;
    if (text[at] == '~')
        return -1;
    return g_ascii_isalpha(text[at]) ? (guchar)text[at] : (guchar)text[at] + 256;
}

static gboolean digit(const char *text, gsize length, gsize at)
{
    return at < length && g_ascii_isdigit(text[at]);
}

/* Turn by turn: a stretch without digits by rank, then a number by value, however long. */
static int compare_part(const char *left, gsize left_length, const char *right, gsize right_length)
{
    gsize l = 0, r = 0;

    while (l < left_length || r < right_length) {
        int first = 0;

        while ((l < left_length && !digit(left, left_length, l)) ||
               (r < right_length && !digit(right, right_length, r))) {
            int a = rank(left, left_length, l), b = rank(right, right_length, r);

            if (a != b)
                return a - b;
            l++;
            r++;
        }
        while (digit(left, left_length, l) && left[l] == '0')
            l++;
        while (digit(right, right_length, r) && right[r] == '0')
            r++;
        while (digit(left, left_length, l) && digit(right, right_length, r)) {
            if (!first)
                first = left[l] - right[r];
            l++;
            r++;
        }
        if (digit(left, left_length, l))
            return 1;
        if (digit(right, right_length, r))
            return -1;
        if (first)
            return first;
    }
    return 0;
}

int deb_version_compare(const char *left, const char *right)
{
    struct version a = split(left), b = split(right);
    int order = compare_part(a.epoch, a.epoch_length, b.epoch, b.epoch_length);

    if (!order)
        order = compare_part(a.upstream, a.upstream_length, b.upstream, b.upstream_length);
    if (!order)
        order = compare_part(a.revision, a.revision_length, b.revision, b.revision_length);
    return order;
}
