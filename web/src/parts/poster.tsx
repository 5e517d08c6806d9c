// SPDX-License-Identifier: LGPL-2.1-or-later
// The picture of a medium: a blur of it at once, then itself; else a sign of what it is.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { thumbHashToRGBA } from 'thumbhash';
import { kindOf, type Kind } from '../api/media';
import type { Medium } from '../api/types';
import { encodeName, makeQuery } from '../app/router';
import { Icon, type IconName } from './icon';

const ICONS: Record<Kind, IconName> = { video: 'film', audio: 'music', picture: 'picture', other: 'file' };

/** The same name has the same colour on every page. */
function hueOf(name: string): number {
  let hash = 7;
  for (let i = 0; i < name.length; i++) hash = (hash * 31 + name.charCodeAt(i)) | 0;
  return Math.abs(hash) % 360;
}

function Blur({ hash }: { hash: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    try {
      const { w, h, rgba } = thumbHashToRGBA(Uint8Array.from(atob(hash), (char) => char.charCodeAt(0)));
      const element = canvas.current!;
      element.width = w;
      element.height = h;
      element.getContext('2d')?.putImageData(new ImageData(new Uint8ClampedArray(rgba), w, h), 0, 0);
    } catch {
      /* a damaged hash: the plain ground has to do */
    }
  }, [hash]);
  return <canvas ref={canvas} class="poster-blur" aria-hidden="true" />;
}

interface Props {
  medium: Medium;
  /** Over the picture. */
  children?: ComponentChildren;
}

export function Poster({ medium, children }: Props) {
  const [loaded, setLoaded] = useState(false);
  const [broken, setBroken] = useState(false);
  const art = medium.artwork;
  const shown = art?.poster && !broken;
  return (
    <div class="poster" style={{ '--hue': String(hueOf(medium.name)) }}>
      {!shown && <Icon name={ICONS[kindOf(medium)]} />}
      {shown && art.thumbhash && !loaded && <Blur hash={art.thumbhash} />}
      {shown && (
        <img class={loaded ? 'loaded' : ''} alt="" loading="lazy" decoding="async" src={`/api/v1/posters/${encodeName(medium.name)}${makeQuery({ v: art.version })}`}
          onLoad={() => setLoaded(true)} onError={() => setBroken(true)} />
      )}
      {children}
    </div>
  );
}
