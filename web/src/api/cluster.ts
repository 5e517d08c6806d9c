// SPDX-License-Identifier: LGPL-2.1-or-later
// What operators and administrators ask of the cluster, and the forms of the answers.
import { encodeName, makeQuery } from '../app/router';
import { call, get } from './client';
import type { Login, Medium, Role } from './types';

export type Severity = 'bad' | 'attention' | 'info';

export interface Action {
  label: string;
  method: string;
  path: string;
  body?: unknown;
}

export interface HealthItem {
  severity: Severity;
  kind: string;
  subject: string;
  text: string;
  advice: string;
  count: number | null;
  bytes: number | null;
  since: string | null;
  reason: string | null;
  action: Action | null;
}

export interface Overview {
  as_of: string;
  health: { state: 'ok' | 'attention' | 'bad'; sentence: string; items: HealthItem[] };
  streams: number;
  rate: number;
  nodes: { total: number; up: number; suspect: number; down: number };
  space: { total: number; free: number; used: number; original_free: number };
  media: Record<string, number>;
  jobs: Record<string, number>;
  uploads: number;
}

export interface ClusterNode {
  id: number;
  address: string;
  port: number;
  tls: boolean;
  zone: string;
  state: 'up' | 'suspect' | 'down';
  since: string | null;
  reason: string | null;
  warning: string | null;
  last_seen: string | null;
  capacity: number | null;
  used: number;
  free: number;
  shards: number;
  bad_shards: number;
  held_shards: number;
  repair: unknown;
  rate?: number | null;
  streams?: number | null;
  stats: NodeStats | null;
}

/** null or left out: not known. */
type Known = number | null | undefined;

export interface Disk {
  folder: string;
  device?: string | null;
  total?: Known;
  free?: Known;
  read?: Known;
  write?: Known;
  reads?: Known;
  writes?: Known;
  latency?: Known;
  busy?: Known;
}

export interface Interface {
  name: string;
  speed?: Known;
  in?: Known;
  out?: Known;
  errors?: Known;
}

/** What its last heartbeat said of its machine and of itself: docs/monitoring.md. */
export interface NodeStats {
  cpu?: Known;
  cpu_states?: Partial<Record<'user' | 'system' | 'iowait' | 'irq' | 'steal', Known>> | null;
  processors?: Known;
  memory?: Known;
  memory_total?: Known;
  memory_cached?: Known;
  process_memory?: Known;
  process_cpu?: Known;
  disks?: readonly Disk[] | null;
  interfaces?: readonly Interface[] | null;
  net_out?: Known;
  network_limit?: Known;
  connections?: Known;
  requests?: Known;
  sent?: Known;
  cache_hits?: Known;
  cache_misses?: Known;
  late?: Known;
  scrub?: { progress?: Known; rate?: Known; bad?: Known } | null;
  certificate?: Known;
}

export type JobState = 'queued' | 'running' | 'paused' | 'waiting' | 'done' | 'failed' | 'cancelled';
export const JOB_STATES: readonly JobState[] = ['queued', 'running', 'paused', 'waiting', 'done', 'failed', 'cancelled'];

export interface Job {
  id: number;
  type: string;
  state: JobState;
  phase: string | null;
  medium: string;
  done: number;
  total: number;
  bytes: number;
  total_bytes: number | null;
  rate: number | null;
  left_ns: number | null;
  rate_limit: number;
  error: string | null;
  waiting_for: string | null;
  warning: string | null;
  user: string | null;
  created: string;
  updated: string;
}

export interface SessionNode {
  id: number;
  bytes: number;
  rate: number | null;
  units: number;
  rebuilt: number;
  late: number;
}

export interface StreamSession {
  id: string;
  user: string;
  address: string;
  medium: string;
  version: string;
  rate: number | null;
  created: string;
  expires: string;
  client?: string | null;
  position?: number | null;
  buffer_bytes?: number | null;
  nodes?: SessionNode[] | null;
}

export interface User {
  name: string;
  role: Role;
  one_time_password: boolean;
  created: string;
}

export interface Client {
  user: string;
  client: string | null;
  address: string;
  last_seen: string;
  sessions: number;
  rate: number | null;
  late: number | null;
}

export interface Unfinished {
  id: string;
  name: string;
  size: number;
  offset: number;
  expires: string;
  user: string;
}

export interface Policy {
  name: string;
  order: number;
  match: { names: string | null; types: string | null; min_size: number | null; max_size: number | null };
  redundancy: string | null;
  unit: number | null;
  extent: number | null;
  keep_original: boolean | null;
}

export interface Choice {
  redundancy: string;
  unit: number;
  extent: number;
  keep_original: boolean;
  why: Record<'redundancy' | 'unit' | 'extent' | 'keep_original', string>;
}

export type ShardState = 'ok' | 'away' | 'missing' | 'bad' | 'rebuilding';

export interface LayoutPage {
  k: number;
  m: number;
  unit: number;
  extent_size: number;
  extents: number;
  nodes: { id: number; state: ClusterNode['state']; zone: string }[];
  rows: { index: number; shards: { node: number | null; state: ShardState }[] }[];
}

export interface MediumHealth {
  state: 'whole' | 'degraded' | 'unavailable' | 'damaged';
  extents: number;
  degraded_extents: number;
  unavailable_extents: number;
  damaged_extents: number;
  damaged_bytes: number;
  bad_shards: number;
  suspected_shards: number;
  nodes_down: number[];
}

export type MediumWithHealth = Medium & { health: MediumHealth | null };

export interface ClusterInfo {
  cluster: string;
  version: string;
  public_url: string | null;
  defaults: { redundancy: string; unit: number; extent: number; lease: number; max_upload: number };
}

type Signal = AbortSignal | undefined;

export const getCluster = (signal?: Signal): Promise<ClusterInfo> => get('/cluster', signal);
export const getOverview = (signal?: Signal): Promise<Overview> => get('/overview', signal);
export const listNodes = async (signal?: Signal): Promise<ClusterNode[]> => (await get<{ nodes: ClusterNode[] }>('/nodes', signal)).nodes;
export const makeJoinToken = (zone: string): Promise<{ join_token: string; expires: string }> =>
  call('POST', '/nodes/join-tokens', { body: zone ? { zone } : {} });
export const repairNode = (id: number): Promise<void> => call('POST', `/nodes/${id}/repair`);
export const removeNode = (id: number): Promise<void> => call('DELETE', `/nodes/${id}`);
export const confirmCleanup = (id: number, held: number): Promise<void> => call('PATCH', `/nodes/${id}`, { body: { confirm_cleanup: held } });

export const listJobs = (query: { state?: string; before?: number | string; limit?: number }, signal?: Signal): Promise<{ jobs: Job[]; next: number | string | null }> =>
  get(`/jobs${makeQuery(query)}`, signal);
export const getJob = (id: number, signal?: Signal): Promise<Job> => get(`/jobs/${id}`, signal);
export const steerJob = (id: number, verb: 'pause' | 'resume' | 'cancel'): Promise<Job> => call('POST', `/jobs/${id}/${verb}`);
export const limitJob = (id: number, rate_limit: number): Promise<Job> => call('POST', `/jobs/${id}/limit`, { body: { rate_limit } });

export const listSessions = async (signal?: Signal): Promise<StreamSession[]> => (await get<{ sessions: StreamSession[] }>('/sessions', signal)).sessions;
export const endSession = (id: string): Promise<void> => call('DELETE', `/sessions/${id}`);
export const listClients = async (signal?: Signal): Promise<Client[]> => (await get<{ clients: Client[] }>('/clients', signal)).clients;

export const listUsers = async (signal?: Signal): Promise<User[]> => (await get<{ users: User[] }>('/users', signal)).users;
export const addUser = (name: string, password: string, role: Role): Promise<User> => call('POST', '/users', { body: { name, password, role } });
const userPath = (name: string): string => `/users/${encodeURIComponent(name)}`;
export const setRole = (name: string, role: Role): Promise<User> => call('PATCH', userPath(name), { body: { role } });
export const setPassword = (name: string, password: string): Promise<void> => call('PUT', `${userPath(name)}/password`, { body: { password } });
export const removeUser = (name: string): Promise<void> => call('DELETE', userPath(name));
export const listUserLogins = async (name: string, signal?: Signal): Promise<Login[]> =>
  (await get<{ logins: Login[] }>(`${userPath(name)}/logins`, signal)).logins;
export const endUserLogin = (name: string, id: string): Promise<void> => call('DELETE', `${userPath(name)}/logins${makeQuery({ id })}`);

export const getMediumHealth = (name: string, signal?: Signal): Promise<MediumWithHealth> => get(`/media/${encodeName(name)}`, signal);
export const deleteMedium = (name: string): Promise<void> => call('DELETE', `/media/${encodeName(name)}`);
export const renameMedium = (name: string, to: string): Promise<Medium> => call('POST', `/media/${encodeName(name)}/rename`, { body: { name: to } });
export const verifyMedium = (name: string): Promise<{ job: number }> => call('POST', `/media/${encodeName(name)}/verify`);
export const changeMedium = (name: string, change: { title?: string; keep_original?: boolean }): Promise<{ job?: number }> =>
  call('PATCH', `/media/${encodeName(name)}`, { body: change });
export const getLayout = (name: string, first: number, count: number, signal?: Signal): Promise<LayoutPage> =>
  get(`/layouts/${encodeName(name)}${makeQuery({ first, count })}`, signal);

export const listUnfinished = async (signal?: Signal): Promise<Unfinished[]> => (await get<{ uploads: Unfinished[] }>('/uploads', signal)).uploads;

export const listPolicies = async (signal?: Signal): Promise<Policy[]> => (await get<{ policies: Policy[] }>('/policies', signal)).policies;
export const setPolicy = ({ name, ...policy }: Policy): Promise<Policy> => call('PUT', `/policies/${encodeURIComponent(name)}`, { body: policy });
export const removePolicy = (name: string): Promise<void> => call('DELETE', `/policies/${encodeURIComponent(name)}`);
export const choosePolicy = (name: string, content_type: string | null, size: number, signal?: Signal): Promise<Choice> =>
  call('POST', '/policies/choose', { body: content_type ? { name, content_type, size } : { name, size }, signal });
