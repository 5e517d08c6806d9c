// SPDX-License-Identifier: LGPL-2.1-or-later
// The uploads of this page: a few at once, by tus, each followed until it is stored. It outlives the
// page that shows it. A lost connection or a reload costs nothing that the server has.
//
//   waiting -> sending -> storing -> done
//                 |          |
//      picked <- lost        +-> failed      lost: after a reload, until its file is picked again
import { signal } from '@preact/signals';
import { DetailedError, Upload } from 'tus-js-client';
import { connected, Problem, reconnections } from '../api/client';
import { choosePolicy, getJob, getMediumHealth, listUnfinished } from '../api/cluster';
import { listen, type ClusterEvent } from '../api/live';
import { explainUploadFault, type UploadFault } from './faults';
import type { PickedFile } from './files';
import { forget, recall, remember } from './memory';
import { findNameFault, joinName } from './names';

export type UploadState = 'waiting' | 'sending' | 'storing' | 'done' | 'failed' | 'lost';

export interface UploadItem {
  key: number;
  name: string;
  size: number;
  state: UploadState;
  /** Bytes that were sent, and the share of the job that makes them durable; neither goes back. */
  sent: number;
  durable: number;
  job: number | null;
  /** Sending stopped because the connection is away. */
  paused: boolean;
  fault: UploadFault | null;
  /** How it is stored, and why; null: not known. */
  choice: { redundancy: string; why: string } | null;
}

export interface UploadOptions {
  folder: string;
  /** null: as the policies say. */
  redundancy: string | null;
  keepOriginal: boolean | null;
}

const AT_ONCE = 2;
/** A piece: what is at most sent again after a fault. */
const PIECE = 32 * 1024 * 1024;
const RETRIES_MS = [500, 1000, 2000, 4000, 8000];
const MAX_SHOWN_DONE = 200;

export const uploads = signal<readonly UploadItem[]>([]);

interface Source {
  file: File;
  options: UploadOptions;
  /** Of an upload that goes on. */
  url: string | null;
  upload: Upload | null;
}

const sources = new Map<number, Source>();
let lastKey = 0;

function change(key: number, part: Partial<UploadItem>): void {
  uploads.value = uploads.value.map((item) => (item.key === key ? { ...item, ...part } : item));
}

const find = (key: number): UploadItem | undefined => uploads.value.find((item) => item.key === key);

function fail(key: number, fault: UploadFault): void {
  change(key, { state: 'failed', fault, paused: false });
  startMore();
}

// sending

function isPassing(error: Error | DetailedError): boolean {
  const status = error instanceof DetailedError ? error.originalResponse?.getStatus() ?? 0 : 0;
  const method = error instanceof DetailedError ? error.originalRequest?.getMethod() : undefined;
  return status === 0 || status === 423 || status === 429 || status === 502 || status === 503 || status === 504 || (status === 409 && method === 'PATCH');
}

function onSendError(key: number, error: Error | DetailedError): void {
  const source = sources.get(key);
  if (!source || find(key)?.state !== 'sending') return;
  if (isPassing(error)) {
    // it goes on when the server is there again
    source.url = source.upload?.url ?? source.url;
    change(key, { paused: true });
    fetch('/healthz', { cache: 'no-store' }).then(() => setTimeout(() => goOn(key), 2000), () => undefined);
    return;
  }
  const answer = error instanceof DetailedError ? error.originalResponse : null;
  const gone = source.url !== null && (answer?.getStatus() === 404 || answer?.getStatus() === 410);
  forget(find(key)!.name);
  if (gone) {
    source.url = null;
    send(key);
    return;
  }
  fail(key, explainUploadFault(answer?.getStatus() ?? 0, answer?.getBody() ?? ''));
}

function goOn(key: number): void {
  const item = find(key);
  if (item?.state !== 'sending' || !item.paused) return;
  change(key, { paused: false });
  send(key);
}

function describe(item: UploadItem, options: UploadOptions): Record<string, string> {
  const metadata: Record<string, string> = { name: item.name };
  if (options.redundancy) metadata.redundancy = options.redundancy;
  if (options.keepOriginal !== null) metadata.keep_original = String(options.keepOriginal);
  return metadata;
}

function send(key: number): void {
  const item = find(key);
  const source = sources.get(key);
  if (!item || !source) return;
  change(key, { state: 'sending', paused: false, fault: null });
  let job: number | null = null;
  const upload = new Upload(source.file, {
    endpoint: '/api/v1/uploads',
    uploadUrl: source.url,
    chunkSize: PIECE,
    retryDelays: RETRIES_MS,
    storeFingerprintForResuming: false,
    headers: { 'X-PMSS': '1' },
    metadata: describe(item, source.options),
    onShouldRetry: (error) => isPassing(error) && connected.value,
    onUploadUrlAvailable: () => {
      const { url } = upload;
      if (url) remember({ name: item.name, size: source.file.size, modified: source.file.lastModified, url: new URL(url, location.href).pathname });
    },
    onAfterResponse: (_request, response) => {
      const told = Number(response.getHeader('Pmss-Job'));
      if (Number.isInteger(told) && told > 0) job = told;
    },
    onProgress: (sent) => change(key, { sent: Math.max(find(key)?.sent ?? 0, sent) }),
    onSuccess: () => {
      forget(item.name);
      change(key, { state: 'storing', sent: item.size, job });
      follow(key);
      startMore();
    },
    onError: (error) => onSendError(key, error),
  });
  source.upload = upload;
  upload.start();
}

function startMore(): void {
  let running = uploads.value.filter((item) => item.state === 'sending').length;
  for (const item of uploads.value) {
    if (running >= AT_ONCE) return;
    if (item.state !== 'waiting') continue;
    running++;
    send(item.key);
  }
}

// storing: the job says how much is durable

function finish(key: number): void {
  change(key, { state: 'done', durable: 1 });
  sources.delete(key);
}

async function follow(key: number): Promise<void> {
  const item = find(key);
  if (item?.state !== 'storing') return;
  try {
    // whole before this page went on with it: the medium knows its job
    const number = item.job ?? (await getMediumHealth(item.name)).job;
    if (number === null) {
      finish(key);
      return;
    }
    change(key, { job: number });
    const job = await getJob(number);
    const share = job.total_bytes ? job.bytes / job.total_bytes : 0;
    if (job.state === 'done') finish(key);
    else if (job.state === 'failed' || job.state === 'cancelled') change(key, { state: 'failed', fault: { kind: 'job', detail: job.error ?? job.state } });
    else change(key, { durable: Math.max(find(key)?.durable ?? 0, share) });
  } catch (error) {
    // its jobs are forgotten after a while, then it is done
    if (error instanceof Problem && error.status === 404) finish(key);
  }
}

function onEvent(event: ClusterEvent | null): void {
  const storing = uploads.value.filter((item) => item.state === 'storing');
  for (const item of storing) {
    if (event && (event.topic !== 'jobs' || event.object !== String(item.job))) continue;
    const progress = event?.action === 'job progress' ? /^(\d+)\/(\d+)$/.exec(event.detail ?? '') : null;
    if (!progress) void follow(item.key);
    else if (Number(progress[2]) > 0) change(item.key, { durable: Math.max(item.durable, Number(progress[1]) / Number(progress[2])) });
  }
}

// adding and taking away

function makeItem(name: string, size: number, state: UploadState): UploadItem {
  return { key: ++lastKey, name, size, state, sent: 0, durable: 0, job: null, paused: false, fault: null, choice: null };
}

let started = false;

function start(): void {
  if (started) return;
  started = true;
  listen(onEvent);
  reconnections.subscribe(() => {
    for (const item of uploads.value) goOn(item.key);
    onEvent(null);
  });
  addEventListener('beforeunload', (event) => {
    if (uploads.value.some((item) => item.state === 'sending' || item.state === 'waiting')) event.preventDefault();
  });
}

function addOne({ file, path }: PickedFile, options: UploadOptions): void {
  const name = joinName(options.folder, path);
  // by the medium's name, or, where the folder was not typed again, by the file's own
  const lost = uploads.value.find((item) => item.state === 'lost' && item.size === file.size && (item.name === name || item.name.endsWith(`/${path}`)));
  const known = recall().find((one) => one.name === (lost?.name ?? name) && one.size === file.size && one.modified === file.lastModified);
  if (uploads.value.some((item) => item.name === name && ['waiting', 'sending', 'storing'].includes(item.state))) return;
  const item = lost && known ? { ...lost, state: 'waiting' as const } : makeItem(known?.name ?? name, file.size, 'waiting');
  uploads.value = [...uploads.value.filter((old) => old.key !== item.key && !(old.name === item.name && (old.state === 'failed' || old.state === 'lost'))), item];
  const fault = findNameFault(item.name);
  if (fault || file.size === 0) {
    change(item.key, { state: 'failed', fault: { kind: file.size === 0 && !fault ? 'nothing' : fault ?? 'nothing', detail: '' } });
    return;
  }
  sources.set(item.key, { file, options, url: known?.url ?? null, upload: null });
  if (!known) void choose(item.key, file, options);
}

/** Says how it is going to be stored. Without an answer nothing is said. */
async function choose(key: number, file: File, options: UploadOptions): Promise<void> {
  const item = find(key);
  if (!item || options.redundancy) return;
  try {
    const { redundancy, why } = await choosePolicy(item.name, file.type || null, file.size);
    change(key, { choice: { redundancy, why: why.redundancy } });
  } catch {
    /* as above */
  }
}

export function addFiles(files: PickedFile[], options: UploadOptions): void {
  start();
  for (const file of files) addOne(file, options);
  startMore();
}

/** Shows the unfinished uploads of before a reload; their files have to be picked again. */
export async function recallLost(user: string): Promise<void> {
  const remembered = recall();
  if (remembered.length === 0) return;
  const unfinished = new Map((await listUnfinished()).filter((one) => one.user === user).map((one) => [one.name, one]));
  for (const one of remembered) {
    const there = unfinished.get(one.name);
    if (!there || !one.url.endsWith(`/${there.id}`)) {
      if (!uploads.value.some((item) => item.name === one.name && item.state === 'sending')) forget(one.name);
      continue;
    }
    if (uploads.value.some((item) => item.name === one.name)) continue;
    uploads.value = [...uploads.value, { ...makeItem(one.name, one.size, 'lost'), sent: there.offset }];
  }
}

/** Ends it, and takes away what the server has of it. */
export async function cancelUpload(key: number): Promise<void> {
  const item = find(key);
  const source = sources.get(key);
  const url = source?.upload?.url ?? source?.url ?? recall().find((one) => one.name === item?.name)?.url;
  await source?.upload?.abort();
  sources.delete(key);
  uploads.value = uploads.value.filter((one) => one.key !== key);
  if (item) forget(item.name);
  startMore();
  if (url && item && ['sending', 'lost', 'waiting', 'failed'].includes(item.state)) await removeUnfinished(new URL(url, location.href).pathname.split('/').at(-1)!);
}

export async function removeUnfinished(id: string): Promise<void> {
  const answer = await fetch(`/api/v1/uploads/${encodeURIComponent(id)}`, { method: 'DELETE', headers: { 'X-PMSS': '1', 'Tus-Resumable': '1.0.0' } });
  if (!answer.ok && answer.status !== 404) throw new Problem(answer.status, answer.statusText);
}

export function retryUpload(key: number): void {
  if (!sources.has(key)) return;
  change(key, { state: 'waiting', fault: null });
  startMore();
}

export function clearEnded(): void {
  for (const item of uploads.value) if (item.state === 'done' || item.state === 'failed') sources.delete(item.key);
  uploads.value = uploads.value.filter((item) => item.state !== 'done' && item.state !== 'failed');
}

/** Those that the list shows: of many that are done, the newest. */
export function shownUploads(): readonly UploadItem[] {
  const done = uploads.value.filter((item) => item.state === 'done');
  const hidden = new Set(done.slice(0, Math.max(0, done.length - MAX_SHOWN_DONE)).map((item) => item.key));
  return uploads.value.filter((item) => !hidden.has(item.key));
}
