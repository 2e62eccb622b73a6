// What the machine and its timers allow: as many loops as may run at once, and nothing else.
const [cap, ms] = process.argv.slice(2).map(Number);
let id = 0;

for (let i = 0; i < cap; i++) void loop();

async function loop() {
  for (;;) {
    const mine = await new Promise((resolve) => setTimeout(resolve, ms, id++));
    process.stdout.write(`${mine}\n`);
  }
}
