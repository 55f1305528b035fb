// Detects whether the picture is on the screen, and scrolls to it on request.

/** From this share on, the picture counts as being in view: scrolling to it stops. */
const IN_VIEW = 0.9;

/**
 * Scrolling to the picture is repeated for this long: JupyterLab learns the height of cells only
 * when they come into view.
 */
const SCROLL_MS = 3000;

export class Sight {
  /** @type {number | null} the share of the picture on the screen; null if unknown */ share = null;
  /** @type {number | null} when scrolling began, by the page's clock */ scrolledAt = null;

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.onChange = onChange;
    this.observer = new IntersectionObserver(
      ([entry]) => this.#setShare(entry.isIntersecting ? entry.intersectionRatio : 0),
      { threshold: [0, IN_VIEW] },
    );
  }

  get isVisible() {
    return this.share !== 0;
  }

  /** @param {Element} element */
  observe(element) {
    this.observer.observe(element);
  }

  disconnect() {
    this.observer.disconnect();
    this.#setShare(1);
  }

  /** @param {number} share */
  #setShare(share) {
    this.share = share;
    this.onChange();
  }

  /** Scroll the page to an element, for a short time after the first call. @param {Element} element */
  scrollTo(element) {
    if (this.share === null) return;
    this.scrolledAt ??= performance.now();
    if (this.share >= IN_VIEW || performance.now() - this.scrolledAt >= SCROLL_MS) return;
    element.scrollIntoView({ block: "center" });
  }
}
