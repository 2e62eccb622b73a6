/** To thousandths: of times in milliseconds a microsecond is finer than the clock is right. */
export const round = (value: number): number => Math.round(value * 1000) / 1000;
