import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, open, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { Mistake } from "../../mistake.js";
import { tinyTransformer } from "../fixtures.js";
import { encodeModel } from "./onnx.js";
import { readModel } from "./read.js";
import { type Message, readMessage, writeMessage } from "./schema.js";

let folder: string;
before(async () => {
	folder = await mkdtemp(join(tmpdir(), "acclimate-external-"));
	await mkdir(join(folder, "models", "weights"), { recursive: true });
	await writeFile(join(folder, "outside.bin"), Buffer.alloc(1_000_000));
	await writeFile(join(folder, "models", "short.bin"), Buffer.alloc(10));
	await symlink("../outside.bin", join(folder, "models", "link.bin"));
	execFileSync("mkfifo", [join(folder, "models", "pipe")]);
});
after(() => rm(folder, { recursive: true }));

/** Writes the tiny model with its weights in another file; `change` is made to the entries of the first of them. */
async function written(name: string, change: Record<string, string | undefined> = {}): Promise<string> {
	const model: Message = readMessage(encodeModel(tinyTransformer()));
	const chunks: Uint8Array[] = [];
	let offset = 0;
	for (const [i, tensor] of (model.graph.initializer as Message[]).entries()) {
		const length = tensor.rawData.length;
		const entries = {
			location: "weights/all.bin",
			offset: `${offset}`,
			length: `${length}`,
			...(i === 0 ? change : {}),
		};
		chunks.push(tensor.rawData, Buffer.alloc(7));
		offset += length + 7;
		tensor.externalData = Object.entries(entries).flatMap(([key, value]) =>
			value === undefined ? [] : { key, value },
		);
		tensor.dataLocation = 1;
		delete tensor.rawData;
	}
	await writeFile(join(folder, "models", "weights", "all.bin"), Buffer.concat(chunks));
	const path = join(folder, "models", name);
	await writeFile(path, writeMessage(model));
	return path;
}

const sameAsTiny = async (path: string) => {
	const bytes = encodeModel(await readModel(path));
	assert.deepEqual(Buffer.from(bytes), Buffer.from(encodeModel(tinyTransformer())));
};

describe("a model with its weights in another file", () => {
	it("is read as the same model in one file is", async () => {
		await sameAsTiny(await written("model.onnx"));
	});

	it("is read where offset and length are left to be told from the dims", async () => {
		await sameAsTiny(await written("short.onnx", { offset: undefined, length: undefined }));
	});

	it("is read through links to where both files really are, as in a cache of downloads", async () => {
		const path = await written("blob.onnx");
		await mkdir(join(folder, "snapshot", "weights"), { recursive: true });
		await symlink(path, join(folder, "snapshot", "model.onnx"));
		await symlink("../../models/weights/all.bin", join(folder, "snapshot", "weights", "all.bin"));
		await sameAsTiny(join(folder, "snapshot", "model.onnx"));
	});

	const cases: [string, Record<string, string | undefined>, RegExp][] = [
		[
			"the other file is missing",
			{ location: "gone.bin" },
			/keeps weights in gone\.bin, which cannot be read \(ENOENT\)/,
		],
		[
			"it does not say in which file",
			{ location: undefined },
			/weight conv\.weight is in another file, but does not say/,
		],
		["the place is above its folder", { location: "../outside.bin" }, /which is outside the model's folder/],
		["the place is hidden in the middle", { location: "weights/../../outside.bin" }, /outside the model's folder/],
		["the place is absolute", { location: "/etc/passwd" }, /\/etc\/passwd, which is outside the model's folder/],
		["the place is absolute on Windows", { location: "C:\\weights.bin" }, /outside the model's folder/],
		["a link leads out of its folder", { location: "link.bin" }, /link\.bin, which is outside the model's folder/],
		["the place is a folder", { location: "weights" }, /keeps weights in weights, which is no file/],
		["the place is the folder of the model", { location: "." }, /outside the model's folder/],
		["the place is a pipe", { location: "pipe" }, /keeps weights in pipe, which is no file/],
		["a name has a zero byte in it", { location: "a\0b" }, /outside the model's folder/],
		["the other file is too short", { location: "short.bin" }, /bytes 0 to 3072 of short\.bin, which has only 10/],
		["it starts behind the file's end", { offset: "99999999999" }, /which has only \d+/],
		["it starts before the file", { offset: "-4" }, /has offset -4 in another file; expected a whole number/],
		["its length is no number", { length: "all" }, /has length all in another file/],
		["its length is another than its dims say", { length: "12" }, /has 12 bytes in weights\/all\.bin; expected 3072/],
	];
	for (const [name, change, message] of cases) {
		it(`is refused in one sentence where ${name}`, async () => {
			await assert.rejects(readModel(await written("wrong.onnx", change)), isMistake(message));
		});
	}

	it("is refused before anything is read where many tensors add up to more than 2 GB", async () => {
		const tensor = (_: unknown, i: number) => ({
			...{ name: `w${i}`, dataType: 1, dims: [1 << 27], dataLocation: 1 },
			externalData: [{ key: "location", value: "gone.bin" }],
		});
		const model: Message = readMessage(encodeModel(tinyTransformer()));
		model.graph.initializer = Array.from({ length: 5 }, tensor);
		const path = join(folder, "models", "many.onnx");
		await writeFile(path, writeMessage(model));
		await assert.rejects(readModel(path), isMistake(/is larger than 2 GB with its weights/));
	});
});

describe("a path that is no model", () => {
	it("is refused by its size, before it is read, where it is larger than 2 GB", async () => {
		const path = join(folder, "large.onnx");
		await (await open(path, "w")).close();
		// A file of nothing but a hole takes no room on the disk.
		await truncate(path, 3e9);
		await assert.rejects(readModel(path), isMistake(/large\.onnx: is larger than 2 GB/));
	});

	it("is refused where there is nothing, a folder or a pipe", async () => {
		await assert.rejects(
			readModel(join(folder, "nowhere.onnx")),
			isMistake(/nowhere\.onnx: cannot be read \(ENOENT\)$/),
		);
		await assert.rejects(readModel(folder), isMistake(/: is no file; expected an ONNX model$/));
		await assert.rejects(readModel(join(folder, "models", "pipe")), isMistake(/: is no file/));
	});
});

const isMistake = (message: RegExp) => (error: unknown) => {
	assert.ok(error instanceof Mistake, String(error));
	assert.match(error.message, message);
	assert.ok(!error.message.includes("\n"));
	return true;
};
