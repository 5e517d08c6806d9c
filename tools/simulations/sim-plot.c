/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures of a simulated day. One thread. */
#include "sim-plot.h"

#define WIDTH 640
#define HEIGHT 200
#define LEFT 50
#define TOP 30

static const char *const colors[] = { "#0b6e4f", "#3454d1", "#7b2d8b",
  "#c77700", "#777777", "#c1121f"
};

static double
find_most (const SimResult * results, gboolean standing)
{
  double most = 1;

  for (guint i = 0; i < SIM_N_POLICIES; i++)
    for (guint bin = 0; bin < results[i].n_bins; bin++)
      most = MAX (most, standing ? results[i].standing[bin]
          : results[i].running[bin]);
  return most;
}

static void
add_line (GString * svg, const SimResult * result, guint policy, double most,
    gboolean standing, int top)
{
  const double *values = standing ? result->standing : result->running;

  g_string_append_printf (svg, "<polyline fill=\"none\" stroke=\"%s\" "
      "stroke-width=\"1.5\" points=\"", colors[policy]);
  for (guint bin = 0; bin < result->n_bins; bin++)
    g_string_append_printf (svg, "%d,%d ",
        (int) (LEFT + (bin + 0.5) * WIDTH / result->n_bins),
        (int) (top + HEIGHT - values[bin] / most * HEIGHT));
  g_string_append (svg, "\"/>\n");
}

static void
add_text (GString * svg, int x, int y, const char *anchor, const char *text)
{
  g_string_append_printf (svg, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">"
      "%s</text>\n", x, y, anchor, text);
}

static void
add_hours (GString * svg, guint n_bins, int hour, int top)
{
  guint hours = n_bins * SIM_BIN / 1800;

  for (guint i = 0; i <= hours; i += hours > 12 ? 3 : 1) {
    g_autofree char *text = g_strdup_printf ("%02u:00", (hour + i) % 25);

    add_text (svg, (int) (LEFT + i * WIDTH / MAX (hours, 1)),
        top + HEIGHT + 16, "middle", text);
  }
}

static void
add_panel (GString * svg, const SimResult * results, gboolean standing,
    int hour, int top)
{
  double most = find_most (results, standing);
  g_autofree char *text = g_strdup_printf ("%.0f", most);
  guint n_bins = 0;

  g_string_append_printf (svg, "<rect x=\"%d\" y=\"%d\" width=\"%d\" "
      "height=\"%d\" fill=\"none\" stroke=\"#999\"/>\n", LEFT, top, WIDTH,
      HEIGHT);
  add_text (svg, LEFT - 6, top + 10, "end", text);
  add_text (svg, LEFT - 6, top + HEIGHT, "end", "0");
  add_text (svg, LEFT, top - 8, "start", standing
      ? "viewers that stand still" : "viewers");
  for (guint i = 0; i < SIM_N_POLICIES; i++) {
    if (results[i].n_bins == 0)
      continue;
    n_bins = results[i].n_bins;
    add_line (svg, &results[i], i, most, standing, top);
  }
  add_hours (svg, n_bins, hour, top);
}

gboolean
sim_plot_write (const char *path, const SimResult * results, int hour,
    GError ** error)
{
  g_autoptr (GString) svg = g_string_new (NULL);
  int second = TOP + HEIGHT + 60;

  g_string_append_printf (svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
      "viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"11\">\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
      LEFT + WIDTH + 90, second + HEIGHT + 30);
  add_panel (svg, results, FALSE, hour, TOP);
  add_panel (svg, results, TRUE, hour, second);
  for (guint i = 0; i < SIM_N_POLICIES; i++) {
    g_string_append_printf (svg, "<rect x=\"%d\" y=\"%d\" width=\"12\" "
        "height=\"3\" fill=\"%s\"/>\n", LEFT + WIDTH + 12,
        TOP + 10 + 18 * (int) i, colors[i]);
    add_text (svg, LEFT + WIDTH + 28, TOP + 15 + 18 * (int) i, "start",
        sim_policy_to_string (i));
  }
  g_string_append (svg, "</svg>\n");
  return g_file_set_contents (path, svg->str, (gssize) svg->len, error);
}
