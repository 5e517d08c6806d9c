/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "libpmss/reader/pmss-engine-settings.h"

#define MAX_WAIT_FOR_ADMISSION (24 * 3600 * G_GUINT64_CONSTANT (1000000000))
#define DEFAULT_CACHE_SIZE (52 * 1024 * 1024)
#define DEFAULT_READ_AHEAD (48 * 1024 * 1024)
#define DEFAULT_READ_AHEAD_TIME 10
#define DEFAULT_MAX_CONNECTIONS 2
#define DEFAULT_MAX_EXTRA 5
#define DEFAULT_TIMEOUT 15
#define DEFAULT_RETRIES 3
#define DEFAULT_RETRY_BACKOFF_FACTOR 0.0
#define DEFAULT_RETRY_BACKOFF_MAX 60.0

enum
{
  TICKET,
  SESSION,
  BULK,
  WAIT_FOR_ADMISSION,
  CACHE_SIZE,
  READ_AHEAD,
  READ_AHEAD_TIME,
  MAX_MEMORY,
  MAX_CONNECTIONS,
  MAX_EXTRA,
  TIMEOUT,
  RETRIES,
  RETRY_BACKOFF_FACTOR,
  RETRY_BACKOFF_MAX,
  N_SETTINGS
};

void
pmss_engine_settings_install (GObjectClass * klass, guint first)
{
  const GParamFlags rw = G_PARAM_READWRITE | G_PARAM_CONSTRUCT |
      G_PARAM_STATIC_STRINGS;
  GParamSpec *specs[N_SETTINGS];

  specs[TICKET] = g_param_spec_string ("ticket", NULL, NULL, NULL, rw);
  specs[SESSION] = g_param_spec_string ("session", NULL, NULL, NULL, rw);
  specs[BULK] = g_param_spec_boolean ("bulk", NULL, NULL, FALSE, rw);
  specs[WAIT_FOR_ADMISSION] = g_param_spec_uint64 ("wait-for-admission", NULL,
      NULL, 0, MAX_WAIT_FOR_ADMISSION, 0, rw);
  specs[CACHE_SIZE] = g_param_spec_uint64 ("cache-size", NULL, NULL,
      0, G_MAXINT64, DEFAULT_CACHE_SIZE, rw);
  specs[READ_AHEAD] = g_param_spec_uint64 ("read-ahead", NULL, NULL,
      0, G_MAXINT64, DEFAULT_READ_AHEAD, rw);
  specs[READ_AHEAD_TIME] = g_param_spec_uint ("read-ahead-time", NULL,
      NULL, 0, 3600, DEFAULT_READ_AHEAD_TIME, rw);
  specs[MAX_MEMORY] = g_param_spec_uint64 ("max-memory", NULL, NULL,
      0, G_MAXINT64, 0, rw);
  specs[MAX_CONNECTIONS] = g_param_spec_uint ("max-connections", NULL,
      NULL, 1, 16, DEFAULT_MAX_CONNECTIONS, rw);
  specs[MAX_EXTRA] = g_param_spec_uint ("max-extra", NULL, NULL, 0, 100,
      DEFAULT_MAX_EXTRA, rw);
  specs[TIMEOUT] = g_param_spec_uint ("timeout", NULL, NULL, 0, 3600,
      DEFAULT_TIMEOUT, rw);
  specs[RETRIES] = g_param_spec_int ("retries", NULL, NULL, -1, G_MAXINT,
      DEFAULT_RETRIES, rw);
  specs[RETRY_BACKOFF_FACTOR] =
      g_param_spec_double ("retry-backoff-factor", NULL, NULL, 0.0, 3600.0,
      DEFAULT_RETRY_BACKOFF_FACTOR, rw);
  specs[RETRY_BACKOFF_MAX] = g_param_spec_double ("retry-backoff-max",
      NULL, NULL, 0.0, 3600.0, DEFAULT_RETRY_BACKOFF_MAX, rw);
  for (guint i = 0; i < N_SETTINGS; i++)
    g_object_class_install_property (klass, first + i, specs[i]);
}

gboolean
pmss_engine_settings_set (PmssEngineSettings * self, guint number,
    const GValue * value)
{
  switch (number) {
    case TICKET:
      g_free (self->ticket);
      self->ticket = g_value_dup_string (value);
      return TRUE;
    case SESSION:
      g_free (self->session);
      self->session = g_value_dup_string (value);
      return TRUE;
    case BULK:
      self->bulk = g_value_get_boolean (value);
      return TRUE;
    case WAIT_FOR_ADMISSION:
      self->wait_for_admission = g_value_get_uint64 (value);
      return TRUE;
    case CACHE_SIZE:
      self->cache_size = g_value_get_uint64 (value);
      return TRUE;
    case READ_AHEAD:
      self->read_ahead = g_value_get_uint64 (value);
      return TRUE;
    case READ_AHEAD_TIME:
      self->read_ahead_time = g_value_get_uint (value) * G_TIME_SPAN_SECOND;
      return TRUE;
    case MAX_MEMORY:
      self->max_memory = g_value_get_uint64 (value);
      return TRUE;
    case MAX_CONNECTIONS:
      self->max_connections = g_value_get_uint (value);
      return TRUE;
    case MAX_EXTRA:
      self->max_extra = g_value_get_uint (value);
      return TRUE;
    case TIMEOUT:
      self->timeout = g_value_get_uint (value) * G_TIME_SPAN_SECOND;
      return TRUE;
    case RETRIES:
      self->retries = g_value_get_int (value);
      return TRUE;
    case RETRY_BACKOFF_FACTOR:
      self->backoff_factor = g_value_get_double (value);
      return TRUE;
    case RETRY_BACKOFF_MAX:
      self->backoff_max = g_value_get_double (value);
      return TRUE;
    default:
      return FALSE;
  }
}

gboolean
pmss_engine_settings_get (const PmssEngineSettings * self, guint number,
    GValue * value)
{
  switch (number) {
    case TICKET:
      g_value_set_string (value, self->ticket);
      return TRUE;
    case SESSION:
      g_value_set_string (value, self->session);
      return TRUE;
    case BULK:
      g_value_set_boolean (value, self->bulk);
      return TRUE;
    case WAIT_FOR_ADMISSION:
      g_value_set_uint64 (value, self->wait_for_admission);
      return TRUE;
    case CACHE_SIZE:
      g_value_set_uint64 (value, self->cache_size);
      return TRUE;
    case READ_AHEAD:
      g_value_set_uint64 (value, self->read_ahead);
      return TRUE;
    case READ_AHEAD_TIME:
      g_value_set_uint (value, self->read_ahead_time / G_TIME_SPAN_SECOND);
      return TRUE;
    case MAX_MEMORY:
      g_value_set_uint64 (value, self->max_memory);
      return TRUE;
    case MAX_CONNECTIONS:
      g_value_set_uint (value, self->max_connections);
      return TRUE;
    case MAX_EXTRA:
      g_value_set_uint (value, self->max_extra);
      return TRUE;
    case TIMEOUT:
      g_value_set_uint (value, self->timeout / G_TIME_SPAN_SECOND);
      return TRUE;
    case RETRIES:
      g_value_set_int (value, self->retries);
      return TRUE;
    case RETRY_BACKOFF_FACTOR:
      g_value_set_double (value, self->backoff_factor);
      return TRUE;
    case RETRY_BACKOFF_MAX:
      g_value_set_double (value, self->backoff_max);
      return TRUE;
    default:
      return FALSE;
  }
}
