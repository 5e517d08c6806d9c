// SPDX-License-Identifier: LGPL-2.1-or-later
// What control keeps of the figures, and a component's view of it that moves on: docs/monitoring.md.
import { useCallback, useEffect, useState } from 'preact/hooks';
import { makeQuery } from '../app/router';
import { get, reconnections, type Problem } from './client';
import { asProblem } from './resource';
import type { Live } from './live';

export const SPANS = ['live', 'day', 'month', 'year'] as const;
export type Span = (typeof SPANS)[number];

/** null: a gap, or not known. */
export type Value = number | null;

/** Times of points: the begin of the first one in seconds since 1970, then one each step seconds. */
export interface Grid {
  span: Span;
  start: number;
  step: number;
  points: number;
}

export interface HistorySeries {
  /** 0: the cluster. */
  node: number;
  name: string;
  mean: readonly Value[];
  max: readonly Value[] | null;
}

export interface History extends Grid {
  series: readonly HistorySeries[];
}

export interface HistoryQuery {
  series: readonly string[];
  /** 0: the cluster. */
  nodes: readonly number[] | 'all';
  span: Span;
  /** At most so many for each series. */
  points: number;
}

/** Seconds after which there may be something new. */
const EVERY_S: Record<Span, number> = { live: 1, day: 30, month: 300, year: 1800 };
const AFTER_ERROR_S = 10;
// asked for again with what is new: a heartbeat may come late
const OVERLAP = 2;

function pathOf({ series, nodes, span, points }: HistoryQuery, after?: number): string {
  return `/history${makeQuery({ series: series.join(), nodes: nodes === 'all' ? nodes : nodes.join(), span, points, after })}`;
}

/** @old moved on by @more, its newest points, to as many points as before; null: they do not fit together. */
export function extendHistory(old: History, more: History): History | null {
  const shift = (more.start - old.start) / old.step;
  const points = shift + more.points;
  if (more.points === 0) return old;
  if (more.step !== old.step || !Number.isInteger(shift) || shift < 0 || points < old.points || shift > old.points) return null;
  const drop = points - old.points;
  if (drop > shift || more.series.length !== old.series.length) return null;
  const series: HistorySeries[] = [];
  for (const [i, one] of old.series.entries()) {
    const added = more.series[i]!;
    if (added.node !== one.node || added.name !== one.name || (added.max === null) !== (one.max === null)) return null;
    series.push({
      ...one, mean: one.mean.slice(drop, shift).concat(added.mean), max: one.max && added.max && one.max.slice(drop, shift).concat(added.max),
    });
  }
  return { ...old, start: old.start + drop * old.step, series };
}

/** The time that @after names: that of the last point but some. */
function lastButSome({ start, step, points }: Grid): number {
  return Math.max(0, start + (points - 1 - OVERLAP) * step);
}

/** Asks for it anew, or only for what @have lacks. */
async function moveOn(query: HistoryQuery, have: History | null, signal: AbortSignal): Promise<History> {
  if (have) {
    const more = await get<History>(pathOf(query, lastButSome(have)), signal);
    // all of it: what was known is too old
    if (more.points >= have.points) return more;
    const joined = extendHistory(have, more);
    if (joined) return joined;
  }
  return get<History>(pathOf(query), signal);
}

interface State {
  data: History | null;
  error: Problem | null;
  loading: boolean;
  asOf: number;
}

/** The history that @query asks for, moved on each @every seconds while the page is seen. */
export function useHistory(query: HistoryQuery, every = EVERY_S[query.span]): Live<History> {
  const [state, setState] = useState<State>({ data: null, error: null, loading: true, asOf: Date.now() });
  const [turn, setTurn] = useState(0);
  const again = reconnections.value;
  useEffect(() => {
    const abort = new AbortController();
    let have: History | null = null;
    let timer = 0;
    setState((old) => ({ ...old, loading: true }));
    const ask = async () => {
      timer = -1;
      let wait = every;
      try {
        const data = have = await moveOn(query, have, abort.signal);
        if (!abort.signal.aborted) setState({ data, error: null, loading: false, asOf: Date.now() });
      } catch (error) {
        have = null;
        wait = AFTER_ERROR_S;
        if (!abort.signal.aborted) setState((old) => ({ ...old, error: asProblem(error), loading: false }));
      }
      timer = 0;
      if (!abort.signal.aborted && document.visibilityState === 'visible') timer = window.setTimeout(ask, wait * 1000);
    };
    const onSeen = () => {
      if (document.visibilityState === 'visible' && timer === 0) void ask();
    };
    document.addEventListener('visibilitychange', onSeen);
    void ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onSeen);
    };
  }, [pathOf(query), every, turn, again]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  return { ...state, reload };
}

/** The series @name of @node; null: it was not asked for, or is not there yet. */
export function findSeries(history: History | null, name: string, node = 0): HistorySeries | null {
  return history?.series.find((one) => one.node === node && one.name === name) ?? null;
}
