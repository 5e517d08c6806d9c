/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/**
 * PmssEventStream:
 *
 * Reads server-sent events (the HTML standard, 9.2.6) out of the pieces in which they come. Knows
 * no network. Its owner's thread.
 */
typedef struct _PmssEventStream PmssEventStream;

/* One line. A longer one is an error. */
#define PMSS_EVENT_STREAM_MAX_LINE (1024 * 1024)

/* FALSE and an error end the reading with that. */
typedef gboolean (*PmssEventStreamFunc) (const char *name, const char *data, gpointer user_data,
    GError **error);

PmssEventStream *pmss_event_stream_new   (PmssEventStreamFunc func, gpointer user_data);
void             pmss_event_stream_free  (PmssEventStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssEventStream, pmss_event_stream_free)

/* Takes a piece, and calls the function for each event that it completes. */
gboolean         pmss_event_stream_feed  (PmssEventStream *stream, const char *data, gsize length,
    GError **error);
/* Drops what is not complete: the connection ended. */
void             pmss_event_stream_break (PmssEventStream *stream);
/* Of the last event that was complete; NULL: none had one. */
const char      *pmss_event_stream_get_last_id (PmssEventStream *stream);

G_END_DECLS
