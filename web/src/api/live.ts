// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens in the cluster, as it happens: one stream of events for each browser. The tab that
// holds a Web Lock has the stream and tells the other tabs (HTTP/1.1 allows six connections in all).
// Where there are no Web Locks (plain http to another host), only the tab that is seen has one.
import { useEffect, useRef, useState } from 'preact/hooks';
import { get, noteLost } from './client';
import { useResource, type Resource } from './resource';

export const TOPICS = ['nodes', 'jobs', 'sessions', 'media', 'health', 'uploads', 'accounts'] as const;
export type Topic = (typeof TOPICS)[number];

export interface ClusterEvent {
  /** null: it is told live alone, and not kept. */
  id: number | null;
  time: string;
  topic: Topic;
  action: string;
  result: 'done' | 'refused' | 'failed';
  user: string | null;
  from: string | null;
  object: string | null;
  detail: string | null;
  status: number | null;
}

/** null: something was missed, so the state has to be asked for anew. */
type Listener = (event: ClusterEvent | null) => void;

const NAME = 'pmss-stream';
const RETRY_MS = 5000;
const LINGER_MS = 3000;

const listeners = new Set<Listener>();
let stop: (() => void) | null = null;
let lingering = 0;

function tell(event: ClusterEvent | null): void {
  for (const listener of [...listeners]) listener(event);
}

/** Reads the stream until the returned function is called. */
function openStream(pass: (event: ClusterEvent | null) => void): () => void {
  let source: EventSource | null = null;
  let timer = 0;
  const onError = () => {
    // a stream that was cut comes back by itself; only a server that is away is worth a note
    fetch('/healthz', { cache: 'no-store' }).catch(noteLost);
    if (source?.readyState !== EventSource.CLOSED) return;
    // refused: where the sign-in has ended, this request says so
    get('/me').catch(() => undefined);
    clearTimeout(timer);
    timer = window.setTimeout(open, RETRY_MS);
  };
  function open(): void {
    source?.close();
    source = new EventSource('/api/v1/stream');
    for (const topic of TOPICS) source.addEventListener(topic, (event) => pass(JSON.parse(event.data as string) as ClusterEvent));
    // what happened since the data were asked for, until here, nobody was told
    source.addEventListener('start', () => pass(null));
    source.addEventListener('reset', () => pass(null));
    source.addEventListener('error', onError);
  }
  open();
  return () => {
    clearTimeout(timer);
    source?.close();
  };
}

function startWithLocks(): () => void {
  const channel = new BroadcastChannel(NAME);
  const abort = new AbortController();
  channel.onmessage = (message) => tell(message.data as ClusterEvent | null);
  navigator.locks.request(NAME, { signal: abort.signal }, () => new Promise<void>((resolve) => {
    const pass = (event: ClusterEvent | null) => {
      channel.postMessage(event);
      tell(event);
    };
    const close = openStream(pass);
    stop = () => {
      close();
      resolve();
      channel.close();
    };
  })).catch(() => undefined);
  return () => {
    abort.abort();
    channel.close();
  };
}

function startWhileSeen(): () => void {
  let close: (() => void) | null = null;
  const look = () => {
    if (document.visibilityState === 'visible' && !close) {
      close = openStream(tell);
    } else if (document.visibilityState !== 'visible') {
      close?.();
      close = null;
    }
  };
  look();
  document.addEventListener('visibilitychange', look);
  return () => {
    document.removeEventListener('visibilitychange', look);
    close?.();
  };
}

/** Returns the function that ends it. */
export function listen(listener: Listener): () => void {
  clearTimeout(lingering);
  listeners.add(listener);
  if (!stop) {
    // set first: a lock that is free calls back later
    stop = () => undefined;
    stop = typeof navigator.locks === 'object' ? startWithLocks() : startWhileSeen();
  }
  return () => {
    listeners.delete(listener);
    // the next page most often listens as well
    lingering = window.setTimeout(() => {
      if (listeners.size > 0) return;
      stop?.();
      stop = null;
    }, LINGER_MS);
  };
}

interface LiveOptions {
  /** Seconds after which it is asked for again although nothing was told: for numbers without events. */
  refresh?: number;
  inputs?: readonly unknown[];
}

export interface Live<T> extends Resource<T> {
  /** When the data came, in ms. */
  asOf: number;
}

const GATHER_MS = 400;
const GAP_MS = 2000;

/** Data that are asked for again, two seconds apart at least, when events of @topics tell of changes. */
export function useLive<T>(load: (signal: AbortSignal) => Promise<T>, topics: readonly Topic[], { refresh = 0, inputs = [] }: LiveOptions = {}): Live<T> {
  const resource = useResource(load, inputs);
  const [asOf, setAsOf] = useState(Date.now());
  const last = useRef(0);
  const reload = useRef(resource.reload);
  useEffect(() => {
    if (resource.data !== null) setAsOf(Date.now());
  }, [resource.data]);
  useEffect(() => {
    let timer = 0;
    const ask = () => {
      timer = 0;
      last.current = Date.now();
      reload.current();
    };
    const soon = () => {
      if (!timer) timer = window.setTimeout(ask, Math.max(GATHER_MS, last.current + GAP_MS - Date.now()));
    };
    const end = listen((event) => {
      if (!event || topics.includes(event.topic)) soon();
    });
    const again = refresh ? window.setInterval(() => {
      if (document.visibilityState === 'visible' && Date.now() - last.current >= refresh * 900) soon();
    }, refresh * 1000) : 0;
    const onSeen = () => {
      if (document.visibilityState === 'visible') soon();
    };
    document.addEventListener('visibilitychange', onSeen);
    return () => {
      end();
      clearTimeout(timer);
      clearInterval(again);
      document.removeEventListener('visibilitychange', onSeen);
    };
  }, [topics.join(), refresh]);
  return { ...resource, asOf };
}
