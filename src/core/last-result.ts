import type { Item } from './item.js';

/** What the last step has put beside the data, or else the data: what a sink is given of an item. */
export const lastResult = ({ outputs, data }: Item): unknown =>
  Object.hasOwn(outputs, 'result') ? outputs.result : data;
