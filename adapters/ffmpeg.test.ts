import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { describe, it } from "node:test";
import { bundledFfmpeg, fitFilter, passthroughOf, systemFfmpeg } from "./ffmpeg.js";
import { temporaryDirectory } from "./fixtures.js";
import { FILE_FORMATS, HTTP_FORMATS } from "./sources/input.js";

const scaler = "flags=bilinear+accurate_rnd+full_chroma_int,format=gbrp";

describe("the filter that fits a picture to the model", () => {
	for (const [fit, filter] of [
		["stretch", `scale=224:160:${scaler}`],
		["crop", `scale=224:160:force_original_aspect_ratio=increase:${scaler},crop=224:160`],
		["pad", `scale=224:160:force_original_aspect_ratio=decrease:${scaler},pad=224:160:(ow-iw)/2:(oh-ih)/2`],
	] as const) {
		it(`to ${fit} is ${filter}`, () => assert.equal(fitFilter({ width: 224, height: 160, fit }), filter));
	}

	it("cuts the region out first, and fails where it reaches outside", () => {
		assert.equal(
			fitFilter({ width: 8, height: 8, fit: "stretch", region: [10, 20, 30, 40] }),
			`crop='if(gte(iw,40)*gte(ih,60),30,0)':40:10:20:exact=1,scale=8:8:${scaler}`,
		);
	});

	for (const region of [
		[-1, 0, 5, 5],
		[0, 0, 0, 5],
		[0, 0, 5, 0.5],
		[0, 0, Number.NaN, 5],
		[0, 0, 5],
	] as const) {
		it(`refuses the region [${region.join(", ")}]`, () => {
			const fitting = { width: 8, height: 8, fit: "stretch", region: region as never } as const;
			assert.throws(() => fitFilter(fitting), { code: "camera", message: /not a rectangle/ });
		});
	}
});

describe("looking for ffmpeg", () => {
	const directory = temporaryDirectory();

	it("takes the first that can be run on the PATH, and no directory of that name", () => {
		for (const name of ["none", "plain", "folder", "good"]) mkdirSync(join(directory, name));
		mkdirSync(join(directory, "folder", "ffmpeg"));
		writeFileSync(join(directory, "plain", "ffmpeg"), "");
		writeFileSync(join(directory, "good", "ffmpeg"), "#!/bin/sh\n");
		chmodSync(join(directory, "good", "ffmpeg"), 0o755);
		const path = ["", "none", "plain", "folder", "good"].map((name) => name && join(directory, name)).join(delimiter);
		assert.equal(systemFfmpeg(path), join(directory, "good", "ffmpeg"));
		assert.equal(systemFfmpeg(""), undefined);
	});

	it("falls back on the one that npm installed, which runs", (t) => {
		const bundled = bundledFfmpeg();
		if (bundled === undefined) return t.skip("npm has none for this platform");
		assert.match(spawnSync(bundled, ["-version"], { encoding: "utf8" }).stdout, /^ffmpeg version/);
	});

	it("finds one that knows the formats that are read", (t) => {
		const programs = [systemFfmpeg(), bundledFfmpeg()].filter((program) => program !== undefined);
		if (programs.length === 0) return t.skip("no ffmpeg on this machine");
		for (const program of programs) {
			const known = spawnSync(program, ["-v", "error", "-demuxers"], { encoding: "utf8" })
				.stdout.split("\n")
				.flatMap((line) => line.trim().split(/\s+/)[1]?.split(",") ?? []);
			for (const format of `${FILE_FORMATS},${HTTP_FORMATS},rtsp,image2,lavfi,v4l2`.split(","))
				assert.ok(known.includes(format), `${program}: ${format}`);
		}
	});
});

describe("the option that hands on every frame", () => {
	for (const [version, option] of [
		["ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright (c) 2000-2021 the FFmpeg developers", "-vsync"],
		["ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026 the FFmpeg developers", "-vsync"],
		["ffmpeg version n6.0 Copyright (c) 2000-2023 the FFmpeg developers", "-fps_mode"],
		[
			"ffmpeg version 7.1.1-static https://johnvansickle.com/ Copyright (c) 2000-2025 the FFmpeg developers",
			"-fps_mode",
		],
		["ffmpeg version 10.0 Copyright (c) 2000-2028 the FFmpeg developers", "-fps_mode"],
		["ffmpeg version N-47683-g0e8eb07980-static Copyright (c) 2000-2018 the FFmpeg developers", "-vsync"],
		["ffmpeg version N-115387-g8e27bd025f-20240525 Copyright (c) 2000-2024 the FFmpeg developers", "-fps_mode"],
		["ffmpeg version 2024-05-06-git-96449cfeae Copyright (c) 2000-2024 the FFmpeg developers", "-fps_mode"],
	] as const) {
		it(`is ${option} for ${version.slice(0, 40)}`, () => assert.equal(passthroughOf(version)[0], option));
	}
});
