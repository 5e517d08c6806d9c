/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the properties were set to. On the threads of its owner. */
#include "gstpmsssrc-settings.h"

void
gst_pmss_src_settings_init (GstPmssSrcSettings * settings)
{
  settings->timeout = GST_PMSS_SRC_DEFAULT_TIMEOUT;
  settings->retries = GST_PMSS_SRC_DEFAULT_RETRIES;
  settings->retry_backoff_factor = GST_PMSS_SRC_DEFAULT_RETRY_BACKOFF_FACTOR;
  settings->retry_backoff_max = GST_PMSS_SRC_DEFAULT_RETRY_BACKOFF_MAX;
  settings->tls_validation_flags = G_TLS_CERTIFICATE_VALIDATE_ALL;
  settings->max_connections = GST_PMSS_SRC_DEFAULT_MAX_CONNECTIONS;
  settings->max_extra = GST_PMSS_SRC_DEFAULT_MAX_EXTRA;
  settings->cache_size = GST_PMSS_SRC_DEFAULT_CACHE_SIZE;
  settings->read_ahead = GST_PMSS_SRC_DEFAULT_READ_AHEAD;
  settings->read_ahead_time = GST_PMSS_SRC_DEFAULT_READ_AHEAD_TIME;
  settings->wait_for_admission = GST_PMSS_SRC_DEFAULT_WAIT_FOR_ADMISSION;
}

void
gst_pmss_src_settings_clear (GstPmssSrcSettings * settings)
{
  g_clear_pointer (&settings->location, g_free);
  g_clear_pointer (&settings->uri, pmss_uri_free);
  g_clear_pointer (&settings->user_id, g_free);
  g_clear_pointer (&settings->user_pw, g_free);
  g_clear_pointer (&settings->token, g_free);
  g_clear_object (&settings->tls_database);
  g_clear_pointer (&settings->tls_ca_file, g_free);
  g_clear_object (&settings->tls_interaction);
}

void
gst_pmss_src_settings_copy (GstPmssSrcSettings * dest,
    const GstPmssSrcSettings * src)
{
  *dest = *src;
  dest->location = g_strdup (src->location);
  dest->uri = src->uri ? pmss_uri_copy (src->uri) : NULL;
  dest->user_id = g_strdup (src->user_id);
  dest->user_pw = g_strdup (src->user_pw);
  dest->token = g_strdup (src->token);
  dest->tls_ca_file = g_strdup (src->tls_ca_file);
  if (src->tls_database)
    g_object_ref (src->tls_database);
  if (src->tls_interaction)
    g_object_ref (src->tls_interaction);
}

gboolean
gst_pmss_src_settings_share_client (const GstPmssSrcSettings * settings)
{
  return settings->timeout == GST_PMSS_SRC_DEFAULT_TIMEOUT
      && !settings->tls_database && !settings->tls_ca_file
      && !settings->tls_interaction
      && settings->tls_validation_flags == G_TLS_CERTIFICATE_VALIDATE_ALL;
}

/* --- As values of properties --- */

typedef enum
{
  KIND_NONE,                    /* not one of the settings */
  KIND_STRING,
  KIND_SECRET,                  /* a string that does not come out */
  KIND_INT,
  KIND_UINT,
  KIND_UINT64,
  KIND_DOUBLE,
  KIND_FLAGS,
  KIND_OBJECT
} Kind;

typedef struct
{
  Kind kind;
  gsize offset;                 /* in the settings */
} Place;

#define PLACE(kind, field) { KIND_##kind, G_STRUCT_OFFSET (GstPmssSrcSettings, field) }

static const Place places[N_PROPS] = {
  [PROP_LOCATION] = PLACE (STRING, location),
  [PROP_USER_ID] = PLACE (STRING, user_id),
  [PROP_USER_PW] = PLACE (SECRET, user_pw),
  [PROP_TOKEN] = PLACE (SECRET, token),
  [PROP_TIMEOUT] = PLACE (UINT, timeout),
  [PROP_RETRIES] = PLACE (INT, retries),
  [PROP_RETRY_BACKOFF_FACTOR] = PLACE (DOUBLE, retry_backoff_factor),
  [PROP_RETRY_BACKOFF_MAX] = PLACE (DOUBLE, retry_backoff_max),
  [PROP_TLS_DATABASE] = PLACE (OBJECT, tls_database),
  [PROP_TLS_CA_FILE] = PLACE (STRING, tls_ca_file),
  [PROP_TLS_INTERACTION] = PLACE (OBJECT, tls_interaction),
  [PROP_TLS_VALIDATION_FLAGS] = PLACE (FLAGS, tls_validation_flags),
  [PROP_MAX_CONNECTIONS] = PLACE (UINT, max_connections),
  [PROP_MAX_EXTRA] = PLACE (UINT, max_extra),
  [PROP_CACHE_SIZE] = PLACE (UINT64, cache_size),
  [PROP_READ_AHEAD] = PLACE (UINT64, read_ahead),
  [PROP_READ_AHEAD_TIME] = PLACE (UINT, read_ahead_time),
  [PROP_MAX_MEMORY] = PLACE (UINT64, max_memory),
  [PROP_WAIT_FOR_ADMISSION] = PLACE (UINT64, wait_for_admission),
};

static void
put_value (gpointer place, Kind kind, const GValue * value)
{
  switch (kind) {
    case KIND_STRING:
    case KIND_SECRET:
      g_free (*(char **) place);
      *(char **) place = g_value_dup_string (value);
      break;
    case KIND_INT:
      *(gint *) place = g_value_get_int (value);
      break;
    case KIND_UINT:
      *(guint *) place = g_value_get_uint (value);
      break;
    case KIND_UINT64:
      *(guint64 *) place = g_value_get_uint64 (value);
      break;
    case KIND_DOUBLE:
      *(gdouble *) place = g_value_get_double (value);
      break;
    case KIND_FLAGS:
      *(guint *) place = g_value_get_flags (value);
      break;
    case KIND_OBJECT:
      g_set_object ((GObject **) place, g_value_get_object (value));
      break;
    case KIND_NONE:
      break;
  }
}

static void
take_value (gconstpointer place, Kind kind, GValue * value)
{
  switch (kind) {
    case KIND_STRING:
      g_value_set_string (value, *(char *const *) place);
      break;
    case KIND_INT:
      g_value_set_int (value, *(const gint *) place);
      break;
    case KIND_UINT:
      g_value_set_uint (value, *(const guint *) place);
      break;
    case KIND_UINT64:
      g_value_set_uint64 (value, *(const guint64 *) place);
      break;
    case KIND_DOUBLE:
      g_value_set_double (value, *(const gdouble *) place);
      break;
    case KIND_FLAGS:
      g_value_set_flags (value, *(const guint *) place);
      break;
    case KIND_OBJECT:
      g_value_set_object (value, *(GObject * const *) place);
      break;
    case KIND_SECRET:
      /* goes in and does not come out: pipelines get dumped and logged */
    case KIND_NONE:
      break;
  }
}

gboolean
gst_pmss_src_settings_set (GstPmssSrcSettings * settings, guint id,
    const GValue * value)
{
  Kind kind = id < N_PROPS ? places[id].kind : KIND_NONE;

  if (kind != KIND_NONE)
    put_value (G_STRUCT_MEMBER_P (settings, places[id].offset), kind, value);
  return kind != KIND_NONE;
}

gboolean
gst_pmss_src_settings_get (const GstPmssSrcSettings * settings, guint id,
    GValue * value)
{
  Kind kind = id < N_PROPS ? places[id].kind : KIND_NONE;

  if (kind != KIND_NONE)
    take_value (G_STRUCT_MEMBER_P (settings, places[id].offset), kind, value);
  return kind != KIND_NONE;
}
