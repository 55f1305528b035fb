// Entry point for anywidget: one subscription per widget, one view per display.

import { Subscription } from "./subscription.js";
import { View } from "./view.js";

/** @typedef {import("./subscription.js").Model} Model */

export default () => {
  /** @type {Subscription} */ let subscription;
  return {
    /** @param {{model: Model}} context */
    initialize({ model }) {
      subscription = new Subscription(model);
      return subscription.open();
    },
    /** @param {{el: HTMLElement, signal: AbortSignal}} context */
    render({ el, signal }) {
      new View(subscription, el, signal);
    },
  };
};
