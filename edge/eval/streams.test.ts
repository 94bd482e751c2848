import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Mistake } from "../mistake.js";
import { domainName, domainOf, type Segment, streams } from "./streams.js";

const LABELS = Array.from({ length: 120 }, (_, i) => i % 6);
const wanted = { labels: LABELS, domains: ["fog", "night", "rain"].map(domainOf), frames: 90, seed: 1 };
const segmentsOf = (name: string, change: Partial<typeof wanted> = {}): Segment[] => {
	const stream = streams.find((one) => one.name === name);
	assert.ok(stream, name);
	return stream.segments({ ...wanted, ...change });
};
const classesOf = (segment: Segment) => segment.pictures.map((picture) => LABELS[picture]);
const changesIn = (values: readonly unknown[]) => values.filter((value, i) => i > 0 && value !== values[i - 1]).length;

describe("every stream", () => {
	for (const { name } of streams) {
		it(`${name} shows each domain for as many frames as were asked for, of pictures that exist`, () => {
			const frames = new Map<string, number>();
			for (const { domain, pictures } of segmentsOf(name)) {
				const key = domain.corruption ?? "clean";
				frames.set(key, (frames.get(key) ?? 0) + pictures.length);
				assert.ok(pictures.every((picture) => picture >= 0 && picture < LABELS.length));
			}
			const expected = name === "clean" ? { clean: 270 } : { clean: 90, fog: 90, night: 90, rain: 90 };
			for (const [key, count] of Object.entries(expected)) {
				if (name === "gradual" && key === "clean") continue;
				assert.equal(frames.get(key), count, key);
			}
		});

		it(`${name} is the same for the same seed and another for another`, () => {
			assert.deepEqual(segmentsOf(name), segmentsOf(name));
			assert.notDeepEqual(segmentsOf(name), segmentsOf(name, { seed: 2 }));
		});
	}
});

describe("a domain", () => {
	it("is typed as a corruption's name, and a severity where it is not the worst", () => {
		assert.equal(domainName(domainOf("fog")), "fog 5");
		assert.equal(domainName(domainOf("fog:3")), "fog 3");
	});

	for (const [typed, message] of [
		["mist", /no corruption called "mist"; expected one of/],
		["fog:6", /^fog:6: expected a severity from 1 to 5, as in fog:3$/],
		["fog:", /^fog:: expected a severity/],
		["fog:3:3", /^fog:3:3: expected a severity/],
	] as const) {
		it(`cannot be ${typed}`, () => {
			assert.throws(
				() => domainOf(typed),
				(error) => error instanceof Mistake && message.test(error.message),
			);
		});
	}
});

describe("a stream", () => {
	it("has each domain once, clean first, when it is continual", () => {
		assert.deepEqual(
			segmentsOf("continual").map(({ domain }) => domainName(domain)),
			["clean", "fog 5", "night 5", "rain 5"],
		);
	});

	it("goes ten times round in rounds", () => {
		const rounds = segmentsOf("rounds").map(({ round }) => round);
		assert.deepEqual(new Set(rounds), new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]));
	});

	it("of a window of 16 shows what the continual stream shows", () => {
		assert.deepEqual(segmentsOf("window-16"), segmentsOf("continual"));
		assert.equal(streams.find(({ name }) => name === "window-16")?.window, 16);
	});

	it("climbs and falls in severity when it is gradual", () => {
		const fog = segmentsOf("gradual").filter(({ domain }) => domain.corruption === "fog");
		assert.deepEqual(
			fog.map(({ domain }) => domain.severity),
			[1, 2, 3, 4, 5, 4, 3, 2, 1],
		);
	});

	it("never shows a domain twice in a row when domains recur, and says which visit it is", () => {
		const segments = segmentsOf("recurring", { frames: 600 });
		const names = segments.map(({ domain }) => domainName(domain));
		// The last domain alone may have frames left.
		assert.ok(names.slice(0, -3).every((name, i) => i === 0 || name !== names[i - 1]));
		const fog = segments.filter(({ domain }) => domain.corruption === "fog");
		assert.deepEqual(
			fog.map(({ round }) => round),
			fog.map((_, i) => i),
		);
		assert.ok(fog.length > 2);
	});

	it("shows one class after the other when it is sorted", () => {
		for (const segment of segmentsOf("sorted")) assert.equal(changesIn(classesOf(segment)), 5);
	});

	it("keeps classes together, but not sorted, when they are drawn from a Dirichlet distribution", () => {
		const changes = (name: string) =>
			segmentsOf(name, { frames: 600 }).reduce((sum, segment) => sum + changesIn(classesOf(segment)), 0);
		assert.ok(changes("dirichlet") < 0.75 * changes("continual"));
		assert.ok(changes("dirichlet") > changes("sorted"));
	});

	it("shows one class nine times out of ten in one-class", () => {
		for (const segment of segmentsOf("one-class", { frames: 400 })) {
			const classes = classesOf(segment);
			const most = Math.max(...[0, 1, 2, 3, 4, 5].map((c) => classes.filter((own) => own === c).length));
			assert.ok(most > 330 && most < 390, `${most} of 400`);
		}
	});

	it("changes from frame to frame when it is mixed", () => {
		const names = segmentsOf("mixed").map(({ domain }) => domainName(domain));
		assert.ok(changesIn(names) > names.length / 2);
	});
});
