// SPDX-License-Identifier: LGPL-2.1-or-later
// What a <video> is doing, for drawing its controls.
import type { RefObject } from 'preact';
import { useEffect, useState } from 'preact/hooks';

export interface MediaState {
  paused: boolean;
  waiting: boolean;
  ended: boolean;
  time: number;
  duration: number;
  volume: number;
  muted: boolean;
  speed: number;
  buffered: readonly [number, number][];
}

const EVENTS = ['play', 'pause', 'timeupdate', 'durationchange', 'seeking', 'seeked', 'waiting', 'playing', 'canplay', 'progress',
  'volumechange', 'ratechange', 'ended', 'loadedmetadata', 'emptied'];

const NOTHING: MediaState = { paused: true, waiting: false, ended: false, time: 0, duration: 0, volume: 1, muted: false, speed: 1, buffered: [] };

function read(video: HTMLVideoElement, old: MediaState): MediaState {
  // while another gateway is opened the element knows nothing: what was known stays
  const known = video.readyState > 0;
  return {
    paused: video.paused,
    waiting: !video.paused && !video.ended && video.readyState < 3,
    ended: video.ended,
    time: known ? video.currentTime : old.time,
    duration: known && Number.isFinite(video.duration) ? video.duration : old.duration,
    volume: video.volume,
    muted: video.muted,
    speed: video.playbackRate,
    buffered: Array.from({ length: video.buffered.length }, (_, i) => [video.buffered.start(i), video.buffered.end(i)] as [number, number]),
  };
}

export function useMediaState(video: RefObject<HTMLVideoElement | null>): MediaState {
  const [state, setState] = useState(NOTHING);
  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    const update = () => setState((old) => read(element, old));
    for (const type of EVENTS) element.addEventListener(type, update);
    update();
    return () => {
      for (const type of EVENTS) element.removeEventListener(type, update);
    };
  }, [video]);
  return state;
}
