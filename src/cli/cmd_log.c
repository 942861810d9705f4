#include "cli/commands.h"
#include "cli/log_command.h"

static const struct subcommand *const subcommands[] = {
    /* clang-format off */
    &log_subcommand_add,
    &log_subcommand_follow,
    &log_subcommand_fsck,
    &log_subcommand_mirror,
    &log_subcommand_new,
    &log_subcommand_prove,
    &log_subcommand_restore,
    NULL,
    /* clang-format on */
};

static const struct command_option options[] = {
    { "policy", 0, G_OPTION_ARG_FILENAME, offsetof(struct log_state, policy),
      "Judge the checkpoint by this policy (C2SP text, or policy.yaml or .json)", "FILE" },
    { "key", 0, G_OPTION_ARG_STRING, offsetof(struct log_state, key),
      "Judge the checkpoint by the log's key alone (VKEY); add, new: the log's key file "
      "(default: log.key of the data folder)",
      "VKEY|FILE" },
    { "log", 0, G_OPTION_ARG_FILENAME, offsetof(struct log_state, log),
      "add, new, prove, restore: this log's folder (prove: or URL) instead of the own one", "DIR" },
    { "lock-file", 0, G_OPTION_ARG_FILENAME, offsetof(struct log_state, lock),
      "add, new, restore: the database of the lock row (default: lock.db in the log's folder)",
      "FILE" },
    { "passphrase-file", 0, G_OPTION_ARG_FILENAME, offsetof(struct log_state, passphrase_file),
      "add: take the key's passphrase from the first line of FILE", "FILE" },
    { "allow-unwitnessed", 0, G_OPTION_ARG_NONE, offsetof(struct log_state, allow_unwitnessed),
      "A checkpoint without the quorum of witnesses is good enough", NULL },
    { "threads", 0, G_OPTION_ARG_INT, offsetof(struct log_state, threads),
      "fsck: so many at once (default: one a core; 4 for a URL)", "N" },
    { "resume", 0, G_OPTION_ARG_FILENAME, offsetof(struct log_state, resume),
      "fsck: keep in FILE how far it got, and go on from there", "FILE" },
    { "once", 0, G_OPTION_ARG_NONE, offsetof(struct log_state, once),
      "follow: look once instead of again and again", NULL },
    { "interval", 0, G_OPTION_ARG_INT, offsetof(struct log_state, interval),
      "follow: look every so many seconds (default: 60); mirror: go on, too", "S" },
    { "mirror", 0, G_OPTION_ARG_STRING_ARRAY, offsetof(struct log_state, mirrors),
      "follow: compare with this copy of the log; may be given several times", "URL" },
    { "gossip", 0, G_OPTION_ARG_NONE, offsetof(struct log_state, gossip),
      "follow: hand the checkpoint to witnesses that know a smaller one", NULL },
    { "allow-private", 0, G_OPTION_ARG_NONE, offsetof(struct log_state, allow_private),
      "Fetch from http:// and from addresses that are not public, too", NULL },
    { "ca", 0, G_OPTION_ARG_FILENAME, offsetof(struct log_state, ca),
      "Trust these certificates (PEM) instead of the system's", "FILE" },
    { NULL },
};

const struct command command_log = {
    .name = "log",
    .summary = "Make, fill, prove, follow, copy and check a transparency log",
    .arguments = "add FILE... | follow URL|ORIGIN | fsck [DIR|URL] | mirror URL DIR | new ORIGIN | "
                 "prove INDEX|FILE | restore",
    .formats = "text, json",
    .details =
        "add     append signed envelopes to the own log, while no node runs; prints index and "
        "leaf\n"
        "        hash of each. Nobody judges what the operator adds: it counts only if it is "
        "valid\n"
        "follow  keep a verified copy, and say what is new: checkpoints, entries, what witnesses\n"
        "        and mirrors show; what contradicts it becomes evidence\n"
        "fsck    hash every entry again, build every tile again, compare byte for byte, down\n"
        "        to the root of the checkpoint; then history and WAL (default: the own log)\n"
        "mirror  the copy alone, in a folder that any web server can serve\n"
        "new     make an empty log; prints its verification key\n"
        "prove   write the offline proof (.tlog-proof) of an entry, by index or by its file\n"
        "restore let a log go on whose WAL was lost, when its tiles reach exactly to what it\n"
        "        signed last\n\n"
        "Example: entente log fsck --policy policy.yaml https://log.example.org/\n"
        "         entente log follow https://log.example.org/ --policy policy.yaml --once\n"
        "         entente log prove letter.dsse.json --output letter.tlog-proof",
    .options = options,
    .state_size = sizeof(struct log_state),
    .subcommands = subcommands,
};
