import { asyncScheduler } from 'rxjs';

/** Lets what is under way go on for a few turns of the event loop. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++)
    await new Promise<void>((resolve) => asyncScheduler.schedule(() => resolve()));
}
