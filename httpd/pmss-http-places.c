/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which connections have a place. Pure; runs under the watchdog's lock. */
#include "pmss-http-places.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

struct _PmssPlaceGroup
{
  char *name;
  guint count;
};

typedef struct
{
  GQueue queues[PMSS_N_PLACE_STATES];   /* PmssPlace.link; the longest untouched first */
  guint count;
  GHashTable *groups;           /* name -> PmssPlaceGroup */
} Class;

struct _PmssPlaces
{
  PmssPlacesLimits limits;
  guint count;
  Class classes[PMSS_N_PLACE_CLASSES];
};

void
pmss_places_limits_init (PmssPlacesLimits * limits, guint total,
    guint per_address, gboolean nodes)
{
  guint half = MAX (total / 2, 1), quarter = MAX (total / 4, 1);

  limits->total = total;
  limits->of_class[PMSS_PLACE_STRANGER] = total;
  limits->of_class[PMSS_PLACE_USER] =
      MAX (nodes ? total / 8 * 3 : total - (total + 7) / 8, 1);
  limits->of_class[PMSS_PLACE_NODE] = nodes ? half : 0;
  limits->of_group[PMSS_PLACE_STRANGER] = per_address ? per_address : half;
  /* where nodes connect users have names, elsewhere only an address */
  limits->of_group[PMSS_PLACE_USER] = nodes ? quarter
      : limits->of_group[PMSS_PLACE_STRANGER];
  limits->of_group[PMSS_PLACE_NODE] = MAX (total / 16, 1);
}

static void
free_group (gpointer data)
{
  PmssPlaceGroup *group = data;

  g_free (group->name);
  g_free (group);
}

PmssPlaces *
pmss_places_new (const PmssPlacesLimits * limits)
{
  PmssPlaces *places = g_new0 (PmssPlaces, 1);

  places->limits = *limits;
  for (guint i = 0; i < PMSS_N_PLACE_CLASSES; i++)
    places->classes[i].groups =
        g_hash_table_new_full (g_str_hash, g_str_equal, NULL, free_group);
  return places;
}

void
pmss_places_free (PmssPlaces * places)
{
  g_warn_if_fail (places->count == 0);
  for (guint i = 0; i < PMSS_N_PLACE_CLASSES; i++)
    g_hash_table_unref (places->classes[i].groups);
  g_free (places);
}

static PmssPlace *
find_first (Class * class, PmssPlaceState last, gboolean marked,
    const PmssPlaceGroup * group)
{
  for (guint state = PMSS_PLACE_IDLE; state <= last; state++) {
    for (GList * l = class->queues[state].head; l; l = l->next) {
      PmssPlace *place = (PmssPlace *) l;

      if (place->marked == marked && (group == NULL || place->group == group))
        return place;
    }
  }
  return NULL;
}

/* The first that may go; of @group alone unless that is NULL. */
static PmssPlace *
find_victim (Class * class, gboolean strangers, const PmssPlaceGroup * group)
{
  PmssPlaceState last = strangers ? PMSS_PLACE_MOVING : PMSS_PLACE_IDLE;
  PmssPlace *place = find_first (class, last, FALSE, group);

  return place || !strangers ? place : find_first (class, last, TRUE, group);
}

gboolean
pmss_places_ask (PmssPlaces * places, PmssPlaceClass class, const char *group,
    gboolean inside, PmssPlace ** victim)
{
  Class *wanted = &places->classes[class];
  PmssPlaceGroup *known = g_hash_table_lookup (wanted->groups, group);
  gboolean stranger = class == PMSS_PLACE_STRANGER;

  *victim = NULL;
  if (places->limits.of_class[class] == 0)
    return FALSE;
  if (known != NULL && known->count >= places->limits.of_group[class])
    *victim = find_victim (wanted, stranger, known);
  else if (wanted->count >= places->limits.of_class[class])
    *victim = find_victim (wanted, stranger, NULL);
  else if (!inside && places->count >= places->limits.total)
    *victim = find_victim (&places->classes[PMSS_PLACE_STRANGER], TRUE, NULL);
  else
    return TRUE;
  return FALSE;
}

void
pmss_places_enter (PmssPlaces * places, PmssPlace * place, gpointer owner,
    PmssPlaceClass class, const char *group)
{
  Class *entered = &places->classes[class];
  PmssPlaceGroup *known = g_hash_table_lookup (entered->groups, group);

  g_return_if_fail (!place->group);
  if (known == NULL) {
    known = g_new0 (PmssPlaceGroup, 1);
    known->name = g_strdup (group);
    g_hash_table_insert (entered->groups, known->name, known);
  }
  known->count++;
  entered->count++;
  places->count++;
  place->group = known;
  place->class = class;
  place->state = PMSS_PLACE_IDLE;
  place->marked = FALSE;
  place->link.data = owner;
  g_queue_push_tail_link (&entered->queues[PMSS_PLACE_IDLE], &place->link);
}

void
pmss_places_touch (PmssPlaces * places, PmssPlace * place, PmssPlaceState state)
{
  GQueue *queues = places->classes[place->class].queues;

  if (!place->group)
    return;
  g_queue_unlink (&queues[place->state], &place->link);
  place->state = state;
  g_queue_push_tail_link (&queues[state], &place->link);
}

void
pmss_places_mark (PmssPlace * place)
{
  place->marked = TRUE;
}

void
pmss_places_leave (PmssPlaces * places, PmssPlace * place)
{
  Class *left = &places->classes[place->class];

  if (!place->group)
    return;
  g_queue_unlink (&left->queues[place->state], &place->link);
  if (--place->group->count == 0)
    g_hash_table_remove (left->groups, place->group->name);
  place->group = NULL;
  left->count--;
  places->count--;
}

guint
pmss_places_count (PmssPlaces * places, PmssPlaceClass class)
{
  return places->classes[class].count;
}

PmssPlace *
pmss_places_find_idle (PmssPlaces * places)
{
  return find_victim (&places->classes[PMSS_PLACE_STRANGER], TRUE, NULL);
}

void
pmss_places_format_address (const struct sockaddr *address,
    char out[PMSS_PLACE_ADDRESS_SIZE])
{
  static const guint8 v4_mapped[12] =
      { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
  struct in6_addr v6;

  g_strlcpy (out, "unknown", PMSS_PLACE_ADDRESS_SIZE);
  if (address == NULL)
    return;
  if (address->sa_family == AF_INET) {
    inet_ntop (AF_INET, &((const struct sockaddr_in *) address)->sin_addr,
        out, PMSS_PLACE_ADDRESS_SIZE);
  } else if (address->sa_family == AF_INET6) {
    v6 = ((const struct sockaddr_in6 *) address)->sin6_addr;
    if (memcmp (v6.s6_addr, v4_mapped, sizeof v4_mapped) == 0) {
      inet_ntop (AF_INET, v6.s6_addr + 12, out, PMSS_PLACE_ADDRESS_SIZE);
    } else {
      memset (v6.s6_addr + 8, 0, 8);
      inet_ntop (AF_INET6, &v6, out, PMSS_PLACE_ADDRESS_SIZE - 4);
      g_strlcat (out, "/64", PMSS_PLACE_ADDRESS_SIZE);
    }
  }
}
