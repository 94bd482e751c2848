import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it, test } from "node:test";
import { sampleDomain } from "../../adapters/bank.contract.js";
import { openStore } from "../../adapters/bank.js";
import { openBundle } from "../../adapters/bundle.js";
import { makeClip, temporaryDirectory } from "../../adapters/fixtures.js";
import type { DomainRecord, Manifest } from "../../operators/types.js";
import { unsmoothed, withSmoothing } from "../../operators/zoa/smoothing.js";
import { bankOf } from "../bank.js";
import { main, starter } from "../fixtures.js";
import { bundled } from "../paths.js";

const folder = temporaryDirectory();
const start = starter(folder);
const acclimate = (...args: string[]) => start("domains", ...args).ended;

let manifest: Manifest;
/** A domain as the bundled model would learn it, by a stem of so many channels. */
const domain = (n: number, id = `d${n}`, channels = manifest.sites[0].channels): DomainRecord => {
	const floats = (length: number) => Float32Array.from({ length }, (_, i) => Math.sin(n * 1000 + i) * 10 ** (n % 5));
	return {
		...sampleDomain(n, id),
		vector: unsmoothed(floats(manifest.affine)),
		// One as it was before pictures were smoothed.
		alignment: n === 4 ? floats(manifest.affine) : withSmoothing(floats(manifest.affine + 1), n % 3),
		stemMean: floats(channels),
		stemVariance: floats(channels),
		...(n % 2 === 0 && { shift: floats(manifest.features) }),
	};
};

/** One as the published procedure would. */
const published = () => domain(9, "d9", manifest.stem.channels);

const WARN = (message: string) => assert.fail(message);
const filled = async (name: string, cameras: Readonly<Record<string, readonly DomainRecord[]>>, way = "zoa+") => {
	const store = openStore({ directory: join(folder, name), onWarning: WARN });
	for (const [camera, domains] of Object.entries(cameras))
		for (const one of domains) await store.bank(bankOf(manifest.model.sha256, way), camera).put(one);
	await store.close();
};
const held = async (name: string, camera: string, way = "zoa+") => {
	const store = openStore({ directory: join(folder, name), readOnly: true, onWarning: WARN });
	try {
		return await store.bank(bankOf(manifest.model.sha256, way), camera).domains();
	} finally {
		await store.close();
	}
};

before(async () => {
	({ manifest } = await openBundle(bundled.model));
	await filled("device", { road: [domain(3), domain(1), domain(2)], yard: [domain(4)] });
	await filled("device", { road: [published()] }, "zoa-reference");
});

/** An exported file of everything on the device. */
const exported = async (name: string, ...args: string[]) => {
	const ended = await acclimate("export", name, "--store", "device", ...args);
	assert.equal(ended.code, 0, ended.err);
	return ended.out;
};

describe("what one device has learned", () => {
	it("comes to another as it was, in order, each camera's and each way's by itself", async () => {
		assert.match(await exported("all.jsonl"), /^all\.jsonl: 5 domain\(s\) of road, yard\n$/);
		const { code, out, err } = await acclimate("import", "all.jsonl", "--store", "other");
		assert.equal(code, 0, err);
		assert.match(out, /^other: 5 domain\(s\) of road, yard, taken up when the daemon starts next\n$/);
		assert.deepEqual(await held("other", "road"), [domain(3), domain(1), domain(2)]);
		assert.deepEqual(await held("other", "yard"), [domain(4)]);
		assert.deepEqual(await held("other", "road", "zoa-reference"), [published()]);
	});

	it("is whatever the daemon stores, in each way of learning", async () => {
		const scene = "testsrc=size=160x120:rate=25:duration=5";
		const changing = `${scene}[day];${scene},lutrgb=r=val/6:g=val/6:b=val/6[night];[day][night]concat`;
		await makeClip(join(folder, "changing.mp4"), "-f", "lavfi", "-i", scene, "-filter_complex", changing);
		for (const method of ["zoa+", "zoa", "zoa-reference"]) {
			const text = `store: ./lived-${method}\nadapt: { method: ${method} }\ncameras: { road: { source: changing.mp4 } }`;
			writeFileSync(join(folder, "cam.yaml"), text);
			const { code, err } = await start("run", "cam.yaml").ended;
			assert.equal(code, 0, err);
			await exported(`${method}.jsonl`, "--store", `lived-${method}`);
			const ended = await acclimate("import", `${method}.jsonl`, "--store", `told-${method}`);
			assert.equal(ended.code, 0, ended.err);
			assert.deepEqual(await held(`told-${method}`, "road", method), await held(`lived-${method}`, "road", method));
		}
	});

	it("may be one camera's, under another's name", async () => {
		await exported("yard.jsonl", "--camera", "yard");
		assert.equal((await acclimate("import", "yard.jsonl", "--store", "gate", "--camera", "gate")).code, 0);
		assert.deepEqual(await held("gate", "gate"), [domain(4)]);
		assert.deepEqual(await held("gate", "yard"), []);
		const { code, err } = await acclimate("import", "all.jsonl", "--store", "gate", "--camera", "gate");
		assert.equal(code, 2);
		assert.match(err, /holds domains of road, yard: only those of one camera can go to --camera gate/);
	});

	it("is never written over without --replace, not in part either", async () => {
		const mine = { ...domain(7, "d1"), name: "mine" };
		await filled("third", { road: [mine, domain(8)] });
		const refused = await acclimate("import", "all.jsonl", "--store", "third");
		assert.equal(refused.code, 2);
		assert.equal(
			refused.err,
			"third already holds d1 of road: --replace writes over them, --camera puts them elsewhere\n",
		);
		assert.deepEqual(await held("third", "road"), [mine, domain(8)]);
		assert.deepEqual(await held("third", "yard"), []);
		assert.equal((await acclimate("import", "all.jsonl", "--store", "third", "--replace")).code, 0);
		assert.deepEqual(await held("third", "road"), [domain(1), domain(8), domain(3), domain(2)]);
	});

	it("does not write over a file, and says when there is nothing to write", async () => {
		for (const [args, sentence] of [
			[["all.jsonl"], /^all\.jsonl exists already\n$/],
			[["no/where.jsonl"], /^no\/where\.jsonl is in no folder that exists\n$/],
			[["x.jsonl", "--camera", "nobody"], /^device holds no domain of a camera called nobody that was learned with/],
			[["x.jsonl", "--model", bundled.models.cnn], /^device holds no domain that was learned with the model in/],
		] as const) {
			const { code, err } = await acclimate("export", ...args, "--store", "device");
			assert.equal(code, 2);
			assert.match(err, sentence);
		}
		assert.equal((await acclimate("export", "x.jsonl", "--store", "nothing-here")).code, 1);
	});
});

test("an export that the disk has no room for leaves no half file in the way of the next", (t) => {
	if (process.platform === "win32") return t.skip("limits a file's size with a shell");
	const command = ["domains", "export", "half.jsonl", "--store", "device"];
	const limited = ["-c", 'ulimit -f 20; exec "$0" "$@"', process.execPath, main, ...command];
	for (let time = 0; time < 2; time++) {
		const { status, stderr } = spawnSync("sh", limited, { cwd: folder, encoding: "utf8" });
		assert.equal(status, 2);
		assert.equal(stderr, "half.jsonl cannot be written (EFBIG)\n");
	}
	assert.ok(!existsSync(join(folder, "half.jsonl")));
});

describe("a file that cannot be taken up is one clear sentence, and nothing is stored", () => {
	const refused = async (file: string, sentence: RegExp, ...args: string[]) => {
		const { code, out, err } = await acclimate("import", file, "--store", "untouched", ...args);
		assert.equal(code, 2, err);
		assert.equal(out, "");
		assert.match(err, sentence);
		assert.equal(err.trimEnd().split("\n").length, 1, err);
		await assert.rejects(held("untouched", "road"), /holds no store/);
	};
	/** The exported file with some change, its checksum right again where `right`. */
	const changed = (change: (lines: string[]) => string[], right = true) => {
		const file = join(folder, "changed.jsonl");
		const [head, ...body] = change(readFileSync(join(folder, "all.jsonl"), "utf8").split("\n"));
		const sha256 = createHash("sha256").update(body.join("\n")).digest("hex");
		const header = right ? JSON.stringify({ ...JSON.parse(head), sha256 }) : head;
		writeFileSync(file, [header, ...body].join("\n"));
		return "changed.jsonl";
	};
	const at = (line: number, from: string | RegExp, to: string) => (lines: string[]) =>
		lines.with(line, lines[line].replace(from, to));

	it("of another model", () =>
		refused(
			"all.jsonl",
			/^all\.jsonl was learned with another model \([0-9a-f]{12}\) than the one in .* \([0-9a-f]{12}\), and fits only that$/m,
			"--model",
			bundled.models.cnn,
		));

	it("that is newer", () =>
		refused(
			changed(at(0, '"version":2', '"version":3')),
			/was written by a newer acclimate \(version 3, this one reads 2\)/,
		));

	it("that is damaged", async () => {
		const damaged = /is damaged: its checksum is wrong, so copy it again$/m;
		await refused(changed(at(2, '"id":"d1"', '"id":"d5"'), false), damaged);
		writeFileSync(join(folder, "cut.jsonl"), readFileSync(join(folder, "all.jsonl")));
		truncateSync(join(folder, "cut.jsonl"), 100_000);
		await refused("cut.jsonl", damaged);
	});

	it("that is something else", async () => {
		const nothing = /is no file that `acclimate domains export` wrote$/m;
		for (const content of ["", "\n", "{}\n", "[1]\n", "text\ntext", "\0\n", '{"format":"acclimate-domains"}\n']) {
			writeFileSync(join(folder, "else.jsonl"), content);
			await refused("else.jsonl", nothing);
		}
		await refused("missing.jsonl", /^missing\.jsonl does not exist$/m);
		await refused(".", /^\. is a folder$/m);
		await refused("/dev/zero", /is not a file$/m);
	});

	it("that is too large", async () => {
		writeFileSync(join(folder, "large.jsonl"), "");
		truncateSync(join(folder, "large.jsonl"), 2 ** 28 + 1);
		await refused("large.jsonl", /^large\.jsonl is larger than 256 MiB: no export is$/m);
	});

	it("that was made up by somebody: its checksum is no proof", async () => {
		for (const [from, to, sentence] of [
			['"id":"d1"', '"id":"../d1"', /line 3, domain\.id: expected 1 to 64 letters/],
			['"camera":"road"', '"camera":"a/+"', /line 3, camera: expected 1 to 64 letters/],
			['"way":"zoa+"', '"way":"\\u0000"', /line 3, way: expected the name of a way/],
			['"visits":1', '"visits":-1', /line 3, domain\.visits:/],
			['"vector":{"float32":"', '"vector":{"float32":"AAAA', /line 3, domain\.vector: expected \d+ finite numbers/],
			[
				/"stemMean":\{"float32":"[^"]{8}/,
				'"stemMean":{"float32":"AADAfwAA',
				/line 3, domain\.stemMean: expected \d+ finite/,
			],
			// 1e9, the bytes of which end with the text.
			[/(?<="alignment":\{"float32":"[^"]*)[^"]{8}(?=")/, "AAAoa25O", /line 3, domain\.alignment: .* how often/],
			['"vector":', '"__proto__":', /line 3, domain\.vector: expected/],
			[/^.*$/, "{", /line 3, the whole of it/],
		] as const)
			await refused(changed(at(2, from, to)), sentence);
	});
});
