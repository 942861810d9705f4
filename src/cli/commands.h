/* commands.h: every command, one a file (cmd_NAME.c). */
#pragma once
#include "cli/cli.h"

extern const struct command command_alarm;
extern const struct command command_answer;
extern const struct command command_approve;
extern const struct command command_assess;
extern const struct command command_attest;
extern const struct command command_case;
extern const struct command command_clock;
extern const struct command command_commitment;
extern const struct command command_community;
extern const struct command command_completion;
extern const struct command command_contact;
extern const struct command command_ct;
extern const struct command command_diff;
extern const struct command command_disclose;
extern const struct command command_endorse;
extern const struct command command_explain;
extern const struct command command_fix;
extern const struct command command_help;
extern const struct command command_hunt;
extern const struct command command_import;
extern const struct command command_inbox;
extern const struct command command_init;
extern const struct command command_intel;
extern const struct command command_join;
extern const struct command command_journal;
extern const struct command command_key;
extern const struct command command_log;
extern const struct command command_measures;
extern const struct command command_norms;
extern const struct command command_policy;
extern const struct command command_progress;
extern const struct command command_publish;
extern const struct command command_recover;
extern const struct command command_register;
extern const struct command command_review;
extern const struct command command_routes;
extern const struct command command_serve;
extern const struct command command_sign;
extern const struct command command_signatory;
extern const struct command command_verify;
extern const struct command command_view;
extern const struct command command_waive;
extern const struct command command_witness;
extern const struct command command_zone;
