/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MIME types of media files. In the process pmss-probe. */
#include "content-type.h"

#include <gio/gio.h>

#define UNKNOWN "application/octet-stream"

/* GStreamer's names on the left, those that browsers and players go by on the right. */
static const struct
{
  const char *caps;
  const char *field;            /* nullable: this field has to have that value */
  const char *value;
  const char *video;
  const char *audio;
} types[] = {
  {"video/quicktime", "variant", "apple", "video/quicktime", "audio/mp4"},
  {"video/quicktime", NULL, NULL, "video/mp4", "audio/mp4"},
  {"application/x-3gp", NULL, NULL, "video/3gpp", "audio/3gpp"},
  {"audio/x-m4a", NULL, NULL, "video/mp4", "audio/mp4"},
  {"video/webm", NULL, NULL, "video/webm", "audio/webm"},
  {"audio/webm", NULL, NULL, "video/webm", "audio/webm"},
  {"video/x-matroska", NULL, NULL, "video/x-matroska", "audio/x-matroska"},
  {"audio/x-matroska", NULL, NULL, "video/x-matroska", "audio/x-matroska"},
  {"application/ogg", NULL, NULL, "video/ogg", "audio/ogg"},
  {"audio/ogg", NULL, NULL, "audio/ogg", "audio/ogg"},
  {"video/ogg", NULL, NULL, "video/ogg", "audio/ogg"},
  {"video/mpegts", NULL, NULL, "video/mp2t", "video/mp2t"},
  {"video/mpeg", NULL, NULL, "video/mpeg", "video/mpeg"},
  {"video/x-msvideo", NULL, NULL, "video/x-msvideo", "video/x-msvideo"},
  {"video/x-flv", NULL, NULL, "video/x-flv", "video/x-flv"},
  {"video/x-ms-asf", NULL, NULL, "video/x-ms-asf", "audio/x-ms-wma"},
  {"audio/mpeg", NULL, NULL, "audio/mpeg", "audio/mpeg"},
  {"application/x-id3", NULL, NULL, "audio/mpeg", "audio/mpeg"},
  {"audio/x-flac", NULL, NULL, "audio/flac", "audio/flac"},
  {"audio/x-wav", NULL, NULL, "audio/wav", "audio/wav"},
  {"audio/x-aiff", NULL, NULL, "audio/aiff", "audio/aiff"},
  {"image/jpeg", NULL, NULL, "image/jpeg", "image/jpeg"},
  {"image/png", NULL, NULL, "image/png", "image/png"},
  {"image/gif", NULL, NULL, "image/gif", "image/gif"},
  {"image/webp", NULL, NULL, "image/webp", "image/webp"},
};

/* MPEG audio shares one name: MP3 is version 1, AAC is 2 and 4. */
static gboolean
is_aac (GstStructure * structure)
{
  int version = 0;

  return gst_structure_has_name (structure, "audio/mpeg")
      && gst_structure_get_int (structure, "mpegversion", &version)
      && version >= 2;
}

const char *
probe_content_type_from_caps (GstCaps * caps, gboolean video)
{
  GstStructure *structure;

  if (caps == NULL || gst_caps_is_empty (caps) || gst_caps_is_any (caps))
    return NULL;
  structure = gst_caps_get_structure (caps, 0);
  if (is_aac (structure))
    return "audio/aac";
  for (guint i = 0; i < G_N_ELEMENTS (types); i++) {
    if (!gst_structure_has_name (structure, types[i].caps))
      continue;
    if (types[i].field
        && g_strcmp0 (gst_structure_get_string (structure, types[i].field),
            types[i].value) != 0)
      continue;
    return video ? types[i].video : types[i].audio;
  }
  return NULL;
}

char *
probe_content_type_guess (const char *path, const char *name)
{
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileInputStream) stream = g_file_read (file, NULL, NULL);
  g_autofree guint8 *head = g_malloc (4096);
  g_autofree char *type = NULL;
  g_autofree char *mime = NULL;
  gsize length = 0;

  if (stream != NULL)
    g_input_stream_read_all (G_INPUT_STREAM (stream), head, 4096, &length,
        NULL, NULL);
  type = g_content_type_guess (name, head, length, NULL);
  mime = g_content_type_get_mime_type (type);
  return mime != NULL ? g_steal_pointer (&mime) : g_strdup (UNKNOWN);
}
