/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "control/context.h"
#include "control/events/event.h"
#include "control/events/streams.h"

G_BEGIN_DECLS

/**
 * PmssEvents:
 *
 * What happens, noted once: a line of the journal and a row of the log. A thread of its own writes
 * the rows, all that wait in one transaction, which shares its commit with others, and tells the
 * streams of them then. Noting waits for nothing. Threads: any. Made at the start, as long as
 * anything else runs.
 */

/* Events that wait to be written; further ones are in the journal alone. */
#define PMSS_EVENTS_WAITING 10000

/* @max: rows of the log; 0: there is none. */
PmssEvents *pmss_events_new  (PmssAccounts *accounts, PmssDatabase *database, guint max);
/* Writes what waits. */
void        pmss_events_free (PmssEvents *events);

/* Whether @event is to be noted, which a client cannot make too many. @missed: (out) for add(). */
gboolean    pmss_events_take (PmssEvents *events, const PmssEvent *event, guint64 *missed);
/* Notes an event that was taken. Its time is now. */
void        pmss_events_add  (PmssEvents *events, const PmssEvent *event, guint64 missed);
/* Both. @events: nullable: nothing is noted. */
void        pmss_events_note (PmssEvents *events, const PmssEvent *event);
/* Tells streams alone, at once: what is gone when nobody hears it, as progress. @events:
 * nullable. */
void        pmss_events_tell (PmssEvents *events, const PmssEvent *event);
PmssStreams *pmss_events_get_streams (PmssEvents *events);
/* Waits until the caller's events are durable, or cannot be written. Not on the database thread. */
void        pmss_events_settle (PmssEvents *events);

G_END_DECLS
