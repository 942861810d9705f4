#include "p7_hygiene/host/bootconfig.h"

#include "base/gzip.h"

#include <string.h>

#define BUILD_MAX                                                                                  \
    (4u << 20) /* bytes of an unpacked kernel configuration; real ones have 0.3 MB                 \
                */

static void parameter_free(struct boot_parameter *parameter)
{
    g_free(parameter->name);
    g_free(parameter->value);
    g_free(parameter->text);
    g_free(parameter);
}

static void add_parameter(GPtrArray *parameters, GString *word)
{
    struct boot_parameter *parameter = g_new0(struct boot_parameter, 1);
    const char *equals = strchr(word->str, '=');

    parameter->text = g_strdup(word->str);
    parameter->name = equals ? g_strndup(word->str, equals - word->str) : g_strdup(word->str);
    g_strdelimit(parameter->name, "-", '_');
    parameter->value = equals ? g_strdup(equals + 1) : NULL;
    g_ptr_array_add(parameters, parameter);
}

GPtrArray *boot_parameters_parse(const char *text)
{
    GPtrArray *parameters = g_ptr_array_new_with_free_func((GDestroyNotify)parameter_free);
    g_autoptr(GString) word = g_string_new(NULL);
    gboolean quoted = FALSE;

    for (;; text++) {
        if (*text == '"') {
            quoted = !quoted;
        } else if (*text && (quoted || !g_ascii_isspace(*text))) {
            g_string_append_c(word, *text);
        } else {
            if (g_str_equal(word->str, "--"))
                break;
            if (word->len)
                add_parameter(parameters, word);
            g_string_truncate(word, 0);
            if (!*text)
                break;
        }
    }
    return parameters;
}

/* Takes the text of a file, unless it is not there or damaged. */
static gboolean take_build(struct boot_config *boot, const struct host_file *file, gboolean packed)
{
    g_autoptr(GByteArray) text = NULL;

    if (file->state != HOST_OK)
        return FALSE;
    text = packed ? gzip_unpack(file->text, file->length, BUILD_MAX) : NULL;
    if (packed && !text)
        return FALSE;
    boot->build =
        text ? g_strndup((const char *)text->data, text->len) : g_strndup(file->text, file->length);
    boot->build_path = g_strdup(file->path);
    return TRUE;
}

static void load_build(struct host *host, struct boot_config *boot)
{
    g_autofree char *path = NULL;

    if (take_build(boot, host_read(host, "/proc/config.gz"), TRUE))
        return;
    if (boot->release && !strchr(boot->release, '/')) {
        path = g_strconcat("/boot/config-", boot->release, NULL);
        if (take_build(boot, host_read(host, path), FALSE))
            return;
    }
    boot->build = g_strdup("");
}

static gpointer boot_load(struct host *host)
{
    struct boot_config *boot = g_new0(struct boot_config, 1);
    const struct host_file *line = host_read(host, BOOT_COMMAND_LINE);
    const struct host_file *release = host_read(host, "/proc/sys/kernel/osrelease");

    boot->state = line->state;
    boot->parameters = boot_parameters_parse(line->state == HOST_OK ? line->text : "");
    boot->release = release->state == HOST_OK ? g_strstrip(g_strdup(release->text)) : NULL;
    load_build(host, boot);
    return boot;
}

static void boot_free(gpointer fact)
{
    struct boot_config *boot = fact;

    g_ptr_array_unref(boot->parameters);
    g_free(boot->build);
    g_free(boot->release);
    g_free(boot->build_path);
    g_free(boot);
}

static const struct fact_kind boot_kind = { "boot configuration", boot_load, boot_free };

const struct boot_config *boot_config(struct host *host)
{
    return host_fact(host, &boot_kind);
}

const struct boot_parameter *boot_parameter(const struct boot_config *boot, const char *name)
{
    for (guint i = boot->parameters->len; i-- > 0;) {
        const struct boot_parameter *parameter = boot->parameters->pdata[i];

        if (g_str_equal(parameter->name, name))
            return parameter;
    }
    return NULL;
}

gboolean boot_parameter_has(const struct boot_config *boot, const char *name, const char *word)
{
    const struct boot_parameter *parameter = boot_parameter(boot, name);
    g_auto(GStrv) words = NULL;

    if (!parameter || !parameter->value)
        return FALSE;
    words = g_strsplit(parameter->value, ",", -1);
    return g_strv_contains((const char *const *)words, word);
}

/* The value that a line gives to `option`; NULL when it is about another. */
static const char *value_of(const char *line, gsize length, const char *option)
{
    static const char unset[] = " is not set";
    gsize skip = strlen(option);

    if (g_str_has_prefix(line, "# ") && length == 2 + skip + strlen(unset) &&
        memcmp(line + 2, option, skip) == 0 && memcmp(line + 2 + skip, unset, strlen(unset)) == 0)
        return "n";
    return length > skip && memcmp(line, option, skip) == 0 && line[skip] == '=' ? line + skip + 1
                                                                                 : NULL;
}

char *boot_build(const struct boot_config *boot, const char *option)
{
    const char *found = NULL;

    for (const char *line = boot->build, *stop; *line; line = *stop ? stop + 1 : stop) {
        const char *value;

        stop = strchrnul(line, '\n');
        value = value_of(line, stop - line, option);
        if (value)
            found = value; /* the last one counts */
    }
    return found ? g_strndup(found, strcspn(found, "\n")) : NULL;
}
