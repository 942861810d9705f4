/* gzip by ISA-L, two to four times as fast as zlib. */
#include "stream/decompress.h"

#include "base/error.h"
#include "base/late_library.h"

#include <isa-l/igzip_lib.h>
#include <stddef.h>

struct isal_calls {
    typeof(isal_inflate_init) *init;
    typeof(isal_inflate_reset) *reset;
    typeof(isal_inflate) *inflate;
};

static const struct late_symbol symbols[] = {
    { "isal_inflate_init", offsetof(struct isal_calls, init) },
    { "isal_inflate_reset", offsetof(struct isal_calls, reset) },
    { "isal_inflate", offsetof(struct isal_calls, inflate) },
    { NULL, 0 },
};

struct gzip {
    struct isal_calls isal;
    struct inflate_state state;
    gboolean between; /* members: one ended, or none began */
};

static gboolean load(struct isal_calls *isal, GError **error)
{
    return late_library_load("libisal.so.2", "libisal2", symbols, isal, error);
}

static gboolean prepare(GError **error)
{
    struct isal_calls isal = { 0 };

    return load(&isal, error);
}

static gpointer begin(GError **error)
{
    struct gzip *gzip = g_new0(struct gzip, 1);

    if (!load(&gzip->isal, error)) {
        g_free(gzip);
        return NULL;
    }
    gzip->isal.init(&gzip->state);
    gzip->state.crc_flag = ISAL_GZIP;
    gzip->between = TRUE;
    return gzip;
}

/* Behind the last member zeros are padding; whatever is no member is an error. */
static gboolean begins_member(struct gzip *gzip, struct decompress_step *step, GError **error)
{
    while (step->in_left > 0 && *step->in == 0) {
        step->in++;
        step->in_left--;
    }
    if (!step->in_left)
        return TRUE;
    if (*step->in != 0x1f)
        return input_error(error, "behind its gzip data stands something else");
    gzip->isal.reset(&gzip->state);
    gzip->state.crc_flag = ISAL_GZIP;
    gzip->between = FALSE;
    return TRUE;
}

static gboolean step_gzip(gpointer data, struct decompress_step *step, gboolean *whole,
                          GError **error)
{
    struct gzip *gzip = data;
    guint32 in, out = (guint32)MIN(step->out_left, G_MAXINT32);
    int status;

    if (gzip->between && (!begins_member(gzip, step, error) || gzip->between)) {
        *whole = TRUE;
        return !step->in_left;
    }
    in = (guint32)MIN(step->in_left, G_MAXINT32);
    gzip->state.next_in = (guint8 *)step->in;
    gzip->state.avail_in = in;
    gzip->state.next_out = step->out;
    gzip->state.avail_out = out;
    status = gzip->isal.inflate(&gzip->state);
    step->in += in - gzip->state.avail_in;
    step->in_left -= in - gzip->state.avail_in;
    step->out += out - gzip->state.avail_out;
    step->out_left -= out - gzip->state.avail_out;
    gzip->between = gzip->state.block_state == ISAL_BLOCK_FINISH;
    *whole = gzip->between;
    if (status < 0)
        return input_error(error, "its gzip data is broken (ISA-L says %d)", status);
    return TRUE;
}

const struct decompress_format decompress_gzip = { "gzip", prepare, begin, g_free, step_gzip };
