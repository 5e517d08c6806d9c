// SPDX-License-Identifier: LGPL-2.1-or-later
// Data of the server in a component: asked for when it appears and when what it depends on changes,
// and again by itself when a lost connection is back.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { Problem, reconnections } from './client';

export interface Resource<T> {
  data: T | null;
  error: Problem | null;
  loading: boolean;
  reload: () => void;
}

export function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(-1, String(error));
}

export function useResource<T>(load: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Resource<T> {
  const [state, setState] = useState<{ data: T | null; error: Problem | null; loading: boolean }>({ data: null, error: null, loading: true });
  const [turn, setTurn] = useState(0);
  const loader = useRef(load);
  loader.current = load;
  const again = reconnections.value;
  useEffect(() => {
    const abort = new AbortController();
    setState((old) => ({ ...old, loading: true }));
    loader.current(abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) setState({ data, error: null, loading: false });
      },
      (error: unknown) => {
        if (!abort.signal.aborted) setState((old) => ({ data: old.data, error: asProblem(error), loading: false }));
      },
    );
    return () => abort.abort();
  }, [...inputs, turn, again]);
  const reload = useCallback(() => setTurn((n) => n + 1), []);
  return { ...state, reload };
}
