/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Exercises a source element from the outside, so that the same can be done
 * under a sanitizer, valgrind and GStreamer's tracers, and to file:// as well:
 *
 *   pull URI FILE SEED COUNT    random ranges, byte for byte
 *   push URI FILE SEED COUNT    random seeks, byte for byte
 *   cycles URI COUNT            state changes of all kinds
 *   seeks URI                   prints what demuxers get after seeks
 *   watch URI [PROPERTY=VALUE]  reads to the end, prints all messages; waits
 *                               after the first buffer for a line of input
 *   stop URI                    waits after the first buffer for a line of
 *                               input, stops, prints how long that took
 *   play playbin|playbin3 URI   plays, prints what it took
 *   opens URI COUNT             opens, closes, prints how many descriptors are open
 *   ways URI...                 prerolls each in all that take a URI, prints with
 *                               what
 *
 * Ends with 0 when all was as it should be, or with a message.
 */
#include "exercise.h"

#include <stdlib.h>

int
main (int argc, char **argv)
{
  const char *verb = argc > 1 ? argv[1] : "";

  gst_init (NULL, NULL);
  if (g_str_equal (verb, "pull") && argc == 6)
    exercise_pull (argv[2], argv[3], atoi (argv[4]), atoi (argv[5]));
  else if (g_str_equal (verb, "push") && argc == 6)
    exercise_push (argv[2], argv[3], atoi (argv[4]), atoi (argv[5]));
  else if (g_str_equal (verb, "cycles") && argc == 4)
    exercise_cycles (argv[2], atoi (argv[3]));
  else if (g_str_equal (verb, "seeks") && argc == 3)
    exercise_seeks (argv[2]);
  else if (g_str_equal (verb, "watch") && argc >= 3)
    exercise_watch (argv[2], argv + 3);
  else if (g_str_equal (verb, "stop") && argc == 3)
    exercise_stop (argv[2]);
  else if (g_str_equal (verb, "play") && argc == 4)
    exercise_play (argv[2], argv[3]);
  else if (g_str_equal (verb, "opens") && argc == 4)
    exercise_opens (argv[2], atoi (argv[3]));
  else if (g_str_equal (verb, "ways"))
    exercise_ways (argv + 2);
  else
    die ("see the head of main.c for the arguments");

  gst_deinit ();
  return 0;
}
