/* Judgements on containers (CONT): the Docker daemon's settings and what it runs. */
#include "p7_hygiene/host/host.h"

#include "base/json.h"

#include "catalogue_judges.h"

#include <string.h>

#define DAEMON_FILE "/etc/docker/daemon.json"
#define JSON_LIMIT (1u << 20)

static gboolean has_docker(struct host *host)
{
    return host_stat(host, "/usr/bin/dockerd")->state == HOST_OK ||
           host_stat(host, "/usr/sbin/dockerd")->state == HOST_OK ||
           host_stat(host, "/var/lib/docker/containers")->state != HOST_ABSENT ||
           host_stat(host, DAEMON_FILE)->state != HOST_ABSENT;
}

void judge_host_container_daemon(const struct asset_view *view, struct finding *finding)
{
    static const struct {
        const char *key, *wanted;
        json_type type; /* of the wanted value */
    } keys[] = {
        { "userns-remap", "default", JSON_STRING },
        { "no-new-privileges", "true", JSON_TRUE },
        { "icc", "false", JSON_FALSE },
        { "live-restore", "true", JSON_TRUE },
        { "log-opts", "limits, as {\"max-size\": \"10m\"}", JSON_OBJECT },
    };
    const struct host_file *file = host_read(view->host, DAEMON_FILE);
    g_autoptr(GError) error = NULL;
    g_autoptr(json_t) settings = NULL;

    if (!has_docker(view->host)) {
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "docker");
        return;
    }
    if (file->state == HOST_ABSENT) {
        settings = json_object();
    } else {
        if (host_missing(finding, file))
            return;
        settings = json_parse(file->text, file->length, JSON_LIMIT, DAEMON_FILE, &error);
        if (!json_is_object(settings)) {
            finding_fail(finding, DAEMON_FILE, 0, "daemon.json",
                         error ? error->message : "not an object", "a JSON object");
            return;
        }
    }
    for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
        const json_t *value = json_object_get(settings, keys[i].key);
        char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

        finding_check(finding, value && json_typeof(value) == keys[i].type, DAEMON_FILE, 0,
                      keys[i].key, text ? text : "not set", keys[i].wanted);
        free(text);
    }
}

void judge_host_container_no_root_groups(const struct asset_view *view, struct finding *finding)
{
    static const char *const groups[] = { "docker", "lxd", "incus-admin", "libvirt", "podman" };
    const struct host_file *file = host_read(view->host, "/etc/group");
    g_auto(GStrv) lines = NULL;

    if (host_missing(finding, file))
        return;
    lines = g_strsplit(file->text, "\n", -1);
    for (guint i = 0; lines[i]; i++) {
        g_auto(GStrv) fields = g_strsplit(lines[i], ":", 4);

        for (guint g = 0; g < G_N_ELEMENTS(groups) && g_strv_length(fields) == 4; g++) {
            if (!g_str_equal(fields[0], groups[g]))
                continue;
            finding_check(finding, !*fields[3], file->path, i + 1, groups[g],
                          *fields[3] ? fields[3] : "no member", "no member: it is as good as root");
        }
    }
    finding_not_applicable(finding, REASON_NOT_INSTALLED, "docker, lxd");
}

static gboolean names_word(const json_t *list, const char *word)
{
    size_t index;
    json_t *value;

    json_array_foreach(list, index, value)
    {
        const char *text = json_string_value(value);

        if (text && strstr(text, word))
            return TRUE;
    }
    return FALSE;
}

static void judge_container(struct finding *finding, const char *path, const json_t *settings)
{
    const char *pid = json_text(settings, "PidMode");
    const json_t *added = json_object_get(settings, "CapAdd");
    const json_t *binds = json_object_get(settings, "Binds");

    finding_check(
        finding, !json_is_true(json_object_get(settings, "Privileged")), path, 0, "Privileged",
        json_is_true(json_object_get(settings, "Privileged")) ? "true" : "false", "false");
    if (pid && g_str_equal(pid, "host"))
        finding_fail(finding, path, 0, "PidMode", pid, "its own");
    if (names_word(binds, "docker.sock"))
        finding_fail(finding, path, 0, "Binds", "docker.sock", "no daemon socket inside");
    if (names_word(added, "SYS_ADMIN") || names_word(added, "ALL"))
        finding_fail(finding, path, 0, "CapAdd", "SYS_ADMIN or ALL", "neither");
}

void judge_host_container_unprivileged(const struct asset_view *view, struct finding *finding)
{
    enum host_state state;
    g_auto(GStrv) names = host_list(view->host, "/var/lib/docker/containers", &state);

    if (!names) {
        if (state == HOST_DENIED ||
            (state == HOST_ABSENT && has_docker(view->host) &&
             host_stat(view->host, "/var/lib/docker")->state == HOST_DENIED))
            finding_not_measured(finding, REASON_NEEDS_ROOT, "/var/lib/docker/containers");
        else
            finding_not_applicable(finding, REASON_NOT_INSTALLED, "docker");
        return;
    }
    for (char **name = names; *name; name++) {
        g_autofree char *path =
            g_build_filename("/var/lib/docker/containers", *name, "hostconfig.json", NULL);
        const struct host_file *file = host_read(view->host, path);
        g_autoptr(json_t) settings = NULL;

        if (host_gap(finding, file) || file->state == HOST_ABSENT)
            continue;
        settings = json_parse(file->text, file->length, JSON_LIMIT, path, NULL);
        if (json_is_object(settings))
            judge_container(finding, path, settings);
        else
            finding_incomplete(finding, REASON_UNREADABLE, "%s", path);
    }
    finding_not_applicable(finding, REASON_NOT_USED, "no container");
}
