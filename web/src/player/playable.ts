// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether this browser plays a medium, said before anybody clicks.
import type { Medium, MediumStream } from '../api/types';
import { kindOf } from '../api/media';

export type Verdict =
  | { plays: 'yes' | 'perhaps' }
  /** Why not: a codec, a container, or that it is no film and no music. */
  | { plays: 'no'; because: 'codec' | 'container' | 'kind'; what: string };

/** Containers that browsers read under another name than GStreamer's. */
const CONTAINERS: Record<string, string> = {
  'video/quicktime': 'video/mp4',
  'video/3gpp': 'video/mp4',
  'audio/x-matroska': 'video/x-matroska',
};

/** Where the catalog has GStreamer's description alone: its beginning, and the codec's name for browsers. */
const CODECS: readonly [RegExp, string][] = [
  [/VP8/i, 'vp8'], [/VP9/i, 'vp09.00.40.08'], [/AV1/i, 'av01.0.05M.08'], [/Opus/i, 'opus'], [/Vorbis/i, 'vorbis'], [/FLAC/i, 'flac'],
  [/MPEG-1 Layer 3|MP3/i, 'mp3'], [/H\.265|HEVC/i, 'hvc1.1.6.L93.B0'], [/H\.264|AVC/i, 'avc1.640028'], [/E-AC-3/i, 'ec-3'],
  [/AC-3/i, 'ac-3'], [/AAC/i, 'mp4a.40.2'], [/Theora/i, 'theora'], [/MPEG-4 (Visual|Video)|XviD|DivX/i, 'mp4v.20.9'],
];

/** The names that a browser may know it by: not each knows all. */
function codecsOf(stream: MediumStream): string[] {
  const usual = CODECS.find(([form]) => form.test(stream.codec ?? ''))?.[1];
  return [stream.mime_codec, usual].filter((name) => name !== undefined);
}

function ask(type: string): boolean {
  return document.createElement('video').canPlayType(type) !== '';
}

/** Some containers name no codecs, and are then judged by themselves: a WAV, an MP3. */
function judgeStream(container: string, stream: MediumStream): 'yes' | 'no' | 'unknown' {
  const codecs = codecsOf(stream);
  if (codecs.length === 0) return 'unknown';
  if (codecs.some((codec) => ask(`${container}; codecs="${codec}"`))) return 'yes';
  // the same codec elsewhere: then it is the container that does not name it
  const known = codecs.some((codec) => ['video/mp4', 'video/webm', 'audio/ogg'].some((other) => ask(`${other}; codecs="${codec}"`)));
  return known && ask(container) ? 'yes' : 'no';
}

export function judge(medium: Medium): Verdict {
  const kind = kindOf(medium);
  if (kind !== 'video' && kind !== 'audio') return { plays: 'no', because: 'kind', what: medium.content_type ?? '' };
  const type = medium.content_type ?? '';
  const container = CONTAINERS[type] ?? type;
  if (!ask(container)) return { plays: 'no', because: 'container', what: medium.container ?? type };
  let sure = true;
  for (const stream of (medium.streams ?? []) ) {
    if (stream.type !== 'video' && stream.type !== 'audio') continue;
    const verdict = judgeStream(container, stream);
    if (verdict === 'no') return { plays: 'no', because: 'codec', what: stream.codec ?? stream.mime_codec ?? '' };
    if (verdict === 'unknown') sure = false;
  }
  return { plays: sure ? 'yes' : 'perhaps' };
}
