/* mhd.h: libmicrohttpd's functions, loaded when a node starts (base/late_library.h). */
#pragma once
#include <glib.h>
#include <microhttpd.h>

struct mhd_calls {
    typeof(MHD_start_daemon) *start_daemon;
    typeof(MHD_quiesce_daemon) *quiesce_daemon;
    typeof(MHD_stop_daemon) *stop_daemon;
    typeof(MHD_get_connection_info) *connection_info;
    typeof(MHD_get_connection_values) *connection_values;
    typeof(MHD_lookup_connection_value) *lookup;
    typeof(MHD_suspend_connection) *suspend;
    typeof(MHD_resume_connection) *resume;
    typeof(MHD_queue_response) *queue;
    typeof(MHD_create_response_from_buffer_with_free_callback_cls) *response_of_bytes;
    typeof(MHD_create_response_from_fd_at_offset64) *response_of_file;
    typeof(MHD_add_response_header) *add_header;
    typeof(MHD_destroy_response) *destroy_response;
};

gboolean mhd_load(struct mhd_calls *calls, GError **error);
