/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element's properties and its signal: kept here, used where a medium is
 * opened. */
#include "gstpmsssrc-private.h"
#include "gstpmsssrc-stats.h"

#define GST_CAT_DEFAULT gst_pmss_src_debug

enum
{
  SIGNAL_ACCEPT_CERTIFICATE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

gboolean
gst_pmss_src_set_location (GstPmssSrc * src, const char *text, GError ** error)
{
  g_autoptr (GError) reason = NULL;
  g_autoptr (PmssUri) uri = NULL;
  g_autofree char *location = NULL;
  gboolean started;

  if (text != NULL && *text) {
    uri = pmss_uri_parse (text, &reason);
    if (uri == NULL) {
      g_mutex_lock (&src->lock);
      g_free (src->location_problem);
      src->location_problem = g_strdup (reason->message);
      g_mutex_unlock (&src->lock);
      g_set_error (error, GST_URI_ERROR, GST_URI_ERROR_BAD_URI,
          "Not a usable PMSS URI: %s", reason->message);
      return FALSE;
    }
    location = uri->user || uri->password ?
        pmss_uri_to_string (uri) : g_strdup (text);
  }

  g_mutex_lock (&src->lock);
  started = src->started;
  if (!started) {
    GST_DEBUG_OBJECT (src, "location %s", GST_STR_NULL (location));
    g_clear_pointer (&src->settings.uri, pmss_uri_free);
    src->settings.uri = g_steal_pointer (&uri);
    g_free (src->settings.location);
    src->settings.location = g_steal_pointer (&location);
    src->settings_changed = TRUE;
    g_clear_pointer (&src->location_problem, g_free);
  }
  g_mutex_unlock (&src->lock);

  if (started)
    g_set_error_literal (error, GST_URI_ERROR, GST_URI_ERROR_BAD_STATE,
        "The URI cannot be changed while the element is running");
  return !started;
}

static void
set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  GstPmssSrc *src = GST_PMSS_SRC (object);
  g_autoptr (GError) error = NULL;
  gboolean known;

  if (id == PROP_LOCATION) {
    if (!gst_pmss_src_set_location (src, g_value_get_string (value), &error))
      GST_WARNING_OBJECT (src, "location not set: %s", error->message);
    return;
  }
  g_mutex_lock (&src->lock);
  known = gst_pmss_src_settings_set (&src->settings, id, value);
  src->settings_changed = src->settings_changed || known;
  g_mutex_unlock (&src->lock);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
get_stats (GstPmssSrc * src, GValue * value)
{
  g_autoptr (PmssReader) reader = NULL;
  g_autoptr (GVariant) stats = NULL;

  g_mutex_lock (&src->lock);
  if (src->open_state == GST_PMSS_SRC_OPEN
      || src->open_state == GST_PMSS_SRC_FAILED)
    g_set_object (&reader, src->reader);
  g_mutex_unlock (&src->lock);

  if (reader != NULL)
    stats = g_variant_take_ref (pmss_reader_get_stats (reader));
  g_value_take_boxed (value, gst_pmss_stats_to_structure (stats));
}

static void
get_property (GObject * object, guint id, GValue * value, GParamSpec * pspec)
{
  GstPmssSrc *src = GST_PMSS_SRC (object);
  gboolean known;

  if (id == PROP_STATS) {
    get_stats (src, value);
    return;
  }
  g_mutex_lock (&src->lock);
  known = gst_pmss_src_settings_get (&src->settings, id, value);
  g_mutex_unlock (&src->lock);
  if (!known)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

/* --- The signal --- */

gboolean
gst_pmss_src_accept_certificate (GstPmssSrc * src,
    GTlsCertificate * certificate, GTlsCertificateFlags errors)
{
  gboolean accept = FALSE;

  g_signal_emit (src, signals[SIGNAL_ACCEPT_CERTIFICATE], 0, certificate,
      errors, &accept);
  return accept;
}

gboolean
gst_pmss_src_has_accept_certificate (GstPmssSrc * src)
{
  return g_signal_has_handler_pending (src,
      signals[SIGNAL_ACCEPT_CERTIFICATE], 0, FALSE);
}

/* --- What there is --- */

#define FLAGS (G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS \
    | GST_PARAM_MUTABLE_READY)

static void
install_source (GObjectClass * klass)
{
  /**
   * GstPmssSrc:location:
   *
   * The URI to read, `pmss://[user[:password]@]host[:port]/name`, or `pmsss://`
   * for TLS.
   * User and password are used, but do not come back when the property is read.
   * It cannot be set while the element is in PAUSED or PLAYING.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_LOCATION,
      g_param_spec_string ("location", "Location",
          "URI of the medium: pmss://host[:port]/name", NULL, FLAGS));
  /**
   * GstPmssSrc:user-id:
   *
   * The user to log in as at the control server. It goes before the URI's.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_USER_ID,
      g_param_spec_string ("user-id", "User id",
          "User to log in as at the control server", NULL, FLAGS));
  /**
   * GstPmssSrc:user-pw:
   *
   * The password that goes with #GstPmssSrc:user-id. Reads as %NULL always.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_USER_PW,
      g_param_spec_string ("user-pw", "User password",
          "Password to log in with (not readable)", NULL, FLAGS));
  /**
   * GstPmssSrc:token:
   *
   * A token from an earlier login, used instead of user and password. Reads as
   * %NULL always.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_TOKEN,
      g_param_spec_string ("token", "Token",
          "Login token of the control server (not readable)", NULL, FLAGS));
  /**
   * GstPmssSrc:wait-for-admission:
   *
   * How long the opening waits for a start, in nanoseconds, when the servers
   * cannot serve a further stream now. It has nothing to do with
   * #GstPmssSrc:timeout, which does not run meanwhile. While it waits, progress
   * messages with the code "admission" say when it starts. 0: it does not wait,
   * and posts RESOURCE BUSY at once.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_WAIT_FOR_ADMISSION,
      g_param_spec_uint64 ("wait-for-admission", "Wait for admission",
          "How long to wait for a start while the servers are full, in "
          "nanoseconds (0 = not at all)", 0, 86400 * GST_SECOND,
          GST_PMSS_SRC_DEFAULT_WAIT_FOR_ADMISSION, FLAGS));
}

static void
install_retries (GObjectClass * klass)
{
  /**
   * GstPmssSrc:timeout:
   *
   * Seconds without the wanted data, or without an answer of the control
   * server, after which reading fails. 0: never.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_TIMEOUT,
      g_param_spec_uint ("timeout", "Timeout",
          "Seconds without an answer until it counts as failed (0 = no "
          "timeout)", 0, 3600, GST_PMSS_SRC_DEFAULT_TIMEOUT, FLAGS));
  /**
   * GstPmssSrc:retries:
   *
   * How often the control server, or a storage server when no parity is left,
   * is asked again. -1: for ever.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_RETRIES,
      g_param_spec_int ("retries", "Retries",
          "How often to try again before giving up (-1 = for ever)", -1,
          G_MAXINT, GST_PMSS_SRC_DEFAULT_RETRIES, FLAGS));
  /**
   * GstPmssSrc:retry-backoff-factor:
   *
   * Seconds by which the time between two tries grows with each of them.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_RETRY_BACKOFF_FACTOR,
      g_param_spec_double ("retry-backoff-factor", "Retry backoff factor",
          "How much longer to wait with each try, in seconds", 0.0,
          3600.0, GST_PMSS_SRC_DEFAULT_RETRY_BACKOFF_FACTOR, FLAGS));
  /**
   * GstPmssSrc:retry-backoff-max:
   *
   * The longest time between two tries, in seconds.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_RETRY_BACKOFF_MAX,
      g_param_spec_double ("retry-backoff-max", "Retry backoff max",
          "Longest time between two tries, in seconds", 0.0, 3600.0,
          GST_PMSS_SRC_DEFAULT_RETRY_BACKOFF_MAX, FLAGS));
}

static void
install_tls (GObjectClass * klass)
{
  /**
   * GstPmssSrc:tls-database:
   *
   * The anchors that the servers' certificates are checked against, instead of
   * the system's.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_TLS_DATABASE,
      g_param_spec_object ("tls-database", "TLS database",
          "Anchor certificates to trust instead of the system's",
          G_TYPE_TLS_DATABASE, FLAGS));
  /**
   * GstPmssSrc:tls-ca-file:
   *
   * A file of PEM certificates to trust instead of the system's, unless
   * #GstPmssSrc:tls-database is set. %NULL: the file that the environment's
   * PMSS_CA_FILE names; else the one that was named to `pmss login` for the
   * server; else the system's authorities.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_TLS_CA_FILE,
      g_param_spec_string ("tls-ca-file", "TLS CA file",
          "PEM file of certificates to trust instead of the system's", NULL,
          FLAGS));
  /**
   * GstPmssSrc:tls-interaction:
   *
   * Asked when the TLS library needs something of the user.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_TLS_INTERACTION,
      g_param_spec_object ("tls-interaction", "TLS interaction",
          "Asked when the TLS library needs input from the user",
          G_TYPE_TLS_INTERACTION, FLAGS));
  /**
   * GstPmssSrc:tls-validation-flags:
   *
   * The checks of a certificate. An error whose flag is left out is accepted.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_TLS_VALIDATION_FLAGS,
      g_param_spec_flags ("tls-validation-flags", "TLS validation flags",
          "Checks of a certificate", G_TYPE_TLS_CERTIFICATE_FLAGS,
          G_TLS_CERTIFICATE_VALIDATE_ALL, FLAGS));
  /**
   * GstPmssSrc::accept-certificate:
   * @element: the element
   * @certificate: the control server's certificate
   * @errors: the checks that it did not pass
   *
   * Emitted, in a thread of the element, when a certificate did not pass. %TRUE
   * accepts it all the same.
   *
   * Since: 0.1
   */
  signals[SIGNAL_ACCEPT_CERTIFICATE] =
      g_signal_new ("accept-certificate", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST, 0, g_signal_accumulator_true_handled, NULL, NULL,
      G_TYPE_BOOLEAN, 2, G_TYPE_TLS_CERTIFICATE, G_TYPE_TLS_CERTIFICATE_FLAGS);
}

static void
install_requests (GObjectClass * klass)
{
  /**
   * GstPmssSrc:max-connections:
   *
   * The most connections to each storage server.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_MAX_CONNECTIONS,
      g_param_spec_uint ("max-connections", "Max connections",
          "Most connections to each storage server", 1, 16,
          GST_PMSS_SRC_DEFAULT_MAX_CONNECTIONS, FLAGS));
  /**
   * GstPmssSrc:max-extra:
   *
   * The share of the units, in percent, that may be asked for twice. The reader
   * asks other storage servers when one does not give a unit in time. 0: it
   * gives the late request up before it asks others.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_MAX_EXTRA,
      g_param_spec_uint ("max-extra", "Max extra",
          "Share of units that may be asked for twice (percent)", 0, 100,
          GST_PMSS_SRC_DEFAULT_MAX_EXTRA, FLAGS));
}

static void
install_cache (GObjectClass * klass)
{
  /**
   * GstPmssSrc:cache-size:
   *
   * The most memory for units that have arrived or are arriving, in bytes.
   * Never less than two rows of the medium are used.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_CACHE_SIZE,
      g_param_spec_uint64 ("cache-size", "Cache size",
          "Most memory for data read, kept and arriving, in bytes", 0,
          G_MAXINT64, GST_PMSS_SRC_DEFAULT_CACHE_SIZE, FLAGS));
  /**
   * GstPmssSrc:read-ahead:
   *
   * The most that is asked for ahead of the position, in bytes.
   * #GstPmssSrc:cache-size bounds it. A consumer that reads slowly and never
   * has to wait gets less: see #GstPmssSrc:read-ahead-time.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_READ_AHEAD,
      g_param_spec_uint64 ("read-ahead", "Read ahead",
          "How far to read ahead of the position, in bytes", 0, G_MAXINT64,
          GST_PMSS_SRC_DEFAULT_READ_AHEAD, FLAGS));
  /**
   * GstPmssSrc:read-ahead-time:
   *
   * The most that is asked for ahead, in seconds of reading at the pace so far
   * (and 4 MiB), as long as no read has to wait for data. 0: always
   * #GstPmssSrc:read-ahead.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_READ_AHEAD_TIME,
      g_param_spec_uint ("read-ahead-time", "Read-ahead time",
          "How far to read ahead while no read waits, in seconds at the pace of "
          "reading (0 = as far as read-ahead)", 0, 3600,
          GST_PMSS_SRC_DEFAULT_READ_AHEAD_TIME, FLAGS));
  /**
   * GstPmssSrc:max-memory:
   *
   * The most memory for units of all elements that share a login, in bytes.
   * Each has at least two rows and the parity of one. It is set for all of
   * them when a medium is opened. 0: it stays as it is, 768 MiB at first.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_MAX_MEMORY,
      g_param_spec_uint64 ("max-memory", "Max memory",
          "Most memory for data of all elements that share a login, in bytes "
          "(0 = as it is)", 0, G_MAXINT64, 0, FLAGS));
}

static void
install_stats (GObjectClass * klass)
{
  /**
   * GstPmssSrc:stats:
   *
   * Counters since the medium was opened, in all and for each node.
   *
   * Since: 0.1
   */
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counters of the reading, in all and for each storage server",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

void
gst_pmss_src_install_properties (GObjectClass * klass)
{
  klass->set_property = set_property;
  klass->get_property = get_property;

  install_source (klass);
  install_retries (klass);
  install_tls (klass);
  install_requests (klass);
  install_cache (klass);
  install_stats (klass);
}
