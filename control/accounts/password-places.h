/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * PmssPasswordPlaces:
 *
 * Places for hashing passwords. Strangers never have the last place, and a bounded number of them
 * waits. So a crowd of logins from many addresses holds up strangers alone. Threads: any.
 *
 *   refused ◀── too many wait ── enter ── a place is free ──▶ in ──leave──▶
 *                                  └──── waits ────────────────▲
 */
typedef struct _PmssPasswordPlaces PmssPasswordPlaces;

typedef enum
{
  PMSS_PASSWORD_STRANGER,
  PMSS_PASSWORD_KNOWN,          /* logged in before from there, or has a login */
  PMSS_N_PASSWORD_CLASSES
} PmssPasswordClass;

/* @places: two at least. @waiting: how many of a class may wait. */
PmssPasswordPlaces *pmss_password_places_new  (guint places, guint waiting);
void                pmss_password_places_free (PmssPasswordPlaces *places);

/* Blocks until @deadline (monotonic, us) at most. FALSE: no place came free, or (at once) too many
 * wait. */
gboolean            pmss_password_places_enter (PmssPasswordPlaces *places,
    PmssPasswordClass class, gint64 deadline);
void                pmss_password_places_leave (PmssPasswordPlaces *places,
    PmssPasswordClass class);
guint               pmss_password_places_count_waiting (PmssPasswordPlaces *places,
    PmssPasswordClass class);

G_END_DECLS
