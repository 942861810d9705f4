#include "p7_hygiene/host/host.h"

#include "catalogue_judges.h"

void judge_host_ssh_root_login(const struct asset_view *view, struct finding *finding)
{
    const struct host_file *file = host_read(view->host, "/etc/ssh/sshd_config");

    if (file->state == HOST_ABSENT)
        finding_not_applicable(finding, REASON_NOT_INSTALLED, "openssh-server");
    else
        host_missing(finding, file);
}
