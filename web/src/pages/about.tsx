// SPDX-License-Identifier: LGPL-2.1-or-later
// One medium: what it is, whether it plays here, and how it plays elsewhere.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { makeLink } from '../api/account';
import { folderOf, getMedium, kindOf, titleOf } from '../api/media';
import { listPositions } from '../api/plays';
import { asProblem, useResource } from '../api/resource';
import type { Link, Medium, MediumStream } from '../api/types';
import { encodeName } from '../app/router';
import { mayAct } from '../app/session';
import { t } from '../i18n';
import { formatClock, formatDate, formatDuration, formatNumber, formatRate, formatSize, formatTime, languageName } from '../i18n/format';
import { CopyLine } from '../parts/copy-line';
import { Select } from '../parts/fields';
import { Icon } from '../parts/icon';
import { explainProblem, Loading, MediumProblem, Notice, PageTitle } from '../parts/page';
import { Poster } from '../parts/poster';
import { judge, type Verdict } from '../player/playable';
import { libraryPath } from './library';

function explainVerdict(verdict: Verdict): string {
  if (verdict.plays !== 'no') return verdict.plays === 'yes' ? t.value.about.playsHere : t.value.about.playsPerhaps;
  const { becauseCodec, becauseContainer, becauseKind } = t.value.about;
  return verdict.because === 'codec' ? becauseCodec(verdict.what) : verdict.because === 'container' ? becauseContainer(verdict.what) : becauseKind;
}

function describe(stream: MediumStream): string {
  const parts = [stream.codec ?? stream.mime_codec ?? ''];
  if (stream.width && stream.height) parts.push(`${stream.width} × ${stream.height}`);
  if (stream.framerate) parts.push(`${formatNumber(Math.round(stream.framerate * 100) / 100)} fps`);
  if (stream.channels) parts.push(t.value.about.channels(stream.channels));
  if (stream.rate) parts.push(`${formatNumber(stream.rate / 1000)} kHz`);
  if (stream.language) parts.push(languageName(stream.language));
  return parts.filter(Boolean).join(' · ');
}

function Facts({ medium }: { medium: Medium }) {
  const texts = t.value.about;
  const of = (type: string) => (medium.streams ?? []).filter((stream) => stream.type === type).map(describe).filter(Boolean);
  const facts: [string, ComponentChildren][] = [
    [texts.length, medium.duration_ns ? formatDuration(medium.duration_ns / 1e9) : ''],
    [texts.picture, of('video').join('\n')],
    [texts.sound, of('audio').join('\n')],
    [texts.subtitles, of('subtitle').join('\n')],
    [texts.container, medium.container ?? medium.content_type ?? ''],
    [texts.rate, medium.avg_bitrate ? formatRate(medium.avg_bitrate) : ''],
    [texts.size, medium.size !== null ? formatSize(medium.size) : ''],
    [texts.added, formatDate(medium.created)],
    [texts.file, medium.name],
    [texts.safety, medium.redundancy],
    [texts.checksum, medium.sha256 && <code>{medium.sha256}</code>],
  ];
  return (
    <section class="card" aria-labelledby="details-heading">
      <h2 id="details-heading">{texts.details}</h2>
      <dl class="facts">
        {facts.map(([name, value]) => value && <><dt>{name}</dt><dd class="lines">{value}</dd></>)}
      </dl>
    </section>
  );
}

const LIFETIMES = [1, 12, 72, 168] as const;

/** What a shell takes as one word. */
const quote = (text: string): string => `'${text.replace(/'/g, `'\\''`)}'`;

function Players({ medium }: { medium: Medium }) {
  const [link, setLink] = useState<Link | null>(null);
  const [hours, setHours] = useState('12');
  const [error, setError] = useState<string | null>(null);
  const texts = t.value.about;
  const secure = location.protocol === 'https:';
  const uri = `${secure ? 'pmsss' : 'pmss'}://${location.host}/${encodeName(medium.name)}`;
  const make = async () => {
    setError(null);
    try {
      setLink(await makeLink(medium.name, Number(hours) * 3600));
    } catch (problem) {
      setError(explainProblem(asProblem(problem)));
    }
  };
  return (
    <section class="card" aria-labelledby="players-heading">
      <h2 id="players-heading">{texts.players}</h2>
      <p class="muted">{texts.playersText}</p>
      <CopyLine name="GStreamer" line={`gst-play-1.0 ${quote(uri)}`} />
      <CopyLine name="gst-launch" line={`gst-launch-1.0 pmsssrc location=${quote(uri)} ! decodebin ! autovideosink`} />
      <div class="link-maker">
        <p class="muted">{texts.linkText}</p>
        <div class="link-form">
          <Select compact label={texts.lifetime} value={hours} options={LIFETIMES.map((n) => [String(n), texts.hours(n)] as const)} onChange={setHours} />
          <button type="button" class="button" onClick={() => void make()}><Icon name="link" />{texts.makeLink}</button>
        </div>
        {error && <Notice kind="error">{error}</Notice>}
      </div>
      {link?.url && (
        <div aria-live="polite">
          <p class="muted">{texts.linkUntil(formatTime(link.expires))}</p>
          <CopyLine name="URL" line={link.url} />
          <CopyLine name="VLC" line={`vlc ${quote(link.url)}`} />
          <CopyLine name="mpv" line={`mpv ${quote(link.url)}`} />
          <CopyLine name="gst-launch" line={`gst-launch-1.0 souphttpsrc location=${quote(link.url)} ! decodebin ! autovideosink`} />
        </div>
      )}
    </section>
  );
}

function PlayButtons({ medium, verdict }: { medium: Medium; verdict: Verdict }) {
  const positions = useResource((signal) => listPositions(signal), [medium.name]).data;
  const at = (positions?.find((one) => one.medium === medium.name)?.position_ns ?? 0) / 1e9;
  const path = `/watch/${encodeName(medium.name)}`;
  const primary = verdict.plays === 'no' ? 'button' : 'button primary';
  return (
    <div class="play-buttons">
      {verdict.plays !== 'no' && (
        <a class={`${primary} large`} href={path}><Icon name="play" solid />{at > 0 ? t.value.resumeAt(formatClock(at)) : t.value.play}</a>
      )}
      {verdict.plays !== 'no' && at > 0 && <a class="button" href={`${path}?t=0`}>{t.value.fromStart}</a>}
      <a class="button" href={`/media/${encodeName(medium.name)}`} download={medium.name.slice(medium.name.lastIndexOf('/') + 1)}>{t.value.about.download}</a>
      {mayAct('operator') && <a class="button" href={`/admin/media/${encodeName(medium.name)}`}>{t.value.about.manage}</a>}
    </div>
  );
}

export default function AboutPage({ rest }: { rest: string }) {
  const found = useResource((signal) => getMedium(rest, signal), [rest]);
  const medium = found.data;
  if (found.error && !medium) return <MediumProblem name={rest} problem={found.error} retry={found.reload} />;
  if (!medium) return <Loading />;
  const verdict = judge(medium);
  const folder = folderOf(medium.name);
  const ready = medium.state === 'ready';
  const line = [
    medium.duration_ns ? formatDuration(medium.duration_ns / 1e9) : '',
    medium.streams?.find((stream) => stream.height)?.height ? `${medium.streams.find((stream) => stream.height)!.height}p` : '',
    medium.size !== null ? formatSize(medium.size) : '',
  ].filter(Boolean).join(' · ');
  return (
    <article class="about">
      <nav class="crumbs" aria-label={t.value.folders}>
        <a href={libraryPath(folder)}><Icon name="back" />{folder || t.value.library}</a>
      </nav>
      <div class="about-head">
        {kindOf(medium) !== 'other' || medium.artwork?.poster ? <Poster medium={medium} /> : null}
        <div class="about-words">
          <PageTitle>{titleOf(medium)}</PageTitle>
          <p class="muted">{line}</p>
          {ready ? <PlayButtons medium={medium} verdict={verdict} /> : <Notice kind="info">{t.value.about.notReady(t.value.states[medium.state])}</Notice>}
          {ready && (
            <p class={verdict.plays === 'no' ? 'verdict no' : 'verdict'}>
              <Icon name={verdict.plays === 'yes' ? 'check' : 'info'} />
              <span>{verdict.plays === 'no' && <strong>{t.value.about.notHere}. </strong>}{explainVerdict(verdict)}</span>
            </p>
          )}
        </div>
      </div>
      <div class="about-cards">
        <Facts medium={medium} />
        {ready && !(verdict.plays === 'no' && verdict.because === 'kind') && <Players medium={medium} />}
      </div>
    </article>
  );
}
