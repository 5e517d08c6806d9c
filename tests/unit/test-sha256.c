/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "libpmss/pmss-sha256.h"

static void
assert_sum (const char *text, const char *expected)
{
  PmssSha256 *sha256 = pmss_sha256_new ();
  g_autofree char *sum = NULL;

  pmss_sha256_update (sha256, text, strlen (text));
  sum = pmss_sha256_finish (sha256);
  g_assert_cmpstr (sum, ==, expected);
}

/* FIPS 180-2, appendix B; the empty message. */
static void
test_published (void)
{
  assert_sum ("",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  assert_sum ("abc",
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  assert_sum ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

/* In pieces of any length it is what GLib says. */
static void
test_pieces (void)
{
  g_autofree guint8 *data = g_malloc (100000);

  for (guint i = 0; i < 100000; i++)
    data[i] = g_test_rand_int ();
  for (guint round = 0; round < 50; round++) {
    gsize size = g_test_rand_int_range (0, 100000);
    PmssSha256 *sha256 = pmss_sha256_new ();
    g_autofree char *expected = g_compute_checksum_for_data (G_CHECKSUM_SHA256,
        data, size);
    g_autofree char *sum = NULL;

    for (gsize at = 0, n; at < size; at += n) {
      n = g_test_rand_int_range (0, 9000);
      n = MIN (n, size - at);
      pmss_sha256_update (sha256, data + at, n);
    }
    sum = pmss_sha256_finish (sha256);
    g_assert_cmpstr (sum, ==, expected);
  }
}

static void
test_given_up (void)
{
  g_autoptr (PmssSha256) sha256 = pmss_sha256_new ();

  pmss_sha256_update (sha256, "abc", 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sha256/published", test_published);
  g_test_add_func ("/sha256/pieces", test_pieces);
  g_test_add_func ("/sha256/given-up", test_given_up);
  return g_test_run ();
}
