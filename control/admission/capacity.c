/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a storage server can send, by its figures. Pure. */
#include "control/admission/capacity.h"

#include "control/admission/calendar.h"

/* A cost is known by so much load, */
#define LEAST_SENT 1e6          /* bytes/s */
/* for so long. */
#define LEAST_SECONDS 10
/* Of a unit: below it a cost says nothing, as the clocks of kernels are coarse. */
#define LEAST_OWN 0.005
/* Of each new figure; so that a second alone decides nothing. */
#define NEW_PART 0.2
#define LEAST_HIT 0.01          /* of requests, that the disk has to bring */
#define BAD_FACTOR 0.97
#define GOOD_STEP 0.005
#define GOOD_SECONDS 10
/* of its requests, that its disk brought late */
#define LATE_PART 0.01
#define KEPT_PART 0.9           /* of what was promised */
#define LEAST_MEMORY_PART 0.05
#define LEAST_MEMORY (64.0 * 1024 * 1024)

const char *
pmss_resource_to_string (PmssResource resource)
{
  static const char *const names[PMSS_N_RESOURCES] = {
    [PMSS_RESOURCE_NETWORK] = "network",
    [PMSS_RESOURCE_CPU] = "cpu",
    [PMSS_RESOURCE_DISK] = "disk",
    [PMSS_RESOURCE_MEMORY] = "memory",
  };

  return names[resource];
}

void
pmss_capacity_init (PmssCapacity * self)
{
  *self = (PmssCapacity) {
  .cpu.each = PMSS_UNKNOWN,.disk.each = PMSS_UNKNOWN,.correction = 1};
  for (guint i = 0; i < PMSS_N_RESOURCES; i++)
    self->limit[i] = PMSS_CALENDAR_NO_LIMIT;
}

void
pmss_capacity_restore (PmssCapacity * self, PmssResource binds, guint64 bytes)
{
  self->limit[PMSS_RESOURCE_NETWORK] = PMSS_CAPACITY_MOST;
  self->limit[binds] = MIN (bytes, PMSS_CAPACITY_MOST);
}

static double
known (double figure)
{
  return isnan (figure) ? 0 : figure;
}

/* The first figure counts whole. */
static double
smooth (double before, double figure)
{
  return isnan (before) ? figure : before + NEW_PART * (figure - before);
}

/* @rate: bytes/s */
static guint64
in_slot (double rate)
{
  double bytes = rate * PMSS_SLOT;

  /* also what is no number */
  if (!(bytes > 0))
    return 0;
  return bytes >= (double) PMSS_CAPACITY_MOST ? PMSS_CAPACITY_MOST
      : (guint64) bytes;
}

/* Of @total units others use @others and it uses @own, with which it sends @sent bytes/s. */
static guint64
weigh (PmssCost * cost, double sent, double own, double others, double total)
{
  cost->others = smooth (cost->others, CLAMP (others, 0, total));
  if (sent >= LEAST_SENT && own >= LEAST_OWN) {
    cost->each = smooth (cost->each, sent / own);
    cost->seconds = MIN (cost->seconds + 1, LEAST_SECONDS);
  }
  if (cost->seconds < LEAST_SECONDS)
    return PMSS_CALENDAR_NO_LIMIT;
  return in_slot (cost->each * (total - cost->others));
}

/* What is counted for several interfaces of one packet is counted once: the busiest one's. */
static double
get_out (const PmssNodeStats * stats)
{
  double out = 0;

  for (guint i = 0; i < MIN (stats->n_interfaces, PMSS_MAX_INTERFACES); i++)
    out = MAX (out, known (stats->interfaces[i].out));
  return stats->n_interfaces > 0 ? out : known (stats->net_out);
}

static guint64
look_at_network (PmssCapacity * self, const PmssNodeStats * stats)
{
  double payload, others;

  if (isnan (stats->network_limit) || stats->network_limit <= 0)
    return PMSS_CALENDAR_NO_LIMIT;
  payload = stats->network_limit / 8 * PMSS_CAPACITY_PAYLOAD;
  others = get_out (stats) * PMSS_CAPACITY_PAYLOAD - known (stats->sent);
  self->others_sent = smooth (self->others_sent, CLAMP (others, 0, payload));
  return in_slot (payload - self->others_sent);
}

static guint64
look_at_cpu (PmssCapacity * self, const PmssNodeStats * stats)
{
  double own = known (stats->process_cpu);

  if (isnan (stats->cpu) || isnan (stats->process_cpu)
      || isnan (stats->processors) || stats->processors < 1)
    return PMSS_CALENDAR_NO_LIMIT;
  return weigh (&self->cpu, known (stats->sent), own,
      stats->cpu * stats->processors - own, stats->processors);
}

static const PmssDiskStats *
find_busiest (const PmssNodeStats * stats)
{
  const PmssDiskStats *busiest = NULL;

  for (guint i = 0; i < MIN (stats->n_disks, PMSS_MAX_DISKS); i++) {
    const PmssDiskStats *disk = &stats->disks[i];

    if (!isnan (disk->busy) && (busiest == NULL || disk->busy > busiest->busy))
      busiest = disk;
  }
  return busiest;
}

/* Of its requests, those for which the disk has to work. */
static double
get_miss_part (const PmssNodeStats * stats)
{
  double misses = known (stats->cache_misses);
  double all = known (stats->cache_hits) + misses;

  return all > 0 ? misses / all : 0;
}

/* The disk's time is the server's by the part of its bytes that went to viewers. */
static guint64
look_at_disk (PmssCapacity * self, const PmssNodeStats * stats)
{
  const PmssDiskStats *disk = find_busiest (stats);
  double sent = known (stats->sent), misses = get_miss_part (stats);
  double moved = known (stats->disk_read) + known (stats->disk_write), own = 0;

  if (disk == NULL)
    return PMSS_CALENDAR_NO_LIMIT;
  if (moved > 0 && misses >= LEAST_HIT)
    own = disk->busy * MIN (sent * misses / moved, 1);
  return weigh (&self->disk, sent, own, disk->busy - own, 1);
}

static guint64
look_at_memory (const PmssNodeStats * stats)
{
  double left = stats->memory_total - stats->memory;

  if (isnan (left) || left >= LEAST_MEMORY
      || left >= LEAST_MEMORY_PART * stats->memory_total)
    return PMSS_CALENDAR_NO_LIMIT;
  return in_slot (known (stats->sent));
}

/* Its disk keeps readers waiting, and it sends less than it has to. */
static gboolean
is_behind (const PmssNodeStats * stats, double promised)
{
  double late = known (stats->late);

  return late > 0 && late > LATE_PART * known (stats->requests)
      && known (stats->sent) < KEPT_PART * promised;
}

static void
correct (PmssCapacity * self, gboolean bad)
{
  if (bad) {
    self->correction = MAX (self->correction * BAD_FACTOR,
        PMSS_CAPACITY_LEAST_CORRECTION);
    self->good = 0;
  } else if (++self->good >= GOOD_SECONDS) {
    self->correction = MIN (self->correction + GOOD_STEP, 1);
    self->good = 0;
  }
}

void
pmss_capacity_note (PmssCapacity * self, const PmssNodeStats * stats,
    gint64 heard, double promised, gboolean slow)
{
  if (heard <= self->heard)
    return;
  self->heard = heard;
  self->limit[PMSS_RESOURCE_NETWORK] = look_at_network (self, stats);
  self->limit[PMSS_RESOURCE_CPU] = look_at_cpu (self, stats);
  self->limit[PMSS_RESOURCE_DISK] = look_at_disk (self, stats);
  self->limit[PMSS_RESOURCE_MEMORY] = look_at_memory (stats);
  correct (self, slow || is_behind (stats, promised));
}

guint64
pmss_capacity_get (const PmssCapacity * self, PmssResource * binds)
{
  PmssResource least = PMSS_RESOURCE_NONE;

  /* one that says nothing of its link is on loopback: nothing binds there */
  for (guint i = PMSS_RESOURCE_NETWORK; i < PMSS_N_RESOURCES
      && self->limit[PMSS_RESOURCE_NETWORK] != PMSS_CALENDAR_NO_LIMIT; i++)
    if (self->limit[i] < self->limit[least])
      least = i;
  if (binds != NULL)
    *binds = least;
  if (least == PMSS_RESOURCE_NONE)
    return PMSS_CALENDAR_NO_LIMIT;
  return (guint64) ((double) self->limit[least] * self->correction);
}
