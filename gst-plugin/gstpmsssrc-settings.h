/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <libpmss/pmss-uri.h>

G_BEGIN_DECLS

#define GST_PMSS_SRC_DEFAULT_TIMEOUT 15
#define GST_PMSS_SRC_DEFAULT_RETRIES 3
#define GST_PMSS_SRC_DEFAULT_RETRY_BACKOFF_FACTOR 0.0
#define GST_PMSS_SRC_DEFAULT_RETRY_BACKOFF_MAX 60.0
#define GST_PMSS_SRC_DEFAULT_MAX_CONNECTIONS 2
#define GST_PMSS_SRC_DEFAULT_MAX_EXTRA 5
#define GST_PMSS_SRC_DEFAULT_CACHE_SIZE (G_GUINT64_CONSTANT (52) << 20)
#define GST_PMSS_SRC_DEFAULT_READ_AHEAD (G_GUINT64_CONSTANT (48) << 20)
#define GST_PMSS_SRC_DEFAULT_READ_AHEAD_TIME 10
#define GST_PMSS_SRC_DEFAULT_WAIT_FOR_ADMISSION 0

/* Numbers of the element's properties. */
enum
{
  PROP_0,
  PROP_LOCATION,
  PROP_USER_ID,
  PROP_USER_PW,
  PROP_TOKEN,
  PROP_TIMEOUT,
  PROP_RETRIES,
  PROP_RETRY_BACKOFF_FACTOR,
  PROP_RETRY_BACKOFF_MAX,
  PROP_TLS_DATABASE,
  PROP_TLS_CA_FILE,
  PROP_TLS_INTERACTION,
  PROP_TLS_VALIDATION_FLAGS,
  PROP_MAX_CONNECTIONS,
  PROP_MAX_EXTRA,
  PROP_CACHE_SIZE,
  PROP_READ_AHEAD,
  PROP_READ_AHEAD_TIME,
  PROP_MAX_MEMORY,
  PROP_WAIT_FOR_ADMISSION,
  PROP_STATS,
  N_PROPS
};

/**
 * GstPmssSrcSettings:
 *
 * The properties as they were set. They are read when a medium is opened.
 */
typedef struct
{
  char *location;               /* as it was set, less user and password */
  PmssUri *uri;                 /* NULL without a location */
  char *user_id;
  char *user_pw;
  char *token;
  guint timeout;                /* s */
  gint retries;
  gdouble retry_backoff_factor; /* s */
  gdouble retry_backoff_max;    /* s */
  GTlsDatabase *tls_database;
  char *tls_ca_file;
  GTlsInteraction *tls_interaction;
  GTlsCertificateFlags tls_validation_flags;
  guint max_connections;        /* per node */
  guint max_extra;              /* percent */
  guint64 cache_size;           /* bytes */
  guint64 read_ahead;           /* bytes */
  guint read_ahead_time;        /* s */
  guint64 max_memory;           /* bytes; 0: as it is */
  guint64 wait_for_admission;   /* ns */
} GstPmssSrcSettings;

void gst_pmss_src_settings_init      (GstPmssSrcSettings * settings);
void gst_pmss_src_settings_clear     (GstPmssSrcSettings * settings);
void gst_pmss_src_settings_copy      (GstPmssSrcSettings * dest, const GstPmssSrcSettings * src);
/* Whether a client made by these settings equals any other, credentials aside. */
gboolean gst_pmss_src_settings_share_client (const GstPmssSrcSettings * settings);

/* Property @id as a value. FALSE: it is not one of the settings. Setting PROP_LOCATION takes more
 * than this: gst_pmss_src_set_location (). Secrets read as NULL. */
gboolean gst_pmss_src_settings_set   (GstPmssSrcSettings * settings, guint id,
    const GValue * value);
gboolean gst_pmss_src_settings_get   (const GstPmssSrcSettings * settings, guint id,
    GValue * value);

G_END_DECLS
