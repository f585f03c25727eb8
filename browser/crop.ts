// crop.js: chooses the part of a picture that is shown. boot.js imports it on pages with such a form. The picture is sent
// as it is, with the part as fractions of its sides; without this script, its middle is shown.

import { find, findAll } from "./dom.ts";
import { fractions, moved, type Part, whole, zoomed } from "./crop/part.ts";
import { Attribute } from "./names.ts";

/** A step of an arrow key, as a fraction of what is shown; with Shift four times as much. */
const STEP = 0.05;
const ZOOM_STEP = 1.1;

for (const form of findAll<HTMLFormElement>(`[${Attribute.Crops}]`)) prepare(form);

function prepare(form: HTMLFormElement) {
  const file = find<HTMLInputElement>("input[type=file]", form);
  const field = find<HTMLInputElement>("input[name=crop]", form);
  const box = find(".crop", form);
  const view = find<HTMLCanvasElement>(".crop__view", form);
  const slider = find<HTMLInputElement>(".crop__zoom input", form);
  if (!file || !field || !box || !view || !slider) return;
  let picture: ImageBitmap | null = null;
  let part: Part = whole(1, 1);

  const show = (next: Part) => {
    if (!picture) return;
    part = next;
    const context = view.getContext("2d");
    context?.clearRect(0, 0, view.width, view.height);
    context?.drawImage(picture, part.left, part.top, part.side, part.side, 0, 0, view.width, view.height);
    slider.value = String(Math.min(part.width, part.height) / part.side);
    field.value = fractions(part);
  };
  const choose = async () => {
    field.value = "";
    picture = null;
    const chosen = file.files?.[0];
    try {
      // Upright, as the server makes it.
      picture = chosen ? await createImageBitmap(chosen) : null;
    } catch {
      // The server says what is wrong with it.
    }
    box.hidden = !picture;
    if (picture) show(whole(picture.width, picture.height));
  };

  file.addEventListener("change", () => void choose());
  // A choice that the browser has kept over a reload.
  if (file.files?.length) void choose();

  slider.addEventListener("input", () => show(zoomed(part, Number(slider.value))));
  view.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      show(zoomed(part, Number(slider.value) * (event.deltaY < 0 ? ZOOM_STEP : 1 / ZOOM_STEP)));
    },
    { passive: false },
  );
  view.addEventListener("keydown", (event) => {
    const step = part.side * STEP * (event.shiftKey ? 4 : 1);
    const steps: Record<string, () => Part> = {
      ArrowLeft: () => moved(part, -step, 0),
      ArrowRight: () => moved(part, step, 0),
      ArrowUp: () => moved(part, 0, -step),
      ArrowDown: () => moved(part, 0, step),
      "+": () => zoomed(part, Number(slider.value) * ZOOM_STEP),
      "-": () => zoomed(part, Number(slider.value) / ZOOM_STEP),
    };
    const next = steps[event.key];
    if (!next || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    show(next());
  });

  // One finger moves the picture, two also zoom it.
  const fingers = new Map<number, PointerEvent>();
  const spread = () => {
    const [one, other] = [...fingers.values()];
    return one && other ? Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY) : 0;
  };
  view.addEventListener("pointerdown", (event) => {
    view.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
  });
  view.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const spreadBefore = spread();
    fingers.set(event.pointerId, event);
    const scale = part.side / view.clientWidth / fingers.size;
    let next = moved(part, (before.clientX - event.clientX) * scale, (before.clientY - event.clientY) * scale);
    if (fingers.size === 2 && spreadBefore > 0) next = zoomed(next, (Number(slider.value) * spread()) / spreadBefore);
    show(next);
  });
  for (const end of ["pointerup", "pointercancel"] as const) {
    view.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
}
