#include "p7_hygiene/host/pam.h"

#include <string.h>

static const char *const type_names[] = { "auth", "account", "password", "session" };
static const char *const folders[] = { "/etc/pam.d", "/usr/lib/pam.d" };

struct reading {
    struct host *host;
    struct pam_stack *stack;
    enum pam_type type;
    guint depth, rules;
};

struct in_file {
    struct reading *reading;
    GPtrArray *rules;
    const char *path;
    GString *pending; /* lines that end in a backslash */
    guint first_line;
};

static void rule_free(struct pam_rule *rule)
{
    g_free(rule->module);
    g_free(rule->control);
    g_strfreev(rule->arguments);
    if (rule->substack)
        g_ptr_array_unref(rule->substack);
    g_free(rule);
}

void pam_stack_free(struct pam_stack *stack)
{
    g_ptr_array_unref(stack->rules);
    g_ptr_array_unref(stack->files);
    g_free(stack->problem);
    g_free(stack);
}

static void set_actions(struct pam_rule *rule, int success, int ignore, int other)
{
    rule->actions[PAM_SAYS_SUCCESS] = success;
    rule->actions[PAM_SAYS_IGNORE] = ignore;
    rule->actions[PAM_SAYS_AUTH_ERR] = other;
}

static gboolean parse_action(const char *text, int *action)
{
    static const struct {
        const char *name;
        int action;
    } names[] = {
        { "ignore", PAM_DO_IGNORE }, { "ok", PAM_DO_OK },   { "done", PAM_DO_DONE },
        { "bad", PAM_DO_BAD },       { "die", PAM_DO_DIE }, { "reset", PAM_DO_RESET },
    };
    gint64 jump;

    for (guint i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_ascii_strcasecmp(text, names[i].name) == 0) {
            *action = names[i].action;
            return TRUE;
        }
    if (!g_ascii_string_to_signed(text, 10, 1, PAM_RULES_MAX, &jump, NULL))
        return FALSE;
    *action = (int)jump;
    return TRUE;
}

/* "[success=1 default=ignore]"; what is not named is bad (pam.conf(5)). */
static void parse_brackets(struct pam_rule *rule, const char *control)
{
    static const char *const names[] = { "success", "ignore", "auth_err" };
    gboolean named[PAM_ANSWERS] = { FALSE };
    int otherwise = PAM_DO_BAD;
    g_autofree char *inner = g_strndup(control + 1, strlen(control) - 1);
    g_auto(GStrv) pairs = NULL;

    pairs = g_strsplit_set(g_strdelimit(inner, "]", ' '), " \t", -1);
    for (guint i = 0; pairs[i]; i++) {
        char *equal = strchr(pairs[i], '=');
        int action;

        if (!equal)
            continue;
        *equal = 0;
        if (!parse_action(equal + 1, &action))
            continue;
        if (g_ascii_strcasecmp(pairs[i], "default") == 0)
            otherwise = action;
        for (guint k = 0; k < PAM_ANSWERS; k++)
            if (g_ascii_strcasecmp(pairs[i], names[k]) == 0) {
                rule->actions[k] = action;
                named[k] = TRUE;
            }
    }
    for (guint k = 0; k < PAM_ANSWERS; k++)
        if (!named[k])
            rule->actions[k] = otherwise;
}

static void parse_control(struct pam_rule *rule)
{
    if (*rule->control == '[')
        parse_brackets(rule, rule->control);
    else if (g_ascii_strcasecmp(rule->control, "requisite") == 0)
        set_actions(rule, PAM_DO_OK, PAM_DO_IGNORE, PAM_DO_DIE);
    else if (g_ascii_strcasecmp(rule->control, "sufficient") == 0)
        set_actions(rule, PAM_DO_DONE, PAM_DO_IGNORE, PAM_DO_IGNORE);
    else if (g_ascii_strcasecmp(rule->control, "optional") == 0)
        set_actions(rule, PAM_DO_OK, PAM_DO_IGNORE, PAM_DO_IGNORE);
    else
        set_actions(rule, PAM_DO_OK, PAM_DO_IGNORE, PAM_DO_BAD);
}

/* A word, or a text in square brackets (kept with them for a control); NULL at the end. */
static char *take_token(char **cursor)
{
    char *at = *cursor + strspn(*cursor, " \t"), *end;

    if (!*at)
        return NULL;
    if (*at == '[') {
        for (end = at + 1; *end && (*end != ']' || end[-1] == '\\'); end++)
            ;
        if (*end)
            end++;
    } else {
        end = at + strcspn(at, " \t");
    }
    *cursor = end;
    return g_strndup(at, end - at);
}

static void read_service(struct reading *reading, const char *service, GPtrArray *rules);

static gboolean enter(struct reading *reading, const struct in_file *file)
{
    if (reading->depth < PAM_DEPTH_MAX)
        return TRUE;
    if (!reading->stack->problem)
        reading->stack->problem = g_strdup_printf("%s:%u: include nested deeper than %u files",
                                                  file->path, file->first_line, PAM_DEPTH_MAX);
    return FALSE;
}

static char *module_name(const char *path)
{
    char *name = g_path_get_basename(path);

    if (g_str_has_suffix(name, ".so"))
        name[strlen(name) - strlen(".so")] = 0;
    return name;
}

static GPtrArray *new_rules(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)rule_free);
}

static void add_rule(struct in_file *file, char *control, const char *module, char **cursor,
                     gboolean may_miss)
{
    struct reading *reading = file->reading;
    struct pam_rule *rule;
    GPtrArray *arguments = g_ptr_array_new();
    char *word;

    rule = g_new0(struct pam_rule, 1);
    rule->control = control;
    rule->may_miss = may_miss;
    rule->path = file->path;
    rule->line = file->first_line;
    if (g_ascii_strcasecmp(control, "substack") == 0) {
        rule->substack = new_rules();
        if (enter(reading, file))
            read_service(reading, module, rule->substack);
    } else {
        rule->module = module_name(module);
        parse_control(rule);
    }
    while ((word = take_token(cursor)))
        g_ptr_array_add(arguments, word);
    g_ptr_array_add(arguments, NULL);
    rule->arguments = (char **)g_ptr_array_free(arguments, FALSE);
    g_ptr_array_add(file->rules, rule);
}

static void read_rule(struct in_file *file, char *line)
{
    struct reading *reading = file->reading;
    char *cursor = line, *comment = strchr(line, '#');
    g_autofree char *type = NULL, *control = NULL, *module = NULL;
    const char *name;

    if (comment)
        *comment = 0;
    type = take_token(&cursor);
    if (!type)
        return;
    if (g_ascii_strcasecmp(type, "@include") == 0) {
        module = take_token(&cursor);
        if (module && enter(reading, file))
            read_service(reading, module, file->rules);
        return;
    }
    name = *type == '-' ? type + 1 : type;
    if (g_ascii_strcasecmp(name, type_names[reading->type]) != 0)
        return;
    control = take_token(&cursor);
    module = control ? take_token(&cursor) : NULL;
    if (!module)
        return;
    if (g_ascii_strcasecmp(control, "include") == 0) {
        if (enter(reading, file))
            read_service(reading, module, file->rules);
        return;
    }
    if (++reading->rules > PAM_RULES_MAX) {
        if (!reading->stack->problem)
            reading->stack->problem = g_strdup_printf("%s:%u: more than %u rules", file->path,
                                                      file->first_line, PAM_RULES_MAX);
        return;
    }
    add_rule(file, g_steal_pointer(&control), module, &cursor, *type == '-');
}

static void read_line(guint line, const char *text, gsize length, gpointer data)
{
    struct in_file *file = data;

    if (file->pending->len == 0)
        file->first_line = line;
    g_string_append_len(file->pending, text, length);
    if (file->pending->len && file->pending->str[file->pending->len - 1] == '\\') {
        file->pending->str[file->pending->len - 1] = ' ';
        return;
    }
    /* strlen() ends the line at a NUL byte, as PAM does. */
    read_rule(file, g_strchomp(file->pending->str));
    g_string_truncate(file->pending, 0);
}

/* The file of a service, absolute or in the first folder that has it. */
static const struct host_file *service_file(struct host *host, const char *service)
{
    const struct host_file *file = NULL;

    if (*service == '/')
        return host_read(host, service);
    for (guint i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *path = g_build_filename(folders[i], service, NULL);

        file = host_read(host, path);
        if (file->state != HOST_ABSENT)
            break;
    }
    return file;
}

static void read_service(struct reading *reading, const char *service, GPtrArray *rules)
{
    const struct host_file *content = service_file(reading->host, service);
    struct in_file file = { .reading = reading, .rules = rules, .path = content->path };

    if (reading->stack->problem)
        return;
    g_ptr_array_add(reading->stack->files, (gpointer)content);
    file.pending = g_string_new(NULL);
    reading->depth++;
    host_each_line(content, read_line, &file);
    if (file.pending->len)
        read_rule(&file, file.pending->str);
    reading->depth--;
    g_string_free(file.pending, TRUE);
}

struct pam_stack *pam_stack_read(struct host *host, const char *service, enum pam_type type)
{
    struct pam_stack *stack = g_new0(struct pam_stack, 1);
    struct reading reading = { .host = host, .stack = stack, .type = type };

    stack->rules = new_rules();
    stack->files = g_ptr_array_new();
    read_service(&reading, service, stack->rules);
    if (stack->rules->len == 0 && !stack->problem && !g_str_equal(service, "other")) {
        stack->by_other = TRUE;
        read_service(&reading, "other", stack->rules);
    }
    return stack;
}

gboolean pam_has_service(struct host *host, const char *service)
{
    return service_file(host, service)->state != HOST_ABSENT;
}

char **pam_services(struct host *host, enum host_state *state)
{
    return host_list(host, folders[0], state);
}

static void flatten(const GPtrArray *rules, GPtrArray *flat)
{
    for (guint i = 0; i < rules->len; i++) {
        struct pam_rule *rule = rules->pdata[i];

        if (rule->substack)
            flatten(rule->substack, flat);
        else
            g_ptr_array_add(flat, rule);
    }
}

GPtrArray *pam_flat(const struct pam_stack *stack)
{
    GPtrArray *flat = g_ptr_array_new();

    flatten(stack->rules, flat);
    return flat;
}

const char *pam_argument(const struct pam_rule *rule, const char *name)
{
    gsize length = strlen(name);

    for (guint i = 0; rule->arguments[i]; i++) {
        const char *argument = rule->arguments[i];

        if (*argument == '[')
            argument++;
        if (strncmp(argument, name, length) != 0)
            continue;
        if (argument[length] == '=')
            return argument + length + 1;
        if (!argument[length])
            return "";
    }
    return NULL;
}

/* What a stack has come to so far: pam_dispatch.c's `impression` and `status`. */
struct impression {
    enum { UNDECIDED, POSITIVE, NEGATIVE } kind;
    gboolean success;
};

/* TRUE when the stack (or this substack) is decided. */
static gboolean run_rules(const GPtrArray *rules, struct impression *impression,
                          pam_answer_fn answer, gpointer data)
{
    for (guint i = 0; i < rules->len; i++) {
        const struct pam_rule *rule = rules->pdata[i];
        struct impression before = *impression;
        enum pam_answer said;
        int action;

        if (rule->substack) {
            /* done, die and jumps end the substack only. */
            run_rules(rule->substack, impression, answer, data);
            continue;
        }
        said = answer(rule, data);
        action = rule->actions[said];
        switch (action) {
        case PAM_DO_IGNORE:
            break;
        case PAM_DO_OK:
        case PAM_DO_DONE:
            if (before.kind == UNDECIDED || (before.kind == POSITIVE && before.success)) {
                if (said != PAM_SAYS_IGNORE)
                    *impression = (struct impression){ POSITIVE, said == PAM_SAYS_SUCCESS };
            }
            if (impression->kind == POSITIVE && action == PAM_DO_DONE)
                return TRUE;
            break;
        case PAM_DO_BAD:
        case PAM_DO_DIE:
            *impression = (struct impression){ NEGATIVE, FALSE };
            if (action == PAM_DO_DIE)
                return TRUE;
            break;
        case PAM_DO_RESET:
            *impression = (struct impression){ UNDECIDED, FALSE };
            break;
        default:
            i += (guint)action;
        }
    }
    return FALSE;
}

gboolean pam_run(const struct pam_stack *stack, pam_answer_fn answer, gpointer data)
{
    struct impression impression = { UNDECIDED, FALSE };

    run_rules(stack->rules, &impression, answer, data);
    return impression.kind == POSITIVE && impression.success;
}
