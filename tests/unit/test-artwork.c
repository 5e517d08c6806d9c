/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ThumbHash: the header's fields, which can be told by hand; what pmss-probe says of pictures. */
#include <string.h>

#include "control/artwork/artwork.h"
#include "control/probe/thumbhash.h"
#include "libpmss/pmss-error.h"

static void
test_white (void)
{
  static const guint8 header[] = { 0x3f, 0x08, 0x02, 0x07, 0x00 };
  guint8 rgb[3 * 16], hash[PROBE_THUMBHASH_MAX];

  memset (rgb, 255, sizeof (rgb));
  /* 27 terms of lightness and five each of the colours */
  g_assert_cmpuint (probe_thumbhash (rgb, 4, 4, hash), ==, 5 + 19);
  g_assert_cmpmem (hash, sizeof (header), header, sizeof (header));
}

static void
test_ramp (void)
{
  g_autofree guint8 *rgb = g_malloc (3 * 100 * 50);
  guint8 hash[PROBE_THUMBHASH_MAX];

  for (guint i = 0; i < 3 * 100 * 50; i++)
    rgb[i] = (guint8) (i / 3 % 100 * 255 / 99);
  g_assert_cmpuint (probe_thumbhash (rgb, 100, 50, hash), ==, 5 + 14);
  /* half light, grey, a wide picture of seven times four */
  g_assert_cmpuint (hash[0] & 63, ==, 31);
  g_assert_cmpuint (hash[4] >> 7, ==, 1);
  g_assert_cmpuint (hash[3] & 7, ==, 4);
  /* it grows lighter to the right: the first term is the largest, and below zero */
  g_assert_cmpuint (hash[5] & 15, ==, 0);
}

static char *
hash_pattern (guint width, guint height)
{
  g_autofree guint8 *rgb = g_malloc (3 * (gsize) width * height);
  guint8 hash[PROBE_THUMBHASH_MAX], *pixel = rgb;
  GString *text = g_string_new (NULL);
  gsize length;

  for (guint y = 0; y < height; y++) {
    for (guint x = 0; x < width; x++, pixel += 3) {
      pixel[0] = (guint8) (x * 7 + y * 3);
      pixel[1] = (guint8) (x * x + y * 5);
      pixel[2] = (guint8) (x * y + 40);
    }
  }
  length = probe_thumbhash (rgb, width, height, hash);
  for (gsize i = 0; i < length; i++)
    g_string_append_printf (text, "%02x", hash[i]);
  return g_string_free (text, FALSE);
}

/* What the reference implementation, ThumbHash 1.0 in JavaScript, makes of the same pictures. */
static void
test_reference (void)
{
  static const struct
  {
    guint width, height;
    const char *hash;
  } vectors[] = {
    {32, 18, "5d180e248e507588658878867886807a0b7a78"},
    {18, 32, "1be80914083007856a988577787784630f6f8d"},
    {100, 75, "1f080605827677576758086565546787ed5fb4bc40"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (vectors); i++) {
    g_autofree char *hash = hash_pattern (vectors[i].width, vectors[i].height);

    g_assert_cmpstr (hash, ==, vectors[i].hash);
  }
}

static void
expect (const char *text, gboolean good)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssArtwork) artwork = pmss_artwork_parse (text, strlen (text),
      &error);

  g_test_message ("%.60s", text);
  g_assert_true ((artwork != NULL) == good);
  if (!good)
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_PROTOCOL);
}

/* What a hostile file has made the probe say. */
static void
test_hostile (void)
{
  g_autofree char *large = g_strnfill (400000, '/');
  g_autofree char *too_large = g_strdup_printf ("{\"sprite\": \"%s\","
      " \"tiles\": [1]}", large);

  expect ("{}", TRUE);
  expect ("{\"poster\": \"/9j/4A==\", \"thumbhash\": null}", TRUE);
  expect ("{\"sprite\": \"/9j/4A==\", \"tiles\": [0, 7]}", TRUE);
  expect ("", FALSE);
  expect ("[]", FALSE);
  expect ("{\"poster\": \"PHN2Zz4=\"}", FALSE);
  expect ("{\"poster\": 1}", FALSE);
  expect ("{\"poster\": \"\"}", FALSE);
  expect ("{\"thumbhash\": \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}",
      FALSE);
  expect ("{\"sprite\": \"/9j/4A==\"}", FALSE);
  expect ("{\"tiles\": [0]}", FALSE);
  expect ("{\"sprite\": \"/9j/4A==\", \"tiles\": [7, 7]}", FALSE);
  expect ("{\"sprite\": \"/9j/4A==\", \"tiles\": [\"1\"]}", FALSE);
  expect ("{\"peaks\": [1]}", FALSE);
  expect (too_large, FALSE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/artwork/white", test_white);
  g_test_add_func ("/artwork/ramp", test_ramp);
  g_test_add_func ("/artwork/reference", test_reference);
  g_test_add_func ("/artwork/hostile", test_hostile);
  return g_test_run ();
}
