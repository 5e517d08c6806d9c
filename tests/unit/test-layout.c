/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "libpmss/pmss-error.h"
#include "libpmss/pmss-json.h"
#include "libpmss/format/pmss-layout.h"

#define UNIT 4096
#define EXTENT (UNIT * 8)

/* 4+2 on 7 nodes; the last extent is short, shard 1 of extent 1 is lost */
static PmssLayout *
make_layout (guint64 size)
{
  PmssVersionId version = { {1, 2, 3} };
  g_autoptr (GError) error = NULL;
  PmssLayout *layout = pmss_layout_new (&version, size,
      (PmssRedundancy) {.k = 4,.m = 2 }, UNIT, EXTENT, &error);

  g_assert_no_error (error);
  for (guint i = 0; i < 7; i++) {
    PmssNode node = {.id = 10 + i,.address = (char *) "127.0.0.1",
      .port = 8471 + i,.tls = i == 3,.zone = (char *) (i == 2 ? "east" : "")
    };

    g_assert_cmpuint (pmss_layout_add_node (layout, &node), ==, i);
  }
  for (guint32 i = 0; i < pmss_layout_get_n_extents (layout); i++) {
    gint nodes[6];

    for (guint j = 0; j < 6; j++)
      nodes[j] = i == 1 && j == 1 ? -1 : (gint) ((i + j) % 7);
    pmss_layout_set_extent (layout, i, nodes);
  }
  return layout;
}

static void
test_round_trip (void)
{
  g_autoptr (PmssLayout) layout = make_layout (2 * EXTENT + 5);
  g_autoptr (JsonNode) json = pmss_layout_to_json (layout);
  g_autofree char *text = json_to_string (json, FALSE);
  g_autoptr (JsonNode) parsed = pmss_json_parse (text, strlen (text), NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (PmssLayout) again = pmss_layout_from_json (parsed, &error);
  g_autoptr (JsonNode) json_again = NULL;
  g_autofree char *text_again = NULL;
  PmssExtentGeometry geometry;

  g_assert_no_error (error);
  json_again = pmss_layout_to_json (again);
  text_again = json_to_string (json_again, FALSE);
  g_assert_cmpstr (text, ==, text_again);

  g_assert_cmpuint (pmss_layout_get_n_extents (again), ==, 3);
  g_assert_cmpint (pmss_layout_get_shard_node (again, 1, 1), ==, -1);
  g_assert_cmpint (pmss_layout_get_shard_node (again, 2, 5), ==, 0);
  g_assert_cmpstr (pmss_layout_get_node (again, 2)->zone, ==, "east");
  g_assert_true (pmss_layout_get_node (again, 3)->tls);
  g_assert_cmpuint (pmss_layout_get_node (again, 6)->port, ==, 8477);
  pmss_layout_get_geometry (again, 2, &geometry);
  g_assert_cmpuint (geometry.payload, ==, 5);
  g_assert_true (pmss_extent_geometry_check (&geometry, NULL));
}

static void
test_empty (void)
{
  g_autoptr (PmssLayout) layout = make_layout (0);
  g_autoptr (JsonNode) json = pmss_layout_to_json (layout);
  g_autoptr (PmssLayout) again = pmss_layout_from_json (json, NULL);

  g_assert_cmpuint (pmss_layout_get_n_extents (again), ==, 0);
  g_assert_cmpuint (pmss_layout_get_n_units (again), ==, 0);
}

/* Every unit is where the geometry of its extent says, and they cover the
 * file. */
static void
test_units (void)
{
  static const guint64 sizes[] = {
    1, UNIT, UNIT + 1, EXTENT - 1, EXTENT, EXTENT + 1, 3 * EXTENT + 5 * UNIT + 9
  };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autoptr (PmssLayout) layout = make_layout (sizes[i]);
    guint64 at = 0;

    for (guint64 unit = 0; unit < pmss_layout_get_n_units (layout); unit++) {
      PmssExtentGeometry geometry;
      PmssUnitPlace place;

      pmss_layout_locate_unit (layout, unit, &place);
      g_assert_cmpuint (place.offset, ==, at);
      pmss_layout_get_geometry (layout, place.extent, &geometry);
      g_assert_cmpuint (place.length, ==,
          pmss_extent_geometry_unit_length (&geometry, place.row, place.index));
      g_assert_cmpuint (place.offset, ==, (guint64) place.extent * EXTENT
          + (place.row * 4 + place.index) * UNIT);
      g_assert_cmpuint (pmss_layout_unit_at (layout, at), ==, unit);
      at += place.length;
      g_assert_cmpuint (pmss_layout_unit_at (layout, at - 1), ==, unit);
    }
    g_assert_cmpuint (at, ==, sizes[i]);
  }
}

static void
test_big (void)
{
  /* a terabyte, and offsets past 32 bits of units */
  PmssVersionId version = { {0} };
  g_autoptr (PmssLayout) layout = pmss_layout_new (&version,
      G_GUINT64_CONSTANT (1) << 45, (PmssRedundancy) {
      .k = 4,.m = 2}, UNIT, PMSS_MAX_EXTENT, NULL);
  PmssUnitPlace place;

  g_assert_nonnull (layout);
  g_assert_cmpuint (pmss_layout_get_n_units (layout), ==,
      G_GUINT64_CONSTANT (1) << 33);
  pmss_layout_locate_unit (layout, (G_GUINT64_CONSTANT (1) << 33) - 1, &place);
  g_assert_cmpuint (place.offset, ==, (G_GUINT64_CONSTANT (1) << 45) - UNIT);
  g_assert_cmpuint (place.extent, ==, (1u << 17) - 1);
  g_assert_cmpuint (place.row, ==, (1u << 14) - 1);
  g_assert_cmpuint (place.index, ==, 3);
}

static void
test_limits (void)
{
  static const struct
  {
    guint64 size;
    PmssRedundancy redundancy;
    guint32 unit, extent;
  } bad[] = {
    {1, {0, 2}, UNIT, EXTENT}, {1, {17, 2}, UNIT, 17 * UNIT},
    {1, {4, 5}, UNIT, EXTENT}, {1, {4, 2}, UNIT + 1, 4 * (UNIT + 1)},
    {1, {4, 2}, UNIT, 0}, {1, {4, 2}, UNIT, EXTENT + UNIT},
    {1, {4, 2}, UNIT, PMSS_MAX_EXTENT + EXTENT},
    {G_MAXUINT64, {4, 2}, UNIT, EXTENT}, {G_MAXINT64, {1, 0}, UNIT, UNIT},
  };
  PmssVersionId version = { {0} };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (pmss_layout_new (&version, bad[i].size, bad[i].redundancy,
            bad[i].unit, bad[i].extent, &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  }
}

static void
test_round_extent (void)
{
  const PmssRedundancy r42 = { 4, 2 }, r60 = { 6, 0 }, r164 = { 16, 4 };

  g_assert_cmpuint (pmss_layout_round_extent (16u << 20, r42, 256u << 10), ==,
      16u << 20);
  g_assert_cmpuint (pmss_layout_round_extent (16u << 20, r60, 256u << 10), ==,
      11 * (6 * (256u << 10)));
  g_assert_cmpuint (pmss_layout_round_extent (0, r60, UNIT), ==, 6 * UNIT);
  g_assert_cmpuint (pmss_layout_round_extent (G_MAXUINT32, r60, 4u << 20), ==,
      10 * 6 * (4u << 20));
  g_assert_cmpuint (pmss_layout_round_extent (1, r164, 4u << 20), ==,
      64u << 20);
}

#define HEAD "\"version\":\"000102030405060708090a0b0c0d0e0f\","
#define NUMBERS "\"size\":5,\"k\":1,\"m\":1,\"unit\":4096,\"extent\":4096,"
#define NODE(id, address, port) \
    "{\"id\":" id ",\"address\":\"" address "\",\"port\":" port \
    ",\"tls\":false,\"zone\":\"\"}"
#define NODES "\"nodes\":[" NODE ("1", "a", "1") "," NODE ("2", "b", "1") "],"
#define WITH_NODES(n) "{" HEAD NUMBERS "\"nodes\":[" n "],\"extents\":[[0,-1]]}"
#define WITH_EXTENTS(e) "{" HEAD NUMBERS NODES "\"extents\":" e "}"
#define WITH_NUMBERS(n) "{" HEAD n NODES "\"extents\":[[0,1]]}"

static PmssLayout *
parse (const char *text, GError ** error)
{
  g_autoptr (JsonNode) json = pmss_json_parse (text, strlen (text), NULL);

  g_test_message ("%s", text);
  g_assert_nonnull (json);
  return pmss_layout_from_json (json, error);
}

static void
test_accepts (void)
{
  static const char *const good[] = {
    WITH_EXTENTS ("[[0,1]]"), WITH_EXTENTS ("[[1,0]]"),
    WITH_EXTENTS ("[[-1,0]]"), WITH_EXTENTS ("[[-1,-1]]"),
    WITH_NODES (NODE ("4294967295", "::1", "65535")),
    "{\"later\":1," HEAD NUMBERS NODES "\"extents\":[[0,1]]}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (good); i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (PmssLayout) layout = parse (good[i], &error);

    g_assert_no_error (error);
    g_assert_nonnull (layout);
  }
}

static void
test_refuses (void)
{
  static const char *const bad[] = {
    "[]", "1", "{}", "null",
    WITH_EXTENTS ("[]"), WITH_EXTENTS ("[[0,1],[0,1]]"), WITH_EXTENTS ("[1]"),
    WITH_EXTENTS ("[[0]]"), WITH_EXTENTS ("[[0,1,0]]"),
    WITH_EXTENTS ("[[0,0]]"), WITH_EXTENTS ("[[0,2]]"),
    WITH_EXTENTS ("[[0,-2]]"), WITH_EXTENTS ("[[0,1.0]]"),
    WITH_EXTENTS ("[[0,null]]"), WITH_EXTENTS ("[[0,\"1\"]]"),
    WITH_EXTENTS ("[[0,4294967296]]"), WITH_EXTENTS ("[[0,65536]]"),
    WITH_EXTENTS ("{}"), WITH_EXTENTS ("null"),
    WITH_NODES (""), WITH_NODES ("1"), WITH_NODES ("{}"),
    WITH_NODES (NODE ("0", "a", "1")), WITH_NODES (NODE ("-1", "a", "1")),
    WITH_NODES (NODE ("4294967296", "a", "1")),
    WITH_NODES (NODE ("1.5", "a", "1")), WITH_NODES (NODE ("1", "", "1")),
    WITH_NODES (NODE ("1", "a b", "1")), WITH_NODES (NODE ("1", "[::1]", "1")),
    WITH_NODES (NODE ("1", "a/b", "1")), WITH_NODES (NODE ("1", "a@b", "1")),
    WITH_NODES (NODE ("1", "a:80", "1")), WITH_NODES (NODE ("1", "a", "0")),
    WITH_NODES (NODE ("1", "a\\r\\nX", "1")),
    WITH_NODES (NODE ("1", "a", "65536")), WITH_NODES (NODE ("1", "a", "-1")),
    WITH_NODES (NODE ("1", "a", "\"1\"")),
    WITH_NODES (NODE ("1", "a", "1") "," NODE ("1", "b", "1")),
    WITH_NODES ("{\"id\":1,\"address\":\"a\",\"port\":1,\"zone\":\"\"}"),
    WITH_NODES ("{\"id\":1,\"address\":\"a\",\"port\":1,\"tls\":false}"),
    WITH_NUMBERS ("\"size\":-1,\"k\":1,\"m\":1,\"unit\":4096,\"extent\":4096,"),
    WITH_NUMBERS ("\"size\":5.0,\"k\":1,\"m\":1,\"unit\":4096,"
        "\"extent\":4096,"),
    WITH_NUMBERS ("\"size\":9223372036854775807,\"k\":1,\"m\":1,"
        "\"unit\":4096,\"extent\":4096,"),
    WITH_NUMBERS ("\"size\":0,\"k\":1,\"m\":1,\"unit\":4096,\"extent\":4096,"),
    WITH_NUMBERS ("\"size\":4097,\"k\":1,\"m\":1,\"unit\":4096,"
        "\"extent\":4096,"),
    WITH_NUMBERS ("\"size\":5,\"k\":0,\"m\":1,\"unit\":4096,\"extent\":4096,"),
    WITH_NUMBERS ("\"size\":5,\"k\":257,\"m\":1,\"unit\":4096,"
        "\"extent\":4096,"),
    WITH_NUMBERS ("\"size\":5,\"k\":1,\"m\":-1,\"unit\":4096,"
        "\"extent\":4096,"),
    WITH_NUMBERS ("\"size\":5,\"k\":1,\"m\":1,\"unit\":4097,"
        "\"extent\":4097,"),
    WITH_NUMBERS ("\"size\":5,\"k\":1,\"m\":1,\"unit\":8192,"
        "\"extent\":4096,"),
    WITH_NUMBERS ("\"size\":5,\"k\":1,\"m\":1,\"unit\":4096,\"extent\":0,"),
    WITH_NUMBERS ("\"size\":5,\"k\":1,\"m\":1,\"unit\":4096,"
        "\"extent\":268439552,"),
    WITH_NUMBERS ("\"size\":5,\"k\":1,\"m\":1,\"unit\":4096,"
        "\"extent\":4294971392,"),
    WITH_NUMBERS ("\"k\":1,\"m\":1,\"unit\":4096,\"extent\":4096,"),
    "{\"version\":\"*\"," NUMBERS NODES "\"extents\":[[0,1]]}",
    "{\"version\":1," NUMBERS NODES "\"extents\":[[0,1]]}",
    "{" NUMBERS NODES "\"extents\":[[0,1]]}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;

    g_assert_null (parse (bad[i], &error));
    g_assert_error (error, PMSS_ERROR, PMSS_ERROR_INVALID);
  }
  g_assert_null (pmss_layout_from_json (NULL, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/layout/round-trip", test_round_trip);
  g_test_add_func ("/layout/empty", test_empty);
  g_test_add_func ("/layout/units", test_units);
  g_test_add_func ("/layout/big", test_big);
  g_test_add_func ("/layout/limits", test_limits);
  g_test_add_func ("/layout/round-extent", test_round_extent);
  g_test_add_func ("/layout/accepts", test_accepts);
  g_test_add_func ("/layout/refuses", test_refuses);
  return g_test_run ();
}
