import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Mistake } from "../mistake.js";
import { bundled } from "../paths.js";
import type { Method } from "./method.js";
import { closeAll, methodsFor, planned, plansFor, type Scope } from "./plan.js";

const method = (name: string, ablates?: string): Method => ({
	name,
	...(ablates === undefined ? {} : { ablates }),
	refuses: () => undefined,
	open: () => Promise.reject(new Error("not for use")),
});
const all = [method("none"), method("zoa"), method("zoa without shift", "zoa"), method("bn")];
const names = (asked?: readonly string[]) => methodsFor(asked, all).map(({ name }) => name);

describe("the methods", () => {
	it("are all but those without a part, where none are named", () => {
		assert.deepEqual(names(), ["none", "zoa", "bn"]);
	});

	it("without a part come with the whole, by name or all together", () => {
		assert.deepEqual(names(["zoa without shift"]), ["zoa", "zoa without shift"]);
		assert.deepEqual(names(["none", "ablation"]), ["none", "zoa", "zoa without shift"]);
	});

	it("are refused where there is no such one", () => {
		assert.throws(() => names(["zao"]), /^Mistake: there is no method called zao; expected none, zoa, .*, bn$/);
		assert.throws(() => names(["bn", "bn"]), /^Mistake: the method bn is named twice$/);
	});
});

describe("a plan", () => {
	const scope: Scope = {
		model: [bundled.models.vit],
		data: [bundled.clip],
		methods: ["none", "bn"],
		corruptions: ["fog"],
		seeds: 2,
		frames: 10,
	};

	it("shows a labelled clip as a stream of its own, each seed once, to the methods that the model allows", async () => {
		const plans = await plansFor(scope);
		assert.deepEqual(
			planned(plans[0]).map(({ stream, method: name, seed }) => [stream, name, seed]),
			[
				["road", "none", 1],
				["road", "none", 2],
			],
		);
		assert.match(plans[0].remarks.join(), /2662 frames of road\.mp4, \d+ of them labelled,without bn \(/);
		await closeAll(plans);
	});

	for (const [what, change, message] of [
		["a clip twice", { data: [bundled.clip, bundled.clip] }, /road\.mp4: a second stream called road/],
		["a model twice", { model: [bundled.models.vit, bundled.models.vit] }, /a second model called/],
		["a stream that there is not", { streams: ["river"] }, /no stream called river; expected continual/],
		["a corruption twice", { corruptions: ["fog", "fog:5"] }, /the corruption fog 5 is named twice/],
		["no data", { data: ["/nowhere"] }, /^\/nowhere: cannot be read \(ENOENT\)/],
	] as const) {
		it(`is refused with ${what}`, () =>
			assert.rejects(plansFor({ ...scope, ...change }), (error) => {
				assert.ok(error instanceof Mistake, String(error));
				assert.match(error.message, message);
				return true;
			}));
	}
});
