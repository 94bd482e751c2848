import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeReport, encodeReport, type Report } from "./report.js";

const site = (name: string, kind: Report["sites"][number]["kind"], perturbed: boolean) => ({
	name,
	kind,
	channels: 16,
	positions: 64,
	perturbed,
});

const REPORT: Report = {
	frames: 400,
	agreement: 0.9837,
	logitError: { max: 0.123456, rms: 0.02 },
	labelled: { float: 0.912, prepared: 0.908 },
	layers: Array.from({ length: 9 }, (_, i) => ({ name: `blocks.${i}.fc`, kind: "product", error: 0.09 - i / 100 })),
	bytes: { float: 22_000_000, prepared: 6_120_000 },
	milliseconds: { float: 12, quantized: 4, adaptable: 4.5 },
	opening: 0.125,
	sites: [site("stem", "stem", false), site("norm1", "norm", true), site("norm2", "norm", true)],
	taps: 2304,
	parameters: 96,
};

describe("a report in the terminal", () => {
	it("says what the model costs, how close it is, where it is worst and what is adaptable", () => {
		assert.equal(
			describeReport(REPORT),
			`
                       float  quantized  quantized + adaptable
─────────────────────  ─────  ─────────  ─────────────────────
ms a frame             12.00       4.00                   4.50
time, of the original  ×1.00      ×0.33                  ×0.38
size, MB               22.00                              6.12
right answers, %        91.2                              90.8

being adaptable makes a frame take 12.5 % longer

agrees with the original on 98.4 % of 400 held-back pictures; logit error 0.123 at most, 0.020 RMS

furthest from the original  kind     error %
──────────────────────────  ───────  ───────
blocks.0.fc                 product     9.00
blocks.1.fc                 product     8.00
blocks.2.fc                 product     7.00
blocks.3.fc                 product     6.00
blocks.4.fc                 product     5.00

sites: 1 stem, 2 norms, 2 perturbed; 2304 taps, 96 parameters`.slice(1),
		);
	});

	it("has no column for what was not quantized and no row for classes that are not known", () => {
		const { labelled: _, ...rest } = REPORT;
		const text = describeReport({ ...rest, layers: [], milliseconds: { float: 10, adaptable: 11 }, opening: 0.1 });
		assert.match(text, /^ +float {2}adaptable\n/);
		assert.doesNotMatch(text, /quantized|right answers|furthest|undefined/);
		assert.match(text, /take 10\.0 % longer/);
	});

	it("does not claim that being adaptable makes a model faster", () => {
		for (const opening of [-0.2, 0, 0.004]) {
			assert.match(describeReport({ ...REPORT, opening }), /\nbeing adaptable costs no time that can be measured\n/);
		}
	});

	it("leaves out numbers that are none", () => {
		const text = describeReport({ ...REPORT, frames: 0, labelled: { float: Number.NaN, prepared: Number.NaN } });
		assert.doesNotMatch(text, /NaN/);
	});
});

describe("a report in a bundle", () => {
	it("is JSON of a numbered schema", () => {
		assert.deepEqual(JSON.parse(encodeReport(REPORT)), { schema: 1, ...REPORT });
	});
});
