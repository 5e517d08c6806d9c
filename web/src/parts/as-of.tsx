// SPDX-License-Identifier: LGPL-2.1-or-later
// How old what is shown is, with a button that asks again.
import { useEffect, useState } from 'preact/hooks';
import { c } from '../i18n/admin-common';
import { formatAgo } from '../i18n/format';

const TICK_MS = 1000;

/** The time, each second, while the page is seen. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') setNow(Date.now());
    }, TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return now;
}

export function AsOf({ at, reload }: { at: number; reload: () => void }) {
  const now = useNow();
  const old = now - at;
  return (
    <button type="button" class="as-of" title={c.value.refresh} onClick={reload}>
      {c.value.asOf(old < 2000 ? c.value.now : formatAgo(new Date(at).toISOString(), now))}
      <span class="visually-hidden"> · {c.value.refresh}</span>
    </button>
  );
}
