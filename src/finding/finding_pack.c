/*
 * A packed finding: numbers are one byte or four (little endian); a text is its length and bytes,
 * or NO_TEXT.
 *
 *     outcome reason omitted4 detail lines4 { kind outcome line4 path key found wanted }*
 */
#include "finding/finding.h"

#include <string.h>

#define NO_TEXT G_MAXUINT32
/* Texts are cut at EVIDENCE_TEXT_MAX; what makes them valid UTF-8 makes them longer. */
#define TEXT_MAX (4 * EVIDENCE_TEXT_MAX)

static void put_byte(GByteArray *out, guint8 byte)
{
    g_byte_array_append(out, &byte, 1);
}

static void put_number(GByteArray *out, guint32 number)
{
    number = GUINT32_TO_LE(number);
    g_byte_array_append(out, (const guint8 *)&number, sizeof number);
}

static void put_text(GByteArray *out, const char *text)
{
    put_number(out, text ? strlen(text) : NO_TEXT);
    if (text)
        g_byte_array_append(out, (const guint8 *)text, strlen(text));
}

GByteArray *finding_pack(const struct finding *finding)
{
    GByteArray *out = g_byte_array_new();

    put_byte(out, finding->outcome);
    put_byte(out, finding->reason);
    put_number(out, finding->omitted);
    put_text(out, finding->detail);
    put_number(out, finding->evidence->len);
    for (guint i = 0; i < finding->evidence->len; i++) {
        const struct evidence *line = finding->evidence->pdata[i];

        put_byte(out, line->kind);
        put_byte(out, line->outcome);
        put_number(out, line->line);
        put_text(out, line->path);
        put_text(out, line->key);
        put_text(out, line->found);
        put_text(out, line->wanted);
    }
    return out;
}

struct input {
    const guint8 *at, *end;
};

static gboolean take_byte(struct input *input, guint8 most, guint *byte)
{
    if (input->at == input->end || *input->at > most)
        return FALSE;
    *byte = *input->at++;
    return TRUE;
}

static gboolean take_number(struct input *input, guint32 *number)
{
    if ((gsize)(input->end - input->at) < sizeof *number)
        return FALSE;
    memcpy(number, input->at, sizeof *number);
    input->at += sizeof *number;
    *number = GUINT32_FROM_LE(*number);
    return TRUE;
}

/* UTF-8 without NUL, as short as evidence is, or NULL. */
static gboolean take_text(struct input *input, char **text)
{
    guint32 length;

    if (!take_number(input, &length))
        return FALSE;
    if (length == NO_TEXT)
        return TRUE;
    if (length > TEXT_MAX || (gsize)(input->end - input->at) < length ||
        !g_utf8_validate_len((const char *)input->at, length, NULL))
        return FALSE;
    *text = g_strndup((const char *)input->at, length);
    input->at += length;
    return TRUE;
}

static gboolean take_line(struct input *input, struct evidence *line)
{
    guint kind, outcome;

    if (!take_byte(input, EVIDENCE_REDACTED, &kind) || !take_byte(input, OUTCOME_FAIL, &outcome))
        return FALSE;
    line->kind = kind;
    line->outcome = outcome;
    return take_number(input, &line->line) && take_text(input, &line->path) &&
           take_text(input, &line->key) && take_text(input, &line->found) &&
           take_text(input, &line->wanted);
}

struct finding *finding_unpack(const void *data, gsize length, const char *measure, guint asset)
{
    g_autoptr(finding_t) finding = finding_new(measure, asset);
    struct input input = { data, (const guint8 *)data + length };
    guint outcome, reason;
    guint32 lines;

    if (!take_byte(&input, OUTCOME_ERROR, &outcome) || !take_byte(&input, REASON_SILENT, &reason) ||
        !take_number(&input, &finding->omitted) || !take_text(&input, &finding->detail) ||
        !take_number(&input, &lines) || lines > EVIDENCE_MAX)
        return NULL;
    finding->outcome = outcome;
    finding->reason = reason;
    for (guint i = 0; i < lines; i++) {
        struct evidence *line = g_new0(struct evidence, 1);

        g_ptr_array_add(finding->evidence, line); /* owned from here on, also when it is bad */
        if (!take_line(&input, line))
            return NULL;
    }
    return input.at == input.end ? g_steal_pointer(&finding) : NULL;
}
