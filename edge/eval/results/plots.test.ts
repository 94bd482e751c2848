import assert from "node:assert/strict";
import { test } from "node:test";
import { diced, frame, frames, run } from "./fixtures.js";
import { bars, overTime } from "./plots.js";
import { studies } from "./study.js";

const plots = (...runs: Parameters<typeof studies>[0][number][]) => {
	const [study] = studies(runs);
	return [overTime(study), bars(study)];
};

/** Tags that are opened and not closed, attributes without quotes, or text that is a tag. */
const assertWellFormed = (svg: string) => {
	const open: string[] = [];
	const rest = svg.replace(
		/<(\/?)([a-z]+)((?: [a-zA-Z0-9:-]+="[^"<]*")*)(\/?)>/g,
		(_, closing, name, _attributes, alone) => {
			if (closing) assert.equal(open.pop(), name);
			else if (!alone) open.push(name);
			return "";
		},
	);
	assert.deepEqual(open, []);
	assert.doesNotMatch(rest, /[<>]|&(?!(amp|lt|gt|quot);)/);
	assert.doesNotMatch(svg, /NaN|undefined|Infinity/);
};

const chances = { clean: 0.9, "fog 5": 0.5, "rain 5": 0.7 };
const none = run({ frames: diced(chances, 200, 1) });
const zoa = run({ method: "zoa", frames: diced({ ...chances, "fog 5": 0.8 }, 200, 2) });

test("each method has a curve and bars, each domain its name", () => {
	for (const svg of plots(none, zoa)) {
		assertWellFormed(svg);
		for (const name of ["none", "zoa", "clean", "fog 5", "rain 5"]) assert.ok(svg.includes(`>${name}</text>`), name);
	}
	const [time] = plots(none, zoa);
	assert.equal(time.match(/stroke-linejoin/g)?.length, 2);
	const markers = /d="([^"]*)"[^>]*stroke-width="0.75"/.exec(time)?.[1];
	assert.equal(markers?.match(/M/g)?.length, 2, "two changes");
});

test("the curve is the mean of the last fifty frames", () => {
	const [svg] = plots(run({ frames: [...frames(100, 0), ...frames(0, 100, { domain: "fog 5", visit: 1 })] }));
	const path =
		/d="M([^"]*)"[^>]*stroke-linejoin/
			.exec(svg)?.[1]
			.split("L")
			.map((point) => point.split(" ").map(Number)) ?? [];
	const height = (frame: number) => path[path.length - 1 - (199 - frame)][1];
	assert.equal(height(99), height(50));
	const [top, bottom] = [height(99), height(199)];
	assert.ok(Math.abs(height(124) - (top + bottom) / 2) < 0.2, "halfway after half of fifty frames");
	assert.equal(height(149), bottom);
});

test("a bar is as high as the accuracy", () => {
	const [, svg] = plots(run({ frames: [...frames(100, 0), ...frames(25, 75, { domain: "fog 5", visit: 1 })] }));
	const heights = [...svg.matchAll(/v(-[\d.]+)h/g)].map(([, height]) => Number(height));
	assert.equal(heights[1], heights[0] / 4);
});

test("whiskers show the range of the seeds", () => {
	const [, one] = plots(none);
	const [, two] = plots(none, run({ seed: 2, frames: diced(chances, 200, 3) }));
	assert.equal(two.length > one.length && two.includes("mean and range of 2 seeds"), true);
	assertWellFormed(two);
});

test("seeds that go through other conditions are not averaged over time", () => {
	const turned = { clean: 0.9, "rain 5": 0.7, "fog 5": 0.5 };
	assert.match(plots(none, run({ seed: 2, frames: diced(chances, 200, 3) }))[0], /mean of 2 seeds/);
	assert.match(plots(none, run({ seed: 2, frames: diced(turned, 200, 3) }))[0], /, seed 1</);
});

test("names are escaped", () => {
	const evil = { method: `<script>"&'\u0007`, stream: "a<b", frames: frames(60, 9, { domain: "</text><x>" }) };
	for (const svg of plots(run(evil))) {
		assertWellFormed(svg);
		assert.ok(!svg.includes("<script") && !svg.includes("\u0007"));
	}
});

test("the same runs give the same drawing", () => {
	assert.deepEqual(plots(none, zoa), plots(structuredClone(none), structuredClone(zoa)));
});

test("long streams of many methods, domains and visits stay below 100 KB and differ by more than colour", () => {
	const many = (prefix: string, visits: number, each: number) =>
		Array.from({ length: 20 }, (_, m) =>
			run({
				method: m === 0 ? "none" : `${prefix} ${m}`,
				frames: Array.from({ length: visits }, (_, visit) =>
					Array.from({ length: each }, (_, i) =>
						frame({ domain: `domain ${visit % 90}`, visit, correct: (i * 7 + m) % 10 < 6 }),
					),
				).flat(),
			}),
		);
	for (const [visits, each] of [
		[250, 40],
		[6000, 1],
		[3, 2000],
	]) {
		for (const svg of plots(...many("method", visits, each))) {
			assertWellFormed(svg);
			assert.ok(Buffer.byteLength(svg) < 100_000, `${Buffer.byteLength(svg)} bytes for ${visits} visits`);
		}
	}
	const [time, domains] = plots(...many("m", 3, 60));
	const curves = [
		...time.matchAll(/class="(m\ds)" fill="none"[^>]*stroke-linejoin="round"( stroke-dasharray="[^"]*")?/g),
	];
	assert.equal(new Set(curves.map(([, ink, dash]) => `${ink}${dash}`)).size, 20);
	assert.match(domains, /opacity="0.45"/);
});

test("one frame, one domain, nothing right: still a drawing", () => {
	for (const seen of [frames(1, 0), frames(0, 1), frames(0, 300)])
		for (const svg of plots(run({ frames: seen }))) assertWellFormed(svg);
});
