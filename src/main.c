/* main.c: the table of commands, and nothing else. */
#include "cli/commands.h"

/* One command a line, whatever the formatter would pack. */
/* clang-format off */
static const struct command *const commands[] = {
    &command_alarm,
    &command_answer,
    &command_approve,
    &command_assess,
    &command_attest,
    &command_case,
    &command_clock,
    &command_commitment,
    &command_community,
    &command_completion,
    &command_contact,
    &command_ct,
    &command_diff,
    &command_disclose,
    &command_endorse,
    &command_explain,
    &command_fix,
    &command_help,
    &command_hunt,
    &command_import,
    &command_inbox,
    &command_init,
    &command_intel,
    &command_join,
    &command_journal,
    &command_key,
    &command_log,
    &command_measures,
    &command_norms,
    &command_policy,
    &command_progress,
    &command_publish,
    &command_recover,
    &command_register,
    &command_review,
    &command_routes,
    &command_serve,
    &command_sign,
    &command_signatory,
    &command_verify,
    &command_view,
    &command_waive,
    &command_witness,
    &command_zone,
    NULL,
};
/* clang-format on */

int main(int argc, char **argv)
{
    return cli_main(commands, argc, argv);
}
