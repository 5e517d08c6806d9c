/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ThumbHash of opaque pictures: a low-frequency cosine transform in three channels. Pure. */
#include "thumbhash.h"

#include <math.h>
#include <string.h>

#define MAX_TERMS 32
#define HEADER 5                /* bytes */

/* One channel's transform. */
typedef struct
{
  double dc, scale;
  double ac[MAX_TERMS];         /* 0..1 */
  guint n;
} Channel;

static double
find_term (const double *values, guint width, guint height, guint cx, guint cy)
{
  double columns[PROBE_THUMBHASH_SIDE], sum = 0;

  for (guint x = 0; x < width; x++)
    columns[x] = cos (G_PI / width * cx * (x + 0.5));
  for (guint y = 0; y < height; y++) {
    double row = cos (G_PI / height * cy * (y + 0.5));

    for (guint x = 0; x < width; x++)
      sum += values[y * width + x] * columns[x] * row;
  }
  return sum / ((double) width * height);
}

/* The terms of the triangle below the diagonal of @nx times @ny. */
static void
encode_channel (const double *values, guint width, guint height, guint nx,
    guint ny, Channel * channel)
{
  memset (channel, 0, sizeof (*channel));
  for (guint cy = 0; cy < ny; cy++) {
    for (guint cx = 0; cx * ny < nx * (ny - cy); cx++) {
      double term = find_term (values, width, height, cx, cy);

      if (cx == 0 && cy == 0) {
        channel->dc = term;
        continue;
      }
      channel->ac[channel->n++] = term;
      channel->scale = MAX (channel->scale, fabs (term));
    }
  }
  for (guint i = 0; channel->scale > 0 && i < channel->n; i++)
    channel->ac[i] = 0.5 + 0.5 / channel->scale * channel->ac[i];
}

static guint
quantize (double value, guint max)
{
  return (guint) CLAMP (floor (value + 0.5), 0, max);
}

static guint
append_terms (const Channel * channel, guint8 * hash, guint at)
{
  for (guint i = 0; i < channel->n; i++, at++)
    hash[HEADER + at / 2] |= (guint8) (quantize (15 * channel->ac[i], 15)
        << (at % 2 * 4));
  return at;
}

static void
write_header (const Channel channels[3], guint side, gboolean landscape,
    guint8 * hash)
{
  guint32 first = quantize (63 * channels[0].dc, 63)
      | quantize (31.5 + 31.5 * channels[1].dc, 63) << 6
      | quantize (31.5 + 31.5 * channels[2].dc, 63) << 12
      | quantize (31 * channels[0].scale, 31) << 18;
  guint32 second = side | quantize (63 * channels[1].scale, 63) << 3
      | quantize (63 * channels[2].scale, 63) << 9 | (landscape ? 1u << 15 : 0);

  hash[0] = (guint8) first;
  hash[1] = (guint8) (first >> 8);
  hash[2] = (guint8) (first >> 16);
  hash[3] = (guint8) second;
  hash[4] = (guint8) (second >> 8);
}

/* Lightness, yellow against blue, red against green. */
static void
split_channels (const guint8 * rgb, guint n, double *lightness, double *yellow,
    double *red)
{
  for (guint i = 0; i < n; i++) {
    double r = rgb[3 * i] / 255.0, g = rgb[3 * i + 1] / 255.0;
    double b = rgb[3 * i + 2] / 255.0;

    lightness[i] = (r + g + b) / 3;
    yellow[i] = (r + g) / 2 - b;
    red[i] = r - g;
  }
}

gsize
probe_thumbhash (const guint8 * rgb, guint width, guint height,
    guint8 hash[PROBE_THUMBHASH_MAX])
{
  guint longest = MAX (width, height), n = width * height;
  guint lx = MAX (1, quantize (7.0 * width / longest, 7));
  guint ly = MAX (1, quantize (7.0 * height / longest, 7));
  g_autofree double *values = g_new (double, 3 * (gsize) n);
  Channel channels[3];
  guint terms = 0;

  g_return_val_if_fail (width > 0 && height > 0
      && longest <= PROBE_THUMBHASH_SIDE, 0);
  split_channels (rgb, n, values, values + n, values + 2 * n);
  encode_channel (values, width, height, MAX (3, lx), MAX (3, ly),
      &channels[0]);
  encode_channel (values + n, width, height, 3, 3, &channels[1]);
  encode_channel (values + 2 * n, width, height, 3, 3, &channels[2]);
  memset (hash, 0, PROBE_THUMBHASH_MAX);
  write_header (channels, width > height ? ly : lx, width > height, hash);
  for (guint i = 0; i < 3; i++)
    terms = append_terms (&channels[i], hash, terms);
  return HEADER + (terms + 1) / 2;
}
