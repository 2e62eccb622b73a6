/** Where jobs are kept, seen from where the program runs. */
export const ROOT = '.batchx';
