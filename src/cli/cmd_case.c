/* cmd_case.c: cases between signatories, and one's own. */
#include "cli/case_command.h"
#include "cli/commands.h"

static const struct subcommand *const subcommands[] = {
    /* clang-format off */
    &case_subcommand_add_party,
    &case_subcommand_attach,
    &case_subcommand_close,
    &case_subcommand_desk,
    &case_subcommand_erase,
    &case_subcommand_export,
    &case_subcommand_kinds,
    &case_subcommand_list,
    &case_subcommand_message,
    &case_subcommand_open,
    &case_subcommand_prove,
    &case_subcommand_recuse,
    &case_subcommand_show,
    &case_subcommand_step,
    &case_subcommand_transfer,
    NULL,
    /* clang-format on */
};

#define MEMBER(NAME) offsetof(struct case_arguments, NAME)

static const struct command_option options[] = {
    { "to", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(to),
      "open, transfer, add-party: this signatory (domain, name or id); may be given several times",
      "[ROLE=]SIGNATORY" },
    { "field", 0, G_OPTION_ARG_STRING_ARRAY, MEMBER(fields),
      "open, step: a field; @FILE takes it from a file; may be given several times", "NAME=VALUE" },
    { "file", 0, G_OPTION_ARG_FILENAME_ARRAY, MEMBER(files),
      "open, step, message: attach this file; may be given several times", "FILE" },
    { "tlp", 0, G_OPTION_ARG_STRING, MEMBER(tlp),
      "clear, green, amber, amber+strict or red (default: the case's)", "LEVEL" },
    { "machine", 0, G_OPTION_ARG_STRING, MEMBER(machine),
      "step: of this machine, where several have it", "NAME" },
    { "instance", 0, G_OPTION_ARG_STRING, MEMBER(instance),
      "step: of this party's instance of the machine", "SIGNATORY" },
    { "stream", 0, G_OPTION_ARG_STRING, MEMBER(stream),
      "step, message: into this stream instead of the shared one", "STREAM" },
    { "reason", 0, G_OPTION_ARG_STRING, MEMBER(reason),
      "add-party, transfer: why they need to know; recuse: why", "TEXT" },
    { "kind", 0, G_OPTION_ARG_STRING, MEMBER(kind), "list, kinds: only this kind", "KIND" },
    { "state", 0, G_OPTION_ARG_STRING, MEMBER(state), "list: only cases in this state", "STATE" },
    { "party", 0, G_OPTION_ARG_STRING, MEMBER(party), "list: only cases with this signatory",
      "SIGNATORY" },
    { "search", 0, G_OPTION_ARG_STRING, MEMBER(text), "list: only cases with this in the subject",
      "TEXT" },
    { "all", 0, G_OPTION_ARG_NONE, MEMBER(all), "list: those that ended, too", NULL },
    { "ended", 0, G_OPTION_ARG_NONE, MEMBER(ended), "list: only those that ended", NULL },
    { "overdue", 0, G_OPTION_ARG_NONE, MEMBER(overdue), "list: only what is overdue", NULL },
    { "mine", 0, G_OPTION_ARG_NONE, MEMBER(mine), "list: only where it is our turn", NULL },
    { "limit", 0, G_OPTION_ARG_INT, MEMBER(limit), "list: so many at most (default: 100)", "N" },
    { "offset", 0, G_OPTION_ARG_INT, MEMBER(offset), "list: leave out the first N", "N" },
    { "for", 0, G_OPTION_ARG_STRING, MEMBER(audience),
      "export: for organisation (default), clients, community, public, or a signatory", "WHOM" },
    { "above-tlp", 0, G_OPTION_ARG_NONE, MEMBER(above_tlp),
      "export: also what the TLP level does not allow; never to the public", NULL },
    { "yes", 0, G_OPTION_ARG_NONE, MEMBER(yes), "erase: do not ask", NULL },
    CASEWORK_OPTIONS(struct case_arguments),
    { NULL },
};

const struct command command_case = {
    .name = "case",
    .summary = "Open, follow and carry out cases with other signatories",
    .arguments = "open KIND --to SIGNATORY | list | show ID | message ID TEXT | attach ID FILE... |"
                 " step ID STEP | transfer ID | add-party ID | close ID | export ID | erase ID | "
                 "prove ID EVENT | kinds | "
                 "desk | recuse ID KEY",
    .formats = "text, json, markdown",
    .details =
        "open       a case of a kind; what it needs is asked for, or given by --field\n"
        "list       open cases, with what is due first in each\n"
        "show       parties, states, clocks, events; ends with what you can do now, as commands\n"
        "message    a text to all parties (\"-\": from standard input)\n"
        "attach     files\n"
        "step       any step that \"show\" lists\n"
        "transfer   offer one's role to --to SIGNATORY, no party yet, who takes it over with that "
        "step; TLP as for add-party\n"
        "add-party  bring in --to ROLE=SIGNATORY; from TLP:AMBER on with a --reason, under\n"
        "           TLP:AMBER+STRICT only who marked it so, under TLP:RED nobody\n"
        "close      the step of that name\n"
        "export     a folder, or one document (--format json), of all that --for WHOM may see\n"
        "erase      the content of a case that ended, before its time; numbers stay\n"
        "prove      by when an event existed, to anybody and without its content: entente verify\n"
        "kinds      the kinds of cases: steps, roles, clocks, fields\n"
        "desk       whose keys here work on cases: set KEY handler|coordinator|auditor, "
        "remove KEY\n"
        "recuse     a key has a conflict of interest in a case\n\n"
        "ID is the beginning of a case's id. Events are signed, sealed and delivered by the node "
        "(entente serve).\n\n"
        "Example: entente case open assistance --to secours.example --field what=@story.txt \\\n"
        "           --field continuing=yes --field channel='+33 1 02 03 04 05'\n"
        "         entente case show 3f2a\n"
        "         entente case step 3f2a acknowledge",
    .options = options,
    .state_size = sizeof(struct case_arguments),
    .subcommands = subcommands,
    .subcommand = "list",
};
