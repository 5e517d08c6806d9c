// SPDX-License-Identifier: LGPL-2.1-or-later
// The row of controls below the picture.
import { t } from '../i18n';
import { formatClock } from '../i18n/format';
import { Menu } from '../parts/menu';
import type { Action } from './keys';
import type { MediaState } from './media-state';
import { PlayerIcon } from './player-icon';
import { SeekBar } from './seek-bar';
import type { Sprite } from './sprite';
import type { SubtitleFile } from './subtitles';

interface Props {
  state: MediaState;
  sprite: Sprite | null;
  full: boolean;
  subtitles: { files: readonly SubtitleFile[]; chosen: SubtitleFile | null; choose: (file: SubtitleFile | null) => void; nameOf: (file: SubtitleFile) => string };
  speeds: readonly number[];
  act: (action: Action) => void;
  onSeek: (seconds: number) => void;
  onSpeed: (speed: number) => void;
  onVolume: (volume: number) => void;
}

function Volume({ state, act, onVolume }: Pick<Props, 'state' | 'act' | 'onVolume'>) {
  const silent = state.muted || state.volume === 0;
  return (
    <div class="volume">
      <button type="button" class="icon-button" aria-label={silent ? t.value.player.unmute : t.value.player.mute} onClick={() => act('mute')}>
        <PlayerIcon name={silent ? 'muted' : 'volume'} />
      </button>
      <input type="range" min={0} max={100} step={5} aria-label={t.value.player.volume} value={silent ? 0 : Math.round(state.volume * 100)}
        onInput={(event) => onVolume(Number(event.currentTarget.value) / 100)} />
    </div>
  );
}

function Choice({ pressed, onClick, children }: { pressed: boolean; onClick: () => void; children: string }) {
  return <button type="button" class="menu-item choice" aria-pressed={pressed} onClick={onClick}>{children}</button>;
}

export function Controls({ state, sprite, full, subtitles, speeds, act, onSeek, onSpeed, onVolume }: Props) {
  const texts = t.value.player;
  return (
    <div class="controls">
      <SeekBar time={state.time} duration={state.duration} buffered={state.buffered} sprite={sprite} onSeek={onSeek} />
      <div class="controls-row">
        <button type="button" class="icon-button play-button" aria-label={state.ended ? texts.replay : state.paused ? texts.play : texts.pause} onClick={() => act('toggle')}>
          <PlayerIcon name={state.ended ? 'replay' : state.paused ? 'play' : 'pause'} solid={state.paused && !state.ended} />
        </button>
        <button type="button" class="icon-button narrow-hidden" aria-label={texts.back10} onClick={() => act('back10')}><PlayerIcon name="back10" /></button>
        <button type="button" class="icon-button narrow-hidden" aria-label={texts.forward10} onClick={() => act('forward10')}><PlayerIcon name="forward10" /></button>
        <Volume state={state} act={act} onVolume={onVolume} />
        <span class="clock"><span class="clock-now">{formatClock(state.time)}</span> / {formatClock(state.duration)}</span>
        <span class="bar-space" />
        {subtitles.files.length > 0 && (
          <Menu class={subtitles.chosen ? 'up active' : 'up'} drawn={<PlayerIcon name="subtitles" />} label={texts.subtitles}>
            <Choice pressed={subtitles.chosen === null} onClick={() => subtitles.choose(null)}>{texts.off}</Choice>
            {subtitles.files.map((file) => (
              <Choice key={file.name} pressed={subtitles.chosen === file} onClick={() => subtitles.choose(file)}>{subtitles.nameOf(file)}</Choice>
            ))}
          </Menu>
        )}
        <Menu class={state.speed !== 1 ? 'up active' : 'up'} drawn={<PlayerIcon name="speed" />} label={texts.speed}>
          {speeds.map((speed) => <Choice key={speed} pressed={state.speed === speed} onClick={() => onSpeed(speed)}>{texts.times(speed)}</Choice>)}
        </Menu>
        <button type="button" class="icon-button narrow-hidden" aria-label={texts.keys} onClick={() => act('help')}><PlayerIcon name="keys" /></button>
        {document.pictureInPictureEnabled && (
          <button type="button" class="icon-button narrow-hidden" aria-label={texts.picture} onClick={() => act('picture')}><PlayerIcon name="picture" /></button>
        )}
        <button type="button" class="icon-button" aria-label={full ? texts.leaveFullscreen : texts.fullscreen} onClick={() => act('fullscreen')}>
          <PlayerIcon name={full ? 'window' : 'full'} />
        </button>
      </div>
    </div>
  );
}
