// SPDX-License-Identifier: LGPL-2.1-or-later
// The player: a <video> with controls of ours, all of them usable by keys and by ear.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Medium } from '../api/types';
import { kindOf, titleOf } from '../api/media';
import { useResource } from '../api/resource';
import { readPreference, writePreference } from '../app/preferences';
import { t } from '../i18n';
import { formatClock, languageName } from '../i18n/format';
import { Poster } from '../parts/poster';
import { Controls } from './controls';
import { KeyHelp } from './key-help';
import { actionOf, type Action } from './keys';
import { useMediaState } from './media-state';
import { PlayerFailed } from './player-failed';
import { PlayerWaiting } from './player-waiting';
import { Playback } from './playback';
import { loadSprite } from './sprite';
import { findSubtitles, loadSubtitles, showCues, type SubtitleFile } from './subtitles';

interface Props {
  medium: Medium;
  /** Seconds; null: where one left off. */
  from: number | null;
  onLeave: () => void;
}

const IDLE_MS = 3000;
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
const FRAME = 1 / 25;

function frameLength(medium: Medium): number {
  const rate = Number(medium.streams?.find((stream) => stream.type === 'video')?.framerate);
  return rate > 0 ? 1 / rate : FRAME;
}

/** As the default, too: an element that opens another gateway goes back to that. */
function setSpeed(video: HTMLVideoElement, speed: number): void {
  video.defaultPlaybackRate = speed;
  video.playbackRate = speed;
}

/** The controls go when nothing moves and no key is pressed for a while. An open menu keeps them (player.css). */
function useIdle(paused: boolean): [boolean, () => void] {
  const [idle, setIdle] = useState(false);
  const timer = useRef(0);
  const stir = () => {
    setIdle(false);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setIdle(true), IDLE_MS);
  };
  useEffect(() => {
    stir();
    return () => clearTimeout(timer.current);
  }, [paused]);
  return [idle && !paused, stir];
}

function useSubtitles(medium: Medium, video: { current: HTMLVideoElement | null }, say: (text: string) => void) {
  const files = useResource((signal) => findSubtitles(medium.name, signal), [medium.name]).data ?? [];
  const [chosen, setChosen] = useState<SubtitleFile | null>(null);
  const nameOf = (file: SubtitleFile) => (file.language ? languageName(file.language) : t.value.player.subtitles);
  const choose = (file: SubtitleFile | null) => {
    setChosen(file);
    writePreference('subtitles', file ? (file.language ?? 'on') : null);
    if (!video.current) return;
    showCues(video.current, null, '', null);
    say(file ? t.value.player.subtitlesOn(nameOf(file)) : t.value.player.subtitlesOff);
    if (!file) return;
    loadSubtitles(file).then(
      (cues) => { if (video.current) showCues(video.current, cues, nameOf(file), file.language); },
      () => { setChosen(null); say(t.value.player.subtitlesFailed(file.name)); },
    );
  };
  useEffect(() => {
    const wish = readPreference('subtitles');
    const fitting = wish && (files.find((file) => (file.language ?? 'on') === wish));
    if (fitting && !chosen) choose(fitting);
  }, [files.length]);
  return { files, chosen, choose, nameOf };
}

export function Player({ medium, from, onLeave }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const video = useRef<HTMLVideoElement>(null);
  const playback = useRef<Playback | null>(null);
  const [, setMade] = useState(false);
  const [help, setHelp] = useState(false);
  const [said, setSaid] = useState('');
  const [full, setFull] = useState(false);
  const state = useMediaState(video);
  const [idle, stir] = useIdle(state.paused);
  const sprite = useResource((signal) => loadSprite(medium, signal), [medium.name, medium.artwork?.version]).data;
  const subtitles = useSubtitles(medium, video, setSaid);
  const frame = useMemo(() => frameLength(medium), [medium]);

  useEffect(() => {
    const element = video.current!;
    const volume = Number(readPreference('volume') ?? '1');
    element.volume = volume >= 0 && volume <= 1 ? volume : 1;
    playback.current = new Playback(element, medium.name);
    setMade(true);
    void playback.current.start(from);
    box.current?.focus({ preventScroll: true });
    return () => playback.current?.close();
  }, [medium.name]);

  const act = (action: Action, key = '') => {
    const element = video.current!;
    const seek = (seconds: number) => {
      playback.current?.seek(seconds);
      setSaid(formatClock(Math.max(0, Math.min(seconds, state.duration))));
    };
    const loud = (volume: number) => {
      element.volume = Math.min(1, Math.max(0, Math.round(volume * 20) / 20));
      element.muted = false;
      writePreference('volume', String(element.volume));
      setSaid(t.value.player.volumeIs(Math.round(element.volume * 100)));
    };
    const speed = (step: number) => {
      const at = SPEEDS.indexOf(element.playbackRate);
      setSpeed(element, SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, (at < 0 ? 2 : at) + step))]!);
      setSaid(t.value.player.speedIs(element.playbackRate));
    };
    const actions: Record<Action, () => void> = {
      toggle: () => { if (element.paused) void element.play().catch(() => undefined); else element.pause(); },
      back5: () => seek(element.currentTime - 5),
      forward5: () => seek(element.currentTime + 5),
      back10: () => seek(element.currentTime - 10),
      forward10: () => seek(element.currentTime + 10),
      frameBack: () => { element.pause(); seek(element.currentTime - frame); },
      frameForward: () => { element.pause(); seek(element.currentTime + frame); },
      start: () => seek(0),
      end: () => seek(state.duration),
      tenth: () => seek((state.duration * Number(key)) / 10),
      louder: () => loud(element.volume + 0.05),
      quieter: () => loud(element.volume - 0.05),
      mute: () => { element.muted = !element.muted; setSaid(element.muted ? t.value.player.mutedNow : t.value.player.volumeIs(Math.round(element.volume * 100))); },
      slower: () => speed(-1),
      faster: () => speed(1),
      subtitles: () => {
        const all = [null, ...subtitles.files];
        subtitles.choose(all[(all.indexOf(subtitles.chosen) + 1) % all.length] ?? null);
      },
      fullscreen: () => {
        if (document.fullscreenElement) void document.exitFullscreen();
        else void box.current?.requestFullscreen?.().catch(() => undefined);
      },
      picture: () => {
        if (document.pictureInPictureElement) void document.exitPictureInPicture();
        else void element.requestPictureInPicture?.().catch(() => undefined);
      },
      help: () => setHelp(true),
      leave: () => { if (!document.fullscreenElement) onLeave(); },
    };
    actions[action]();
  };

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      // also of a key that is the focused button's own: nobody presses what cannot be seen
      stir();
      const action = help ? null : actionOf(event);
      if (!action || event.defaultPrevented) return;
      event.preventDefault();
      act(action, event.key);
    };
    const onFull = () => setFull(document.fullscreenElement !== null);
    document.addEventListener('keydown', onKey);
    document.addEventListener('fullscreenchange', onFull);
    return () => {
      document.removeEventListener('keydown', onKey);
      document.removeEventListener('fullscreenchange', onFull);
    };
  });

  const made = playback.current;
  const failed = made?.state.value === 'failed';
  const waits = made?.state.value === 'waiting';
  const busy = !failed && !waits && (made?.state.value !== 'ready' || state.waiting);
  return (
    <div ref={box} class={idle && !failed && !waits ? 'player idle' : 'player'} tabIndex={-1} role="region" aria-label={t.value.player.of(titleOf(medium))}
      onPointerMove={stir} onFocusIn={stir}>
      <video ref={video} crossOrigin="anonymous" playsInline preload="auto" aria-label={titleOf(medium)} onClick={() => act('toggle')} onDblClick={() => act('fullscreen')} />
      {kindOf(medium) === 'audio' && <div class="player-cover"><Poster medium={medium} /></div>}
      {busy && <div class="player-busy"><span class="spinner" aria-hidden="true" /></div>}
      {made?.moving.value && <p class="player-note" role="status">{t.value.player.moving}</p>}
      {waits && <PlayerWaiting until={made.askAgainAt.value} onStop={() => made.stopWaiting()} onLeave={onLeave} />}
      {failed && <PlayerFailed medium={medium} problem={made.problem.value} undecodable={made.undecodable.value} onRetry={() => made.retry()} onLeave={onLeave} />}
      <div class="player-top">
        <button type="button" class="icon-button" aria-label={t.value.back} onClick={onLeave}><BackIcon /></button>
        <h1>{titleOf(medium)}</h1>
      </div>
      {!failed && !waits && <Controls state={state} sprite={sprite} full={full} subtitles={subtitles} act={act} onSeek={(seconds) => playback.current?.seek(seconds)}
        onSpeed={(value) => setSpeed(video.current!, value)} speeds={SPEEDS}
        onVolume={(value) => { video.current!.volume = value; video.current!.muted = false; writePreference('volume', String(value)); }} />}
      <p class="visually-hidden" role="status" aria-live="polite">{said}</p>
      {help && <KeyHelp onClose={() => { setHelp(false); box.current?.focus(); }} />}
    </div>
  );
}

function BackIcon() {
  return <svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M19.500 12h-15m6.500-6.500L4.500 12l6.500 6.500" /></svg>;
}
