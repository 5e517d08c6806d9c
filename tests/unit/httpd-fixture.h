/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "httpd/pmss-httpd.h"

/* A real listener in this process, with a route for each thing that a handler can do, spoken to
 * over raw sockets. */

#define WAIT 20                 /* seconds after which a read has failed */

typedef struct
{
  PmssHttpd *httpd;
  guint16 port;
  char *file;
  gint begun;
  gint ended;
  gint unanswered;
  gint working;                 /* deferred requests so far */
  gint hold;                    /* deferred requests wait while it is set */
} Fixture;

Fixture *fixture_new   (const PmssHttpdConfig *overrides);
/* Stops in order: each request that began has ended. */
void     fixture_free  (Fixture *fixture);
/* One that is stopped already. */
void     fixture_forget (Fixture *fixture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Fixture, fixture_free)

#define GET(target, more) \
  "GET " target " HTTP/1.1\r\nHost: x\r\n" more "Connection: close\r\n\r\n"

/* A connection. */
int      dial          (Fixture *fixture);
/* The same; -1: nobody listens. */
int      try_dial      (Fixture *fixture);
/* @length: -1: all of the string. */
void     say           (int fd, const char *bytes, gssize length);
/* Everything until the server closes, and closes; fails when it does not in time. */
char    *hear          (int fd);
char    *exchange      (Fixture *fixture, const char *bytes, gssize length);
/* The status lines in what was heard, "200 416". */
char    *statuses      (const char *heard);
/* @wanted: statuses */
void     assert_answer (Fixture *fixture, const char *bytes, gssize length, const char *wanted);
