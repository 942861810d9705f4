#include "base/error.h"
#include "finding/measure.h"

static const char *const severity_names[] = { "info", "low", "medium", "high", "critical" };
static const char *const function_names[] = { "govern", "identify", "protect",
                                              "detect", "respond",  "recover" };
static const char *const outcome_names[] = { "none", "not-applicable", "not-measured", "pass",
                                             "warn", "fail",           "error" };
static const char *const kind_names[] = { "setting", "text", "redacted" };
static const char *const reason_names[] = {
    [REASON_NONE] = "none",
    [REASON_NEEDS_ROOT] = "needs-root",
    [REASON_OFFLINE] = "offline",
    [REASON_SKIPPED] = "skipped",
    [REASON_ABSENT] = "absent",
    [REASON_UNREADABLE] = "unreadable",
    [REASON_NO_RECORD] = "no-record",
    [REASON_UNSUPPORTED] = "unsupported",
    [REASON_NOT_INSTALLED] = "not-installed",
    [REASON_NO_HARDWARE] = "no-hardware",
    [REASON_CONTAINER] = "container",
    [REASON_ROLE] = "role",
    [REASON_NOT_USED] = "not-used",
    [REASON_FLEET_ONLY] = "fleet-only",
    [REASON_CRASH] = "crash",
    [REASON_TIMEOUT] = "timeout",
    [REASON_SILENT] = "silent",
};

static const char *const fix_names[] = {
    [FIX_SYSCTL] = "sysctl",
    [FIX_SSHD_OPTION] = "sshd_option",
    [FIX_SET_LINE] = "set_line",
    [FIX_DELETE_LINE] = "delete_line",
    [FIX_INI_OPTION] = "ini_option",
    [FIX_PUT_FILE] = "put_file",
    [FIX_MAKE_FILE] = "make_file",
    [FIX_DELETE_FILE] = "delete_file",
    [FIX_MODE] = "mode",
    [FIX_OWNER] = "owner",
    [FIX_BLOCK_MODULE] = "block_module",
    [FIX_UNIT_OPTION] = "unit_option",
    [FIX_MASK_UNIT] = "mask_unit",
    [FIX_MOUNT_OPTION] = "mount_option",
    [FIX_KERNEL_OPTION] = "kernel_option",
};

const char *severity_name(enum severity severity)
{
    return severity_names[severity];
}

const char *severity_word(enum severity severity, gboolean french)
{
    static const char *const in_french[] = { "info", "faible", "moyenne", "élevée", "critique" };

    return french ? in_french[severity] : severity_names[severity];
}

gboolean severity_parse(const char *text, enum severity *severity, GError **error)
{
    for (guint i = 0; i < G_N_ELEMENTS(severity_names); i++) {
        if (g_str_equal(text, severity_names[i])) {
            *severity = i;
            return TRUE;
        }
    }
    return input_error(error, "\"%.40s\" is not a severity (info, low, medium, high, critical)",
                       text);
}

const char *function_name(enum function function)
{
    return function_names[function];
}

const char *outcome_name(enum outcome outcome)
{
    return outcome_names[outcome];
}

gboolean outcome_parse(const char *text, enum outcome *outcome)
{
    for (guint i = 1; i < G_N_ELEMENTS(outcome_names); i++) {
        if (g_str_equal(text, outcome_names[i])) {
            *outcome = i;
            return TRUE;
        }
    }
    return FALSE;
}

const char *evidence_kind_name(enum evidence_kind kind)
{
    return kind_names[kind];
}

const char *reason_name(enum reason reason)
{
    return reason_names[reason];
}

const char *needs_name(enum needs need)
{
    return need == NEEDS_LIVE ? "live" : need == NEEDS_WALK ? "walk" : "bus";
}

const char *fix_kind_name(enum fix_kind kind)
{
    return fix_names[kind];
}
