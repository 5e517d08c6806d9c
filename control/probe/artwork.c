/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Posters, sprites and peaks. In the process pmss-probe. */
#include "artwork.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "peaks.h"
#include "pictures.h"
#include "thumbhash.h"

#define POSTER_WIDTH 480
#define POSTER_HEIGHT 960
#define MAX_POSTER (64 * 1024)
#define TILE_WIDTH 160
#define TILE_HEIGHT 90
#define COLUMNS 10
#define MAX_TILES 100
#define MAX_SPRITE (256 * 1024)
/* Tiles closer together show the same. */
#define MIN_STEP GST_SECOND
/* With fewer key frames all frames are decoded. */
#define FEW_TILES 5

typedef struct
{
  const char *path;
  gint64 deadline;
  GMutex lock;                  /* protects what follows */
  GCond cond;
  JsonObject *object;
  gboolean ended;
} ProbeArtwork;

/* @array: (nullable) the member @array_name, which goes with it. */
static void
set_bytes (ProbeArtwork * self, const char *name, const guint8 * data,
    gsize length, const char *array_name, JsonArray * array)
{
  g_autofree char *text = g_base64_encode (data, length);

  g_mutex_lock (&self->lock);
  json_object_set_string_member (self->object, name, text);
  if (array != NULL)
    json_object_set_array_member (self->object, array_name, array);
  g_mutex_unlock (&self->lock);
}

/* As good as fits. NULL: it does not, or no time is left. */
static GBytes *
encode (GstBuffer * picture, guint width, guint height, gsize max,
    gint64 deadline)
{
  static const int qualities[] = { 80, 60, 40, 25 };

  for (guint i = 0; i < G_N_ELEMENTS (qualities); i++) {
    g_autoptr (GBytes) jpeg = probe_picture_encode (picture, width, height,
        qualities[i], deadline);

    if (jpeg == NULL)
      return NULL;
    if (g_bytes_get_size (jpeg) <= max)
      return g_steal_pointer (&jpeg);
  }
  return NULL;
}

/* --- the poster --- */

/* Of the lightness of I420. */
static double
find_variance (GstBuffer * picture, gsize pixels)
{
  double sum = 0, squares = 0;
  GstMapInfo map;

  if (!gst_buffer_map (picture, &map, GST_MAP_READ))
    return 0;
  pixels = MIN (pixels, map.size);
  for (gsize i = 0; i < pixels; i++) {
    sum += map.data[i];
    squares += (double) map.data[i] * map.data[i];
  }
  gst_buffer_unmap (picture, &map);
  return pixels > 0 ? squares / pixels - sum / pixels * (sum / pixels) : 0;
}

static void
set_thumbhash (ProbeArtwork * self, GstSample * sample)
{
  guint8 hash[PROBE_THUMBHASH_MAX], *packed;
  guint width, height, stride;
  g_autoptr (GstBuffer) picture = NULL;
  GstMapInfo map;

  if (!probe_picture_fit (sample, PROBE_THUMBHASH_SIDE, PROBE_THUMBHASH_SIDE,
          &width, &height))
    return;
  picture = probe_picture_scale (sample, "RGB", width, height);
  if (picture == NULL || !gst_buffer_map (picture, &map, GST_MAP_READ))
    return;
  /* lines are filled up to four bytes */
  stride = GST_ROUND_UP_4 (3 * width);
  packed = g_malloc (3 * (gsize) width * height);
  for (guint y = 0; y < height && (gsize) stride * (y + 1) <= map.size; y++)
    memcpy (packed + 3 * (gsize) width * y, map.data + (gsize) stride * y,
        3 * (gsize) width);
  set_bytes (self, "thumbhash", hash, probe_thumbhash (packed, width, height,
          hash), NULL, NULL);
  g_free (packed);
  gst_buffer_unmap (picture, &map);
}

static void
set_poster (ProbeArtwork * self, GstSample * sample)
{
  g_autoptr (GstBuffer) picture = NULL;
  g_autoptr (GBytes) jpeg = NULL;
  guint width, height;

  if (!probe_picture_fit (sample, POSTER_WIDTH, POSTER_HEIGHT, &width, &height))
    return;
  picture = probe_picture_scale (sample, "I420", width, height);
  if (picture != NULL)
    jpeg = encode (picture, width, height, MAX_POSTER, self->deadline);
  if (jpeg == NULL)
    return;
  set_bytes (self, "poster", g_bytes_get_data (jpeg, NULL),
      g_bytes_get_size (jpeg), NULL, NULL);
  set_thumbhash (self, sample);
}

static GstSample *
choose_poster (ProbePictures * pictures)
{
  static const guint percents[] = { 10, 20, 35, 50 };
  GstClockTime duration = probe_pictures_get_duration (pictures), real;
  GstSample *best = NULL;
  double most = -1;

  for (guint i = 0; i < (duration > 0 ? G_N_ELEMENTS (percents) : 1); i++) {
    g_autoptr (GstSample) sample = probe_pictures_take (pictures,
        duration / 100 * percents[i], &real);
    g_autoptr (GstBuffer) small = sample != NULL ? probe_picture_scale (sample,
        "I420", TILE_WIDTH, TILE_HEIGHT) : NULL;
    double variance = small != NULL ? find_variance (small, TILE_WIDTH
        * TILE_HEIGHT) : -1;

    if (variance > most) {
      most = variance;
      g_clear_pointer (&best, gst_sample_unref);
      best = g_steal_pointer (&sample);
    }
  }
  return best;
}

/* --- the sprite --- */

typedef struct
{
  GstBuffer *tiles[MAX_TILES];  /* I420 */
  GstClockTime times[MAX_TILES];
  guint n;
} Sprite;

static void
copy_plane (guint8 * to, gsize to_stride, const guint8 * from,
    gsize from_stride, guint height)
{
  for (guint y = 0; y < height; y++)
    memcpy (to + y * to_stride, from + y * from_stride, from_stride);
}

/* Sides and half sides of tiles and canvas are multiples of four: no line is filled up. */
static void
copy_tile (guint8 * canvas, guint lines, guint index, const guint8 * tile)
{
  const gsize width = COLUMNS * TILE_WIDTH, height =
      (gsize) lines * TILE_HEIGHT;
  const gsize x = index % COLUMNS * TILE_WIDTH;
  const gsize y = index / COLUMNS * TILE_HEIGHT;
  guint8 *chroma = canvas + width * height;
  const guint8 *from = tile + TILE_WIDTH * TILE_HEIGHT;

  copy_plane (canvas + y * width + x, width, tile, TILE_WIDTH, TILE_HEIGHT);
  for (guint plane = 0; plane < 2; plane++) {
    copy_plane (chroma + y / 2 * (width / 2) + x / 2, width / 2, from,
        TILE_WIDTH / 2, TILE_HEIGHT / 2);
    chroma += width / 2 * (height / 2);
    from += TILE_WIDTH / 2 * (TILE_HEIGHT / 2);
  }
}

static GstBuffer *
make_canvas (const Sprite * sprite, guint * height)
{
  guint lines = (sprite->n + COLUMNS - 1) / COLUMNS;
  gsize pixels = (gsize) COLUMNS * TILE_WIDTH * lines * TILE_HEIGHT;
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, pixels * 3 / 2, NULL);
  GstMapInfo map, tile;

  *height = lines * TILE_HEIGHT;
  if (!gst_buffer_map (buffer, &map, GST_MAP_WRITE))
    return buffer;
  memset (map.data, 16, pixels);
  memset (map.data + pixels, 128, pixels / 2);
  for (guint i = 0; i < sprite->n; i++) {
    if (!gst_buffer_map (sprite->tiles[i], &tile, GST_MAP_READ))
      continue;
    if (tile.size >= TILE_WIDTH * TILE_HEIGHT * 3 / 2)
      copy_tile (map.data, lines, i, tile.data);
    gst_buffer_unmap (sprite->tiles[i], &tile);
  }
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

static gboolean
add_tile (Sprite * sprite, GstSample * sample, GstClockTime real)
{
  GstBuffer *tile;

  if (sprite->n > 0 && real <= sprite->times[sprite->n - 1])
    return TRUE;
  tile = probe_picture_scale (sample, "I420", TILE_WIDTH, TILE_HEIGHT);
  if (tile == NULL)
    return FALSE;
  sprite->tiles[sprite->n] = tile;
  sprite->times[sprite->n++] = real;
  return TRUE;
}

static GstClockTime
get_step (ProbePictures * pictures)
{
  return MAX (probe_pictures_get_duration (pictures) / MAX_TILES, MIN_STEP);
}

static void
fill_by_key_frames (ProbePictures * pictures, Sprite * sprite)
{
  GstClockTime duration = probe_pictures_get_duration (pictures), real;
  GstClockTime step = get_step (pictures);

  for (GstClockTime at = 0; at < duration && sprite->n < MAX_TILES; at += step) {
    g_autoptr (GstSample) sample = probe_pictures_take (pictures, at, &real);

    if (sample == NULL || !add_tile (sprite, sample, real))
      return;
  }
}

/* FALSE: not to the end, in the time that there is. */
static gboolean
fill_by_all_frames (ProbePictures * pictures, Sprite * sprite)
{
  GstClockTime step = get_step (pictures), real;
  gboolean end = FALSE, ok = probe_pictures_rewind (pictures);

  while (ok && !end) {
    g_autoptr (GstSample) sample = probe_pictures_next (pictures, &real, &end);

    ok = sample != NULL || end;
    if (sample != NULL && sprite->n < MAX_TILES && real >= sprite->n * step)
      ok = add_tile (sprite, sample, real);
  }
  return ok;
}

static void
clear_sprite (Sprite * sprite)
{
  for (guint i = 0; i < sprite->n; i++)
    gst_buffer_unref (sprite->tiles[i]);
  sprite->n = 0;
}

/* Few key frames are all the same of a film that is made of many: then those between them are
 * decoded. */
static void
fill_sprite (ProbePictures * pictures, Sprite * sprite)
{
  guint wanted = (guint) MIN (probe_pictures_get_duration (pictures)
      / MIN_STEP + 1, FEW_TILES);
  Sprite all = {.n = 0 };

  fill_by_key_frames (pictures, sprite);
  if (sprite->n >= wanted)
    return;
  if (fill_by_all_frames (pictures, &all) && all.n > sprite->n) {
    clear_sprite (sprite);
    *sprite = all;
  } else {
    clear_sprite (&all);
  }
}

static void
set_sprite (ProbeArtwork * self, const Sprite * sprite)
{
  guint height;
  g_autoptr (GstBuffer) canvas = make_canvas (sprite, &height);
  g_autoptr (GBytes) jpeg = encode (canvas, COLUMNS * TILE_WIDTH, height,
      MAX_SPRITE, self->deadline);
  JsonArray *times;

  if (jpeg == NULL)
    return;
  times = json_array_new ();
  for (guint i = 0; i < sprite->n; i++)
    json_array_add_int_element (times, (gint64) sprite->times[i]);
  set_bytes (self, "sprite", g_bytes_get_data (jpeg, NULL),
      g_bytes_get_size (jpeg), "tiles", times);
}

static void
make_sprite (ProbeArtwork * self, ProbePictures * pictures)
{
  Sprite sprite = {.n = 0 };

  /* what is taken in time is encoded, too */
  fill_sprite (pictures, &sprite);
  if (sprite.n > 1)
    set_sprite (self, &sprite);
  clear_sprite (&sprite);
}

/* --- the whole --- */

static void
look_at_sound (ProbeArtwork * self, gint64 deadline)
{
  g_autoptr (GstSample) cover = NULL;
  g_autoptr (ProbePictures) pictures = NULL;
  g_autoptr (GstSample) sample = NULL;
  JsonArray *peaks = probe_peaks (self->path, deadline, &cover);

  if (peaks != NULL) {
    g_mutex_lock (&self->lock);
    json_object_set_array_member (self->object, "peaks", peaks);
    g_mutex_unlock (&self->lock);
  }
  if (cover != NULL)
    pictures = probe_pictures_open (NULL, cover, deadline);
  if (pictures != NULL)
    sample = choose_poster (pictures);
  if (sample != NULL)
    set_poster (self, sample);
}

static void
look_at_pictures (ProbeArtwork * self, ProbePictures * pictures)
{
  g_autoptr (GstSample) poster = choose_poster (pictures);

  if (poster != NULL)
    set_poster (self, poster);
  if (probe_pictures_get_duration (pictures) > 0)
    make_sprite (self, pictures);
}

static gpointer
run (gpointer data)
{
  ProbeArtwork *self = data;
  /* some of the time is for encoding what there is by then */
  gint64 now = g_get_monotonic_time (), taking =
      self->deadline - (self->deadline - now) / 5;
  g_autoptr (ProbePictures) pictures = probe_pictures_open (self->path, NULL,
      taking);

  if (pictures != NULL)
    look_at_pictures (self, pictures);
  else
    look_at_sound (self, taking);
  g_mutex_lock (&self->lock);
  self->ended = TRUE;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);
  return NULL;
}

char *
probe_artwork (const char *path, gint64 deadline)
{
  static const char *const members[] = { "poster", "thumbhash", "sprite",
    "tiles", "peaks"
  };
  ProbeArtwork *self = g_new0 (ProbeArtwork, 1);
  g_autoptr (JsonNode) node = json_node_alloc ();
  char *text;

  self->path = path;
  self->deadline = deadline;
  self->object = json_object_new ();
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    json_object_set_null_member (self->object, members[i]);
  g_thread_unref (g_thread_new ("artwork", run, self));
  g_mutex_lock (&self->lock);
  while (!self->ended
      && g_cond_wait_until (&self->cond, &self->lock, deadline));
  text = json_to_string (json_node_init_object (node, self->object), FALSE);
  g_mutex_unlock (&self->lock);
  return text;
}
