#include "rpki/aspa.h"

#include <string.h>

#define PATH_ON_STACK 64

struct pair {
    guint32 customer, provider;
};

struct customer {
    guint32 asn, from; /* its providers: from here to where the next customer's begin */
};

struct aspa_set {
    gatomicrefcount references;
    GArray *pairs;     /* struct pair; while it is filled */
    GArray *customers; /* struct customer, sorted, and one more that ends the last; once sealed */
    GArray *providers; /* guint32 */
    guint32 horizon_s;
};

static const char *const state_names[ASPA_STATES] = {
    [ASPA_UNKNOWN] = "unknown",
    [ASPA_VALID] = "valid",
    [ASPA_INVALID] = "invalid",
};

const char *aspa_state_name(enum aspa_state state)
{
    return state < ASPA_STATES ? state_names[state] : "?";
}

/* --- the set --- */

struct aspa_set *aspa_set_new(void)
{
    struct aspa_set *set = g_new0(struct aspa_set, 1);

    g_atomic_ref_count_init(&set->references);
    set->pairs = g_array_new(FALSE, FALSE, sizeof(struct pair));
    return set;
}

struct aspa_set *aspa_set_ref(struct aspa_set *set)
{
    g_atomic_ref_count_inc(&set->references);
    return set;
}

void aspa_set_unref(struct aspa_set *set)
{
    if (!set || !g_atomic_ref_count_dec(&set->references))
        return;
    g_clear_pointer(&set->pairs, g_array_unref);
    g_clear_pointer(&set->customers, g_array_unref);
    g_clear_pointer(&set->providers, g_array_unref);
    g_free(set);
}

static void add_pair(struct aspa_set *set, guint32 customer, guint32 provider)
{
    const struct pair pair = { customer, provider };

    g_array_append_val(set->pairs, pair);
}

void aspa_set_add(struct aspa_set *set, guint32 customer, const guint32 *providers, gsize count,
                  guint32 expires_s)
{
    for (gsize i = 0; i < count; i++)
        add_pair(set, customer, providers[i]);
    if (!count)
        add_pair(set, customer, 0);
    if (expires_s && (!set->horizon_s || expires_s < set->horizon_s))
        set->horizon_s = expires_s;
}

static int compare_pairs(gconstpointer left, gconstpointer right)
{
    const struct pair *a = left, *b = right;

    if (a->customer != b->customer)
        return a->customer < b->customer ? -1 : 1;
    return a->provider < b->provider ? -1 : a->provider > b->provider;
}

void aspa_set_seal(struct aspa_set *set)
{
    const struct pair *pairs = (const struct pair *)set->pairs->data;
    struct customer customer = { 0 };

    g_array_sort(set->pairs, compare_pairs);
    set->customers = g_array_new(FALSE, FALSE, sizeof(struct customer));
    set->providers = g_array_new(FALSE, FALSE, sizeof(guint32));
    for (gsize i = 0; i < set->pairs->len; i++) {
        if (!i || pairs[i].customer != pairs[i - 1].customer) {
            customer = (struct customer){ pairs[i].customer, set->providers->len };
            g_array_append_val(set->customers, customer);
        } else if (pairs[i].provider == pairs[i - 1].provider) {
            continue;
        }
        /* AS 0 sorts first: beside others it is nothing, and alone it is nobody's number. */
        if (pairs[i].provider)
            g_array_append_val(set->providers, pairs[i].provider);
    }
    customer = (struct customer){ 0, set->providers->len };
    g_array_append_val(set->customers, customer);
    g_clear_pointer(&set->pairs, g_array_unref);
}

gsize aspa_set_count(const struct aspa_set *set)
{
    return set->customers->len - 1;
}

guint32 aspa_set_horizon(const struct aspa_set *set)
{
    return set->horizon_s;
}

gboolean aspa_set_at(const struct aspa_set *set, gsize index, guint32 *customer,
                     const guint32 **providers, gsize *count)
{
    const struct customer *at;

    if (index >= aspa_set_count(set))
        return FALSE;
    at = &g_array_index(set->customers, struct customer, index);
    *customer = at->asn;
    *count = at[1].from - at->from;
    *providers = *count ? &g_array_index(set->providers, guint32, at->from) : NULL;
    return TRUE;
}

static int compare_customer(gconstpointer left, gconstpointer right)
{
    const guint32 asn = *(const guint32 *)left;
    const struct customer *customer = right;

    return asn < customer->asn ? -1 : asn > customer->asn;
}

static int compare_numbers(gconstpointer left, gconstpointer right)
{
    const guint32 a = *(const guint32 *)left, b = *(const guint32 *)right;

    return a < b ? -1 : a > b;
}

enum aspa_hop aspa_set_hop(const struct aspa_set *set, guint32 customer, guint32 other)
{
    const struct customer *found = bsearch(&customer, set->customers->data, aspa_set_count(set),
                                           sizeof *found, compare_customer);

    if (!found)
        return ASPA_HOP_NO_ATTESTATION;
    return found[1].from > found->from &&
                   bsearch(&other, set->providers->data + found->from * sizeof other,
                           found[1].from - found->from, sizeof other, compare_numbers)
               ? ASPA_HOP_PROVIDER
               : ASPA_HOP_NOT_PROVIDER;
}

/* --- paths --- */

/* A path as the draft numbers it: at[1] is the origin, at[n] the neighbour. */
struct numbered {
    const struct aspa_set *set;
    const guint32 *at;
    gsize n;
};

static enum aspa_hop hop(const struct numbered *path, gsize customer, gsize other)
{
    return aspa_set_hop(path->set, path->at[customer], path->at[other]);
}

/* Section 6.2 of the draft: all the way up. */
static enum aspa_state verify_up(const struct numbered *path, struct aspa_leak *leak)
{
    enum aspa_state state = ASPA_VALID;

    for (gsize i = 2; i <= path->n; i++) {
        const enum aspa_hop up = hop(path, i - 1, i);

        if (up == ASPA_HOP_NOT_PROVIDER) {
            leak->up.customer = path->at[i - 1];
            leak->up.other = path->at[i];
            return ASPA_INVALID;
        }
        if (up == ASPA_HOP_NO_ATTESTATION)
            state = ASPA_UNKNOWN;
    }
    return state;
}

/*
 * Section 6.3 of the draft: up, at most one step aside, down. The path is invalid when the least
 * place where it cannot climb on (u_min) lies before the last from which it may descend (v_max);
 * valid when the attested ramps from both ends (to K, from L) meet.
 */
static enum aspa_state verify_down(const struct numbered *path, struct aspa_leak *leak)
{
    const gsize n = path->n;
    gsize u_min = 2, v_max = n - 1, k = 1, l = n;

    if (n <= 2)
        return ASPA_VALID;
    while (u_min <= n && hop(path, u_min - 1, u_min) != ASPA_HOP_NOT_PROVIDER)
        u_min++;
    while (v_max && hop(path, v_max + 1, v_max) != ASPA_HOP_NOT_PROVIDER)
        v_max--;
    if (u_min <= v_max) {
        leak->up.customer = path->at[u_min - 1];
        leak->up.other = path->at[u_min];
        leak->down.customer = path->at[v_max + 1];
        leak->down.other = path->at[v_max];
        return ASPA_INVALID;
    }
    while (k < n && hop(path, k, k + 1) == ASPA_HOP_PROVIDER)
        k++;
    while (l > 1 && hop(path, l, l - 1) == ASPA_HOP_PROVIDER)
        l--;
    return l <= k + 1 ? ASPA_VALID : ASPA_UNKNOWN;
}

enum aspa_state aspa_verify_why(const struct aspa_set *set, const guint32 *path, gsize length,
                                enum aspa_direction direction, struct aspa_leak *leak)
{
    guint32 few[PATH_ON_STACK + 1];
    g_autofree guint32 *many = length > PATH_ON_STACK ? g_new(guint32, length + 1) : NULL;
    guint32 *at = many ? many : few;
    struct numbered numbered = { set, at, 0 };

    memset(leak, 0, sizeof *leak);
    for (gsize i = length; i-- > 0;)
        if (!numbered.n || at[numbered.n] != path[i])
            at[++numbered.n] = path[i];
    if (!numbered.n)
        return ASPA_INVALID;
    return direction == ASPA_UPSTREAM ? verify_up(&numbered, leak) : verify_down(&numbered, leak);
}

enum aspa_state aspa_verify(const struct aspa_set *set, const guint32 *path, gsize length,
                            enum aspa_direction direction)
{
    struct aspa_leak leak;

    return aspa_verify_why(set, path, length, direction, &leak);
}
