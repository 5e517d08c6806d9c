// SPDX-License-Identifier: LGPL-2.1-or-later
// Subtitles that lie beside a medium: "films/a.webm" has "films/a.srt", "films/a.ko.vtt".
import { fileOf, listMedia } from '../api/media';
import { startPlay } from '../api/plays';

export interface SubtitleFile {
  name: string;
  /** "ko"; null: the name does not say. */
  language: string | null;
}

export interface Cue {
  start: number;
  end: number;
  text: string;
}

const MAX_BYTES = 8 * 1024 * 1024;
const MAX_CUES = 50_000;

function withoutExtension(name: string): string {
  const dot = name.lastIndexOf('.');
  return dot > name.lastIndexOf('/') + 1 ? name.slice(0, dot) : name;
}

export async function findSubtitles(name: string, signal?: AbortSignal): Promise<SubtitleFile[]> {
  const stem = withoutExtension(name);
  const { media } = await listMedia({ prefix: stem, limit: 100 }, signal);
  return media.flatMap((medium) => {
    const match = /^(?:\.([A-Za-z0-9-]{2,12}))?\.(srt|vtt)$/i.exec(medium.name.slice(stem.length));
    return match && medium.state === 'ready' ? [{ name: medium.name, language: match[1]?.toLowerCase() ?? null }] : [];
  });
}

/** "01:02:03,450" or "02:03.450" */
function parseTime(text: string): number | null {
  const match = /^(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})$/.exec(text.trim());
  if (!match) return null;
  return Number(match[1] ?? 0) * 3600 + Number(match[2]) * 60 + Number(match[3]) + Number(match[4]!.padEnd(3, '0')) / 1000;
}

/** SubRip and WebVTT differ in what stands around the cues; both have lines "from --> to". */
export function parseSubtitles(text: string): Cue[] {
  const cues: Cue[] = [];
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);
  for (let i = 0; i < lines.length && cues.length < MAX_CUES; i++) {
    const [from, rest] = lines[i]!.split('-->', 2);
    if (rest === undefined) continue;
    const start = parseTime(from!);
    const end = parseTime(rest.trim().split(/\s/)[0] ?? '');
    if (start === null || end === null || end <= start) continue;
    const content: string[] = [];
    for (i++; i < lines.length && lines[i]!.trim() !== ''; i++) content.push(lines[i]!);
    const clean = content.join('\n').replace(/\{\\[^}]*\}/g, '').replace(/<\/?font[^>]*>/gi, '').trim();
    if (clean) cues.push({ start, end, text: clean });
  }
  return cues;
}

/** UTF-8, UTF-16 with a mark, else what files of that language usually are. */
export function decodeText(bytes: ArrayBuffer, language: string | null): string {
  const head = new Uint8Array(bytes, 0, Math.min(2, bytes.byteLength));
  if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder('utf-16le').decode(bytes);
  if (head[0] === 0xfe && head[1] === 0xff) return new TextDecoder('utf-16be').decode(bytes);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return new TextDecoder(language === 'ko' ? 'euc-kr' : 'windows-1252').decode(bytes);
  }
}

export async function loadSubtitles(file: SubtitleFile): Promise<Cue[]> {
  const { urls } = await startPlay(file.name);
  let last: unknown = new Error(fileOf(file.name));
  for (const url of urls) {
    try {
      const answer = await fetch(url, { signal: AbortSignal.timeout(15_000) });
      if (!answer.ok || Number(answer.headers.get('Content-Length') ?? 0) > MAX_BYTES) continue;
      return parseSubtitles(decodeText(await answer.arrayBuffer(), file.language));
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

/** Shows @cues in @video as its only track; null: none. */
export function showCues(video: HTMLVideoElement, cues: readonly Cue[] | null, label: string, language: string | null): void {
  for (const track of video.textTracks) track.mode = 'disabled';
  if (!cues) return;
  const track = video.addTextTrack('subtitles', label, language ?? '');
  for (const cue of cues) track.addCue(new VTTCue(cue.start, cue.end, cue.text));
  track.mode = 'showing';
}
