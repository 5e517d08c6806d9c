/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Elements, and an application, share clients by contexts. Any thread. */
#include "gstpmsssrc-context.h"

#include "gstpmsssrc-private.h"

#define GST_CAT_DEFAULT gst_pmss_src_debug
#define KEY "gst-pmss-credentials"

/* Players log contexts, and some print them: this is the text for a client. */
static void
client_to_string (const GValue * client, GValue * string)
{
  PmssClient *object = g_value_get_object (client);

  g_value_set_string (string,
      object != NULL ? pmss_client_get_url (object) : NULL);
}

void
gst_pmss_context_init (void)
{
  g_value_register_transform_func (PMSS_TYPE_CLIENT, G_TYPE_STRING,
      client_to_string);
}

void
gst_pmss_context_request (GstElement * element, GstPad * pad)
{
  g_autoptr (GstQuery) query = gst_query_new_context (GST_PMSS_CLIENT_CONTEXT);

  if (gst_pad_peer_query (pad, query)) {
    GstContext *context = NULL;

    gst_query_parse_context (query, &context);
    if (context != NULL) {
      gst_element_set_context (element, context);
      return;
    }
  }
  gst_element_post_message (element,
      gst_message_new_need_context (GST_OBJECT (element),
          GST_PMSS_CLIENT_CONTEXT));
}

void
gst_pmss_context_announce (GstElement * element, PmssClient * client)
{
  GstContext *context = gst_context_new (GST_PMSS_CLIENT_CONTEXT, TRUE);

  gst_structure_set (gst_context_writable_structure (context), "client",
      PMSS_TYPE_CLIENT, client, NULL);
  gst_element_set_context (element, context);
  gst_element_post_message (element,
      gst_message_new_have_context (GST_OBJECT (element), context));
}

PmssClient *
gst_pmss_context_get_client (GstContext * context)
{
  PmssClient *client = NULL;

  if (!gst_context_has_context_type (context, GST_PMSS_CLIENT_CONTEXT))
    return NULL;
  gst_structure_get (gst_context_get_structure (context), "client",
      PMSS_TYPE_CLIENT, &client, NULL);
  return client;
}

/* The strings stay in memory that only this process reads, as the properties
 * do; a context's structure, which gets logged, has nothing of them. */
typedef struct
{
  char *credentials[GST_PMSS_N_CREDENTIALS];
} Key;

static void
key_free (Key * key)
{
  for (guint i = 0; i < GST_PMSS_N_CREDENTIALS; i++)
    g_free (key->credentials[i]);
  g_free (key);
}

void
gst_pmss_client_set_key (PmssClient * client, const char *const *credentials)
{
  Key *key = g_new0 (Key, 1);

  for (guint i = 0; i < GST_PMSS_N_CREDENTIALS; i++)
    key->credentials[i] = g_strdup (credentials[i]);
  g_object_set_data_full (G_OBJECT (client), KEY, key,
      (GDestroyNotify) key_free);
}

gboolean
gst_pmss_client_matches (PmssClient * client, const char *url,
    const char *const *credentials)
{
  const Key *key = g_object_get_data (G_OBJECT (client), KEY);

  if (g_strcmp0 (pmss_client_get_url (client), url) != 0)
    return FALSE;
  for (guint i = 0; i < GST_PMSS_N_CREDENTIALS; i++)
    if (g_strcmp0 (key != NULL ? key->credentials[i] : NULL,
            credentials[i]) != 0)
      return FALSE;
  return TRUE;
}
