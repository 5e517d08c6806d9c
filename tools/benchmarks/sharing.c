/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What pipelines of one process share. Any thread. */
#include "sharing.h"

static void
keep_context (BenchSharing * sharing, GstMessage * message)
{
  g_autoptr (GstContext) context = NULL;

  gst_message_parse_have_context (message, &context);
  g_mutex_lock (&sharing->lock);
  if (sharing->context == NULL)
    sharing->context = g_steal_pointer (&context);
  g_mutex_unlock (&sharing->lock);
}

static void
give_context (BenchSharing * sharing, GstMessage * message)
{
  const char *type;
  g_autoptr (GstContext) context = NULL;

  gst_message_parse_context_type (message, &type);
  g_mutex_lock (&sharing->lock);
  if (sharing->context != NULL
      && gst_context_has_context_type (sharing->context, type))
    context = gst_context_ref (sharing->context);
  g_mutex_unlock (&sharing->lock);
  if (context != NULL)
    gst_element_set_context (GST_ELEMENT (GST_MESSAGE_SRC (message)), context);
}

void
bench_sharing_handle (BenchSharing * sharing, GstMessage * message)
{
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_HAVE_CONTEXT)
    keep_context (sharing, message);
  else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_NEED_CONTEXT)
    give_context (sharing, message);
}

void
bench_sharing_clear (BenchSharing * sharing)
{
  if (sharing->context != NULL)
    gst_context_unref (sharing->context);
  g_mutex_clear (&sharing->lock);
}
