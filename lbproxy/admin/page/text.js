// Numbers, times and durations as people read them.

const BYTES = ["B", "kB", "MB", "GB", "TB", "PB"];

/** A count, in full below a hundred thousand: 12,345 or 1.2M. */
export function count(value) {
  if (value < 100_000) return Math.round(value).toLocaleString("en-US");
  for (const [size, unit] of [[1e9, "G"], [1e6, "M"], [1e3, "k"]]) {
    if (value >= size) return `${short(value / size)}${unit}`;
  }
  return "";
}

/** Something per second. */
export function rate(value) {
  return value > 0 && value < 10 ? short(value) : count(value);
}

/** Bytes, by thousands. */
export function bytes(value) {
  let place = 0;
  while (value >= 1000 && place < BYTES.length - 1) {
    value /= 1000;
    place += 1;
  }
  return `${place && value < 10 ? value.toFixed(1) : Math.round(value)} ${BYTES[place]}`;
}

/** Milliseconds that something took. */
export function took(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "–";
  if (milliseconds >= 1000) return `${short(milliseconds / 1000)} s`;
  return `${milliseconds >= 10 ? Math.round(milliseconds) : milliseconds.toFixed(milliseconds < 1 ? 2 : 1)} ms`;
}

/** Seconds, in one unit. */
export function duration(seconds) {
  if (seconds < 0) seconds = 0;
  if (seconds < 100) return `${Math.floor(seconds)} s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Seconds that are left, never too few. */
export function left(seconds) {
  return seconds < 120 ? `${Math.max(0, Math.ceil(seconds))} s` : `${Math.ceil(seconds / 60)} min`;
}

/** A time of day, with the date when it is not today's. */
export function clock(time) {
  const date = new Date(time);
  const day = date.toDateString() === new Date().toDateString() ? "" : `${date.toLocaleDateString()} `;
  return day + date.toLocaleTimeString("en-GB");
}

/** One word in singular or plural. */
export function plural(number, word) {
  return `${count(number)} ${word}${number === 1 ? "" : "s"}`;
}

function short(value) {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}
