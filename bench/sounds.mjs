// Synthesises every sound of the chat and writes it to public/sounds as MP3.
// Usage: bin/sounds (it installs lame, which does the compression)

import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const RATE = 24000;
const KBITS = 48;
const PEAK = 10 ** (-3 / 20);
const MIN_SECONDS = 0.4;
const MAX_SECONDS = 3.4; // The encoder adds up to a tenth of a second.
const MAX_TOTAL_BYTES = 1_000_000;
const TAU = 2 * Math.PI;

// Random numbers. Every sound starts from its own seed, so that changing one recipe does not change the other files.

let state = 0;

function random() {
  state = (state + 0x6d2b79f5) | 0;
  let bits = Math.imul(state ^ (state >>> 15), state | 1);
  bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
  return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
}

const seed = (name) => (state = [...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), 7) | 0);
const between = (low, high) => low + (high - low) * random();
const repeat = (count, part) => Array.from({ length: count }, (_, index) => part(index));

// Values over time: a number, or a function of the seconds since the start.

const valueAt = (value, time) => (typeof value === "function" ? value(time) : value);

const through = (blend) => (...points) => (time) => {
  if (time <= points[0]) return points[1];
  for (let index = 2; index < points.length; index += 2) {
    if (time < points[index]) {
      const [from, low, to, high] = points.slice(index - 2, index + 2);
      return blend(low, high, (time - from) / (to - from));
    }
  }
  return points.at(-1);
};

/** Straight lines through time, value, time, value, … */
const line = through((low, high, part) => low + (high - low) * part);
/** The same for pitches: equal intervals in equal times. */
const glide = through((low, high, part) => low * (high / low) ** part);
/** Jumps from value to value. */
const steps = through((low) => low);

const hit = (decay, attack = 0.002) => (time) => Math.min(1, time / attack) * Math.exp(-time / decay);

const hold = (seconds, attack = 0.02, release = 0.05) => {
  const start = Math.min(attack, seconds * 0.4);
  return line(0, 0, start, 1, Math.max(seconds - release, seconds * 0.5, start), 1, seconds, 0);
};

const vibrato = (pitch, rate, depth, delay = 0.15) => (time) =>
  valueAt(pitch, time) * (1 + depth * Math.min(1, time / (delay * 2)) * Math.sin(TAU * rate * time));

const wobble = (rate, depth) => (time) => 1 - depth * (0.5 + 0.5 * Math.sin(TAU * rate * time));

/** "C4", "F#3", "Bb5" in hertz. */
function hz(note) {
  const [, letter, sign, octave] = /^([A-G])([#b]?)(\d)$/.exec(note);
  const semitone = { C: 0, D: 2, E: 4, F: 5, G: 7, A: 9, B: 11 }[letter] + { "#": 1, b: -1, "": 0 }[sign];
  return 440 * 2 ** ((semitone - 9) / 12 + Number(octave) - 4);
}

// Oscillators. A wave maps a phase from 0 to 1; `step` is how far one sample moves it.

/** Rounds the jump of a saw or a pulse (PolyBLEP), which would otherwise cause aliasing. */
function round(phase, step) {
  if (phase < step) return -((1 - phase / step) ** 2);
  if (phase > 1 - step) return ((phase - 1) / step + 1) ** 2;
  return 0;
}

const sine = (phase) => Math.sin(TAU * phase);
const triangle = (phase) => 1 - 4 * Math.abs(phase - 0.5);
const saw = (phase, step) => 2 * phase - 1 - round(phase, step);
const pulse = (width) => (phase, step) => saw(phase, step) - saw((phase + 1 - width) % 1, step) + 1 - 2 * width;
const square = pulse(0.5);

const make = (seconds, sample) =>
  Float64Array.from({ length: Math.round(seconds * RATE) }, (_, index) => sample(index / RATE));

function voice(seconds, pitch, wave = sine) {
  let phase = random();
  return make(seconds, (time) => {
    const step = valueAt(pitch, time) / RATE;
    phase = (phase + step) % 1;
    return wave(phase, step);
  });
}

function fm(seconds, pitch, ratio, index) {
  let carrier = 0;
  let modulator = 0;
  return make(seconds, (time) => {
    const step = valueAt(pitch, time) / RATE;
    carrier = (carrier + step) % 1;
    modulator = (modulator + step * ratio) % 1;
    return Math.sin(TAU * carrier + valueAt(index, time) * Math.sin(TAU * modulator));
  });
}

const noise = (seconds) => make(seconds, () => random() * 2 - 1);

/** A plucked string: a burst of noise that runs round a delay line and loses its edges. */
function string(seconds, pitch, damping = 0.996) {
  const period = RATE / pitch;
  const delay = repeat(Math.floor(period), () => random() * 2 - 1);
  // The line has whole samples only; an all-pass filter delays by the rest, or high notes would be out of tune.
  const rest = period - delay.length + 0.5;
  const gain = (1 - rest) / (1 + rest);
  let index = 0;
  let last = 0;
  let sample = 0;
  return make(seconds, () => {
    const next = (index + 1) % delay.length;
    const dull = damping * 0.5 * (delay[index] + delay[next]);
    sample = gain * (dull - sample) + last;
    last = dull;
    delay[index] = sample;
    index = next;
    return sample;
  });
}

// Effects on a signal.

const shape = (signal, ...levels) =>
  signal.map((sample, index) => levels.reduce((product, level) => product * valueAt(level, index / RATE), sample));

/** Parts are signals, or [start, signal, level]. */
function mix(...parts) {
  const placed = parts.map((part) => {
    const [start, signal, gain = 1] = Array.isArray(part) ? part : [0, part];
    return { first: Math.round(start * RATE), signal, gain };
  });
  const sum = new Float64Array(Math.max(...placed.map(({ first, signal }) => first + signal.length)));
  for (const { first, signal, gain } of placed) {
    for (let index = 0; index < signal.length; index++) sum[first + index] += signal[index] * gain;
  }
  return sum;
}

/** One state-variable filter, whose frequency may move. */
const filter = (output) => (signal, frequency, sharpness = 0.7) => {
  let band = 0;
  let low = 0;
  return signal.map((sample, index) => {
    const gain = Math.tan((Math.PI * Math.min(valueAt(frequency, index / RATE), RATE * 0.45)) / RATE);
    const damping = 1 / sharpness;
    const high = (sample - (damping + gain) * band - low) / (1 + gain * (gain + damping));
    const middle = gain * high + band;
    const bottom = gain * middle + low;
    band = gain * high + middle;
    low = gain * middle + bottom;
    return output(bottom, middle * damping, high);
  });
};

const lowpass = filter((low) => low);
const bandpass = filter((_, band) => band);
const highpass = filter((_, __, high) => high);

const distort = (signal, drive) => signal.map((sample) => Math.tanh(sample * drive));

const loudest = (signal) => signal.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
const level = (signal, target = 1) => shape(signal, target / (loudest(signal) || 1));

const echo = (signal, delay, feedback, count = 4) =>
  mix(...repeat(count + 1, (index) => [delay * index, signal, feedback ** index]));

/** Reverberation: four comb filters, then two all-pass filters. */
function hall(signal, tail = 1, wet = 0.3) {
  const dry = mix(signal, new Float64Array(signal.length + Math.round(tail * RATE)));
  const lines = [0.0297, 0.0371, 0.0411, 0.0437].map((delay) => {
    const length = Math.round(delay * RATE);
    const sum = dry.slice();
    const gain = 0.001 ** (delay / tail);
    let dull = 0;
    for (let index = length; index < sum.length; index++) {
      dull = 0.7 * sum[index - length] + 0.3 * dull;
      sum[index] += gain * dull;
    }
    return sum;
  });
  const room = mix(...lines);
  for (const delay of [0.005, 0.0017]) {
    const length = Math.round(delay * RATE);
    const input = room.slice();
    for (let index = length; index < room.length; index++) {
      room[index] = input[index - length] - 0.7 * input[index] + 0.7 * room[index - length];
    }
  }
  return mix(dry, [0, room, wet * 0.5]);
}

/** Notes as "C4 E4/2 -/.5 C4+E4/3": a pitch or several, then how many beats. */
function tune(text, beat, play, length = 0.95) {
  let start = 0;
  const parts = text.split(" ").flatMap((word) => {
    const [notes, beats = 1] = word.split("/");
    const begin = start;
    start += beats * beat;
    const played = notes.split("+").filter((note) => note !== "-");
    return played.map((note) => [begin, play(hz(note), beats * beat * length)]);
  });
  return mix(...parts);
}

/** A bar as "x..x": a hit at every x, a soft one at every o. */
const bar = (text, step, drum) =>
  mix(...[...text].flatMap((mark, index) => (mark === "." ? [] : [[index * step, drum(), mark === "o" ? 0.45 : 1]])));

// The voice: a buzz and a breath through the resonances of a mouth.

const phone = (formants, voiced = 1, breath = 0, hiss = 0, centre = 5000) =>
  ({ formants, voiced, breath, hiss, centre });
const stop = (formants, voiced, centre, hiss = 0.5) => ({ ...phone(formants, voiced, 0, hiss, centre), stop: true });
const PHONES = {
  i: phone([270, 2290, 3010]),
  I: phone([390, 1990, 2550]),
  e: phone([530, 1840, 2480]),
  A: phone([660, 1720, 2410]),
  a: phone([730, 1090, 2440]),
  V: phone([640, 1190, 2390]),
  o: phone([570, 840, 2410]),
  O: phone([450, 800, 2350]),
  U: phone([440, 1020, 2240]),
  u: phone([300, 870, 2240]),
  R: phone([480, 1250, 1600]),
  r: phone([320, 1060, 1400], 0.7),
  l: phone([360, 1100, 2700], 0.6),
  w: phone([290, 610, 2150], 0.7),
  y: phone([260, 2250, 3000], 0.8),
  m: phone([250, 950, 2200], 0.35),
  n: phone([250, 1500, 2500], 0.35),
  v: phone([250, 1000, 2200], 0.4, 0, 0.06, 6000),
  h: phone(null, 0, 0.35),
  f: phone([300, 1100, 2300], 0, 0, 0.12, 7000),
  s: phone([300, 1700, 2600], 0, 0, 0.3, 6500),
  b: stop([200, 800, 2200], 0.15, 800),
  d: stop([200, 1700, 2600], 0.15, 4000),
  g: stop([200, 1900, 2300], 0.15, 1900),
  p: stop([300, 800, 2200], 0, 900),
  t: stop([300, 1700, 2600], 0, 4500),
  k: stop([300, 1900, 2300], 0, 2000),
  _: phone(null, 0),
};

/** Follows jumps the way a mouth does, with some delay. */
function follow(delay, start) {
  let first = start;
  let second = start;
  const part = 1 - Math.exp(-1 / (delay * RATE));
  return (target) => {
    first = first === undefined ? target : first + part * (target - first);
    second = second === undefined ? first : second + part * (first - second);
    return second;
  };
}

/** Two poles that ring at one frequency. */
function resonator() {
  let last = 0;
  let before = 0;
  return (sample, frequency, width) => {
    const radius = Math.exp((-Math.PI * width) / RATE);
    const turn = 2 * radius * Math.cos((TAU * frequency) / RATE);
    const next = (1 - turn + radius * radius) * sample + turn * last - radius * radius * before;
    before = last;
    last = next;
    return next;
  };
}

/** Phones with their milliseconds, "h:60 e:200"; `size` above 1 is a longer throat, `rough` a hoarser one. */
function speak(text, pitch, { size = 1, air = 0.02, rough = 0.01 } = {}) {
  let end = 0;
  const phones = text.split(" ").map((word) => {
    const [name, milliseconds] = word.split(":");
    const start = end;
    end += milliseconds / 1000;
    return { ...PHONES[name], start, end };
  });
  // Breath and silence take the mouth of what follows, or at the end of what went before.
  const open = ({ formants }) => formants;
  const mouths = phones.map((_, index) => (phones.slice(index).find(open) ?? phones.findLast(open)).formants);

  const moves = [0, 1, 2].map(() => follow(0.016));
  const [voiced, breath, hiss, drift] = [0.008, 0.008, 0.003, 0.004].map((delay) => follow(delay, 0));
  const resonators = repeat(5, resonator);
  const hisses = [];
  let phase = 0;
  let now = 0;
  const spoken = make(end, (time) => {
    while (time >= phones[now].end && now < phones.length - 1) now++;
    const current = phones[now];
    const done = (time - current.start) / (current.end - current.start);
    const bursts = !current.stop || done > 0.6;
    const step = (valueAt(pitch, time) * (1 + rough * 20 * drift(random() - 0.5))) / RATE;
    phase = (phase + step) % 1;
    const wind = random() * 2 - 1;
    hisses.push(wind * hiss(bursts ? current.hiss : 0));
    const edge = Math.min(1, time / 0.01, (end - time) / 0.04);
    let sample = edge * (saw(phase, step) * voiced(current.voiced) + wind * (air + breath(current.breath)));
    const frequencies = [...moves.map((move, index) => move(mouths[now][index])), 3400, 4400];
    frequencies.forEach((frequency, index) => {
      sample = resonators[index](sample, frequency / size, [80, 100, 140, 220, 300][index]);
    });
    return sample;
  });
  now = 0;
  const centre = (time) => {
    while (time >= phones[now].end && now < phones.length - 1) now++;
    return phones[now].centre;
  };
  const teeth = bandpass(Float64Array.from(hisses), centre, 1.2);
  return mix(level(spoken), teeth);
}

const crowd = (count, spread, member) =>
  mix(...repeat(count, () => [random() * spread, member(), between(0.6, 1) / Math.sqrt(count)]));

const applause = (seconds, density = 60) => mix(
  new Float64Array(seconds * RATE),
  ...repeat(Math.round(seconds * density), () => {
    const hands = shape(bandpass(noise(0.04), between(900, 2200), 1.5), hit(0.008, 0.001));
    return [random() * (seconds - 0.05), hands, between(0.3, 1)];
  }),
);

// Drums.

const kick = (low = 48) => shape(voice(0.35, glide(0, low * 4, 0.06, low * 1.2, 0.3, low)), hit(0.11));
const tom = (pitch) => mix(
  [0, shape(voice(0.4, glide(0, pitch * 1.7, 0.1, pitch)), hit(0.12))],
  [0, shape(lowpass(noise(0.05), 1500), hit(0.01)), 0.4],
);
const snare = (decay = 0.08) => mix(
  [0, shape(highpass(noise(decay * 5), 900), hit(decay))],
  [0, shape(voice(0.15, glide(0, 320, 0.05, 190)), hit(0.04)), 0.8],
);
const hat = (decay = 0.02) => shape(highpass(noise(decay * 6), 7000), hit(decay, 0.001), 0.5);
const clap = () => {
  const part = (decay) => shape(bandpass(noise(0.25), 1400, 1.2), hit(decay, 0.001));
  return mix([0, part(0.006), 1.6], [0.011, part(0.006), 1.6], [0.023, part(0.06), 1.6]);
};
const cymbal = (decay = 0.5) => {
  const metal = [3170, 4230, 5410, 6130, 7570].map((pitch) => [0, fm(decay * 4, pitch, 1.47, 3), 0.15]);
  return shape(mix(highpass(noise(decay * 4), 5000), ...metal), hit(decay), 0.6);
};
const wood = (pitch) => shape(bandpass(mix(noise(0.12), [0, voice(0.12, pitch), 2]), pitch, 6), hit(0.018, 0.001), 2);
const timpani = (pitch, decay = 0.5) => {
  const modes = [1, 1.5, 1.99, 2.44].map((ratio, index) => {
    const part = 1 / (1 + index);
    return [0, shape(voice(decay * 4, pitch * ratio), hit(decay * part)), part];
  });
  return mix(...modes, [0, shape(lowpass(noise(0.1), 600), hit(0.02))]);
};

// Instruments: a pitch and seconds to a signal.

const chorus = (pitch, seconds, wave, spread, count = 3) => mix(
  ...repeat(count, (index) => {
    const away = 1 + spread * (index - (count - 1) / 2);
    return [0, voice(seconds, (time) => valueAt(pitch, time) * away, wave), 1 / count];
  }),
);
const brass = (pitch, seconds) => {
  const lips = chorus(vibrato(pitch, 5.2, 0.005, 0.3), seconds, saw, 0.004);
  const bright = line(0, pitch, 0.05, pitch * 8, 0.2, pitch * 5, seconds, pitch * 4);
  return shape(lowpass(lips, bright, 1.1), hold(seconds, 0.025, 0.07));
};
// Of every partial: its pitch, how loud it is and how long it rings.
const PARTIALS = [[0.5, 0.5, 1.4], [1, 0.8, 1], [1.19, 0.6, 0.8], [1.5, 0.4, 0.7], [2, 0.9, 0.6], [2.51, 0.4, 0.4],
  [2.66, 0.3, 0.35], [3.01, 0.35, 0.25], [4.17, 0.25, 0.15], [5.43, 0.15, 0.1]];
const bell = (pitch, seconds, decay = seconds / 4) => mix(...PARTIALS.map(([ratio, loud, long]) =>
  [0, shape(voice(seconds, pitch * ratio), hit(decay * long)), loud / 2]));
const glass = (pitch, seconds) => shape(fm(Math.max(seconds, 0.9), pitch, 3.5, hit(0.12)), hit(0.25));
const keys = (pitch, seconds) => mix(
  [0, shape(fm(seconds, pitch, 1, hit(0.4)), hit(0.7), hold(seconds, 0.002, 0.08))],
  [0, shape(fm(seconds, pitch, 14, 0.6), hit(0.05), hold(seconds)), 0.2],
);
const chip = (pitch, seconds) => shape(voice(seconds, pitch, pulse(0.25)), hold(seconds, 0.004, 0.02), hit(0.3));
const calliope = (pitch, seconds) => shape(
  mix(
    [0, voice(seconds, vibrato(pitch, 7, 0.006, 0.05), triangle)],
    [0, voice(seconds, pitch * 2), 0.35],
    [0, bandpass(noise(seconds), pitch * 2, 4), 0.25],
  ),
  hold(seconds, 0.02, 0.03),
);
const fiddle = (pitch, seconds) => {
  const bowed = mix([0, voice(seconds, vibrato(pitch, 6, 0.008), saw)], [0, highpass(noise(seconds), 2500), 0.06]);
  const body = mix(
    [0, bandpass(bowed, 480, 2), 1.2],
    [0, bandpass(bowed, 1100, 2)],
    [0, bandpass(bowed, 2900, 2), 0.8],
  );
  return shape(mix(body, [0, lowpass(bowed, 4500), 0.3]), hold(seconds, 0.02, 0.03));
};
const tuba = (pitch, seconds) =>
  shape(lowpass(voice(seconds, pitch, saw), line(0, 200, 0.04, 700, 0.2, 350)), hold(seconds, 0.02, 0.06), hit(0.5));
const clarinet = (pitch, seconds) =>
  shape(lowpass(voice(seconds, vibrato(pitch, 5, 0.004), square), pitch * 5), hold(seconds, 0.02, 0.03), 0.7);
const flute = (pitch, seconds) => shape(
  mix(
    [0, voice(seconds, vibrato(glide(0, pitch * 0.94, 0.07, pitch), 5, 0.012, 0.25), triangle)],
    [0, bandpass(noise(seconds), pitch * 2, 3), 0.6],
  ),
  hold(seconds, 0.05, 0.1),
);
const guitar = (pitch, seconds) => {
  const chord = mix(...[1, 1.498, 2].map((ratio) => [0, string(seconds, pitch * ratio, 0.998), 0.6]));
  return shape(lowpass(distort(lowpass(chord, 2500), 8), 3600), hold(seconds, 0.003, 0.03));
};
const mandolin = (pitch, seconds) =>
  mix(...repeat(Math.max(1, Math.round(seconds / 0.075)), (index) => [index * 0.075, string(0.3, pitch, 0.985), 0.6]));
const marimba = (pitch) =>
  mix(shape(voice(0.5, pitch), hit(0.12)), [0, shape(voice(0.1, pitch * 3.93), hit(0.02, 0.001)), 0.5]);
const pad = (pitch, seconds) => shape(
  lowpass(chorus(pitch, seconds, saw, 0.008), line(0, 400, seconds / 2, 1800, seconds, 600)),
  hold(seconds, 0.3, 0.5),
);
const strings = (pitch, seconds) =>
  shape(lowpass(chorus(vibrato(pitch, 5.5, 0.006), seconds, saw, 0.006), 3200), hold(seconds, 0.12, 0.15));
const synth = (pitch, seconds) => shape(
  lowpass(chorus(pitch, seconds, saw, 0.01), glide(0, pitch * 12, 0.18, pitch * 3), 1.6),
  hold(seconds, 0.005, 0.04),
);
const acid = (pitch, seconds) =>
  shape(lowpass(voice(seconds, pitch, square), glide(0, 2200, 0.16, 200), 4), hold(seconds, 0.004, 0.03));
const saxophone = (pitch, seconds) => {
  const reed = voice(seconds, vibrato(glide(0, pitch * 0.95, 0.06, pitch), 5.4, 0.013, 0.2), saw);
  const horn = mix([0, bandpass(reed, 620, 2), 1.3], [0, bandpass(reed, 1500, 2.5)], [0, bandpass(reed, 2700, 3), 0.6]);
  return shape(
    mix(horn, [0, lowpass(reed, 900), 0.5], [0, bandpass(noise(seconds), 3000), 0.05]),
    hold(seconds, 0.03, 0.05),
  );
};
const carHorn = (pitches, seconds) => shape(
  distort(bandpass(mix(...pitches.map((pitch) => voice(seconds, pitch, pulse(0.3)))), 1300, 0.6), 0.5),
  hold(seconds, 0.015, 0.04),
);
const whoosh = (seconds, low, high, peak = 0.6) => shape(
  bandpass(noise(seconds), glide(0, low, seconds * peak, high, seconds, low), 1.5),
  line(0, 0, seconds * peak, 1, seconds, 0),
);
const gong = (seconds, pitch = 95) => shape(
  mix(fm(seconds, pitch, 1.41, line(0, 1, 0.3, 4, seconds, 1)), [0, fm(seconds, pitch * 2.76, 1.73, 2), 0.5]),
  hit(seconds / 4, 0.015),
);
const sweep = (low, high, seconds) => voice(seconds, glide(0, low, seconds, high));

// The sounds.

const SOUNDS = {
  "56k": () => {
    const dial = [[697, 1209], [770, 1477], [852, 1336], [941, 1336]].map(([low, high], index) =>
      [index * 0.11, shape(mix(voice(0.08, low), voice(0.08, high)), hold(0.08, 0.004, 0.004), 0.4)]);
    const bits = repeat(400, () => (random() < 0.5 ? 1180 : 980));
    const answers = repeat(400, () => (random() < 0.5 ? 1850 : 1650));
    const keyed = (list, seconds, rate) =>
      shape(voice(seconds, (time) => list[Math.floor(time * rate)]), hold(seconds));
    const scramble = shape(bandpass(noise(1.1), 1800, 0.8), wobble(33, 0.5), hold(1.1, 0.02, 0.1), 1.6);
    return mix(
      ...dial,
      [0.55, shape(voice(0.5, 2100), hold(0.5)), 0.5],
      [1.05, keyed(bits, 0.5, 120), 0.5],
      [1.2, keyed(answers, 0.6, 150), 0.5],
      [1.8, shape(fm(0.25, glide(0, 500, 0.25, 2600), 2, 4), hold(0.25)), 0.5],
      [2.05, scramble],
      [2.3, shape(voice(0.12, 1375, square), hold(0.12)), 0.3],
    );
  },

  ballmer: () => {
    const shout = (pitch) =>
      speak("d:50 e:90 v:40 A:150", glide(0, pitch, 0.1, pitch * 1.3, 0.33, pitch * 0.8), { rough: 0.3, air: 0.1 });
    const words = [150, 160, 172, 190].map((pitch, index) => [index * 0.42, distort(shout(pitch), 3)]);
    const claps = bar("x.x.x.x.x", 0.21, clap);
    return hall(mix(...words, [0, claps, 0.6], [0, lowpass(applause(2.1, 90), 3000), 0.25]), 0.5, 0.25);
  },

  bell: () => bell(523, 3.3, 0.6),

  bezos: () => {
    const laugh = repeat(8, (index) => {
      const pitch = 240 - index * 12;
      const ha = speak("h:50 a:115", glide(0, pitch * 1.2, 0.16, pitch * 0.85), { air: 0.06 });
      return [0.4 + index * 0.19 + (index > 3 ? 0.15 : 0), ha, 1 - index * 0.07];
    });
    return mix(speak("h:80 a:260", glide(0, 170, 0.34, 310), { air: 0.08 }), ...laugh);
  },

  bueller: () => {
    const call = () => speak("b:70 y:60 u:170 l:70 R:230", glide(0, 104, 0.6, 99), { size: 1.05 });
    return hall(mix(call(), [1.25, call()]), 0.4, 0.2);
  },

  butts: () => {
    const slack = (time) => 75 + 25 * Math.sin(time * 31) + 20 * Math.sin(time * 77) - 50 * time;
    const flaps = mix(voice(0.55, slack, pulse(0.12)), [0, shape(noise(0.55), wobble(75, 1)), 0.4]);
    const raspberry = shape(lowpass(flaps, 900, 1.5), hold(0.55, 0.01, 0.15));
    return mix([0, speak("b:60 V:150 t:60 s:160", glide(0, 170, 0.3, 120))], [0.5, level(raspberry, 0.9)]);
  },

  clowntown: () => mix(
    tune("C5/.5 E5/.5 A5 G5/.5 E5/.5 F5 D5/.5 F5/.5 B4 C5/2", 0.21, calliope, 0.8),
    [0, tune("F3 C4+E4 G2 C4+F4 G3 B3+F4 C3 C4+E4", 0.21, tuba, 0.7), 0.6],
    [1.85, shape(bandpass(voice(0.3, glide(0, 330, 0.05, 410, 0.3, 290), pulse(0.2)), 1100, 1.5), hold(0.3)), 1.5],
  ),

  cottoneyejoe: () => mix(
    tune("D5 A4 D5 F#5 E5 C5 E5 G5 F#5 A5 G5 E5 C5 E5 D5/2", 0.125, fiddle),
    [0, tune("D4/4 C4/4 D4/2 A3/2 A3/2 D4/2", 0.125, fiddle), 0.5],
    [0, bar("x.o.x.o.x.o.x.x", 0.125, () => kick(60)), 0.9],
    [0, bar("..x...x...x...x", 0.125, clap), 0.5],
  ),

  crickets: () => {
    const chirp = (pitch, count) =>
      mix(...repeat(count, (index) => [index * 0.032, shape(voice(0.022, pitch), hold(0.022, 0.006, 0.01))]));
    const near = [0.1, 0.75, 1.4, 2.05, 2.7].map((start) => [start, chirp(4520, 4)]);
    const far = [0.4, 0.95, 1.62, 2.2, 2.88].map((start) => [start + random() * 0.05, chirp(3980, 3), 0.3]);
    return mix(...near, ...far, [0, lowpass(noise(3.1), 300), 0.03]);
  },

  curb: () => mix(
    tune("G2 - D2 - G2 - C2 - D2 - G2", 0.22, tuba),
    [0, tune("- B3+D4 - B3+D4 - B3+F4 - C4+E4 - C4+F#4 B3+D4", 0.22, mandolin, 0.4), 0.5],
    [0, tune("D5/1.5 B4/.5 C5 A4 F4/1.5 E4/.5 G4 E4/.5 F#4/.5 A4 F#4 G4", 0.22, clarinet, 0.6), 0.6],
  ),

  dadgummit: () => {
    const pitch = glide(0, 150, 0.2, 135, 0.35, 165, 0.6, 88);
    return mix(
      [0, wood(420), 1.2],
      [0.02, shape(voice(0.25, glide(0, 190, 0.2, 90)), hit(0.08))],
      [0.25, speak("d:45 A:120 d:55 g:45 V:100 m:60 I:90 t:90", pitch, { rough: 0.2, air: 0.08 })],
      [0.95, speak("r:90 R:280", glide(0, 88, 0.35, 66), { rough: 0.4 }), 0.6],
    );
  },

  dangerzone: () => mix(
    [0, tune("E2/.5 E2/.5 G2 E2/.5 B2/.5 A2 D3/.5 C3/.5 E2/3", 0.24, guitar), 0.8],
    [0, bar("x.x.x.x.x.x.x", 0.12, () => kick()), 0.8],
    [0, bar("..x...x...x..", 0.24, () => snare(0.07)), 0.6],
    [0.5, whoosh(2.2, 250, 3800, 0.65), 1.5],
    [0.6, shape(sweep(1900, 700, 1.9), hold(1.9, 1.1, 0.6)), 0.08],
  ),

  danielsan: () => hall(mix(
    gong(2.6, 110),
    [0.3, tune("E5/2 D5/.5 B4/1.5 A4 B4/.5 G4/.5 E4/3", 0.24, flute), 0.8],
    [0.3, tune("E3 B3 E4/3 A3 D4 E3", 0.24, (pitch) => string(0.8, pitch, 0.992)), 0.4],
  ), 0.6, 0.3),

  deeper: () => {
    const fall = steps(0, 98, 0.6, 82, 1.2, 65, 1.8, 49, 2.8, 49);
    const drone = shape(fm(2.8, fall, 0.5, line(0, 2, 2.8, 5)), wobble(6, 0.2), hold(2.8, 0.05, 0.5));
    const word = (pitch, size) => speak("d:50 i:200 p:70 R:180", glide(0, pitch * 1.1, 0.5, pitch * 0.8), { size });
    const words = [98, 82, 65].map((pitch, index) => [0.05 + index * 0.6, word(pitch, 1.15 + index * 0.1)]);
    return hall(mix([0, lowpass(drone, glide(0, 900, 2.8, 180)), 0.6], ...words), 0.5, 0.35);
  },

  donotwant: () => {
    const buzz = shape(lowpass(mix(voice(0.22, 116, square), voice(0.22, 123, square)), 1800), hold(0.22), 0.5);
    const words = speak("d:50 u:170 n:70 o:90 t:80 w:60 a:130 n:80 t:90", glide(0, 210, 0.3, 230, 0.5, 170, 0.82, 110));
    return mix([0, words], [0.95, buzz], [1.22, buzz]);
  },

  drama: () => hall(mix(
    tune("C3+C2 -/.2 Bb2+Bb1 -/.2 F#2+F#1+C3/4", 0.34, brass),
    [0, tune("C2/1.2 Bb1/1.2 F#1/4", 0.34, (pitch) => timpani(pitch * 2, 0.35)), 0.5],
    [0.82, shape(mix(...["F#4", "C5", "Eb5"].map((note) => strings(hz(note), 1.4))), wobble(13, 0.6)), 0.2],
  ), 0.7, 0.4),

  flawless: () => hall(mix(
    [0, gong(1.6, 70), 0.8],
    [0, kick(40)],
    [0.15, speak("f:90 l:60 a:190 l:60 e:120 s:170", glide(0, 105, 0.3, 95, 0.65, 68), { size: 1.25, rough: 0.1 })],
    [0.75, tune("D5 F#5 A5 C#6 E6 G#6/4", 0.07, glass), 0.35],
  ), 0.7, 0.35),

  glados: () => {
    const words = "h:60 e:120 l:80 O:260 _:120 p:70 l:70 i:220 s:110 w:80 e:130 i:150 t:110";
    const notes = steps(0, 262, 0.2, 330, 0.52, 294, 0.78, 349, 0.95, 262, 1.11, 392, 1.3, 247, 1.6, 247);
    const robot = speak(words, notes, { size: 0.88, air: 0, rough: 0 });
    const doubled = mix(robot, [0.012, robot, 0.7], [0.021, robot, 0.5]);
    const metal = shape(doubled, (time) => 0.75 + 0.25 * Math.sin(TAU * 70 * time));
    return mix(
      metal,
      [0.02, shape(voice(1.6, 49, saw), hold(1.6, 0.2, 0.4)), 0.05],
      [1.62, shape(voice(0.15, 880), hit(0.06)), 0.4],
    );
  },

  gogogo: () => {
    const shout = (pitch) =>
      speak("g:50 O:170 U:60", glide(0, pitch, 0.08, pitch * 1.35, 0.28, pitch * 0.9), { rough: 0.25, air: 0.08 });
    const pea = (time) => 2900 + 130 * Math.sign(Math.sin(TAU * 38 * time));
    const whistle = shape(voice(0.45, pea), hold(0.45, 0.01, 0.05));
    const shouts = [170, 185, 205].map((pitch, index) => [0.5 + index * 0.29, distort(shout(pitch), 2.5)]);
    return hall(mix([0, whistle, 0.4], ...shouts), 0.3, 0.2);
  },

  greatjob: () => mix(
    tune("C5 E5 A5 B5 E6/2 -/.5 E6/.5 A6/2", 0.11, marimba),
    [0.44, tune("A4+C#5+E5/2 -/.5 E4+B4/.5 A4+C#5+E5/4", 0.11, keys), 0.3],
    [0.72, applause(1.4, 70), 0.5],
  ),

  greyjoy: () => hall(mix(
    [0, tune("D2+A2/10", 0.26, strings), 0.6],
    [0.2, tune("D3/2 F3 E3/.5 G3/.5 Bb2/1.5 A2/3.5", 0.26, brass), 0.6],
    [0, shape(lowpass(noise(2.7), glide(0, 300, 1.2, 1400, 2.7, 250)), line(0, 0.1, 1.2, 1, 2.7, 0)), 0.6],
    [0, timpani(55, 0.4), 0.5],
    [1.3, timpani(55, 0.4), 0.5],
  ), 0.6, 0.4),

  guarantee: () => {
    const pitch = glide(0, 115, 0.12, 130, 0.35, 105, 0.7, 84);
    const drawer = shape(bandpass(noise(0.18), 1600, 1), line(0, 0.2, 0.15, 1, 0.18, 0));
    return mix(
      [0, speak("g:50 A:110 r:70 V:80 n:70 t:60 i:260", pitch, { rough: 0.3, size: 1.1 })],
      [0.8, drawer, 0.6],
      [0.98, kick(90), 0.5],
      [1, bell(2093, 1.1, 0.25), 0.8],
      [1.09, bell(2637, 1.1, 0.3), 0.7],
    );
  },

  heygirl: () => mix(
    [0, tune("Db3 -/.2 Ab3+C4+Eb4+F4/3.8 -/.5 Gb3+Bb3+Db4+F4/3", 0.27, keys), 0.45],
    [0, bar("o..ox..oo..ox", 0.18, () => hat(0.04)), 0.4],
    [0.6, speak("h:110 e:160 i:190", glide(0, 96, 0.2, 118, 0.45, 84), { air: 0.12, size: 1.1 }), 0.9],
    [1.15, speak("g:55 R:200 l:200", glide(0, 100, 0.45, 76), { air: 0.12, size: 1.1 }), 0.8],
  ),

  honk: () => mix(carHorn([587, 740], 0.13), [0.21, carHorn([587, 740], 0.24)]),

  horn: () => mix(carHorn([349, 440], 0.3), [0.42, carHorn([349, 440], 1.1)]),

  horror: () => {
    const cluster = repeat(12, (index) => {
      const pitch = 620 * 2 ** ((index * 0.87) / 12);
      return [0, voice(3, (time) => pitch * (1 + 0.012 * Math.sin(time * (3 + index)) + 0.03 * time), saw), 0.15];
    });
    const swell = line(0, 0.05, 1.2, 0.4, 2.1, 1, 2.75, 0.8, 3, 0);
    return mix(
      shape(bandpass(mix(...cluster), glide(0, 700, 2.2, 2600), 0.7), swell, wobble(11, 0.4)),
      [0, shape(mix(voice(3, 41, saw), voice(3, 43.5, saw)), hold(3, 0.8, 0.5)), 0.15],
      [2.1, timpani(46, 0.3), 0.4],
    );
  },

  inconceivable: () => {
    const words = "I:110 n:60 k:70 V:80 n:60 s:110 i:220 v:60 V:90 b:60 V:70 l:160";
    return speak(words, glide(0, 200, 0.25, 180, 0.5, 330, 0.72, 280, 0.9, 190, 1.15, 150), { size: 0.95 });
  },

  letitgo: () => hall(mix(
    [0, whoosh(2.4, 500, 4500, 0.45), 0.5],
    [0.1, tune("F#5 C#6 G#5 E6 B5 D#6 G#6 C#7/3", 0.13, glass), 0.6],
    [0.6, tune("C#4+G#4+B4/5", 0.3, pad), 0.5],
    [1.1, shape(highpass(noise(1), 6500), hit(0.3, 0.05)), 0.3],
  ), 0.7, 0.4),

  live: () => mix(
    [0, tune("A4+D5/.5 A4+D5/.5 E5+A5 C5+G5/.5 D5+B5/.5 A4+E5+A5/4", 0.2, brass), 0.5],
    [0, tune("A4/.5 D5/.5 A5 G5/.5 B5/.5 A5/4", 0.2, glass), 0.4],
    [0, tune("D2 A2 C2 D2/4", 0.2, (pitch) => timpani(pitch, 0.3)), 0.7],
    [0, bar("xoxoxoxoxoxoxoxoxoxoxoxo", 0.066, () => wood(1900)), 0.2],
  ),

  loggins: () => mix(
    [0, tune("G4+B4+D5/1.5 F4+A4+C5 -/.5 E4+G4+C5 A4+C5+D5 G4+B4+D5/3", 0.24, synth), 0.4],
    [0, tune("G2 G2 F2 F2 C3 D3 G2/3", 0.24, acid), 0.4],
    [0, bar("x..xx..xx", 0.24, () => kick()), 0.9],
    [0, bar("..x...x..", 0.24, () => shape(hall(snare(0.09), 0.5, 1), hold(0.24, 0.001, 0.01))), 0.5],
  ),

  makeitso: () => {
    const blip = (pitch, seconds) => shape(voice(seconds, pitch), hold(seconds, 0.005, 0.02));
    const engine = fm(1.7, glide(0, 45, 1.2, 380, 1.7, 900), 1.005, 3);
    return mix(
      [0, tune("B5/.5 E6/.5 -/.5 C#6/.5 F#6", 0.12, blip), 0.5],
      [0.5, shape(engine, line(0, 0, 1.1, 0.8, 1.3, 1, 1.7, 0)), 0.5],
      [0.7, whoosh(1.6, 200, 5000, 0.55), 1.2],
      [1.55, kick(38), 0.9],
    );
  },

  noooo: () => {
    const pitch = vibrato(glide(0, 260, 0.3, 290, 1.9, 95), 5, 0.02, 0.4);
    return hall(echo(speak("n:120 o:500 O:1300", pitch, { air: 0.06 }), 0.28, 0.35, 2), 0.6, 0.4);
  },

  nyan: () => mix(
    tune("G5 C6 B5 G5 E5/2 F5 A5 D6 C6 A5/2 G5 B5 E6/2", 0.095, chip),
    [0, tune("C4 E4 C4 E4 C4 E4 D4 F4 D4 F4 D4 F4 G3 B3 C4/2", 0.095, chip, 0.6), 0.4],
    [0, bar("x.ox.ox.ox.ox.o", 0.095, () => hat()), 0.4],
    [1.45, speak("m:70 i:90 A:130 u:150", glide(0, 520, 0.2, 760, 0.45, 430), { size: 0.62 }), 0.9],
  ),

  ohmy: () => {
    const pitch = glide(0, 92, 0.2, 118, 0.5, 88, 0.7, 112, 1.15, 70);
    return speak("O:380 U:90 m:130 a:260 i:300", pitch, { size: 1.15, air: 0.05 });
  },

  ohyeah: () => {
    const pitch = glide(0, 72, 0.4, 60, 0.6, 74, 1.35, 46);
    return hall(mix(
      [0, speak("O:480 _:90 y:120 e:260 a:420", pitch, { size: 1.35, rough: 0.1 })],
      [0, tune("E2/2 - G2/.5 A2/1.5", 0.28, acid), 0.3],
      [0, bar("x...x", 0.28, () => kick()), 0.5],
    ), 0.3, 0.2);
  },

  pushit: () => mix(
    [0, tune("F2/.5 F2/.5 -/.5 Ab2/.5 F2 C2/.5 Eb2/.5 F2 -/.5 Gb2/.5 F2", 0.24, acid), 0.5],
    [0, tune("-/4 C5/.5 -/.5 B4/.5 C5/1.5", 0.24, synth), 0.3],
    [0, bar("x..xx.x.x..xx.x", 0.12, () => kick()), 0.9],
    [0, bar("..x...x.", 0.24, clap), 0.5],
    [0, bar("..oo..o.x.oo..o.", 0.12, () => wood(780)), 0.4],
    [0.98, speak("h:130 a:220 h:120", glide(0, 260, 0.3, 200), { size: 0.88, air: 0.4 }), 0.5],
  ),

  rimshot: () => mix(
    [0, mix(snare(0.06), [0, wood(1700), 0.6])],
    [0.17, tom(105), 1.1],
    [0.5, cymbal(0.3), 1.5],
    [0.5, kick(), 0.7],
  ),

  rollout: () => mix(
    ...repeat(22, (index) => [index * 0.055, snare(0.035), 0.15 + index * 0.03]),
    [1.21, kick(42), 0.7],
    [1.21, snare(0.12), 0.6],
    [1.21, cymbal(0.3), 0.4],
    [1.21, tune("Bb3/.5 F4/.5 D4/.5 Bb4+F4/3.5", 0.22, brass), 0.7],
  ),

  rumble: () => {
    const swell = line(0, 0, 0.7, 0.8, 1.4, 1, 3.2, 0);
    const ground = shape(lowpass(noise(3.2), line(0, 70, 1.3, 190, 3.2, 60), 1.2), swell, wobble(2.7, 0.4));
    const stone = () => shape(lowpass(noise(0.15), between(200, 900)), hit(0.03));
    const stones = repeat(26, () => [between(0.3, 2.6), stone(), between(0.1, 0.5)]);
    return mix(level(ground), [0, shape(voice(3.2, 37, triangle), hold(3.2, 1, 1.5)), 0.5], ...stones);
  },

  sax: () =>
    hall(tune("D4/.5 F4/.5 A4 C5/.5 B4/.5 G4/1.5 Bb4/.5 E4/.5 G4/.5 F4/.5 D4/3", 0.23, saxophone, 1), 0.5, 0.3),

  secret: () => echo(tune("C5 E5 F#5 A5 B5 D6 F#6 G#6/3", 0.1, glass), 0.23, 0.4, 3),

  sexyback: () => {
    const bass = (pitch, seconds) =>
      shape(distort(lowpass(chorus(pitch, seconds, saw, 0.012), 900, 2), 3), hold(seconds, 0.005, 0.03));
    return mix(
      [0, tune("B1/.75 B1/.25 -/.5 D2/.5 B1/.5 A1/.5 -/.5 F#2/.5 B1/.75 B1/.25 -/.5 E2/.5 B1", 0.42, bass), 0.5],
      [0, bar("x.x.x.x.x.x", 0.21, () => kick()), 0.9],
      [0, bar(".x.x.", 0.42, clap), 0.6],
      [0, bar("oxoooxoooxoooxoooxoo", 0.105, () => hat(0.015)), 0.5],
      [1.2, speak("h:90 V:70 h:180", 120, { air: 0.5 }), 0.4],
    );
  },

  story: () => hall(mix(
    [0, shape(highpass(noise(0.35), 2500), line(0, 0, 0.12, 1, 0.2, 0.2, 0.28, 0.7, 0.35, 0)), 0.25],
    [0.3, tune("F4 A4 C5 E5 G5 A5 C6 E6 G6", 0.055, (pitch) => string(0.9, pitch, 0.994)), 0.7],
    [0.85, tune("A5 G5/.5 C6/.5 Bb5 F5/3", 0.26, (pitch) => bell(pitch, 1.1, 0.2)), 0.5],
    [0.4, tune("F3+C4+A4/8", 0.26, pad), 0.4],
  ), 0.5, 0.35),

  tada: () => hall(mix(
    tune("G3+B3+D4+G4/.6 -/.2 C4+E4+G4+C5/5", 0.26, (pitch, seconds) => shape(brass(pitch, seconds), 0.4)),
    [0, timpani(98, 0.1), 0.4],
    [0.208, timpani(65, 0.4), 0.8],
    [0.208, cymbal(0.35), 0.5],
  ), 0.6, 0.35),

  tmyk: () => hall(mix(
    [0, shape(sweep(900, 5200, 0.8), line(0, 0, 0.6, 1, 0.8, 0), wobble(23, 0.9)), 0.25],
    ...repeat(24, (index) => [index * 0.04, glass(between(1800, 4200), 0.3), index / 120]),
    [0.7, tune("D5/.7 A4/.7 F#5/.7 B4/.7 C#6+A5/3", 0.22, glass), 0.7],
    [0.7, tune("G3+D4+A4/2.8 A3+E4+C#5/3", 0.22, pad), 0.5],
  ), 0.5, 0.35),

  totes: () => mix(
    [0, speak("t:70 O:190 U:70 t:70 s:200", glide(0, 300, 0.2, 390, 0.6, 250), { size: 0.82 })],
    [0, bar("x..x", 0.15, () => shape(voice(0.09, glide(0, 500, 0.08, 1600)), hit(0.03))), 0.5],
    [0.6, tune("E5+A5 -/.3 F#5+B5/2.5", 0.13, synth), 0.35],
    [0.6, bar("x.x", 0.085, clap), 0.4],
  ),

  trololo: () => {
    const sing = (pitch, seconds) => {
      const half = Math.round(seconds * 500);
      return speak(`l:45 o:${half - 45} O:${half}`, vibrato(pitch, 6, 0.02, 0.08), { size: 1.05 });
    };
    return mix(
      tune("C4/.5 D4/.5 F4 A3/.5 C4/.5 Bb3/2 A3/.5 Bb3/.5 D4 G4/.5 E4/.5 F4/2.5", 0.26, sing, 0.92),
      [0, tune("F2 A3+C4 C2 G2 Bb3+D4 C2 - C3 F2/2", 0.26, tuba, 0.7), 0.5],
    );
  },

  trombone: () => {
    const fall = glide(0, 294, 0.3, 290, 0.34, 277, 0.62, 274, 0.66, 262, 0.94, 259, 0.98, 247, 1.3, 240, 2.4, 131);
    const slide = voice(2.4, vibrato(fall, 5.5, 0.02, 0.6), saw);
    const mute = (time) => 500 + 1100 * Math.abs(Math.sin(Math.PI * (time < 1 ? time / 0.32 : 2.9 * time)));
    const breath = line(0, 0, 0.04, 1, 0.24, 1, 0.32, 0.1);
    const breaths = (time) => (time < 0.96 ? breath(time % 0.32) : line(0.96, 0.1, 1, 1, 2, 0.8, 2.4, 0)(time));
    return hall(shape(lowpass(slide, mute, 2), breaths), 0.4, 0.25);
  },

  unix: () => {
    const key = () => mix(
      [0, shape(bandpass(noise(0.04), between(2200, 3600), 2), hit(0.006, 0.001))],
      [0.004, shape(voice(0.04, between(160, 240)), hit(0.01)), 0.6],
    );
    const typed = [0, 0.09, 0.2, 0.27, 0.42, 0.5, 0.58, 0.71].map((start) => [start, key()]);
    const disk = repeat(9, (index) => [1.05 + index * 0.055 + random() * 0.02, wood(between(500, 900)), 0.35]);
    const beep = shape(voice(0.3, 800, square), hold(0.3, 0.004, 0.01));
    return mix(...typed, [0.9, mix(key(), [0, kick(110), 0.5])], ...disk, [1.65, beep, 0.35]);
  },

  vuvuzela: () => {
    const blow = (pitch, start, seconds) => {
      const drone = voice(seconds, (time) => pitch * (1 + 0.008 * Math.sin(time * 9 + pitch)), saw);
      const tube = mix([0, bandpass(drone, 720, 2)], [0, bandpass(drone, 1450, 3), 0.8], [0, lowpass(drone, 500), 0.3]);
      return [start, shape(distort(tube, 2), hold(seconds, 0.12, 0.25)), 0.5];
    };
    const stadium = lowpass(noise(2.7), 900);
    return mix(blow(233, 0, 2.6), blow(236, 0.25, 2.2), blow(229, 0.5, 2.2), blow(243, 0.9, 1.5), [0, stadium, 0.06]);
  },

  what: () => speak("w:100 V:160 a:170 t:120", glide(0, 140, 0.18, 150, 0.45, 330), { air: 0.04 }),

  whoomp: () => {
    const hey = () => {
      const pitch = glide(0, between(170, 260), 0.3, 150);
      return speak("h:60 e:120 i:110", pitch, { size: between(0.85, 1.1), air: 0.1 });
    };
    return mix(
      [0, whoosh(0.5, 150, 3000, 0.9), 0.8],
      [0.45, shape(voice(1.3, glide(0, 170, 0.15, 60, 1.3, 30)), hit(0.45))],
      [0.45, snare(0.12), 0.5],
      [0.45, tune("D4+F4+A4+C5/.5 -/.5 D4+F4+A4+C5/.3 -/.2 D4+G4+B4+C5/1.5", 0.3, brass), 0.25],
      [0.75, crowd(6, 0.05, hey), 0.6],
    );
  },

  wups: () => mix(
    [0, shape(mix(sweep(1500, 380, 0.5), [0, bandpass(noise(0.5), 1500, 1), 0.1]), hold(0.5, 0.03, 0.06)), 0.5],
    [0.5, shape(voice(0.12, glide(0, 300, 0.1, 900)), hit(0.04)), 0.6],
    [0.68, speak("w:80 U:150 p:90 s:190", glide(0, 210, 0.12, 250, 0.35, 150), { size: 0.92 })],
  ),

  yay: () => {
    const child = () => {
      const pitch = between(290, 430);
      const size = between(0.68, 0.8);
      return speak("y:90 e:330 i:420", glide(0, pitch, 0.25, pitch * 1.35, 0.85, pitch), { size, air: 0.06 });
    };
    return mix(
      crowd(9, 0.1, child),
      [0.15, applause(1.5, 70), 0.4],
      [0.3, shape(bandpass(voice(0.6, vibrato(440, 19, 0.03, 0.01), pulse(0.2)), 1500, 1), hold(0.6)), 0.5],
    );
  },

  yeah: () => {
    const pitch = vibrato(glide(0, 210, 0.25, 370, 0.9, 350, 1.3, 190), 6, 0.015);
    return hall(mix(
      [0, distort(speak("y:110 e:320 A:420 a:450", pitch, { rough: 0.35, air: 0.1 }), 2)],
      [0.1, cymbal(0.3), 0.4],
      [0.1, kick(), 0.6],
      [0.1, guitar(hz("A2"), 1.3), 0.25],
    ), 0.5, 0.3);
  },

  yodel: () => {
    const sing = (pitch, seconds) => {
      const [mouth, size] = pitch > 430 ? ["i:60 u", 0.9] : ["y:35 o", 1];
      const long = Math.round(seconds * 1000) - (pitch > 430 ? 60 : 35);
      return speak(`${mouth}:${long}`, vibrato(pitch, 6, 0.012, 0.12), { size });
    };
    const call = tune("D4/.7 B4/.5 G4/.5 D5 B3/.6 G4/.5 E5/.6 A4/.5 F#5/.5 G4/.5 D5/2.4", 0.24, sing, 1);
    return hall(echo(call, 0.36, 0.22, 1), 0.5, 0.3);
  },
};

// Rendering and encoding.

/** Removes inaudible low frequencies and the silent end, fades both ends, and normalises the peak. */
function finish(signal) {
  const clean = level(highpass(signal, 28), PEAK);
  const audible = clean.findLastIndex((sample) => Math.abs(sample) > PEAK / 400) + 1;
  const length = Math.min(Math.max(audible, MIN_SECONDS * RATE), MAX_SECONDS * RATE);
  const seconds = length / RATE;
  const cut = mix(new Float64Array(length), clean.subarray(0, length));
  return shape(cut, (time) => Math.min(1, time / 0.003, (seconds - time) / (audible > length ? 0.25 : 0.03)));
}

function encode(signal) {
  const pcm = Buffer.alloc(signal.length * 2);
  signal.forEach((sample, index) => pcm.writeInt16LE(Math.round(sample * 32767), index * 2));
  const input = ["-r", "-s", RATE / 1000, "--bitwidth", 16, "--signed", "--little-endian", "-m", "m"];
  const output = ["--cbr", "-b", KBITS, "-q", 0, "-t", "--noreplaygain", "--silent", "-", "-"];
  const { status, stdout, stderr, error } = spawnSync("lame", [...input, ...output].map(String), { input: pcm });
  if (error || status !== 0) throw error ?? new Error(`lame failed: ${stderr}`);
  return stdout;
}

const folder = fileURLToPath(new URL("../public/sounds/", import.meta.url));
mkdirSync(folder, { recursive: true });
let total = 0;
for (const [name, recipe] of Object.entries(SOUNDS)) {
  seed(name);
  const signal = finish(recipe());
  const file = encode(signal);
  writeFileSync(`${folder}${name}.mp3`, file);
  total += file.length;
  console.log(`${name.padEnd(14)} ${(signal.length / RATE).toFixed(2)} s ${String(file.length).padStart(6)} bytes`);
}
console.log(`${Object.keys(SOUNDS).length} sounds, ${total} bytes`);
if (total > MAX_TOTAL_BYTES) throw new Error(`More than ${MAX_TOTAL_BYTES} bytes.`);
