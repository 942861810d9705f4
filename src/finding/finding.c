#include "finding/finding.h"

#include "finding/scrub.h"

#include <string.h>

static void evidence_free(struct evidence *evidence)
{
    g_free(evidence->path);
    g_free(evidence->key);
    g_free(evidence->found);
    g_free(evidence->wanted);
    g_free(evidence);
}

struct finding *finding_new(const char *measure, guint asset)
{
    struct finding *finding = g_new0(struct finding, 1);

    finding->measure = measure;
    finding->asset = asset;
    finding->evidence = g_ptr_array_new_with_free_func((GDestroyNotify)evidence_free);
    return finding;
}

void finding_free(struct finding *finding)
{
    g_ptr_array_unref(finding->evidence);
    g_free(finding->detail);
    g_free(finding->source);
    g_free(finding);
}

static char *bounded(const char *text)
{
    g_autofree char *cut = NULL;
    gsize length;

    if (!text)
        return NULL;
    length = strnlen(text, EVIDENCE_TEXT_MAX + 1);
    if (length <= EVIDENCE_TEXT_MAX)
        return g_utf8_validate(text, length, NULL) ? g_strdup(text) : g_utf8_make_valid(text, -1);
    length = EVIDENCE_TEXT_MAX;
    while (length && ((guchar)text[length] & 0xC0) == 0x80)
        length--;
    cut = g_utf8_make_valid(text, length);
    return g_strconcat(cut, "…", NULL);
}

/* Text that comes from the host, without the secrets it carries. */
static char *foreign(const char *text)
{
    g_autofree char *whole = bounded(text);

    return whole ? scrub_secrets(whole) : NULL;
}

/* Room for one more line: at the limit a passing line gives way to one that says more. */
static gboolean make_room(struct finding *finding, enum outcome outcome)
{
    if (finding->evidence->len < EVIDENCE_MAX)
        return TRUE;
    finding->omitted++;
    for (guint i = finding->evidence->len; outcome > OUTCOME_PASS && i-- > 0;) {
        const struct evidence *old = finding->evidence->pdata[i];

        if (old->outcome < outcome) {
            g_ptr_array_remove_index(finding->evidence, i);
            return TRUE;
        }
    }
    return FALSE;
}

static void add(struct finding *finding, enum evidence_kind kind, enum outcome outcome,
                const char *path, guint line, const char *key, const char *found,
                const char *wanted)
{
    struct evidence *evidence;

    if (finding->outcome == OUTCOME_NOT_APPLICABLE || finding->outcome < outcome) {
        /* What is incomplete stays so unless something is wrong. */
        if (finding->outcome != OUTCOME_NOT_MEASURED || outcome == OUTCOME_FAIL) {
            finding->outcome = outcome;
            finding->reason = REASON_NONE;
            g_clear_pointer(&finding->detail, g_free);
        }
    }
    if (!make_room(finding, outcome))
        return;
    evidence = g_new0(struct evidence, 1);
    evidence->kind = kind;
    evidence->outcome = outcome;
    evidence->line = line;
    evidence->path = foreign(path);
    evidence->key = foreign(key);
    evidence->found = foreign(found);
    evidence->wanted = foreign(wanted);
    g_ptr_array_add(finding->evidence, evidence);
}

void finding_pass(struct finding *finding, const char *path, guint line, const char *key,
                  const char *found, const char *wanted)
{
    add(finding, EVIDENCE_SETTING, OUTCOME_PASS, path, line, key, found, wanted);
}

void finding_warn(struct finding *finding, const char *path, guint line, const char *key,
                  const char *found, const char *wanted)
{
    add(finding, EVIDENCE_SETTING, OUTCOME_WARN, path, line, key, found, wanted);
}

void finding_fail(struct finding *finding, const char *path, guint line, const char *key,
                  const char *found, const char *wanted)
{
    add(finding, EVIDENCE_SETTING, OUTCOME_FAIL, path, line, key, found, wanted);
}

gboolean finding_check(struct finding *finding, gboolean good, const char *path, guint line,
                       const char *key, const char *found, const char *wanted)
{
    add(finding, EVIDENCE_SETTING, good ? OUTCOME_PASS : OUTCOME_FAIL, path, line, key, found,
        wanted);
    return good;
}

void finding_redacted(struct finding *finding, enum outcome outcome, const char *path, guint line,
                      const char *rule, gsize length)
{
    g_autofree char *found = g_strdup_printf("%" G_GSIZE_FORMAT " bytes", length);

    add(finding, EVIDENCE_REDACTED, outcome, path, line, rule, found, NULL);
}

static void say_nothing(struct finding *finding, enum outcome outcome, enum reason reason,
                        const char *format, va_list arguments)
{
    g_autofree char *detail = format ? g_strdup_vprintf(format, arguments) : NULL;

    finding->outcome = outcome;
    finding->reason = reason;
    g_free(finding->detail);
    finding->detail = foreign(detail);
}

void finding_not_applicable(struct finding *finding, enum reason reason, const char *format, ...)
{
    va_list arguments;

    if (finding->outcome != OUTCOME_NONE)
        return;
    va_start(arguments, format);
    say_nothing(finding, OUTCOME_NOT_APPLICABLE, reason, format, arguments);
    va_end(arguments);
}

void finding_not_measured(struct finding *finding, enum reason reason, const char *format, ...)
{
    va_list arguments;

    if (finding->outcome != OUTCOME_NONE)
        return;
    va_start(arguments, format);
    say_nothing(finding, OUTCOME_NOT_MEASURED, reason, format, arguments);
    va_end(arguments);
}

void finding_incomplete(struct finding *finding, enum reason reason, const char *format, ...)
{
    va_list arguments;

    if (finding->outcome >= OUTCOME_FAIL)
        return;
    va_start(arguments, format);
    say_nothing(finding, OUTCOME_NOT_MEASURED, reason, format, arguments);
    va_end(arguments);
}
