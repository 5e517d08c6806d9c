/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fake-peer.h"
#include "libpmss/reader/pmss-reader.h"

G_BEGIN_DECLS

/**
 * FakeCluster:
 *
 * A control server and storage servers, one for each shard of a medium's
 * extents, that behave as a test wants: for what proper servers do not do to
 * a reader.
 */
#define CLUSTER_UNIT 4096u
#define CLUSTER_MAX_NODES 6

typedef struct _FakeCluster FakeCluster;

typedef struct
{
  FakeCluster *cluster;
  guint index;
  FakePeer *peer;
  const char *address;          /* in the layout; NULL: where it listens */
  /* Answers a request for records in place of the proper answer; NULL: none.
   * @first, @length: of the range; @shard: the whole file. Its thread. */
  gboolean (*misbehave) (const FakeRequest *request, FakeAnswer *answer, GBytes *shard,
    gsize first, gsize length);
  gboolean sick;                /* does not answer probes */
  const char *health;           /* status of the answer to probes; NULL: 200 */
  int gone;                     /* atomic: hangs up on so many probes, and on requests meanwhile */
  int requests;                 /* atomic: for records */
  int probes;                   /* atomic */
} FakeNode;

struct _FakeCluster
{
  PmssRedundancy redundancy;
  guint64 size;
  guint8 *bytes;
  PmssLayout *layout;
  GBytes *shards[PMSS_MAX_SHARDS];    /* of the only extent */
  FakeNode nodes[CLUSTER_MAX_NODES];
  FakePeer *control;
  gboolean tls;                 /* of it */
  GMutex lock;                  /* protects what follows */
  guint lease;                  /* s, of the next session */
  guint64 bitrate;              /* that control tells, bit/s; 0: none */
  gboolean silent;              /* control: it does not answer renewals */
  gboolean forgets;             /* control: it knows no session any more */
  gboolean replaced;            /* control: the medium has another version */
  guint delay;                  /* ms, of a new session's answer */
  guint renewals;
  const char *reports_status;   /* control: what reports are answered with; NULL: nothing */
  GString *reports;             /* all that was reported, a line a request */
  guint n_reports;              /* requests */
  PmssLayout *next_layout;      /* (nullable): what control says by now of the medium's */
  guint n_layouts;              /* requests for one */
  gboolean tells_renewals;      /* control: renewals say which generation is the present one */
  guint lost_renewals;          /* control: so many renewals are not answered */
  /* control: so many sessions are opened and the answers to that lost */
  guint lost_openings;
  GHashTable *sessions;         /* id: open */
  guint n_openings;             /* requests for one */
  guint refusals;               /* control: so many are refused, */
  const char *refusal;          /* with this problem, */
  const char *retry_after;      /* (nullable): and this header */
  guint deferrals;              /* control: so many, after these, get a start in the future, */
  const char *start_in;         /* in so many ns */
  gint64 opened_at;             /* when a session got its token last, monotonic */
  char *asked;                  /* body of the last request for a session */
  guint n_sessions;             /* that were ever opened */
};

/* @size: at most an extent of 8 rows. */
FakeCluster *fake_cluster_new  (PmssRedundancy redundancy, guint64 size);
void         fake_cluster_free (FakeCluster *cluster);
/* After the nodes were told how to behave: a reader of the medium, with a client of its own. */
PmssReader  *fake_cluster_new_reader (FakeCluster *cluster);
/* Control listens anew, with TLS and @certificate. Before there is a reader. */
void         fake_cluster_control_tls (FakeCluster *cluster, GTlsCertificate *certificate);
/* The same, opened. */
PmssReader  *fake_cluster_open (FakeCluster *cluster, const char *first_property,
    ...) G_GNUC_NULL_TERMINATED;
/* @node becomes one that has shard @index as well; to be stopped with fake_peer_free
 * (node->peer). */
void         fake_node_start   (FakeNode *node, FakeCluster *cluster, guint index);
/* That are open. */
guint        fake_cluster_count_sessions (FakeCluster *cluster);
guint        fake_cluster_count_renewals (FakeCluster *cluster);
/* Requests with reports; @text: (out) (optional): all of them, a line each. */
guint        fake_cluster_count_reports  (FakeCluster *cluster, char **text);
guint        fake_cluster_count_openings (FakeCluster *cluster);

/* The proper answer to a request for records. */
void         fake_node_answer (FakeAnswer *answer, GBytes *shard, gsize first, gsize length);
/* To misbehave: begins the answer, and goes on with a byte now and then. */
gboolean     fake_node_trickle (const FakeRequest *request, FakeAnswer *answer, GBytes *shard,
    gsize first, gsize length);
/* Reads all of the medium and compares it. */
gboolean     fake_cluster_read_all (FakeCluster *cluster, PmssReader *reader, GError **error);
/* Reads one byte and compares it. */
void         fake_cluster_read_byte (FakeCluster *cluster, PmssReader *reader, guint64 offset);
guint64      reader_get_counter (PmssReader *reader, const char *name);

G_END_DECLS
