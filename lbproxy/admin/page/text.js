// Numbers, times and durations as text for people.

const BYTES = ["B", "kB", "MB", "GB", "TB", "PB"];

/** A count: 12,345 below 100,000, otherwise 1.2M. */
export function count(value) {
  if (value < 100_000) return Math.round(value).toLocaleString("en-US");
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (value >= size) return `${short(value / size)}${unit}`;
  }
  return "";
}

/** A number per second, with a decimal below 10. */
export function rate(value) {
  return value > 0 && value < 10 ? short(value) : count(value);
}

/** Bytes, with decimal units: 1 kB is 1,000 bytes. */
export function bytes(value) {
  let place = 0;
  while (value >= 1000 && place < BYTES.length - 1) {
    value /= 1000;
    place += 1;
  }
  return `${place && value < 10 ? value.toFixed(1) : Math.round(value)} ${BYTES[place]}`;
}

/** A duration in milliseconds, for what takes less than a few seconds. */
export function took(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  if (milliseconds >= 1000) return `${short(milliseconds / 1000)} s`;
  return `${milliseconds >= 10 ? Math.round(milliseconds) : milliseconds.toFixed(milliseconds < 1 ? 2 : 1)} ms`;
}

/** A duration in seconds, in its largest unit, rounded down. */
export function duration(seconds) {
  if (seconds < 0) seconds = 0;
  if (seconds < 100) return `${Math.floor(seconds)} s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Remaining seconds, rounded up. */
export function left(seconds) {
  return seconds < 120 ? `${Math.max(0, Math.ceil(seconds))} s` : `${Math.ceil(seconds / 60)} min`;
}

/** A time of day, with the date unless it is today. */
export function clock(time) {
  const date = new Date(time);
  const day = date.toDateString() === new Date().toDateString() ? "" : `${date.toLocaleDateString()} `;
  return day + date.toLocaleTimeString("en-GB");
}

/** A count with its noun in singular or plural. */
export function plural(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

function short(value) {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}
