/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "libpmss/pmss-json-writer.h"

G_BEGIN_DECLS

/**
 * PmssEvent:
 *
 * Something that happened, to an object, at a time, by a user, for a reason. docs/protocol.md
 * describes it (Event). A value without a thread; this file only forms texts of it.
 */
typedef enum { PMSS_TOPIC_NODES, PMSS_TOPIC_JOBS, PMSS_TOPIC_SESSIONS, PMSS_TOPIC_MEDIA,
    PMSS_TOPIC_HEALTH, PMSS_TOPIC_UPLOADS, PMSS_TOPIC_ACCOUNTS, PMSS_N_TOPICS } PmssTopic;
const char *pmss_topic_to_string (PmssTopic topic);
gboolean    pmss_topic_parse     (const char *text, PmssTopic *topic);

typedef enum { PMSS_EVENT_DONE, PMSS_EVENT_REFUSED, PMSS_EVENT_FAILED } PmssEventResult;
const char *pmss_event_result_to_string (PmssEventResult result);
gboolean    pmss_event_result_parse     (const char *text, PmssEventResult *result);
/* Of a request that was answered with @status. */
PmssEventResult pmss_event_result_of    (guint status);

typedef struct
{
  gint64 id;                    /* in the log; 0: it is not there */
  gint64 time;                  /* seconds since 1970 */
  const char *action;           /* "user add"; its first word is the topic */
  PmssEventResult result;
  const char *user;             /* nullable: nobody who has logged in */
  const char *address;          /* nullable: of the peer */
  const char *object;           /* nullable */
  const char *detail;           /* nullable */
  guint status;                 /* of the answer; 0: it was no request */
  gboolean frequent;            /* it happens all the time: a bounded number is written */
  /* done by viewers and strangers, or refused: it does not displace others in the log */
  gboolean minor;
} PmssEvent;

/* Owns its strings. */
PmssEvent  *pmss_event_copy (const PmssEvent *event);
void        pmss_event_free (PmssEvent *event);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (PmssEvent, pmss_event_free)

PmssTopic   pmss_event_get_topic (const PmssEvent *event);
/* Its line of the journal: always one line of visible characters, even if a part has others. */
char       *pmss_event_to_line   (const PmssEvent *event);
/* Its object of the API. */
void        pmss_event_write     (const PmssEvent *event, PmssJsonWriter *json);

G_END_DECLS
