// PLACEHOLDER: to be replaced by the generator of docs/reference.md, docs/schema.json and the shell completions.
// Until then `npm run docs:check` has nothing to compare, and says so.
console.log('nothing generated yet');
