/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The files of the element share this header. Nothing outside this folder includes it. */
#pragma once

#include <libpmss/reader/pmss-reader.h>

#include "gstpmsssrc.h"
#include "gstpmsssrc-settings.h"

G_BEGIN_DECLS

GST_DEBUG_CATEGORY_EXTERN (gst_pmss_src_debug);

/*
 *            acquire ()                 opened
 *  CLOSED ───────────────▶ OPENING ─────────────▶ OPEN
 *    ▲ ▲                    │   │ refused           │ a read failed
 *    │ └────────────────────┘   └──────▶ FAILED ◀───┘
 *    │        cancelled                    │
 *    └─────────────────────────────────────┘
 *      stop (), and at READY to NULL from every state
 */
typedef enum
{
  GST_PMSS_SRC_CLOSED,
  GST_PMSS_SRC_OPENING,
  GST_PMSS_SRC_OPEN,
  GST_PMSS_SRC_FAILED,
} GstPmssSrcOpenState;

struct _GstPmssSrc
{
  GstBaseSrc parent;

  /* Protects everything below. Never held over a call into the reader or the client, nor while a
   * message is posted. */
  GMutex lock;
  /* With `lock`: open_state has left OPENING, or `cancellable` was cancelled. */
  GCond changed;

  GstPmssSrcSettings settings;
  gboolean settings_changed;    /* since `reader` was opened */
  char *location_problem;       /* why the last location was not taken; NULL: it was */

  gboolean started;             /* between start () and stop () */
  gboolean flushing;            /* between unlock () and unlock_stop () */
  /* For all blocking calls. Replaced when it is cancelled, never reset: a call that still holds the
   * old one must stay cancelled. */
  GCancellable *cancellable;

  GstPmssSrcOpenState open_state;
  PmssReader *reader;           /* good in OPEN; kept across READY. In CLOSED: opens on */
  gboolean waiting;             /* for admission, and said so */
  gboolean resumable;           /* the last wait ended by a flush */
  gint64 start_at;              /* monotonic µs, expected by the last wait; 0: not known */
  gboolean granted;             /* control keeps that start */
  GError *failure;              /* in FAILED: not posted yet */
  gboolean warned;              /* of running without redundancy, once a reader */

  PmssClient *shared_client;    /* from a context, or given to others by us */
};

/* gstpmsssrc-properties.c */
void gst_pmss_src_install_properties (GObjectClass * klass);
/* Fails with GST_URI_ERROR_BAD_URI, or BAD_STATE between start () and stop (). @text: NULL or ""
 * for none. */
gboolean gst_pmss_src_set_location   (GstPmssSrc * src, const char *text, GError ** error);
/* Runs the handlers of the element's accept-certificate. Any thread. */
gboolean gst_pmss_src_accept_certificate (GstPmssSrc * src, GTlsCertificate * certificate,
    GTlsCertificateFlags errors);
gboolean gst_pmss_src_has_accept_certificate (GstPmssSrc * src);

/* gstpmsssrc-open.c */

/* Gives the open reader, and the cancellable to read with. Opens the medium first if need be.
 * Blocks; unlock () ends that with FLUSHING. ERROR: the one element error has been posted. */
GstFlowReturn gst_pmss_src_acquire   (GstPmssSrc * src, PmssReader ** reader,
    GCancellable ** cancellable);
/* Opens the medium as acquire () does, and leaves an error for the next acquire () to post. */
void          gst_pmss_src_wait_open (GstPmssSrc * src);
/* Notes that a read failed, and posts the element error. */
void          gst_pmss_src_fail      (GstPmssSrc * src, const GError * error);
/* Ends all blocking calls. A later call has a new cancellable, or is refused while @flushing. */
void          gst_pmss_src_cancel    (GstPmssSrc * src, gboolean flushing);
/* For stop (): an open reader stays open and pauses. A failed one is closed, so that opening
 * may be tried again. */
void          gst_pmss_src_pause     (GstPmssSrc * src);
/* Gives the session back; waits for that 2 s at most, with pmss_reader_close (). */
void          gst_pmss_src_close     (GstPmssSrc * src);

/* gstpmsssrc-scheduling.c: the present modes of the pads from a source on. Any thread, without the
 * lock. */

gboolean gst_pmss_pad_is_pulled  (GstPad * pad);
/* Whether the element that pulls from @pad has begun to push the data that it pulled. It may pull
 * directly or through other elements. No element behind it can begin to pull any more. */
gboolean gst_pmss_pad_feeds_push (GstPad * pad);

G_END_DECLS
