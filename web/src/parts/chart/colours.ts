// SPDX-License-Identifier: LGPL-2.1-or-later
// The colours of style/tokens.css for what is drawn on a canvas, and when they change.

/** The value of a custom property as it is now. */
export function colour(token: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(token).trim();
}

/** The size of the text around, which grows on large screens. */
export function textSize(): number {
  return Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
}

export function textFont(share = 0.75): string {
  return `${Math.round(textSize() * share)}px ${getComputedStyle(document.body).fontFamily}`;
}

/** Calls @changed when the page gets other colours; returns the function that ends it. */
export function watchColours(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
  return () => observer.disconnect();
}

/** Calls @changed with the width of @box in CSS pixels, at most once a frame; returns the function that ends it. */
export function watchWidth(box: HTMLElement, changed: (width: number) => void): () => void {
  let frame = 0;
  let last = 0;
  const observer = new ResizeObserver(() => {
    cancelAnimationFrame(frame);
    // not within the observer's own turn: what it changes would be seen by it again
    frame = requestAnimationFrame(() => {
      const width = Math.floor(box.clientWidth);
      if (width > 0 && width !== last) changed(last = width);
    });
  });
  observer.observe(box);
  return () => {
    cancelAnimationFrame(frame);
    observer.disconnect();
  };
}
