export { marbles } from './testing/marbles.js';
export { type FakeRuntime, fakeRuntime, type FakeRuntimeOptions } from './testing/fake-runtime.js';
export { sourceContract } from './testing/source-contract.js';
export { sinkContract, type SinkContractOptions } from './testing/sink-contract.js';
