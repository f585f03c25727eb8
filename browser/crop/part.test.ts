import assert from "node:assert/strict";
import { test } from "node:test";

import { fractions, MAX_ZOOM, moved, type Part, whole, zoomed } from "./part.ts";

const isWithin = ({ width, height, left, top, side }: Part) =>
  left >= 0 && top >= 0 && left + side <= width + 1e-9 && top + side <= height + 1e-9;

test("at first the middle of the picture is shown", () => {
  assert.deepEqual(whole(400, 300), { width: 400, height: 300, left: 50, top: 0, side: 300 });
  assert.equal(fractions(whole(400, 300)), "0.125,0,0.75,1");
  assert.equal(fractions(whole(300, 300)), "0,0,1,1");
});

test("the part stays within the picture wherever it is moved", () => {
  const part = zoomed(whole(400, 300), 2);
  assert.deepEqual([part.side, part.left, part.top], [150, 125, 75]);
  for (const [x, y] of [
    [-1e4, 0],
    [1e4, 1e4],
    [0, -1e4],
    [3, 4],
  ] as const) {
    assert.ok(isWithin(moved(part, x, y)), `${x}, ${y}`);
  }
  assert.equal(moved(part, 10, 5).left, 135);
});

test("zooming keeps the middle, and has an end on both sides", () => {
  const part = zoomed(whole(400, 300), 3);
  assert.equal(part.left + part.side / 2, 200);
  assert.equal(zoomed(part, 100).side, 300 / MAX_ZOOM);
  assert.deepEqual(zoomed(moved(part, 1e4, 1e4), 0.1), { width: 400, height: 300, left: 100, top: 0, side: 300 });
});

test("fractions never end beyond the picture", () => {
  for (let width = 1; width < 60; width += 1) {
    for (let zoom = 1; zoom <= MAX_ZOOM; zoom += 0.37) {
      const [left = 0, top = 0, wide = 0, high = 0] = fractions(moved(zoomed(whole(width, 37), zoom), 1e4, 1e4))
        .split(",")
        .map(Number);
      assert.ok(left + wide <= 1 && top + high <= 1, `${width}, ${zoom}`);
    }
  }
});
