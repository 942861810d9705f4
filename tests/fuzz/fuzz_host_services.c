/* Rule files, units, /proc/net tables and daemon settings of a hostile tree. */
#include "p7_hygiene/host/exposure.h"
#include "p7_hygiene/host/firewall.h"
#include "p7_hygiene/host/settings.h"
#include "p7_hygiene/host/sockets.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    struct host_file file = { .state = HOST_OK, .path = "/input", .text = text, .length = size };
    g_autoptr(GPtrArray) chains =
        g_ptr_array_new_with_free_func((GDestroyNotify)firewall_chain_free);
    g_autoptr(GArray) listeners = g_array_new(FALSE, TRUE, sizeof(struct listener));
    g_autoptr(GArray) settings = settings_read(&file);
    struct unit unit = { .name = text, .settings = unit_settings_new() };
    g_autoptr(host_t) host = host_new("/proc/self/task", NULL, NULL);

    firewall_read_nft(host, &file, chains);
    firewall_read_save(&file, "ip", chains);
    sockets_parse(text, size, "tcp", "/proc/net/tcp", listeners);
    unit_parse(text, size, file.path, unit.settings);
    exposure_of(&unit);
    g_array_unref(unit.settings);
    return 0;
}
