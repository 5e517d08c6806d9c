// SPDX-License-Identifier: LGPL-2.1-or-later
// Plays one medium. "?t=SECONDS" begins there, "?t=0" at the beginning.
import { getMedium, titleOf } from '../api/media';
import { useResource } from '../api/resource';
import { encodeName, navigate, place } from '../app/router';
import { t } from '../i18n';
import { Loading, MediumProblem } from '../parts/page';
import { Player } from '../player/player';
import { useEffect } from 'preact/hooks';

export default function WatchPage({ rest }: { rest: string }) {
  const medium = useResource((signal) => getMedium(rest, signal), [rest]);
  const title = medium.data ? titleOf(medium.data) : rest;
  useEffect(() => {
    document.title = `${title} · ${t.value.product}`;
  }, [title]);
  const from = Number.parseFloat(place.value.query.t ?? '');
  const leave = () => navigate(`/about/${encodeName(rest)}`);
  if (medium.error && !medium.data) return <MediumProblem name={rest} problem={medium.error} retry={medium.reload} />;
  if (!medium.data) return <Loading />;
  return <Player key={medium.data.name} medium={medium.data} from={Number.isFinite(from) ? from : null} onLeave={leave} />;
}
