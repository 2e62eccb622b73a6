// The commands that run one step over rows: what they need is loaded for every row in a pipe.
export { command as filter } from './filter.js';
export { command as map } from './map.js';
