/** The scale bar: a round length and how long it is on the screen. */

export interface ScaleBar {
  readonly label: string;
  readonly widthPx: number;
}

const STEPS = [1, 2, 5];

/** The longest bar of a round length that fits into `mostPx` screen pixels, of which each covers `micronsPerPx`. */
export function scaleBar(micronsPerPx: number, mostPx: number): ScaleBar {
  const most = micronsPerPx * mostPx;
  const power = 10 ** Math.floor(Math.log10(most));
  const step = STEPS.findLast((each) => each * power <= most * (1 + 1e-9)) ?? 1;
  const microns = step * power;
  return { label: lengthLabel(microns), widthPx: microns / micronsPerPx };
}

function lengthLabel(microns: number): string {
  if (microns >= 1000) return `${round(microns / 1000)} mm`;
  return microns >= 1 ? `${round(microns)} µm` : `${round(microns * 1000)} nm`;
}

/** The objective's power that a pathologist would call this: 10x is 1 µm a pixel, as scanners have it. */
export function magnification(micronsPerPx: number): string {
  const power = 10 / micronsPerPx;
  return `${power >= 10 ? Math.round(power) : round(Number(power.toPrecision(2)))}×`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(6)));
}
