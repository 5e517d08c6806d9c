/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two years of figures: what is kept for how long, and what faults of the file and the clock do to it. */
#include "control/monitor/history.h"

#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include <glib/gstdio.h>

#include "control-fixture.h"
#include "control/monitor/columns.h"
#include "libpmss/pmss-error.h"

#define NODE 7
#define MINUTE 60
#define HOUR 3600
#define DAY 86400
#define START (20000 * (gint64) DAY)
#define CPU (2 * 0)
#define CPU_MAX (2 * 0 + 1)

/* Warnings, a line each. */
static GMutex said_lock;
static GString *said;

static GLogWriterOutput
write_log (GLogLevelFlags level, const GLogField * fields, gsize n,
    gpointer data)
{
  if ((level & G_LOG_LEVEL_WARNING) == 0)
    return g_log_writer_default (level, fields, n, data);
  g_mutex_lock (&said_lock);
  for (gsize i = 0; i < n; i++)
    if (g_str_equal (fields[i].key, "MESSAGE"))
      g_string_append_printf (said, "%s\n", (const char *) fields[i].value);
  g_mutex_unlock (&said_lock);
  return G_LOG_WRITER_HANDLED;
}

/* The warnings since the last time, and no others. */
static void
assert_said (const char *pattern, guint lines)
{
  guint n = 0;

  g_mutex_lock (&said_lock);
  for (const char *c = said->str; *c != '\0'; c++)
    n += *c == '\n';
  if (n != lines || !g_pattern_match_simple (pattern, said->str))
    g_error ("%s", said->str);
  g_string_truncate (said, 0);
  g_mutex_unlock (&said_lock);
}

typedef struct
{
  char *folder, *path;
  PmssDatabase *database;
  GArray *waiting;              /* of PmssHistoryPut */
} Fixture;

static void
open_file (Fixture * f)
{
  g_autoptr (GError) error = NULL;

  f->database = pmss_database_open_kind (&pmss_history_kind, f->path, &error);
  g_assert_no_error (error);
}

static void
setup (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->folder = g_dir_make_tmp ("pmss-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->folder, "history.db", NULL);
  f->waiting = g_array_new (FALSE, FALSE, sizeof (PmssHistoryPut));
}

static void
teardown (Fixture * f, gconstpointer data)
{
  g_clear_pointer (&f->database, pmss_database_close);
  assert_said ("", 0);
  control_fixture_remove_tree (f->folder);
  g_array_unref (f->waiting);
  g_free (f->folder);
  g_free (f->path);
}

static void
add_row (GArray * rows, guint node, double cpu, double max)
{
  GByteArray *bytes = g_byte_array_new ();
  PmssHistoryRow row = { node };

  pmss_columns_append (bytes, CPU, cpu);
  pmss_columns_append (bytes, CPU_MAX, max);
  /* one that only a newer control knows */
  pmss_columns_append (bytes, 0x4711, 1);
  row.bytes = g_byte_array_free_to_bytes (bytes);
  g_array_append_val (rows, row);
}

static GArray *
make_rows (double cpu)
{
  GArray *rows = pmss_history_rows_new ();

  add_row (rows, NODE, cpu, 2 * cpu);
  add_row (rows, 1000, 1, 1);
  return rows;
}

/* What was put since the last time, in one commit: hundreds would take a test's time. */
static gboolean
put_waiting (PmssDatabase * database, gpointer data, GError ** error)
{
  Fixture *f = data;

  for (guint i = 0; i < f->waiting->len; i++) {
    PmssHistoryPut *what = &g_array_index (f->waiting, PmssHistoryPut, i);

    if (!pmss_history_file_put (database, what, error))
      return FALSE;
    g_array_unref ((GArray *) what->rows);
  }
  g_array_set_size (f->waiting, 0);
  return TRUE;
}

static void
put (Fixture * f, PmssLevel level, gint64 time, double cpu)
{
  const PmssHistoryPut what = { level, time, make_rows (cpu) };

  g_array_append_val (f->waiting, what);
}

/* Until nothing is due; it has to come to an end. */
static gboolean
keep_all (PmssDatabase * database, gpointer data, GError ** error)
{
  PmssHistoryUpkeep *upkeep = data;
  guint pieces = 0;

  do {
    g_assert_cmpuint (pieces++, <, 10000);
    if (!pmss_history_file_keep (database, upkeep, error))
      return FALSE;
  } while (upkeep->more);
  /* how many did something */
  upkeep->now = pieces - 1;
  return TRUE;
}

static guint
keep (Fixture * f, gint64 now)
{
  PmssHistoryUpkeep upkeep = { now };
  g_autoptr (GError) error = NULL;

  g_assert_true (pmss_database_transact (f->database, put_waiting, f, NULL));
  pmss_database_transact (f->database, keep_all, &upkeep, &error);
  g_assert_no_error (error);
  return (guint) upkeep.now;
}

static PmssChart *
make_chart (PmssLevel level, gint64 start, guint n)
{
  const PmssChartAxis axis = { start, pmss_level_get_info (level)->each, n };
  PmssChart *chart = pmss_chart_new (&axis);

  pmss_chart_add_line (chart, NODE, PMSS_SERIES_CPU);
  pmss_chart_add_line (chart, NODE, PMSS_SERIES_MEMORY);
  pmss_chart_add_line (chart, 500, PMSS_SERIES_CPU);
  return chart;
}

static PmssChart *
read_chart (Fixture * f, PmssLevel level, gint64 start, guint n)
{
  PmssChart *chart = make_chart (level, start, n);
  PmssHistoryRead what = { level, chart };
  g_autoptr (GError) error = NULL;

  pmss_database_read (f->database, pmss_history_file_read, &what, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < n; i++) {
    g_assert_true (isnan (pmss_chart_get_mean (&g_array_index (chart->lines,
                    PmssChartLine, 1), i)));
    g_assert_true (isnan (pmss_chart_get_mean (&g_array_index (chart->lines,
                    PmssChartLine, 2), i)));
  }
  return chart;
}

static void
assert_near (double value, double expected)
{
  g_assert_cmpfloat_with_epsilon (value / expected, 1, 0.0015);
}

/* The CPU of NODE. */
static void
expect_value (Fixture * f, PmssLevel level, gint64 time, double cpu)
{
  g_autoptr (PmssChart) chart = read_chart (f, level, time, 1);
  const PmssChartLine *line = &g_array_index (chart->lines, PmssChartLine, 0);

  if (isnan (cpu)) {
    g_assert_true (isnan (pmss_chart_get_mean (line, 0)));
    return;
  }
  assert_near (pmss_chart_get_mean (line, 0), cpu);
  g_assert_cmpfloat (pmss_chart_get_max (line, 0), >=, 1.99 * cpu);
}

static gboolean
run_count (PmssDatabase * database, gpointer data, GError ** error)
{
  gint64 *counts = data;
  g_autoptr (PmssRows) rows = pmss_database_query (database,
      "SELECT (SELECT count(*) FROM recent), (SELECT count(*) FROM block)");

  if (!pmss_rows_next (rows, error))
    return FALSE;
  counts[0] = pmss_rows_int (rows, 0);
  counts[1] = pmss_rows_int (rows, 1);
  return TRUE;
}

static void
count (Fixture * f, gint64 counts[2])
{
  g_assert_true (pmss_database_read (f->database, run_count, counts, NULL));
}

/* A day and a bit, minute by minute: longer intervals have the mean and the largest, and what is packed is what was put. */
static void
test_levels (Fixture * f, gconstpointer data)
{
  const gint64 end = START + 26 * HOUR;
  gint64 counts[2];

  open_file (f);
  for (gint64 time = START; time < end; time += MINUTE) {
    gint64 minute = (time - START) / MINUTE;

    /* an hour's gap, and one of a few minutes */
    if ((minute >= 300 && minute < 360) || minute % 100 == 7)
      continue;
    put (f, PMSS_LEVEL_MINUTE, time, (double) (minute % 10 + 1));
    if (minute % 10 == 9)
      keep (f, time + MINUTE);
  }
  /* the first two hours are more than a day ago */
  expect_value (f, PMSS_LEVEL_MINUTE, START + 119 * MINUTE, NAN);
  expect_value (f, PMSS_LEVEL_MINUTE, START + 183 * MINUTE, 4);
  expect_value (f, PMSS_LEVEL_MINUTE, START + 207 * MINUTE, NAN);
  expect_value (f, PMSS_LEVEL_MINUTE, START + 310 * MINUTE, NAN);
  expect_value (f, PMSS_LEVEL_MINUTE, end - MINUTE, 10);
  expect_value (f, PMSS_LEVEL_MINUTE, end, NAN);
  expect_value (f, PMSS_LEVEL_TEN, START, (55 - 8) / 9.0);
  expect_value (f, PMSS_LEVEL_TEN, START + 600, 5.5);
  expect_value (f, PMSS_LEVEL_TEN, START + 30 * 600, NAN);
  expect_value (f, PMSS_LEVEL_TEN, end - 600, 5.5);
  expect_value (f, PMSS_LEVEL_HOUR, START + HOUR, (5 * 5.5
          + (55 - 8) / 9.0) / 6);
  expect_value (f, PMSS_LEVEL_HOUR, START + 5 * HOUR, NAN);
  expect_value (f, PMSS_LEVEL_HOUR, START + 2 * HOUR, 5.5);
  count (f, counts);
  /* no minute; the tens of two hours, the hours: of two nodes */
  g_assert_cmpint (counts[0], ==, 2 * (12 + 25));
  /* 12 of minutes and one of tens, for two columns of two nodes */
  g_assert_cmpint (counts[1], ==, 4 * (12 + 1));
  g_assert_cmpuint (keep (f, end + 1), ==, 0);
}

/* What is older than there is room for goes, of each level by itself. */
static void
test_pruned (Fixture * f, gconstpointer data)
{
  gint64 counts[2];

  open_file (f);
  for (guint day = 0; day < 900; day++) {
    put (f, PMSS_LEVEL_HOUR, START + day * DAY, 0.5);
    put (f, PMSS_LEVEL_TEN, START + day * DAY, 0.25);
    if (day % 30 == 29)
      keep (f, START + (day + 1) * DAY);
  }
  count (f, counts);
  g_assert_cmpint (counts[1], ==, 4 * (74 + 31));
  expect_value (f, PMSS_LEVEL_HOUR, START + (900 - 735) * DAY, 0.5);
  expect_value (f, PMSS_LEVEL_HOUR, START + (900 - 745) * DAY, NAN);
  expect_value (f, PMSS_LEVEL_TEN, START + (900 - 31) * DAY, 0.25);
  expect_value (f, PMSS_LEVEL_TEN, START + (900 - 32) * DAY, NAN);
}

/* Ahead by ten years for three hours, at 1970 for as long, back by half an hour: nothing that was there goes, and nothing is done without end. */
static void
test_clock (Fixture * f, gconstpointer data)
{
  const gint64 wrong[] = { START + 3650 * (gint64) DAY, 0, START + 90 * MINUTE,
    G_MAXINT64 / 2 / HOUR * HOUR, -DAY
  };

  open_file (f);
  for (guint i = 0; i < 240; i++)
    put (f, PMSS_LEVEL_MINUTE, START + i * MINUTE, 0.5);
  keep (f, START + 4 * HOUR);
  for (guint w = 0; w < G_N_ELEMENTS (wrong); w++) {
    for (guint i = 0; i < 180; i++)
      put (f, PMSS_LEVEL_MINUTE, wrong[w] + i * MINUTE, 0.25);
    g_assert_cmpuint (keep (f, wrong[w] + 3 * HOUR), <, 100);
    expect_value (f, PMSS_LEVEL_MINUTE, START, 0.5);
    expect_value (f, PMSS_LEVEL_TEN, START + 600, 0.5);
    expect_value (f, PMSS_LEVEL_HOUR, START, 0.5);
  }
  /* the clock is right again */
  for (guint i = 240; i < 480; i++)
    put (f, PMSS_LEVEL_MINUTE, START + i * MINUTE, 0.125);
  g_assert_cmpuint (keep (f, START + 8 * HOUR), <, 100);
  expect_value (f, PMSS_LEVEL_MINUTE, START + 89 * MINUTE, 0.5);
  /* what was said later of the same time counts */
  expect_value (f, PMSS_LEVEL_MINUTE, START + 100 * MINUTE, 0.25);
  expect_value (f, PMSS_LEVEL_MINUTE, START + 300 * MINUTE, 0.125);
  expect_value (f, PMSS_LEVEL_TEN, START + 460 * MINUTE, 0.125);
}

/* --- the object --- */

static void
put_minute (PmssHistory * history, gint64 time, double cpu)
{
  pmss_history_put (history, time, make_rows (cpu));
  pmss_history_settle (history);
}

/* The CPU of the minute; NaN: none. */
static double
read_minute (PmssHistory * history, gint64 time)
{
  g_autoptr (PmssChart) chart = make_chart (PMSS_LEVEL_MINUTE, time, 1);
  g_autoptr (GError) error = NULL;

  if (pmss_history_read (history, PMSS_LEVEL_MINUTE, chart, &error))
    return pmss_chart_get_mean (&g_array_index (chart->lines, PmssChartLine,
            0), 0);
  g_assert_error (error, PMSS_ERROR, PMSS_ERROR_BUSY);
  return -1;
}

static PmssHistory *
start (Fixture * f)
{
  g_autoptr (GError) error = NULL;
  PmssHistory *history = pmss_history_new (f->folder, NULL, NULL, &error);

  g_assert_no_error (error);
  return history;
}

static void
assert_fault (PmssHistory * history, const char *words)
{
  g_autofree char *fault = pmss_history_get_fault (history);

  if (words == NULL) {
    g_assert_null (fault);
    return;
  }
  g_assert_nonnull (fault);
  g_assert_nonnull (strstr (fault, "history.db"));
  g_assert_nonnull (strstr (fault, words));
}

static void
test_restart (Fixture * f, gconstpointer data)
{
  PmssHistory *history = start (f);

  for (guint i = 0; i < 5; i++)
    pmss_history_put (history, START + i * MINUTE, make_rows (0.5));
  pmss_history_free (history);
  history = start (f);
  put_minute (history, START + 6 * MINUTE, 0.25);
  g_assert_cmpint (pmss_history_get_written (history), ==, START + 7 * MINUTE);
  assert_near (read_minute (history, START), 0.5);
  assert_near (read_minute (history, START + 4 * MINUTE), 0.5);
  g_assert_true (isnan (read_minute (history, START + 5 * MINUTE)));
  assert_near (read_minute (history, START + 6 * MINUTE), 0.25);
  assert_fault (history, NULL);
  pmss_history_free (history);
}

/* What cannot be a file now may be one later; the minutes wait for it, and not too many. */
static void
test_folder (Fixture * f, gconstpointer data)
{
  PmssHistory *history;

  g_assert_cmpint (g_mkdir (f->path, 0700), ==, 0);
  history = start (f);
  for (guint i = 0; i < PMSS_HISTORY_WAITING + 5; i++)
    put_minute (history, START + i * MINUTE, 0.5);
  /* said once */
  assert_said ("*history.db*cannot be used*Is a directory*\n", 1);
  assert_fault (history, "Is a directory");
  g_assert_cmpfloat (read_minute (history, START), ==, -1);
  g_assert_cmpint (g_rmdir (f->path), ==, 0);
  put_minute (history, START + 20 * MINUTE, 0.25);
  assert_fault (history, NULL);
  g_assert_true (isnan (read_minute (history, START + 5 * MINUTE)));
  assert_near (read_minute (history, START + 6 * MINUTE), 0.5);
  assert_near (read_minute (history, START + 20 * MINUTE), 0.25);
  pmss_history_free (history);
}

static guint
count_damaged (Fixture * f)
{
  g_autoptr (GDir) dir = g_dir_open (f->folder, 0, NULL);
  const char *name;
  guint n = 0;

  while ((name = g_dir_read_name (dir)) != NULL)
    n += g_str_has_prefix (name, "history.db.damaged-2");
  return n;
}

/* A file of other bytes is set aside, one of them is kept, and a new one begun. */
static void
test_damaged (Fixture * f, gconstpointer data)
{
  for (guint i = 0; i < 3; i++) {
    g_autofree char *bytes = g_strnfill (100000, (char) ('a' + i));
    PmssHistory *history;

    g_assert_true (g_file_set_contents (f->path, bytes, -1, NULL));
    history = start (f);
    put_minute (history, START, 0.5);
    assert_said
        ("*cannot be used: *file is not a database*\n*is damaged: it is *history.db.damaged-2*\n",
        2);
    assert_fault (history, NULL);
    assert_near (read_minute (history, START), 0.5);
    g_assert_cmpuint (count_damaged (f), ==, 1);
    pmss_history_free (history);
  }
}

/* Pages in the middle that are overwritten while it serves: what is found when it is written or read. */
static void
test_damaged_later (Fixture * f, gconstpointer data)
{
  PmssHistory *history = start (f);
  g_autofree char *bytes = NULL;
  gsize size;

  for (guint i = 0; i < 300; i++)
    put_minute (history, START + i * MINUTE, 0.5);
  pmss_history_free (history);
  g_assert_true (g_file_get_contents (f->path, &bytes, &size, NULL));
  g_assert_cmpuint (size, >, 8192);
  memset (bytes + 4096, 0xee, size - 4096);
  g_assert_true (g_file_set_contents (f->path, bytes, (gssize) size, NULL));
  history = start (f);
  put_minute (history, START + 300 * MINUTE, 0.5);
  assert_said ("*cannot be used*malformed*\n*is damaged: it is *\n", 2);
  put_minute (history, START + 301 * MINUTE, 0.25);
  assert_fault (history, NULL);
  /* the one that could not be written waited */
  assert_near (read_minute (history, START + 300 * MINUTE), 0.5);
  g_assert_true (isnan (read_minute (history, START)));
  pmss_history_free (history);
}

/* A disk that takes no more, then some again. */
static void
test_full (Fixture * f, gconstpointer data)
{
  const struct rlimit none = { 4096, RLIM_INFINITY };
  const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
  PmssHistory *history = start (f);

  put_minute (history, START, 0.5);
  signal (SIGXFSZ, SIG_IGN);
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &none), ==, 0);
  for (guint i = 1; i < 4; i++)
    put_minute (history, START + i * MINUTE, 0.25);
  assert_said ("*cannot be used*\n", 1);
  assert_fault (history, "");
  g_assert_cmpint (setrlimit (RLIMIT_FSIZE, &all), ==, 0);
  put_minute (history, START + 4 * MINUTE, 0.125);
  assert_fault (history, NULL);
  assert_near (read_minute (history, START), 0.5);
  assert_near (read_minute (history, START + 1 * MINUTE), 0.25);
  assert_near (read_minute (history, START + 4 * MINUTE), 0.125);
  g_assert_cmpuint (count_damaged (f), ==, 0);
  pmss_history_free (history);
}

/* --- killed --- */

/* Another process: says of each minute that it is in the file. */
static void
write_minutes (const char *folder)
{
  PmssHistory *history = pmss_history_new (folder, NULL, NULL, NULL);

  for (gint64 i = 0;; i++) {
    put_minute (history, START + i * MINUTE, 0.5);
    g_print ("%" G_GINT64_FORMAT "\n", i);
  }
}

static void
test_killed (Fixture * f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSubprocess) writer =
      g_subprocess_new (G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, data,
      "--write", f->folder, NULL);
  g_autoptr (GDataInputStream) lines = NULL;
  PmssHistory *history;
  gint64 last = 0;

  g_assert_no_error (error);
  lines = g_data_input_stream_new (g_subprocess_get_stdout_pipe (writer));
  while (last < 150) {
    g_autofree char *line = g_data_input_stream_read_line (lines, NULL, NULL,
        NULL);

    g_assert_nonnull (line);
    last = g_ascii_strtoll (line, NULL, 10);
  }
  g_subprocess_force_exit (writer);
  g_subprocess_wait (writer, NULL, NULL);
  history = start (f);
  put_minute (history, START + 200000 * MINUTE, 0.5);
  assert_fault (history, NULL);
  for (gint64 i = 0; i <= last; i++)
    assert_near (read_minute (history, START + i * MINUTE), 0.5);
  pmss_history_free (history);
}

int
main (int argc, char **argv)
{
  setvbuf (stdout, NULL, _IOLBF, 0);
  if (argc == 3 && g_str_equal (argv[1], "--write"))
    write_minutes (argv[2]);
  g_test_init (&argc, &argv, NULL);
  said = g_string_new (NULL);
  g_log_set_writer_func (write_log, NULL, NULL);
#define ADD(name, func) g_test_add ("/history/" name, Fixture, argv[0], setup, func, teardown)
  ADD ("levels", test_levels);
  ADD ("pruned", test_pruned);
  ADD ("clock", test_clock);
  ADD ("restart", test_restart);
  ADD ("folder", test_folder);
  ADD ("damaged", test_damaged);
  ADD ("damaged-later", test_damaged_later);
  ADD ("full", test_full);
  ADD ("killed", test_killed);
  return g_test_run ();
}
