// SPDX-License-Identifier: LGPL-2.1-or-later
// What the player says while the servers are full: why, and how long until it asks again.
import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import { formatClock, formatDuration } from '../i18n/format';
import { Icon } from '../parts/icon';

interface Props {
  /** When the servers are asked again, as performance.now() counts. */
  until: number;
  onStop: () => void;
  onLeave: () => void;
}

const TICK_MS = 250;
/** Seconds: a screen reader that told each would tell nothing else. */
const TOLD_EACH = 15;

const secondsTo = (until: number) => Math.max(0, Math.ceil((until - performance.now()) / 1000));

function useCountdown(until: number): number {
  const [seconds, setSeconds] = useState(() => secondsTo(until));
  useEffect(() => {
    setSeconds(secondsTo(until));
    const timer = setInterval(() => setSeconds(secondsTo(until)), TICK_MS);
    return () => clearInterval(timer);
  }, [until]);
  return seconds;
}

export function PlayerWaiting({ until, onStop, onLeave }: Props) {
  const seconds = useCountdown(until);
  const stop = useRef<HTMLButtonElement>(null);
  const told = Math.ceil(seconds / TOLD_EACH) * TOLD_EACH;
  useEffect(() => stop.current?.focus({ preventScroll: true }), []);
  return (
    <div class="player-failed" role="group" aria-label={t.value.player.full}>
      <div class="message-icon"><Icon name="jobs" /></div>
      <h2>{t.value.player.full}</h2>
      <p>{t.value.player.fullWhy}</p>
      <p class="player-countdown" role="timer" aria-live="off">{formatClock(seconds)}</p>
      <p class="visually-hidden" role="status">{`${t.value.player.full}. ${t.value.player.startsIn(formatDuration(Math.min(told, Math.max(seconds, 1)), 'long'))}`}</p>
      <div class="message-actions">
        <button ref={stop} type="button" class="button" onClick={onStop}>{t.value.cancel}</button>
        <button type="button" class="button" onClick={onLeave}>{t.value.back}</button>
      </div>
    </div>
  );
}
