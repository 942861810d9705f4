/*
 * amplify.h: whether an NTP server of one's own answers what only its administrator should ask:
 * control messages (mode 6, RFC 9327) and private ones (mode 7, "monlist"). Both are asked without
 * a handshake, so an attacker asks in a victim's name, and the victim gets the larger answer.
 * Only own servers are asked: to others these are the first packets of an attack.
 */
#pragma once
#include "p2_internet/clock/source.h"

enum amplify_question { AMPLIFY_CONTROL, AMPLIFY_MRU, AMPLIFY_MONLIST, AMPLIFY_QUESTIONS };
const char *amplify_question_name(enum amplify_question question);

struct amplified {
    char *problem; /* the server could not be asked; or NULL */
    struct {
        guint sent, packets, received; /* bytes, packets and bytes */
    } answers[AMPLIFY_QUESTIONS];
    struct {
        guint sent, answered, kisses; /* ordinary requests, at once */
    } burst;
};
void amplified_clear(struct amplified *amplified);

/* Once it gave the time, sends one packet of each kind, and counts for `wait_us` what comes back.
 */
void amplify_probe(const struct clock_source *server, gint64 wait_us, struct amplified *amplified);

/*
 * Sends ordinary requests faster than any client does: a server that limits its rate leaves most
 * unanswered, or says so (RATE). Else it sends to a victim what an attacker asks in its name.
 */
void amplify_burst(const struct clock_source *server, gint64 wait_us, struct amplified *amplified);
