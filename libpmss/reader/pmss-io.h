/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/client/pmss-client.h"
#include "libpmss/reader/pmss-cache.h"
#include "libpmss/reader/pmss-memory.h"
#include "libpmss/reader/pmss-transport.h"

G_BEGIN_DECLS

/**
 * PmssIo:
 *
 * The part that all readers of one PmssClient share. It has the I/O thread with its loop, the
 * transport with its connections to nodes, and the memory for units. It knows which units there
 * are, and which nodes were found not to answer. Belongs to its client and goes with it. A reader
 * with a request under way, or an alarm set, holds the client.
 *
 * Threads: each function says which.
 */
typedef struct _PmssIo PmssIo;

/* Any thread. Returns: (transfer none): that of @client, from the first call on. */
PmssIo *pmss_io_get (PmssClient *client);
/* Any thread: starts the I/O thread, if it does not run. May be tried again after a failure. */
gboolean pmss_io_start (PmssIo *io, GError **error);
/* Instead: the calling thread runs the context itself, and ends all that it began before it gives
 * the client back. */
void pmss_io_adopt (PmssIo *io);
/* Any thread. */
gboolean pmss_io_is_own_thread (PmssIo *io);
PmssLoop *pmss_io_get_loop (PmssIo *io);
/* That the I/O thread runs. */
GMainContext *pmss_io_get_context (PmssIo *io);
/* After start(). */
PmssTransport *pmss_io_get_transport (PmssIo *io);
/* Any thread. */
PmssCache *pmss_io_get_cache (PmssIo *io);
/* Any thread: gives @client back, which may be the last reference to it: not in a thread that would
 * have to wait for itself. */
void pmss_io_drop_client (PmssIo *io, PmssClient *client);

/* For a program that has some of the shards itself: what stands between the readers of @client and
 * their transport to nodes. */
typedef struct
{
  /* In the thread that opens the first reader; @context: that the I/O thread runs. Returns:
   * (transfer full): a transport on the loop of @inner, which outlives it. */
  PmssTransport *(*wrap) (PmssTransport *inner, GMainContext *context,
      gpointer user_data);
  /* In the I/O thread, after all requests. */
  void (*free) (PmssTransport *transport);
} PmssTransportWrap;
/* Before the first reader of @client. @wrap: static. */
void pmss_client_wrap_transport (PmssClient *client, const PmssTransportWrap *wrap,
    gpointer user_data);

/* Before the first reader of @client: all of its readers have at most @max connections to nodes at
 * a time. Requests beyond wait for one, and idle ones make room. */
void pmss_client_bound_connections (PmssClient *client, guint max);

/* I/O thread. */
PmssMemory *pmss_io_get_memory (PmssIo *io);
/* A reader found that the node at @peer cannot be reached, or that it is well. */
void pmss_io_note_lost (PmssIo *io, const char *peer, const GError *error);
void pmss_io_note_well (PmssIo *io, const char *peer);
/* Returns: (transfer none) (nullable): why the node at @peer could not be reached a short while
 * ago. */
const GError *pmss_io_find_trouble (PmssIo *io, const char *peer);

G_END_DECLS
