/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <sys/socket.h>

G_BEGIN_DECLS

/**
 * PmssPlaces:
 *
 * Decides which connections have a place, and which one goes when there are too many. Pure: no
 * socket, no clock, no thread; its owner (the watchdog) has a lock and acts.
 *
 * A newcomer is a stranger: an address proves nothing. A connection changes its class when a
 * request on it was authenticated. Strangers get all places that the other classes do not have, and
 * give them up: the longest idle stranger goes for a newcomer. The other classes have a limit each.
 * Together these leave an eighth of the places to strangers, since every connection comes in as
 * one. Within a class, each group (an address, a user, a node) has a limit of its own. Above it the
 * group's longest idle connection goes. An authenticated connection may find its class or group
 * full of busy ones. Then it stays a stranger, and is marked: it goes after all strangers that have
 * shown nothing.
 */
typedef struct _PmssPlaces PmssPlaces;
typedef struct _PmssPlaceGroup PmssPlaceGroup;

typedef enum
{
  PMSS_PLACE_STRANGER,          /* has shown nothing yet; its group is its address */
  PMSS_PLACE_USER,              /* was let in by a login or a token */
  PMSS_PLACE_NODE,              /* a storage server */
  PMSS_N_PLACE_CLASSES
} PmssPlaceClass;

typedef enum
{
  PMSS_PLACE_IDLE,              /* between requests, in a handshake, in a head */
  /* sends a body or takes an answer: only a stranger goes from here */
  PMSS_PLACE_MOVING,
  PMSS_PLACE_WAITING,           /* for us: never goes */
  PMSS_N_PLACE_STATES
} PmssPlaceState;

/* Part of its owner's object. The fields are the places' own. */
typedef struct
{
  GList link;                   /* in the queue of its class and state; data: its owner */
  PmssPlaceClass class;
  PmssPlaceState state;
  PmssPlaceGroup *group;        /* NULL: has no place */
  gboolean marked;              /* authenticated, and a stranger for want of a better place */
} PmssPlace;

typedef struct
{
  guint total;
  guint of_class[PMSS_N_PLACE_CLASSES];
  guint of_group[PMSS_N_PLACE_CLASSES];
} PmssPlacesLimits;

/* The limits for @total places, @per_address (0: half) of them for one address.
 * @nodes: storage servers connect here, too. */
void        pmss_places_limits_init (PmssPlacesLimits *limits, guint total, guint per_address,
    gboolean nodes);

PmssPlaces *pmss_places_new   (const PmssPlacesLimits *limits);
/* All have to have left. */
void        pmss_places_free  (PmssPlaces *places);

/* Whether one more of @group may enter @class. @inside: it has a place already, in another class.
 * FALSE with a @victim: once that one has left. FALSE without: not now. */
gboolean    pmss_places_ask   (PmssPlaces *places, PmssPlaceClass class, const char *group,
    gboolean inside, PmssPlace **victim);
/* @owner: of the place, for the caller's own use. Idle at first. */
void        pmss_places_enter (PmssPlaces *places, PmssPlace *place, gpointer owner,
    PmssPlaceClass class, const char *group);
/* It has done something: it is the last of its class to go. */
void        pmss_places_touch (PmssPlaces *places, PmssPlace *place, PmssPlaceState state);
/* It was authenticated, and has to stay where it is. */
void        pmss_places_mark  (PmssPlace *place);
/* Does nothing where it has no place. */
void        pmss_places_leave (PmssPlaces *places, PmssPlace *place);
guint       pmss_places_count (PmssPlaces *places, PmssPlaceClass class);

/* The longest idle stranger; NULL: none. For when descriptors run out. */
PmssPlace  *pmss_places_find_idle (PmssPlaces *places);

#define PMSS_PLACE_ADDRESS_SIZE 64
/* The group of @address: all of an IPv4 address, or the first 64 bits of an IPv6 one. A host may
 * choose the other bits. */
void        pmss_places_format_address (const struct sockaddr *address,
    char out[PMSS_PLACE_ADDRESS_SIZE]);

G_END_DECLS
