/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From a location to an open reader, and back. Opening blocks the streaming
 * thread, or a thread that queries the duration. */
#include <libpmss/pmss-error.h>

#include "gstpmsssrc-context.h"
#include "gstpmsssrc-errors.h"
#include "gstpmsssrc-messages.h"
#include "gstpmsssrc-private.h"
#include "gstpmsssrc-session.h"

#define GST_CAT_DEFAULT gst_pmss_src_debug

/* One try to open: its input and its results. Belongs to the thread that
 * opens. */
typedef struct
{
  GstPmssSrc *src;
  GstPmssSrcSettings settings;
  GCancellable *cancellable;
  PmssReader *reader;
} Opening;

static void
opening_clear (Opening * opening)
{
  gst_pmss_src_settings_clear (&opening->settings);
  g_clear_object (&opening->cancellable);
  g_clear_object (&opening->reader);
}

/* The reader's signals come in its I/O thread. */

static void
on_node_lost (PmssReader * reader, guint node, const char *peer,
    const GError * error, GstPmssSrc * src)
{
  GST_INFO_OBJECT (src, "node %u (%s) lost: %s", node, peer,
      error != NULL ? error->message : "no reason given");
  gst_pmss_post_node_lost (GST_ELEMENT (src), node, peer, error);
}

static void
on_node_back (PmssReader * reader, guint node, const char *peer,
    GstPmssSrc * src)
{
  GST_INFO_OBJECT (src, "node %u (%s) is back", node, peer);
  gst_pmss_post_node_back (GST_ELEMENT (src), node, peer);
}

static void
on_degraded (PmssReader * reader, guint missing, guint spare, GstPmssSrc * src)
{
  gboolean warn = FALSE;

  GST_INFO_OBJECT (src, "%u nodes missing, %u to spare", missing, spare);
  gst_pmss_post_degraded (GST_ELEMENT (src), missing, spare);

  g_mutex_lock (&src->lock);
  if (missing > 0 && spare == 0 && !src->warned)
    warn = src->warned = TRUE;
  g_mutex_unlock (&src->lock);

  if (warn)
    gst_pmss_post_no_redundancy (GST_ELEMENT (src), missing);
}

/* Where it was asked for while nobody waits, it is said when somebody does. */
static void
on_waiting (PmssReader * reader, gint64 start_in, gboolean granted,
    const GError * refusal, GstPmssSrc * src)
{
  gboolean waiting, opening;

  GST_INFO_OBJECT (src, "waiting for admission: %s in %" G_GINT64_FORMAT
      " ns%s%s", granted ? "starts" : "likely", start_in,
      refusal != NULL ? ", " : "", refusal != NULL ? refusal->message : "");

  g_mutex_lock (&src->lock);
  opening = src->open_state == GST_PMSS_SRC_OPENING;
  waiting = src->waiting;
  src->waiting = opening;
  src->start_at = start_in < 0 ? 0 : g_get_monotonic_time () + start_in / 1000;
  src->granted = granted;
  g_mutex_unlock (&src->lock);

  if (opening)
    gst_pmss_post_waiting (GST_ELEMENT (src), waiting ?
        GST_PROGRESS_TYPE_CONTINUE : GST_PROGRESS_TYPE_START, start_in,
        granted);
}

static void
reader_retire (PmssReader * reader, GstPmssSrc * src)
{
  if (reader == NULL)
    return;
  g_signal_handlers_disconnect_by_data (reader, src);
  pmss_reader_close (reader);
}

static gboolean
on_accept_certificate (PmssClient * client, GTlsCertificate * certificate,
    GTlsCertificateFlags errors, gpointer user_data)
{
  GWeakRef *ref = user_data;
  g_autoptr (GstPmssSrc) src = g_weak_ref_get (ref);

  return src && gst_pmss_src_accept_certificate (src, certificate, errors);
}

static void
weak_ref_free (gpointer data, GClosure * closure)
{
  g_weak_ref_clear (data);
  g_free (data);
}

static void
list_credentials (const GstPmssSrcSettings * settings,
    const char *credentials[GST_PMSS_N_CREDENTIALS])
{
  credentials[0] = settings->token;
  credentials[1] = settings->user_id;
  credentials[2] = settings->user_pw;
  credentials[3] = settings->uri->user;
  credentials[4] = settings->uri->password;
}

/* The first of: tls-database, tls-ca-file, the authorities that libpmss
 * finds. */
static gboolean
set_authorities (PmssClient * client, const GstPmssSrcSettings * settings,
    GError ** error)
{
  const char *path = settings->tls_ca_file;

  if (settings->tls_database)
    g_object_set (client, "tls-database", settings->tls_database, NULL);
  else if (path != NULL && *path
      && !pmss_client_set_ca_file (client, path, error)) {
    g_prefix_error (error, "tls-ca-file: ");
    return FALSE;
  }
  return pmss_client_find_authorities (client, error);
}

static PmssClient *
make_client (Opening * opening, const char *url, GError ** error)
{
  const GstPmssSrcSettings *settings = &opening->settings;
  const PmssUri *uri = settings->uri;
  g_autoptr (PmssClient) client = pmss_client_new (url, error);
  GWeakRef *ref;

  if (client == NULL)
    return NULL;

  g_object_set (client, "timeout", settings->timeout,
      "tls-validation-flags", settings->tls_validation_flags, NULL);
  if (!set_authorities (client, settings, error))
    return NULL;
  if (settings->tls_interaction)
    g_object_set (client, "tls-interaction", settings->tls_interaction, NULL);

  pmss_client_set_credentials (client, settings->token, settings->user_id,
      settings->user_pw);
  pmss_client_find_credentials (client, uri->user, uri->password);

  ref = g_new (GWeakRef, 1);
  g_weak_ref_init (ref, opening->src);
  g_signal_connect_data (client, "accept-certificate",
      G_CALLBACK (on_accept_certificate), ref, weak_ref_free, 0);

  return g_steal_pointer (&client);
}

static PmssClient *
find_shared_client (Opening * opening, const char *url,
    const char *const *credentials)
{
  GstPmssSrc *src = opening->src;
  PmssClient *client = NULL;

  g_mutex_lock (&src->lock);
  if (src->shared_client
      && gst_pmss_client_matches (src->shared_client, url, credentials))
    client = g_object_ref (src->shared_client);
  g_mutex_unlock (&src->lock);
  return client;
}

/* The client that another element has for the same server and the same login.
 * Or a new one, which others may use. */
static PmssClient *
get_client (Opening * opening, GError ** error)
{
  GstElement *element = GST_ELEMENT (opening->src);
  const char *credentials[GST_PMSS_N_CREDENTIALS];
  g_autofree char *url = pmss_uri_get_control_url (opening->settings.uri);
  gboolean share = gst_pmss_src_settings_share_client (&opening->settings)
      && !gst_pmss_src_has_accept_certificate (opening->src);
  PmssClient *client;

  list_credentials (&opening->settings, credentials);

  if (share) {
    client = find_shared_client (opening, url, credentials);
    if (client == NULL) {
      gst_pmss_context_request (element, GST_BASE_SRC_PAD (element));
      client = find_shared_client (opening, url, credentials);
    }
    if (client != NULL) {
      GST_DEBUG_OBJECT (element, "using a shared client for %s", url);
      return client;
    }
  }

  client = make_client (opening, url, error);
  if (client != NULL && share) {
    gst_pmss_client_set_key (client, credentials);
    gst_pmss_context_announce (element, client);
  }
  return client;
}

static void
make_reader (Opening * opening, PmssClient * client)
{
  const GstPmssSrcSettings *settings = &opening->settings;
  PmssReader *reader = pmss_reader_new (client, settings->uri->name);
  g_autofree char *session = gst_pmss_take_session (settings->uri->name);

  g_object_set (reader, "session", session, "cache-size", settings->cache_size,
      "read-ahead", settings->read_ahead,
      "read-ahead-time", settings->read_ahead_time,
      "max-memory", settings->max_memory,
      "max-connections", settings->max_connections,
      "max-extra", settings->max_extra,
      "wait-for-admission", settings->wait_for_admission,
      "timeout", settings->timeout, "retries", settings->retries,
      "retry-backoff-factor", settings->retry_backoff_factor,
      "retry-backoff-max", settings->retry_backoff_max, NULL);
  g_signal_connect (reader, "node-lost", G_CALLBACK (on_node_lost),
      opening->src);
  g_signal_connect (reader, "node-back", G_CALLBACK (on_node_back),
      opening->src);
  g_signal_connect (reader, "degraded", G_CALLBACK (on_degraded), opening->src);
  g_signal_connect (reader, "waiting", G_CALLBACK (on_waiting), opening->src);
  g_set_object (&opening->reader, reader);
  g_object_unref (reader);
}

static void
post_progress (GstPmssSrc * src, GstProgressType type, const char *code,
    const char *text)
{
  gst_element_post_message (GST_ELEMENT (src),
      gst_message_new_progress (GST_OBJECT (src), type, code, text));
}

/* The one that was being opened when a flush came keeps its place at control:
 * it is waited for again. */
static gboolean
ensure_reader (Opening * opening, GError ** error)
{
  g_autoptr (PmssClient) client = NULL;

  if (opening->reader != NULL)
    return TRUE;
  client = get_client (opening, error);
  if (client != NULL)
    make_reader (opening, client);
  return client != NULL;
}

/* Says again what is waited for: a flush has ended the last wait. */
static void
resume_waiting (GstPmssSrc * src)
{
  gint64 start_in = -1;
  gboolean granted, resumed;

  g_mutex_lock (&src->lock);
  resumed = !src->waiting && src->resumable;
  src->waiting = src->waiting || resumed;
  src->resumable = FALSE;
  granted = src->granted;
  if (src->start_at > 0)
    start_in = 1000 * MAX (src->start_at - g_get_monotonic_time (), 0);
  g_mutex_unlock (&src->lock);

  if (resumed)
    gst_pmss_post_waiting (GST_ELEMENT (src), GST_PROGRESS_TYPE_START,
        start_in, granted);
}

static gboolean
open_medium (Opening * opening, GError ** error)
{
  post_progress (opening->src, GST_PROGRESS_TYPE_START, "connect",
      "Connecting");
  if (!ensure_reader (opening, error))
    return FALSE;
  resume_waiting (opening->src);
  if (pmss_reader_open (opening->reader, opening->cancellable, error))
    return TRUE;
  if (!g_cancellable_is_cancelled (opening->cancellable)) {
    reader_retire (opening->reader, opening->src);
    g_clear_object (&opening->reader);
  }
  return FALSE;
}

/* Every START gets its end. */
static void
end_progress (Opening * opening, GstProgressType type, const char *text)
{
  GstPmssSrc *src = opening->src;
  gboolean waiting;

  g_mutex_lock (&src->lock);
  waiting = src->waiting;
  src->waiting = FALSE;
  src->resumable = waiting && type == GST_PROGRESS_TYPE_CANCELED;
  g_mutex_unlock (&src->lock);

  if (waiting)
    post_progress (src, type, "admission",
        type == GST_PROGRESS_TYPE_COMPLETE ? "Admitted" : text);
  post_progress (src, type, "connect", text);
}

static void
post_result (Opening * opening, const GError * error)
{
  if (error == NULL) {
    end_progress (opening, GST_PROGRESS_TYPE_COMPLETE, "Connected");
    gst_pmss_post_layout (GST_ELEMENT (opening->src), opening->reader);
  } else if (g_cancellable_is_cancelled (opening->cancellable)) {
    end_progress (opening, GST_PROGRESS_TYPE_CANCELED, "Cancelled");
  } else {
    end_progress (opening, GST_PROGRESS_TYPE_ERROR, error->message);
  }
}

/* With the lock. OPENING -> OPEN, CLOSED or FAILED. */
static void
take_result (GstPmssSrc * src, Opening * opening, GError * error)
{
  g_set_object (&src->reader, opening->reader);
  if (error == NULL) {
    src->open_state = GST_PMSS_SRC_OPEN;
  } else if (g_cancellable_is_cancelled (opening->cancellable)) {
    src->open_state = GST_PMSS_SRC_CLOSED;
    g_error_free (error);
  } else {
    src->open_state = GST_PMSS_SRC_FAILED;
    src->failure = error;
  }
  g_cond_broadcast (&src->changed);
}

/* With the lock, which is given up meanwhile. CLOSED -> OPENING -> OPEN, CLOSED
 * or FAILED. */
static void
open_from_closed (GstPmssSrc * src)
{
  Opening opening = {.src = src };
  g_autoptr (PmssReader) old = NULL;
  GError *error = NULL;

  /* one that is still being opened has not failed */
  if (src->settings_changed)
    old = g_steal_pointer (&src->reader);
  opening.reader = g_steal_pointer (&src->reader);
  src->open_state = GST_PMSS_SRC_OPENING;
  src->settings_changed = FALSE;
  src->warned = FALSE;
  gst_pmss_src_settings_copy (&opening.settings, &src->settings);
  opening.cancellable = g_object_ref (src->cancellable);
  g_mutex_unlock (&src->lock);

  reader_retire (old, src);
  open_medium (&opening, &error);
  post_result (&opening, error);

  g_mutex_lock (&src->lock);
  take_result (src, &opening, error);
  opening_clear (&opening);
}

/* With the lock, which is given up meanwhile. TRUE: it is OPEN or has FAILED;
 * FALSE: flushing. */
static gboolean
leave_closed (GstPmssSrc * src)
{
  g_autoptr (GCancellable) cancellable = g_object_ref (src->cancellable);

  while (!src->flushing && !g_cancellable_is_cancelled (cancellable)) {
    switch (src->open_state) {
      case GST_PMSS_SRC_CLOSED:
        if (!src->started)
          return FALSE;
        open_from_closed (src);
        break;
      case GST_PMSS_SRC_OPENING:
        /* another thread opens, and was perhaps just cancelled */
        g_cond_wait (&src->changed, &src->lock);
        break;
      default:
        return TRUE;
    }
  }
  return FALSE;
}

void
gst_pmss_src_wait_open (GstPmssSrc * src)
{
  g_mutex_lock (&src->lock);
  leave_closed (src);
  g_mutex_unlock (&src->lock);
}

GstFlowReturn
gst_pmss_src_acquire (GstPmssSrc * src, PmssReader ** reader,
    GCancellable ** cancellable)
{
  g_autoptr (GError) failure = NULL;
  g_autofree char *location = NULL;
  GstFlowReturn ret = GST_FLOW_OK;

  g_mutex_lock (&src->lock);
  if (!leave_closed (src)) {
    ret = GST_FLOW_FLUSHING;
  } else if (src->open_state == GST_PMSS_SRC_OPEN) {
    *reader = g_object_ref (src->reader);
    *cancellable = g_object_ref (src->cancellable);
  } else {
    failure = g_steal_pointer (&src->failure);
    location = g_strdup (src->settings.location);
    ret = GST_FLOW_ERROR;
  }
  g_mutex_unlock (&src->lock);

  if (failure != NULL)
    gst_pmss_post_error (GST_ELEMENT (src), failure, TRUE, location);
  return ret;
}

void
gst_pmss_src_fail (GstPmssSrc * src, const GError * error)
{
  g_autofree char *location = NULL;
  gboolean first;

  g_mutex_lock (&src->lock);
  first = src->open_state == GST_PMSS_SRC_OPEN;
  if (first)
    src->open_state = GST_PMSS_SRC_FAILED;
  location = g_strdup (src->settings.location);
  g_mutex_unlock (&src->lock);

  if (first)
    gst_pmss_post_error (GST_ELEMENT (src), error, FALSE, location);
}

void
gst_pmss_src_cancel (GstPmssSrc * src, gboolean flushing)
{
  g_autoptr (GCancellable) old = NULL;

  g_mutex_lock (&src->lock);
  src->flushing = flushing;
  old = src->cancellable;
  src->cancellable = g_cancellable_new ();
  g_mutex_unlock (&src->lock);

  g_cancellable_cancel (old);

  g_mutex_lock (&src->lock);
  g_cond_broadcast (&src->changed);
  g_mutex_unlock (&src->lock);
}

void
gst_pmss_src_pause (GstPmssSrc * src)
{
  g_autoptr (PmssReader) keep = NULL, drop = NULL;

  g_mutex_lock (&src->lock);
  src->started = FALSE;
  g_mutex_unlock (&src->lock);

  /* a query may have begun to open since unlock_stop () */
  gst_pmss_src_cancel (src, FALSE);

  g_mutex_lock (&src->lock);
  while (src->open_state == GST_PMSS_SRC_OPENING)
    g_cond_wait (&src->changed, &src->lock);
  src->resumable = FALSE;
  g_clear_error (&src->failure);
  if (src->open_state == GST_PMSS_SRC_OPEN) {
    keep = g_object_ref (src->reader);
  } else {
    src->open_state = GST_PMSS_SRC_CLOSED;
    drop = g_steal_pointer (&src->reader);
  }
  g_mutex_unlock (&src->lock);

  if (keep != NULL)
    pmss_reader_pause (keep);
  reader_retire (drop, src);
}

void
gst_pmss_src_close (GstPmssSrc * src)
{
  g_autoptr (PmssReader) reader = NULL;

  g_mutex_lock (&src->lock);
  src->open_state = GST_PMSS_SRC_CLOSED;
  reader = g_steal_pointer (&src->reader);
  g_mutex_unlock (&src->lock);

  reader_retire (reader, src);
}
