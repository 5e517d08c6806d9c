/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Describes a media file by GstDiscoverer. In the process pmss-probe. */
#include "describe.h"

#include <gst/pbutils/pbutils.h>

#include "content-type.h"

#define MAX_STREAMS 64
#define MAX_TEXT 1024           /* characters of a tag */
#define MAX_MISSING 16
#define MAX_NAME 60             /* characters of what is missing */

/* The tags worth showing; everything else (pictures, private frames) stays in the file. */
static const char *const tags[] = {
  GST_TAG_TITLE, GST_TAG_ARTIST, GST_TAG_ALBUM, GST_TAG_ALBUM_ARTIST,
  GST_TAG_COMPOSER, GST_TAG_PERFORMER, GST_TAG_GENRE, GST_TAG_COMMENT,
  GST_TAG_DESCRIPTION, GST_TAG_DATE, GST_TAG_DATE_TIME, GST_TAG_TRACK_NUMBER,
  GST_TAG_TRACK_COUNT, GST_TAG_ALBUM_VOLUME_NUMBER, GST_TAG_COPYRIGHT,
  GST_TAG_LICENSE, GST_TAG_ORGANIZATION, GST_TAG_ENCODER,
  GST_TAG_APPLICATION_NAME, GST_TAG_LANGUAGE_CODE, GST_TAG_SHOW_NAME,
  GST_TAG_KEYWORDS,
};

static char *
bound (const char *text, glong max)
{
  g_autofree char *valid = g_utf8_make_valid (text, -1);

  return g_utf8_substring (valid, 0, MIN (g_utf8_strlen (valid, -1), max));
}

static void
set_text (JsonObject * object, const char *key, const char *text)
{
  g_autofree char *bounded = bound (text, MAX_TEXT);

  json_object_set_string_member (object, key, bounded);
}

static void
set_tag (JsonObject * object, const GstTagList * list, const char *tag)
{
  const GValue *value = gst_tag_list_get_value_index (list, tag, 0);

  if (value == NULL || json_object_has_member (object, tag))
    return;
  if (G_VALUE_HOLDS_STRING (value)) {
    const char *text = g_value_get_string (value);
    if (text && !g_str_equal (text, "und"))
      set_text (object, tag, text);
  } else if (G_VALUE_HOLDS_UINT (value)) {
    json_object_set_int_member (object, tag, g_value_get_uint (value));
  } else if (GST_VALUE_HOLDS_DATE_TIME (value)) {
    g_autofree char *text =
        gst_date_time_to_iso8601_string (g_value_get_boxed (value));
    if (text)
      set_text (object, tag, text);
  } else if (G_VALUE_HOLDS (value, G_TYPE_DATE)) {
    char text[32];
    const GDate *date = g_value_get_boxed (value);
    if (date != NULL && g_date_valid (date) &&
        g_date_strftime (text, sizeof text, "%Y-%m-%d", date) > 0)
      set_text (object, tag, text);
  }
}

/* @but: (nullable) a tag that is left out */
static void
add_tags (JsonObject * object, const GstTagList * list, const char *but)
{
  if (list != NULL)
    for (guint i = 0; i < G_N_ELEMENTS (tags); i++)
      if (g_strcmp0 (tags[i], but) != 0)
        set_tag (object, list, tags[i]);
}

/* In Matroska each track has a name, such as "Audio", which comes as a title. */
static gboolean
has_track_names (GstDiscovererStreamInfo * top)
{
  g_autoptr (GstCaps) caps = gst_discoverer_stream_info_get_caps (top);
  const char *name = caps != NULL && gst_caps_get_size (caps) > 0
      ? gst_structure_get_name (gst_caps_get_structure (caps, 0)) : "";

  return g_str_has_suffix (name, "/webm")
      || g_str_has_suffix (name, "/x-matroska");
}

/* Those of the whole file go before those of its streams. */
static JsonObject *
describe_tags (GstDiscovererInfo * info, const GList * streams)
{
  g_autoptr (GstDiscovererStreamInfo) top =
      gst_discoverer_info_get_stream_info (info);
  const char *but = top != NULL && has_track_names (top) ? GST_TAG_TITLE : NULL;
  JsonObject *object = json_object_new ();

  if (top != NULL && GST_IS_DISCOVERER_CONTAINER_INFO (top))
    add_tags (object, gst_discoverer_container_info_get_tags
        (GST_DISCOVERER_CONTAINER_INFO (top)), NULL);
  for (const GList * l = streams; l != NULL; l = l->next)
    if (!GST_IS_DISCOVERER_CONTAINER_INFO (l->data))
      add_tags (object, gst_discoverer_stream_info_get_tags (l->data), but);
  return object;
}

static void
set_positive (JsonObject * object, const char *key, guint64 value)
{
  if (value > 0)
    json_object_set_int_member (object, key, value);
}

static void
describe_video (JsonObject * object, GstDiscovererVideoInfo * video)
{
  guint num = gst_discoverer_video_info_get_framerate_num (video);
  guint denom = gst_discoverer_video_info_get_framerate_denom (video);

  set_positive (object, "width", gst_discoverer_video_info_get_width (video));
  set_positive (object, "height", gst_discoverer_video_info_get_height (video));
  if (num > 0 && denom > 0)
    json_object_set_double_member (object, "framerate", num / (double) denom);
  set_positive (object, "bitrate",
      gst_discoverer_video_info_get_bitrate (video));
}

static void
describe_audio (JsonObject * object, GstDiscovererAudioInfo * audio)
{
  const char *language = gst_discoverer_audio_info_get_language (audio);

  set_positive (object, "channels",
      gst_discoverer_audio_info_get_channels (audio));
  set_positive (object, "rate",
      gst_discoverer_audio_info_get_sample_rate (audio));
  set_positive (object, "bitrate",
      gst_discoverer_audio_info_get_bitrate (audio));
  if (language != NULL && !g_str_equal (language, "und"))
    set_text (object, "language", language);
}

static void
describe_codec (JsonObject * object, GstDiscovererStreamInfo * info)
{
  g_autoptr (GstCaps) caps = gst_discoverer_stream_info_get_caps (info);
  g_autofree char *codec = NULL;
  g_autofree char *mime = NULL;

  if (caps != NULL && gst_caps_is_fixed (caps)) {
    codec = gst_pb_utils_get_codec_description (caps);
    mime = gst_codec_utils_caps_get_mime_codec (caps);
  }
  if (codec != NULL)
    set_text (object, "codec", codec);
  else
    json_object_set_null_member (object, "codec");
  if (mime != NULL)
    set_text (object, "mime_codec", mime);
}

/* A container within a container counts as none of the streams; its children are in the list as well. */
static JsonObject *
describe_stream (GstDiscovererStreamInfo * info)
{
  g_autoptr (JsonObject) object = json_object_new ();
  const char *type = "other";

  if (GST_IS_DISCOVERER_CONTAINER_INFO (info))
    return NULL;
  if (GST_IS_DISCOVERER_VIDEO_INFO (info))
    type = gst_discoverer_video_info_is_image (GST_DISCOVERER_VIDEO_INFO (info))
        ? "image" : "video";
  else if (GST_IS_DISCOVERER_AUDIO_INFO (info))
    type = "audio";
  else if (GST_IS_DISCOVERER_SUBTITLE_INFO (info))
    type = "subtitle";

  json_object_set_string_member (object, "type", type);
  describe_codec (object, info);
  if (GST_IS_DISCOVERER_VIDEO_INFO (info))
    describe_video (object, GST_DISCOVERER_VIDEO_INFO (info));
  else if (GST_IS_DISCOVERER_AUDIO_INFO (info))
    describe_audio (object, GST_DISCOVERER_AUDIO_INFO (info));
  return g_steal_pointer (&object);
}

static gboolean
describe_streams (JsonObject * object, GstDiscovererInfo * info)
{
  GList *list = gst_discoverer_info_get_stream_list (info);
  JsonArray *streams = json_array_new ();
  gboolean video = FALSE;

  for (GList * l = list; l && json_array_get_length (streams) < MAX_STREAMS;
      l = l->next) {
    JsonObject *stream = describe_stream (l->data);

    if (stream == NULL)
      continue;
    video |= g_str_equal (json_object_get_string_member (stream, "type"),
        "video");
    json_array_add_object_element (streams, stream);
  }
  json_object_set_array_member (object, "streams", streams);
  json_object_set_object_member (object, "tags", describe_tags (info, list));
  gst_discoverer_stream_info_list_free (list);
  return video;
}

/* Returns the caps of the file as a whole. */
static GstCaps *
describe_container (JsonObject * object, GstDiscovererInfo * info)
{
  g_autoptr (GstDiscovererStreamInfo) top =
      gst_discoverer_info_get_stream_info (info);
  g_autoptr (GstCaps) caps =
      top != NULL ? gst_discoverer_stream_info_get_caps (top) : NULL;

  if (caps != NULL && gst_caps_is_fixed (caps)
      && GST_IS_DISCOVERER_CONTAINER_INFO (top)) {
    g_autofree char *text = gst_pb_utils_get_codec_description (caps);
    if (text != NULL)
      set_text (object, "container", text);
  }
  return g_steal_pointer (&caps);
}

/* A picture and a text have a length of their own in GStreamer's eyes; nobody streams them by time. */
static gboolean
has_time (JsonObject * object)
{
  JsonArray *streams = json_object_get_array_member (object, "streams");

  for (guint i = 0; i < json_array_get_length (streams); i++) {
    const char *type =
        json_object_get_string_member (json_array_get_object_element (streams,
            i), "type");
    if (g_str_equal (type, "video") || g_str_equal (type, "audio"))
      return TRUE;
  }
  return FALSE;
}

/* "application/zip decoder" says nothing that helps: only what plays is named. Nor do playlists, which are not followed on purpose. */
static gboolean
is_media (const char *what)
{
  static const char *const kinds[] = {
    "decoder-video/", "decoder-audio/", "decoder-image/", "decoder-subpicture/",
    "decoder-application/ogg", "decoder-application/mxf",
    "decoder-application/x-id3", "decoder-application/x-ape",
    "decoder-application/vnd.rn-realmedia",
  };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_has_prefix (what, kinds[i]))
      return TRUE;
  return FALSE;
}

/* An installer's detail is "gstreamer|1.0|PROGRAM|DESCRIPTION|KIND-CAPS". */
static void
describe_missing (JsonObject * object, GstDiscovererInfo * info)
{
  JsonArray *missing = json_object_get_array_member (object, "missing");
  const char **details;

  if (gst_discoverer_info_get_result (info) != GST_DISCOVERER_MISSING_PLUGINS)
    return;
  details = gst_discoverer_info_get_missing_elements_installer_details (info);
  for (; *details && json_array_get_length (missing) < MAX_MISSING; details++) {
    g_auto (GStrv) fields = g_strsplit (*details, "|", 5);
    g_autofree char *name = NULL;

    if (g_strv_length (fields) < 5 || !is_media (fields[4]))
      continue;
    /* made of what the file says */
    name = bound (fields[3], MAX_NAME);
    for (char *c = name; *c; c++)
      if (g_ascii_iscntrl (*c))
        *c = ' ';
    json_array_add_string_element (missing, name);
  }
}

static GstDiscovererInfo *
discover (const char *path, GstClockTime timeout)
{
  g_autofree char *uri = gst_filename_to_uri (path, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstDiscoverer) discoverer = NULL;
  GstDiscovererInfo *info;

  if (uri == NULL || !(discoverer = gst_discoverer_new (timeout, &error)))
    return NULL;
  info = gst_discoverer_discover_uri (discoverer, uri, &error);
  if (error != NULL)
    g_info ("%s", error->message);
  return info;
}

gboolean
probe_describe (JsonObject * object, const char *path, const char *name,
    GstClockTime timeout, GstClockTime * duration)
{
  g_autoptr (GstDiscovererInfo) info = discover (path, timeout);
  g_autoptr (GstCaps) caps = NULL;
  const char *type = NULL;
  gboolean timed = FALSE;

  *duration = 0;
  json_object_set_null_member (object, "content_type");
  json_object_set_null_member (object, "container");
  json_object_set_null_member (object, "duration_ns");
  json_object_set_array_member (object, "streams", json_array_new ());
  json_object_set_object_member (object, "tags", json_object_new ());
  json_object_set_array_member (object, "missing", json_array_new ());
  if (info != NULL) {
    describe_missing (object, info);
    caps = describe_container (object, info);
    type = probe_content_type_from_caps (caps, describe_streams (object, info));
    timed = has_time (object);
    *duration = gst_discoverer_info_get_duration (info);
    if (!timed || *duration > G_MAXINT64)
      *duration = 0;
  }
  if (type != NULL) {
    json_object_set_string_member (object, "content_type", type);
  } else {
    g_autofree char *guess = probe_content_type_guess (path, name);
    json_object_set_string_member (object, "content_type", guess);
  }
  return timed;
}
