// SPDX-License-Identifier: LGPL-2.1-or-later
// One medium in one <video>. A browser follows a redirect once and keeps to its target, so a gateway
// that dies is an error of the media element: the playback then goes on at the next gateway, at the
// same place, and asks for other ones when it has tried all. A gateway that joined after the page was
// loaded is not in the page's policy: the page is then loaded anew, and goes on at the same place.
//
//   loading ── metadata ──▶ ready ── error, stall ──▶ loading (next URL) ── all tried, 5 times ──▶ failed
//
// Where the servers are full, a gateway says when to ask again (503 with Retry-After). Another one
// would say the same: the playback waits until then, and asks anew.
//
//   loading ── full ──▶ waiting ── its time ──▶ loading           waiting ── given up ──▶ failed
import { signal } from '@preact/signals';
import { Problem, readProblem } from '../api/client';
import { forgetPosition, savePosition, startPlay } from '../api/plays';
import { asProblem } from '../api/resource';
import { replaceQuery } from '../app/router';

export type PlaybackState = 'loading' | 'ready' | 'waiting' | 'failed';

const STALL_MS = 5000;
const LOOK_MS = 500;
const SAVE_SECONDS = 10;
const ROUNDS = 5;
/** After so much play in a row the troubles before are forgotten. */
const STEADY_SECONDS = 10;
/** A page that was loaded anew just now has the policy of now. */
const POLICY_MS = 10_000;

/** Seconds. After a shorter pause another gateway may do: that one is busy, not the cluster. */
const LEAST_WAIT = 2;
/** Nobody looks at a countdown for longer. */
const LONGEST_WAIT = 3600;

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * null: the gateway has the bytes, so what failed is the browser's decoder. Else what it says, with
 * status 0 when it is silent.
 */
async function askGateway(url: string): Promise<Problem | null> {
  try {
    const answer = await fetch(url, { headers: { Range: 'bytes=0-0', Accept: 'application/json' }, signal: AbortSignal.timeout(4000) });
    if (!answer.ok) return await readProblem(answer);
    void answer.body?.cancel();
    return null;
  } catch {
    return new Problem(0, '');
  }
}

function isJustReloaded(): boolean {
  const [load] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[];
  return load?.type === 'reload' && performance.now() < POLICY_MS;
}

export class Playback {
  readonly state = signal<PlaybackState>('loading');
  readonly problem = signal<Problem | null>(null);
  /** It goes on at another gateway; for a quiet note. */
  readonly moving = signal(false);
  /** While it waits: when the servers are asked again, as performance.now() counts. */
  readonly askAgainAt = signal(0);
  /** The browser cannot decode it. */
  readonly undecodable = signal(false);

  private urls: string[] = [];
  private at = 0;
  private rounds = 0;
  private wanted = 0;
  private playing = false;
  /** Something of it was on the screen. */
  private shown = false;
  /** The policy of this page refuses a gateway. */
  private outdated = false;
  private choosing = false;
  /** What a gateway said last. */
  private refusal: Problem | null = null;
  private saved = -1;
  private steadyFrom = 0;
  private progress = { time: -1, buffered: -1, since: 0 };
  private readonly timer: number;
  private waitTimer = 0;
  private readonly abort = new AbortController();

  constructor(private readonly video: HTMLVideoElement, private readonly name: string) {
    const on = (type: string, run: () => void) => video.addEventListener(type, run, { signal: this.abort.signal });
    on('loadedmetadata', () => this.onReady());
    on('error', () => void this.onError());
    on('pause', () => { if (this.state.value === 'ready' && !video.ended) this.save(); });
    on('ended', () => this.save());
    on('seeking', () => {
      this.progress.since = performance.now();
      // whoever moved it: an error on the way there goes on there
      if (video.readyState > 0) this.wanted = video.currentTime;
    });
    document.addEventListener('securitypolicyviolation', (event) => this.onViolation(event), { signal: this.abort.signal });
    addEventListener('pagehide', () => this.save(true), { signal: this.abort.signal });
    this.timer = window.setInterval(() => this.look(), LOOK_MS);
  }

  /** @from: seconds; null: where one left off. */
  async start(from: number | null): Promise<void> {
    this.state.value = 'loading';
    this.problem.value = null;
    this.playing = true;
    try {
      const play = await startPlay(this.name);
      if (this.abort.signal.aborted) return;
      this.urls = play.urls;
      this.at = 0;
      this.open(from ?? (play.position_ns ?? 0) / 1e9);
    } catch (error) {
      const problem = asProblem(error);
      if (!this.waitFor(problem)) this.fail(problem);
    }
  }

  /** Tries once more after it has failed. */
  retry(): void {
    clearTimeout(this.waitTimer);
    this.rounds = 0;
    void this.start(this.wanted || null);
  }

  /** Whoever watches does not want to wait any more. */
  stopWaiting(): void {
    clearTimeout(this.waitTimer);
    if (this.state.value === 'waiting') this.fail(this.problem.value ?? new Problem(0, ''));
  }

  seek(seconds: number): void {
    const end = Number.isFinite(this.video.duration) ? this.video.duration : seconds;
    this.wanted = Math.min(Math.max(seconds, 0), end);
    if (this.video.readyState > 0) this.video.currentTime = this.wanted;
  }

  close(): void {
    this.save(true);
    this.abort.abort();
    clearInterval(this.timer);
    clearTimeout(this.waitTimer);
    this.video.removeAttribute('src');
    this.video.load();
  }

  private open(seconds: number): void {
    this.wanted = seconds;
    this.progress = { time: -1, buffered: -1, since: performance.now() };
    this.video.src = this.urls[this.at] ?? '';
    this.video.load();
  }

  private onReady(): void {
    if (this.wanted > 0) this.video.currentTime = this.wanted;
    this.state.value = 'ready';
    this.moving.value = false;
    this.shown = true;
    this.refusal = null;
    this.steadyFrom = this.wanted;
    // a browser may refuse to begin with sound before a click: it then waits at the first frame
    if (this.playing) this.video.play().catch(() => { this.playing = false; });
  }

  private onViolation(event: SecurityPolicyViolationEvent): void {
    const isMedia = event.effectiveDirective === 'media-src' || event.effectiveDirective === 'connect-src';
    if (isMedia && this.urls.some((url) => event.blockedURI.startsWith(new URL(url).origin))) this.outdated = true;
  }

  /** The whole page, with the policy of now, at the same place. FALSE: that is of no use. */
  private loadAnew(): boolean {
    if (!this.outdated || isJustReloaded()) return false;
    replaceQuery({ t: this.wanted.toFixed(2) });
    location.reload();
    return true;
  }

  private async onError(): Promise<void> {
    const error = this.video.error;
    if (!error || !this.video.getAttribute('src') || this.abort.signal.aborted) return;
    const url = this.urls[this.at] ?? '';
    if (error.code >= MediaError.MEDIA_ERR_DECODE) {
      const refusal = await askGateway(url);
      if (refusal === null) {
        this.undecodable.value = true;
        this.fail(new Problem(-1, error.message));
        return;
      }
      if (refusal.status !== 0) this.refusal = refusal;
      if (this.waitFor(refusal)) return;
    }
    if (!this.abort.signal.aborted) await this.moveOn();
  }

  /** FALSE: the refusal names no time that is worth waiting for. */
  private waitFor(refusal: Problem): boolean {
    const seconds = refusal.retryAfter ?? 0;
    if (refusal.status !== 503 || seconds < LEAST_WAIT || seconds > LONGEST_WAIT || this.abort.signal.aborted) return false;
    this.problem.value = refusal;
    this.moving.value = false;
    this.askAgainAt.value = performance.now() + seconds * 1000;
    this.state.value = 'waiting';
    this.video.removeAttribute('src');
    this.video.load();
    clearTimeout(this.waitTimer);
    this.waitTimer = window.setTimeout(() => this.retry(), seconds * 1000);
    return true;
  }

  /** An error and a stall may tell of the same gateway. */
  private async moveOn(): Promise<void> {
    if (this.choosing) return;
    this.choosing = true;
    await this.choose();
    this.choosing = false;
  }

  /** The next gateway, or, when all were tried, others. */
  private async choose(): Promise<void> {
    if (this.state.value === 'ready') {
      this.wanted = this.video.seeking ? this.wanted : this.video.currentTime;
      this.playing = !this.video.paused;
    }
    this.state.value = 'loading';
    this.moving.value = true;
    this.at++;
    const isLast = this.at >= this.urls.length;
    if ((isLast || !this.shown) && this.loadAnew()) return;
    if (!isLast) {
      this.open(this.wanted);
      return;
    }
    if (++this.rounds > ROUNDS) {
      this.fail(this.refusal ?? new Problem(0, ''));
      return;
    }
    await wait(Math.min(500 * 2 ** (this.rounds - 1), 5000));
    if (this.abort.signal.aborted) return;
    try {
      this.urls = (await startPlay(this.name)).urls;
      this.at = 0;
      this.open(this.wanted);
    } catch (error) {
      const problem = asProblem(error);
      if (problem.status === 0 || problem.status >= 500) await this.choose();
      else this.fail(problem);
    }
  }

  private fail(problem: Problem): void {
    this.problem.value = problem;
    this.moving.value = false;
    this.state.value = 'failed';
  }

  private bufferedEnd(): number {
    const ranges = this.video.buffered;
    return ranges.length ? ranges.end(ranges.length - 1) : 0;
  }

  private look(): void {
    const { video } = this;
    const now = performance.now();
    const buffered = this.bufferedEnd();
    if (this.state.value === 'failed' || this.state.value === 'waiting') return;
    if (video.currentTime !== this.progress.time || buffered !== this.progress.buffered || (video.paused && video.readyState >= 2) || video.ended)
      this.progress = { time: video.currentTime, buffered, since: now };
    else if (video.getAttribute('src') && now - this.progress.since > STALL_MS && video.readyState < 3) {
      this.progress.since = now;
      void this.moveOn();
      return;
    }
    if (this.state.value !== 'ready' || video.paused) return;
    if (Math.abs(video.currentTime - this.steadyFrom) > STEADY_SECONDS) this.rounds = 0;
    if (Math.abs(video.currentTime - this.saved) >= SAVE_SECONDS) this.save();
  }

  /** Near the end there is nothing to go on with. An error never sets a position back. */
  private save(last = false): void {
    const { currentTime, duration } = this.video;
    if (this.state.value !== 'ready' || !Number.isFinite(duration) || this.video.error) return;
    if (Math.abs(currentTime - this.saved) < 1) return;
    this.saved = currentTime;
    const left = duration - currentTime;
    const done = left < Math.min(60, duration * 0.05) || this.video.ended;
    const quiet = () => undefined;
    if (done) forgetPosition(this.name, last).catch(quiet);
    else if (currentTime >= 5) savePosition(this.name, currentTime, last).catch(quiet);
  }
}
