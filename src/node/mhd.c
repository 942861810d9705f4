#include "node/mhd.h"

#include "base/late_library.h"

#include <stddef.h>

static const struct late_symbol symbols[] = {
    { "MHD_start_daemon", offsetof(struct mhd_calls, start_daemon) },
    { "MHD_quiesce_daemon", offsetof(struct mhd_calls, quiesce_daemon) },
    { "MHD_stop_daemon", offsetof(struct mhd_calls, stop_daemon) },
    { "MHD_get_connection_info", offsetof(struct mhd_calls, connection_info) },
    { "MHD_get_connection_values", offsetof(struct mhd_calls, connection_values) },
    { "MHD_lookup_connection_value", offsetof(struct mhd_calls, lookup) },
    { "MHD_suspend_connection", offsetof(struct mhd_calls, suspend) },
    { "MHD_resume_connection", offsetof(struct mhd_calls, resume) },
    { "MHD_queue_response", offsetof(struct mhd_calls, queue) },
    { "MHD_create_response_from_buffer_with_free_callback_cls",
      offsetof(struct mhd_calls, response_of_bytes) },
    { "MHD_create_response_from_fd_at_offset64", offsetof(struct mhd_calls, response_of_file) },
    { "MHD_add_response_header", offsetof(struct mhd_calls, add_header) },
    { "MHD_destroy_response", offsetof(struct mhd_calls, destroy_response) },
    { NULL, 0 },
};

gboolean mhd_load(struct mhd_calls *calls, GError **error)
{
    return late_library_load("libmicrohttpd.so.12", "libmicrohttpd12", symbols, calls, error);
}
