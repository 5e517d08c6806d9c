/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "libpmss/reader/pmss-loop.h"

G_BEGIN_DECLS

/**
 * PmssTransport:
 *
 * How the reader speaks to nodes: a request for a range of bytes, the head of its answer, and then
 * bytes as they come. An implementation begins its structures with a PmssTransport and a
 * PmssRequest: pmss-transport-soup.c is HTTP over libsoup.
 *
 *   start() ──▶ answered(head) ──▶ read(), wait() ──▶ readable() ──▶ read() ... ──▶ free()
 *      │
 *      └──────▶ answered(NULL, error) ──▶ free()
 *
 * Threads: all of it on the loop's. Nothing calls back from inside.
 */
typedef struct _PmssTransport PmssTransport;
typedef struct _PmssRequest PmssRequest;

typedef struct
{
  GUri *base;                   /* "http://host:port" of the node */
  const char *path;
  const char *authorization;    /* the header's value */
  guint64 first;                /* byte */
  guint64 length;               /* bytes, >= 1 */
  gint priority;                /* in the loop, as GLib's */
} PmssRange;

/* The head of an answer, unchecked. */
typedef struct
{
  guint status;                 /* HTTP's */
  const char *phrase;           /* that goes with it */
  gboolean has_range;           /* the answer says which bytes it has: */
  guint64 first, last;
  gboolean has_length;          /* and how many: */
  guint64 length;
  /* bytes that read() does not give have not come yet; else they may only not have been decoded */
  gboolean direct;
} PmssHead;

typedef struct
{
  /* Once. @head: (nullable): NULL: there is none, for the reason of @error. */
  void (*answered) (PmssRequest *request, const PmssHead *head,
      const GError *error, gpointer user_data);
  /* There is something to read, or the end, or it was cancelled. */
  void (*readable) (PmssRequest *request, gpointer user_data);
} PmssRequestFuncs;

/* @error: (nullable): why the node is not well. */
typedef void (*PmssProbeFunc) (const GError *error, gpointer user_data);

typedef struct
{
  PmssRequest *(*start) (PmssTransport *transport, const PmssRange *range,
      const PmssRequestFuncs *funcs, gpointer user_data);
  gssize (*read) (PmssRequest *request, void *memory, gsize size,
      GError **error);
  void (*wait) (PmssRequest *request, gsize bytes, gboolean more);
  void (*set_low_water) (PmssRequest *request, gsize bytes);
  void (*set_priority) (PmssRequest *request, gint priority);
  void (*cancel) (PmssRequest *request);
  void (*free) (PmssRequest *request, gboolean whole);
  void (*probe) (PmssTransport *transport, GUri *base, const char *peer,
      guint timeout, GCancellable *cancellable, PmssProbeFunc func,
      gpointer user_data);
} PmssTransportFuncs;

struct _PmssTransport
{
  const PmssTransportFuncs *funcs;
  PmssLoop *loop;               /* on which it lives */
};

struct _PmssRequest
{
  const PmssTransportFuncs *funcs;
};

static inline PmssRequest *
pmss_request_start (PmssTransport *transport, const PmssRange *range,
    const PmssRequestFuncs *funcs, gpointer user_data)
{
  return transport->funcs->start (transport, range, funcs, user_data);
}

/* Reads the bytes that are there. Returns their number; 0: the answer's end; -1 and
 * G_IO_ERROR_WOULD_BLOCK: nothing yet. */
static inline gssize
pmss_request_read (PmssRequest *request, void *memory, gsize size,
    GError **error)
{
  return request->funcs->read (request, memory, size, error);
}

/* readable() follows, again and again, as often as @bytes are there. @more: there may be some now
 * that no poll would tell of. */
static inline void
pmss_request_wait (PmssRequest *request, gsize bytes, gboolean more)
{
  request->funcs->wait (request, bytes, more);
}

/* As wait(), for a body that waits already; for another it does nothing. */
static inline void
pmss_request_set_low_water (PmssRequest *request, gsize bytes)
{
  request->funcs->set_low_water (request, bytes);
}

static inline void
pmss_request_set_priority (PmssRequest *request, gint priority)
{
  request->funcs->set_priority (request, priority);
}

/* answered(), or readable() after it, follows soon. */
static inline void
pmss_request_cancel (PmssRequest *request)
{
  request->funcs->cancel (request);
}

/* After answered(). @whole: all that was asked for has been read. */
static inline void
pmss_request_free (PmssRequest *request, gboolean whole)
{
  request->funcs->free (request, whole);
}

/* Asks the node at @base whether it is well. @timeout: ms. @func follows, also when it is
 * cancelled. */
static inline void
pmss_transport_probe (PmssTransport *transport, GUri *base, const char *peer,
    guint timeout, GCancellable *cancellable, PmssProbeFunc func,
    gpointer user_data)
{
  transport->funcs->probe (transport, base, peer, timeout, cancellable, func,
      user_data);
}

G_END_DECLS
