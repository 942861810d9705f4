/*
 * judge.h: answers are parsed and judged in a confined worker, which has no files and no network;
 * what it says is checked here before anybody uses it.
 */
#pragma once
#include "p2_internet/zone/view.h"

/* { "ns": [ names ], "glue": [ { "host", "address" } ] }: what the parent's servers say. */
json_t *zone_judge_delegation(const struct zone_server *servers, guint count,
                              const struct zone_names *names, const GArray *replies,
                              GError **error);

/* { "checks": as zone_view_judge(), every row with its outcome, "servers": as
 * zone_view_servers() }. `library` of the input is filled here. */
json_t *zone_judge(const struct zone_input *input, GError **error);
