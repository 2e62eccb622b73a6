import { expect, it } from 'vitest';
import { configNamesIn } from '../../../src/pipeline/file/config-names.js';

it.each([
  ['data.x * config.rate + config?.other', ['rate', 'other']],
  ['`${config.a} config.b` + "config.json" + \'config.c\' // config.d', ['a']],
  ['data.config.x + myconfig.y', []],
  ['(config) => config.x', []],
  ['({ config }) => config.x', []],
  ['Object.keys(config).includes(data.k) && config.hasOwnProperty("x")', []],
  ['config[data.k]', []],
])('the values of the config in %s', (expression, names) => {
  expect(configNamesIn(expression)).toEqual(names);
});
