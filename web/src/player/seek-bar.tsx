// SPDX-License-Identifier: LGPL-2.1-or-later
// The bar on which one seeks: a slider, with pictures of the film above the pointer.
import type { RefObject } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import { formatClock, formatDuration } from '../i18n/format';
import { tileAt, type Sprite } from './sprite';

interface Props {
  time: number;
  duration: number;
  buffered: readonly [number, number][];
  sprite: Sprite | null;
  onSeek: (seconds: number) => void;
}

/** Where the pointer is on the bar, 0 to 1. */
function fractionAt(bar: RefObject<HTMLDivElement | null>, x: number): number {
  const box = bar.current!.getBoundingClientRect();
  return Math.min(1, Math.max(0, (x - box.left) / box.width));
}

function Preview({ sprite, seconds, fraction }: { sprite: Sprite | null; seconds: number; fraction: number }) {
  const tile = sprite ? tileAt(sprite, seconds) : 0;
  const width = sprite?.width ?? 0;
  return (
    <div class="preview" style={{ left: `clamp(${width / 2 + 8}px, ${fraction * 100}%, calc(100% - ${width / 2 + 8}px))` }}>
      {sprite && (
        <div class="preview-picture" style={{
          width: `${sprite.width}px`, height: `${sprite.height}px`, backgroundImage: `url("${sprite.url}")`,
          backgroundSize: `${sprite.columns * sprite.width}px ${sprite.rows * sprite.height}px`,
          backgroundPosition: `-${(tile % sprite.columns) * sprite.width}px -${Math.floor(tile / sprite.columns) * sprite.height}px`,
        }} />
      )}
      <span>{formatClock(seconds)}</span>
    </div>
  );
}

export function SeekBar({ time, duration, buffered, sprite, onSeek }: Props) {
  const bar = useRef<HTMLDivElement>(null);
  const [pointer, setPointer] = useState<number | null>(null);
  const [dragged, setDragged] = useState<number | null>(null);
  const shown = dragged !== null ? dragged * duration : time;
  const percent = (seconds: number) => `${duration > 0 ? (seconds / duration) * 100 : 0}%`;
  const onDown = (event: PointerEvent) => {
    if (event.button !== 0 || duration <= 0) return;
    bar.current!.setPointerCapture(event.pointerId);
    setDragged(fractionAt(bar, event.clientX));
  };
  const onMove = (event: PointerEvent) => {
    const fraction = fractionAt(bar, event.clientX);
    setPointer(fraction);
    if (dragged !== null) setDragged(fraction);
  };
  const onUp = (event: PointerEvent) => {
    if (dragged === null) return;
    onSeek(fractionAt(bar, event.clientX) * duration);
    setDragged(null);
    if (event.pointerType !== 'mouse') setPointer(null);
  };
  return (
    <div ref={bar} class={dragged !== null ? 'seek dragging' : 'seek'} role="slider" tabIndex={0} aria-label={t.value.player.position}
      aria-valuemin={0} aria-valuemax={Math.floor(duration)} aria-valuenow={Math.floor(shown)}
      aria-valuetext={t.value.player.timeOf(formatDuration(shown, 'long'), formatDuration(duration, 'long'))}
      onPointerDown={onDown} onPointerMove={onMove} onPointerUp={onUp} onPointerCancel={() => setDragged(null)} onPointerLeave={() => setPointer(null)}>
      <div class="seek-track">
        {buffered.map(([start, end]) => <div key={start} class="seek-buffered" style={{ left: percent(start), width: percent(end - start) }} />)}
        <div class="seek-played" style={{ width: percent(shown) }} />
        <div class="seek-knob" style={{ left: percent(shown) }} />
      </div>
      {pointer !== null && duration > 0 && <Preview sprite={sprite} seconds={pointer * duration} fraction={pointer} />}
    </div>
  );
}
