// SPDX-License-Identifier: LGPL-2.1-or-later
// How much time the charts show: it is in the address.
import { SPANS, type Span } from '../../../api/history';
import { place, replaceQuery } from '../../../app/router';
import { w } from '../../../i18n/admin-monitoring';

export function chosenSpan(): Span {
  const { span } = place.value.query;
  return SPANS.find((one) => one === span) ?? 'live';
}

export function Spans() {
  const chosen = chosenSpan();
  return (
    <div class="segments spans" role="group" aria-label={w.value.span}>
      {SPANS.map((span) => (
        <button key={span} type="button" aria-pressed={span === chosen} onClick={() => replaceQuery({ ...place.value.query, span: span === 'live' ? undefined : span })}>
          {w.value.spans[span]}
        </button>
      ))}
    </div>
  );
}
