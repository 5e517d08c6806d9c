// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests to the API below /api/v1, with the cookie of the sign-in.
import { signal } from '@preact/signals';

/** The server's refusal, or that it could not be asked (status 0). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    /** Seconds; null: the server does not say. */
    readonly retryAfter: number | null = null,
  ) {
    super(detail);
  }
}

/** FALSE while the server cannot be reached. */
export const connected = signal(true);
/** Raised each time the server can be reached again: who shows its data asks anew. */
export const reconnections = signal(0);
/** Called when the sign-in is no longer good. */
export const signedOut = signal(0);

const PROBE_MS = 2000;
let probing = false;

function probe(): void {
  setTimeout(async () => {
    try {
      await fetch('/healthz', { cache: 'no-store' });
      probing = false;
      connected.value = true;
      reconnections.value++;
    } catch {
      probe();
    }
  }, PROBE_MS);
}

export function noteLost(): void {
  connected.value = false;
  if (probing) return;
  probing = true;
  probe();
}

interface Options {
  body?: unknown;
  signal?: AbortSignal;
  /** A 401 is the caller's to handle: the sign-in page itself. */
  ownErrors?: boolean;
  /** The page may be closed before the answer comes. */
  keepalive?: boolean;
}

/** Of an answer that is none of 2xx. */
export async function readProblem(answer: Response): Promise<Problem> {
  let detail = `${answer.status} ${answer.statusText}`;
  try {
    const problem = (await answer.json()) as { detail?: string };
    if (problem.detail) detail = problem.detail;
  } catch {
    /* no JSON: the status has to do */
  }
  const after = Number.parseInt(answer.headers.get('Retry-After') ?? '', 10);
  return new Problem(answer.status, detail, Number.isFinite(after) ? after : null);
}

export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers: Record<string, string> = { Accept: 'application/json' };
  if (method !== 'GET') headers['X-PMSS'] = '1';
  if (options.body !== undefined) headers['Content-Type'] = 'application/json';
  let answer: Response;
  try {
    answer = await fetch(`/api/v1${path}`, {
      method,
      headers,
      body: options.body !== undefined ? JSON.stringify(options.body) : null,
      signal: options.signal ?? null,
      keepalive: options.keepalive ?? false,
      cache: 'no-store',
    });
  } catch (error) {
    if ((error as Error).name === 'AbortError') throw error;
    noteLost();
    throw new Problem(0, '');
  }
  if (!answer.ok) {
    if (answer.status === 401 && !options.ownErrors) signedOut.value++;
    throw await readProblem(answer);
  }
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

export const get = <T>(path: string, signal?: AbortSignal): Promise<T> => call<T>('GET', path, { signal });
