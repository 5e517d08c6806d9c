/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-viewers FILE PID BYTES-PER-SECOND INTERVAL-MS SECONDS: many viewers over plain HTTP, on one thread.
 *
 * Reads lines "HOST PORT TARGET OFFSET" and starts one viewer for each, INTERVAL-MS apart, and watches them for SECONDS once all have begun. A viewer asks
 * for TARGET from OFFSET on and takes each byte when it is due at that rate, so that its server has to wait. All bytes are compared with FILE. Prints one JSON
 * object: "late", the viewers that had a byte more than a second late; "longest", how late the latest byte was, in ms; "threads" and "memory", the most that the
 * process PID had meanwhile, anonymous memory in bytes; "seconds", those of all viewers together; "bytes", what they took. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <gio/gio.h>

/* What a viewer has in hand before it begins to play. */
#define HEAD_START G_USEC_PER_SEC
/* A player looks after its network so often. */
#define TICK 10000              /* us */
/* A receive buffer that does not hide a server's pauses: half a second at 8 Mbit/s. */
#define BUFFER (256 << 10)
#define LONGEST_PIECE (128 << 10)
#define LONGEST_HEAD 4096
/* Looking at a process's memory takes its locks. */
#define LOOK G_USEC_PER_SEC

typedef struct
{
  char **words;                 /* host, port, target, offset */
  GSocket *socket;
  GString *head;                /* of the answer, until it is whole */
  guint64 offset;               /* of the next byte, in the file */
  gint64 started;               /* us */
  gint64 first;                 /* when the first byte came; 0: none yet */
  guint64 taken;                /* bytes */
  gint64 latest;                /* us */
} Viewer;

typedef struct
{
  GMappedFile *file;
  const char *pid;
  double bytes_per_second;
  GPtrArray *viewers;
  guint started, begun;
  guint threads;
  guint64 memory;
} Viewers;

static void
viewer_free (gpointer data)
{
  Viewer *viewer = data;

  g_clear_object (&viewer->socket);
  g_string_free (viewer->head, TRUE);
  g_strfreev (viewer->words);
  g_free (viewer);
}

static void
read_viewers (Viewers * all)
{
  char line[LONGEST_HEAD];

  while (fgets (line, sizeof line, stdin) != NULL) {
    g_auto (GStrv) words = g_strsplit (g_strchomp (line), " ", 0);
    Viewer *viewer;

    if (g_strv_length (words) != 4)
      continue;
    viewer = g_new0 (Viewer, 1);
    viewer->words = g_steal_pointer (&words);
    viewer->offset = g_ascii_strtoull (viewer->words[3], NULL, 10);
    viewer->head = g_string_new (NULL);
    g_ptr_array_add (all->viewers, viewer);
  }
}

/* --- One of them --- */

static gboolean
start_viewer (Viewer * viewer, GError ** error)
{
  g_autoptr (GSocketAddress) address =
      g_inet_socket_address_new_from_string (viewer->words[0],
      atoi (viewer->words[1]));
  g_autofree char *request = g_strdup_printf ("GET %s HTTP/1.1\r\nHost: %s:%s"
      "\r\nRange: bytes=%s-\r\n\r\n", viewer->words[2], viewer->words[0],
      viewer->words[1], viewer->words[3]);

  viewer->started = g_get_monotonic_time ();
  viewer->socket = g_socket_new (G_SOCKET_FAMILY_IPV4, G_SOCKET_TYPE_STREAM,
      G_SOCKET_PROTOCOL_DEFAULT, error);
  if (viewer->socket == NULL
      || !g_socket_set_option (viewer->socket, SOL_SOCKET, SO_RCVBUF, BUFFER,
          error)
      || !g_socket_connect (viewer->socket, address, NULL, error)
      || g_socket_send (viewer->socket, request, strlen (request), NULL,
          error) < 0)
    return FALSE;
  g_socket_set_blocking (viewer->socket, FALSE);
  return TRUE;
}

/* What is there of at most @max bytes. 0: nothing; -1: the connection has ended. */
static gssize
receive (Viewer * viewer, char *buffer, gsize max, GError ** error)
{
  g_autoptr (GError) mine = NULL;
  gssize length = g_socket_receive (viewer->socket, buffer, max, NULL, &mine);

  if (length > 0)
    return length;
  if (g_error_matches (mine, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK))
    return 0;
  if (mine != NULL)
    g_propagate_error (error, g_steal_pointer (&mine));
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED, "an answer ended after "
        "%" G_GUINT64_FORMAT " bytes", viewer->taken);
  return -1;
}

/* Byte by byte, so that none of the body is taken. */
static gboolean
read_head (Viewer * viewer, GError ** error)
{
  gssize length;
  char byte;

  while ((length = receive (viewer, &byte, 1, error)) == 1) {
    g_string_append_c (viewer->head, byte);
    if (!g_str_has_suffix (viewer->head->str, "\r\n\r\n"))
      continue;
    viewer->first = g_get_monotonic_time ();
    if (g_str_has_prefix (viewer->head->str, "HTTP/1.1 206 "))
      return TRUE;
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "%.100s",
        viewer->head->str);
    return FALSE;
  }
  return length == 0;
}

static gboolean
check_bytes (Viewers * all, Viewer * viewer, const char *bytes, gsize length,
    GError ** error)
{
  const char *wanted = g_mapped_file_get_contents (all->file);

  if (viewer->offset + length <= g_mapped_file_get_length (all->file)
      && memcmp (bytes, wanted + viewer->offset, length) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "wrong bytes at %"
      G_GUINT64_FORMAT, viewer->offset);
  return FALSE;
}

/* Takes what is due. */
static gboolean
take (Viewers * all, Viewer * viewer, gint64 now, GError ** error)
{
  char buffer[LONGEST_PIECE];
  guint64 due = (now - viewer->first) * all->bytes_per_second / G_USEC_PER_SEC;
  gssize length = 1;

  while (viewer->taken < due && length > 0) {
    length = receive (viewer, buffer, MIN (sizeof buffer, due - viewer->taken),
        error);
    if (length < 0 || (length > 0
            && !check_bytes (all, viewer, buffer, length, error)))
      return FALSE;
    viewer->taken += length;
    viewer->offset += length;
  }
  viewer->latest = MAX (viewer->latest, (gint64) ((due - viewer->taken) /
          all->bytes_per_second * G_USEC_PER_SEC));
  return TRUE;
}

static gboolean
look_after (Viewers * all, Viewer * viewer, GError ** error)
{
  if (viewer->first == 0) {
    if (!read_head (viewer, error))
      return FALSE;
    if (viewer->first == 0)
      return TRUE;
    all->begun++;
  }
  return take (all, viewer, g_get_monotonic_time (), error);
}

/* --- All of them --- */

/* The number in a line "@key: N ..." of /proc/PID/status. */
static guint64
read_status (const char *text, const char *key)
{
  const char *line = strstr (text, key);

  return line != NULL ? g_ascii_strtoull (line + strlen (key), NULL, 10) : 0;
}

static void
look_at_server (Viewers * all)
{
  g_autofree char *path = g_strdup_printf ("/proc/%s/status", all->pid);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  all->threads = MAX (all->threads, read_status (text, "Threads:"));
  all->memory = MAX (all->memory, read_status (text, "RssAnon:") * 1024);
}

static gboolean
run (Viewers * all, gint64 interval, gint64 hold, GError ** error)
{
  gint64 now = g_get_monotonic_time (), next = now, end = 0, look = now;

  while (end == 0 || now < end) {
    if (all->started < all->viewers->len && now >= next) {
      if (!start_viewer (all->viewers->pdata[all->started++], error))
        return FALSE;
      next += interval;
    }
    for (guint i = 0; i < all->started; i++)
      if (!look_after (all, all->viewers->pdata[i], error))
        return FALSE;
    if (end == 0 && all->begun == all->viewers->len)
      end = now + hold;
    if (now >= look) {
      look_at_server (all);
      look += LOOK;
    }
    now += TICK;
    g_usleep (MAX (0, now - g_get_monotonic_time ()));
    now = g_get_monotonic_time ();
  }
  return TRUE;
}

static void
print_result (Viewers * all)
{
  gint64 now = g_get_monotonic_time (), longest = 0, played = 0;
  guint64 bytes = 0;
  guint late = 0;

  for (guint i = 0; i < all->viewers->len; i++) {
    Viewer *viewer = all->viewers->pdata[i];

    late += viewer->latest > HEAD_START;
    longest = MAX (longest, viewer->latest);
    played += now - viewer->started;
    bytes += viewer->taken;
  }
  g_print ("{\"viewers\": %u, \"late\": %u, \"longest\": %.1f, \"threads\": %u,"
      " \"memory\": %" G_GUINT64_FORMAT ", \"seconds\": %.3f, \"bytes\": %"
      G_GUINT64_FORMAT "}\n", all->viewers->len, late, longest / 1000.,
      all->threads, all->memory, (double) played / G_USEC_PER_SEC, bytes);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Viewers all = { 0 };
  gboolean ok;

  if (argc != 6) {
    g_printerr ("usage: bench-viewers FILE PID BYTES-PER-SECOND INTERVAL-MS "
        "SECONDS <LINES\n");
    return 64;
  }
  all.file = g_mapped_file_new (argv[1], FALSE, &error);
  all.viewers = g_ptr_array_new_with_free_func (viewer_free);
  all.pid = argv[2];
  all.bytes_per_second = g_ascii_strtod (argv[3], NULL);
  read_viewers (&all);
  ok = all.file != NULL && run (&all, atoi (argv[4]) * 1000LL,
      atoi (argv[5]) * G_USEC_PER_SEC, &error);
  if (ok)
    print_result (&all);
  else
    g_printerr ("%s\n", error->message);
  g_ptr_array_unref (all.viewers);
  g_clear_pointer (&all.file, g_mapped_file_unref);
  return ok ? 0 : 1;
}
