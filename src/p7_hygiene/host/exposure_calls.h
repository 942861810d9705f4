/*
 * exposure_calls.h: what a service's SystemCallFilter= lets through, by the sets of system calls
 * that systemd-analyze security weighs (systemd 252, systemd.exec(5)).
 */
#pragma once
#include "p7_hygiene/host/units.h"

enum call_set {
    SET_CLOCK,
    SET_DEBUG,
    SET_MODULE,
    SET_MOUNT,
    SET_RAW_IO,
    SET_REBOOT,
    SET_SWAP,
    SET_PRIVILEGED,
    SET_RESOURCES,
    SET_CPU_EMULATION,
    SET_OBSOLETE,
    CALL_SETS
};

struct call_filter;

/*
 * SystemCallFilter=: the first assignment decides between an allow-list and a deny-list; later
 * ones add to it, or with the other sign take from it; an empty one starts anew.
 */
struct call_filter *call_filter_read(const struct unit *service);
void call_filter_free(struct call_filter *filter);

/* 0 when no member of the set gets through, 9 for an allow-list that holds one, 10 otherwise. */
guint call_filter_badness(const struct call_filter *filter, enum call_set set);
guint call_set_weight(enum call_set set);
