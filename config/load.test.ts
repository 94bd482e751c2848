import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ConfigMistakes, load, parse } from "./load.js";
import type { Config } from "./schema.js";

const nowhere = { env: {}, secretsDirectories: [] };
const CAMERA = "cameras: { road: { source: clip.mp4 } }\n";

/** The file of the camera `road`. */
function fileOf({ cameras: { road } }: Config): string | undefined {
	return road.source.kind === "file" ? road.source.file : undefined;
}

/** The mistakes in a text, without the file's name. */
function mistakesIn(text: string): string[] {
	const parsed = parse(text, "cam.yaml", nowhere);
	return "mistakes" in parsed ? parsed.mistakes.map((line) => line.replace(/^cam\.yaml:/, "")) : [];
}

test("the smallest configuration has a default for everything else", () => {
	const text = "mqtt: { url: mqtt://127.0.0.1:1883 }\ncameras:\n  road: { source: clip.mp4 }\n";
	assert.deepEqual(parse(text, "/etc/acclimate/cam.yaml", nowhere), {
		config: {
			mqtt: {
				url: "mqtt://127.0.0.1:1883",
				topic: "acclimate",
				version: "3.1.1",
				discovery: "none",
				predictions: { form: "full", every: 1, on: "frame" },
				outbox: { size: 256_000_000, age: 86_400_000 },
			},
			store: "/etc/acclimate/acclimate-data",
			cameras: {
				road: {
					source: { kind: "file", file: "/etc/acclimate/clip.mp4", loop: false, pace: "fast" },
					rotate: 0,
					hwaccel: "none",
					stall: 10_000,
					enabled: true,
				},
			},
			batch: { frames: 8, patience: 100 },
			adapt: {
				method: "zoa+",
				cpu: 0.2,
				align: true,
				window: 64,
				falseAlarms: 1,
				threshold: 0.1,
				nearness: 0.08,
				gate: 0.15,
				bank: 32,
				lambda: 30,
				rate: 5e-4,
				perturbation: 0.02,
				seed: 1,
				checkpoint: 10,
			},
			log: { level: "info", format: "json", modules: {} },
		},
	});
});

test("what secures a connection starts at the YAML file's folder, and has a connection to secure", () => {
	const parsed = (mqtt: string) =>
		parse(`mqtt: ${mqtt}\ncameras: { road: { source: clip.mp4 } }\n`, "/etc/acclimate/cam.yaml", nowhere);
	const secured = parsed("{ url: mqtts://x, tls: { ca: ca.pem, cert: /a/cert.pem, key: key.pem } }");
	assert.deepEqual("config" in secured && secured.config.mqtt?.tls, {
		ca: "/etc/acclimate/ca.pem",
		cert: "/a/cert.pem",
		key: "/etc/acclimate/key.pem",
		rejectUnauthorized: true,
	});
	const mistakeOf = (mqtt: string) => {
		const outcome = parsed(mqtt);
		return "mistakes" in outcome ? outcome.mistakes.join("\n") : "none";
	};
	assert.match(mistakeOf("{ url: mqtt://x, tls: { ca: ca.pem } }"), /mqtt\.tls: .*write mqtts:\/\/ or wss:\/\//);
	assert.match(mistakeOf("{ url: mqtts://x, tls: { cert: a.pem } }"), /mqtt\.tls: .*give both cert and key/);
	assert.match(mistakeOf("{ url: mqtts://x, version: 4 }"), /mqtt\.version: expected one of "3\.1\.1", 5/);
});

test("a size has a unit, and bounds", () => {
	const mistakesOf = (size: string) => {
		const text = `mqtt: { url: mqtt://x, outbox: { size: ${size} } }\ncameras: { road: { source: clip.mp4 } }\n`;
		const parsed = parse(text, "cam.yaml", nowhere);
		return "mistakes" in parsed ? parsed.mistakes.join("\n") : parsed.config.mqtt?.outbox.size;
	};
	assert.equal(mistakesOf("1.5GB"), 1_500_000_000);
	assert.match(String(mistakesOf("64")), /cam\.yaml:1:\d+ {2}mqtt\.outbox\.size: expected a size such as .*256MB/);
	assert.match(String(mistakesOf("64mb")), /expected a size such as/);
	assert.match(String(mistakesOf("10kB")), /expected a size from 1MB to 100GB/);
});

test("relative paths start at the YAML file's folder, absolute ones stay", () => {
	const text = "model: ../bundle\nstore: /var/lib/acclimate\ncameras: { road: { source: { file: clips/a.mp4 } } }";
	const parsed = parse(text, "/etc/acclimate/cam.yaml", nowhere);
	assert.ok("config" in parsed);
	assert.equal(parsed.config.model, "/etc/bundle");
	assert.equal(parsed.config.store, "/var/lib/acclimate");
	assert.equal(fileOf(parsed.config), "/etc/acclimate/clips/a.mp4");
});

test("a source is one of several kinds, written as a text or a mapping", () => {
	const stream = { kind: "stream", pace: "fast", verify: true };
	for (const [written, source] of [
		["test:", { kind: "test" }],
		["v4l2:///dev/video0", { kind: "device", device: "/dev/video0" }],
		["{ device: /dev/v4l/by-id/cam }", { kind: "device", device: "/dev/v4l/by-id/cam" }],
		["RTSP://cam/1", { ...stream, url: "RTSP://cam/1" }],
		["{ url: https://cam/1, verify: false }", { ...stream, url: "https://cam/1", verify: false }],
		["https://cam/live.m3u8?token=x", { ...stream, url: "https://cam/live.m3u8?token=x", pace: "realtime" }],
		["{ url: http://cam/live.m3u8, pace: fast }", { ...stream, url: "http://cam/live.m3u8" }],
		["pictures/", { kind: "file", file: "/etc/pictures", loop: false, pace: "fast" }],
	] as const) {
		const parsed = parse(
			`cameras: { road: { source: "${written}" } }`.replace(/"(\{.*\})"/, "$1"),
			"/etc/cam.yaml",
			nowhere,
		);
		assert.deepEqual("config" in parsed ? parsed.config.cameras.road.source : parsed.mistakes, source);
	}
});

test("durations become milliseconds", () => {
	for (const [written, ms] of [
		["250ms", 250],
		["1.5s", 1500],
		["1m", 60_000],
	] as const) {
		const parsed = parse(`${CAMERA}batch: { patience: ${written} }`, "cam.yaml", nowhere);
		assert.equal("config" in parsed && parsed.config.batch.patience, ms);
	}
});

test("an address to listen on is one of IP version 4 or 6, with a port", () => {
	for (const [written, listen] of [
		["{}", { host: "127.0.0.1", port: 9180 }],
		['{ listen: "0.0.0.0:80" }', { host: "0.0.0.0", port: 80 }],
		['{ listen: "[::1]:65535" }', { host: "::1", port: 65_535 }],
	] as const) {
		const parsed = parse(`${CAMERA}http: ${written}`, "cam.yaml", nowhere);
		assert.deepEqual("config" in parsed && parsed.config.http, { listen });
	}
});

test("all mistakes are said at once, in the order of the file, with place, expectation and hint", () => {
	const text = `mqtt:
  url: http://gate:hunter2@broker
  clientID: gate
cameras:
  bridge: { source: clip.mp4 }
  road:
    source: ftp://user:hunter2@camera/1
    region: [0, -1, 640, 0]
  yard: { enabled: yes }
batch: { frames: 7, patience: 100 }
adapt:
  memmory: 3
  method: zoaa
logs: {}
`;
	assert.deepEqual(mistakesIn(text), [
		`2:8  mqtt.url: expected the broker's URL, such as mqtt://127.0.0.1:1883 (mqtt, mqtts, ws or wss), got "http://***@broker"`,
		`3:3  mqtt: unrecognized key "clientID" — did you mean "clientId"?`,
		`5:3  cameras: key "bridge": a camera's name is 1 to 64 letters, digits, _ or -, and neither bridge nor available`,
		`7:13  cameras.road.source: expected a path, or a URL with rtsp, rtsps, http, https or v4l2, got "ftp://***@camera/1"`,
		"8:17  cameras.road.region[1]: expected a whole number from 0 to 65535, got -1",
		"8:26  cameras.road.region[3]: expected a whole number from 1 to 65535, got 0",
		`9:3  cameras.yard: missing key "source" — expected a path, a URL, or a mapping such as { file: clip.mp4, loop: true, pace: realtime }`,
		`9:20  cameras.yard.enabled: expected true or false, got "yes"`,
		"10:18  adapt.window: must be a multiple of batch.frames (7), is 64",
		"10:31  batch.patience: expected a duration such as 100ms, 5s, 2m or 1h, got 100 — give it a unit",
		`12:3  adapt: unrecognized key "memmory" — expected one of method, cpu, align, window, falseAlarms, threshold, nearness, gate, bank, lambda, rate, perturbation, seed, checkpoint`,
		`13:11  adapt.method: expected one of "zoa+", "zoa", "zoa-reference", "none", got "zoaa" — did you mean "zoa+"?`,
		`14:1  unrecognized key "logs" — did you mean "log"?`,
	]);
});

const EXAMPLE = "cameras: { road: { source: clip.mp4 } }";
const SOURCE = "expected a path, a URL, or a mapping such as { file: clip.mp4, loop: true, pace: realtime }";

const STREAM = "expected a URL such as rtsp://user:password@camera/1";
const ESCAPES = "in a password write %40 for @, %2F for / and %23 for #";

describe("each mistake has its line", () => {
	const table: readonly (readonly [text: string, ...lines: string[]])[] = [
		["", `1:1  nothing is configured — the least is ${EXAMPLE}`],
		["# later\n", `1:1  nothing is configured — the least is ${EXAMPLE}`],
		["- road", `1:1  expected a mapping such as ${EXAMPLE}, got a list`],
		["clip.mp4", `1:1  expected a mapping such as ${EXAMPLE}, got a single value`],
		["cameras: {}", "1:10  cameras: give one camera at least, such as road: { source: clip.mp4 }"],
		["threads: 2", `1:1  missing key "cameras" — expected one camera at least, such as road: { source: clip.mp4 }`],
		["cameras: { road: clip.mp4 }", `1:18  cameras.road: expected a mapping, got "clip.mp4"`],
		["cameras: { road: { source: 5 } }", `1:28  cameras.road.source: ${SOURCE}, got 5`],
		[
			"cameras: { road: { source: { fil: x, pace: 5 } } }",
			`1:30  cameras.road.source: unrecognized key "fil" — did you mean "file"?`,
			`1:44  cameras.road.source.pace: expected one of "fast", "realtime", got 5`,
		],
		[
			"cameras: { road: { source: file:///clip.mp4 } }",
			"1:28  cameras.road.source: a path is wanted, not a URL — leave out file://",
		],
		[
			"cameras: { road: { source: {} } }",
			"1:28  cameras.road.source: expected one of file, url and device, got a mapping",
		],
		[
			"cameras: { road: { source: { url: rtsp://a/1, device: /dev/video0 } } }",
			"1:28  cameras.road.source: expected one of file, url and device, got a mapping",
		],
		["cameras: { road: { source: -i } }"],
		[
			`cameras: { road: { source: "rtsp://a b/1" } }`,
			`1:28  cameras.road.source: ${STREAM}, got "rtsp://a b/1" — ${ESCAPES}`,
		],
		[
			`cameras: { road: { source: "rtsp://u:hunter#2@a/1" } }`,
			`1:28  cameras.road.source: ${STREAM}, got "rtsp://***@a/1" — ${ESCAPES}`,
		],
		[
			"cameras: { road: { source: { url: file:///etc/passwd } } }",
			`1:35  cameras.road.source.url: ${STREAM}, got "file:///etc/passwd" — ${ESCAPES}`,
		],
		[
			"cameras: { road: { source: v4l2:///dev/../etc/passwd } }",
			`1:28  cameras.road.source: expected a camera's device such as /dev/video0, got "v4l2:///dev/../etc/passwd"`,
		],
		[
			"cameras: { road: { source: { url: rtsp://a/1, loop: true, pace: fast, verify: false } } }",
			"1:53  cameras.road.source.loop: only a file can be looped",
			"1:65  cameras.road.source.pace: only a file, or a recording on a web server, can have a pace",
			"1:79  cameras.road.source.verify: ffmpeg can check the certificates of https alone",
		],
		[
			"cameras: { road: { source: a, rotate: 45, hwaccel: gpu, drop: all, stall: 10ms, fps: 0 } }",
			"1:39  cameras.road.rotate: expected one of 0, 90, 180, 270, got 45",
			`1:52  cameras.road.hwaccel: expected one of "none", "auto", "vaapi", "cuda", "qsv", "vdpau", "drm", "videotoolbox", "d3d11va", got "gpu"`,
			`1:63  cameras.road.drop: expected one of "oldest", "none", got "all"`,
			`1:75  cameras.road.stall: expected a duration of 1s at least, got "10ms"`,
			"1:86  cameras.road.fps: expected a number above 0, 240 at most, got 0",
		],
		[
			"cameras: { road: { source: a, fps: 0.1 } }",
			"1:36  cameras.road.fps: two frames take longer than stall, which is 10s where absent — give a longer one",
		],
		[
			"cameras: { road: { source: a, region: [0, 0, 9, 9], regions: { a b: [0, 0, 9, 9] } } }",
			`1:64  cameras.road.regions: key "a b": a region's name is 1 to 64 letters, digits, _ or -`,
		],
		[
			"cameras: { road: { source: a, region: [0, 0, 9, 9], regions: { a: [0, 0, 9, 9] } } }",
			"1:62  cameras.road.regions: give region or regions, not both",
		],
		[
			"cameras: { road: { source: a, regions: {} } }",
			"1:40  cameras.road.regions: give 1 to 16 regions by name, such as left: [0, 0, 320, 360]",
		],
		[
			"cameras: { road: { source: a, region: [1, 2] } }",
			"1:39  cameras.road.region: expected [x, y, width, height] in whole pixels, got a list of 2",
		],
		[
			"cameras: { __proto__: { source: a } }",
			"1:10  cameras: give one camera at least, such as road: { source: clip.mp4 }",
			`1:12  cameras: key "__proto__" cannot be used`,
		],
		[`${CAMERA}log:`, "2:5  log: expected a mapping, got nothing — give it a value or leave it out"],
		[`${CAMERA}threads: 0x41`, "2:10  threads: expected a whole number from 1 to 64, got 0x41"],
		[`${CAMERA}threads: 1\nthreads: 2`, `3:1  key "threads" again — it is already in line 2`],
		[`${CAMERA}adapt: { window: 60 }`, "2:18  adapt.window: must be a multiple of batch.frames (8), is 60"],
		[
			`${CAMERA}adapt: { align: false }`,
			"2:17  adapt.align: zoa+ learns nothing else: expected true, or another adapt.method, such as none or zoa",
		],
		[`${CAMERA}adapt: { rate: .nan }`, "2:16  adapt.rate: expected a number above 0, 1 at most, got .nan"],
		...["localhost:9180", "9180", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:65536", "[127.0.0.1]:80", "::1:80"].map(
			(written): readonly [string, string] => [
				`${CAMERA}http: { listen: "${written}" }`,
				`2:17  http.listen: expected an address of this machine and a port, such as 127.0.0.1:9180 or [::1]:9180, got "${written}"`,
			],
		),
		[`${CAMERA}batch: { patience: 2m }`, `2:20  batch.patience: expected a duration of 1m at most, got "2m"`],
		[
			`${CAMERA}mqtt: { url: mqtt://a, password: b }`,
			"2:34  mqtt.password: MQTT takes no password without a user name — give username too",
		],
		[
			`${CAMERA}mqtt: { url: mqtt://a, topic: a/# }`,
			`2:31  mqtt.topic: expected a topic such as site/north: no spaces, + or #, no / at its ends, no $ at its start, got "a/#"`,
		],
		["cameras:\n\troad: {}", "2:1  a tab cannot indent — use spaces"],
		["cameras: [", "1:11  the indentation does not fit, or a bracket is not closed"],
		[`store: "C:\\data"`, "1:11  not an escape sequence — use single quotes, or write \\\\ for one backslash"],
		[`store: "data`, "1:13  the text ends in an open quotation"],
		[
			"store: a: b",
			"1:8  a mapping cannot start here — check the indentation of this line and the next, and quote a text with a colon in it",
		],
		[`${CAMERA}---\n${CAMERA}`, "2:1  a second document starts here — one file holds one configuration"],
		[`${CAMERA}store: *there`, "2:8  store: an alias (*) of an anchor (&) that is not before it"],
		[
			`${CAMERA}store: !path data`,
			`2:8  an unknown tag — write the value without it, and a secret as "{ACCLIMATE_NAME}"`,
		],
		[
			`${CAMERA}"\\e[2J": 1`,
			`2:1  unrecognized key "\\u001b[2J" — expected one of mqtt, model, store, threads, cameras, batch, adapt, http, log`,
		],
	];
	for (const [text, ...lines] of table) {
		test(JSON.stringify(text.replace(CAMERA, "… ")), () => {
			assert.deepEqual(mistakesIn(text), lines);
		});
	}
});

test("a mistake behind an alias is shown where the value stands", () => {
	assert.deepEqual(mistakesIn("cameras:\n  a: &a { source: 5 }\n  b: *a"), [
		`2:19  cameras.a.source: ${SOURCE}, got 5`,
		`2:19  cameras.b.source: ${SOURCE}, got 5`,
	]);
});

test("aliases that multiply are refused and not expanded", () => {
	const laughs = Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}]`);
	assert.deepEqual(mistakesIn([CAMERA, "a0: &a0 [x]", ...laughs].join("\n")), [
		"1:1  aliases (*) multiply beyond all measure — write the values out",
	]);
});

test("a file of nothing but brackets or dashes is refused and does not take the process down", () => {
	for (const opening of ["[", "{a: ", "- "]) {
		const [line, ...more] = mistakesIn(opening.repeat(200_000));
		assert.match(line, /^1:\d+ {2}more than 64 levels, one in the other$/);
		assert.deepEqual(more, []);
	}
});

test("a file full of mistakes is answered with the first hundred", () => {
	const lines = mistakesIn(CAMERA + Array.from({ length: 5000 }, (_, i) => `a${i}: 1`).join("\n"));
	assert.equal(lines.length, 101);
	assert.equal(lines.at(-1), " and more");
});

describe("a file that cannot be read is said in one line", () => {
	let folder: string;
	before(async () => {
		folder = await mkdtemp(join(tmpdir(), "acclimate-config-"));
	});
	after(() => rm(folder, { recursive: true }));

	const refused = async (path: string, line: string) =>
		assert.rejects(load(path, nowhere), (error) => {
			assert.ok(error instanceof ConfigMistakes);
			assert.deepEqual(error.mistakes, [`${path}: ${line}`]);
			assert.equal(error.message, `${path}: ${line}`);
			return true;
		});

	test("a missing file", () => refused(join(folder, "none.yaml"), "no such file"));

	test("a folder", async () => {
		const path = join(folder, "folder");
		await mkdir(path);
		await refused(path, "a directory — give the YAML file in it");
	});

	test("a file of another user", { skip: process.getuid?.() === 0 && "root may read everything" }, async () => {
		const path = join(folder, "closed.yaml");
		await writeFile(path, CAMERA);
		await chmod(path, 0);
		await refused(path, "may not be read by this user");
	});

	test("a file that is no text", async () => {
		const path = join(folder, "clip.mp4");
		await writeFile(path, Buffer.from([0xff, 0xfe, 0x63, 0]));
		await refused(path, "not a text in UTF-8 — is this a YAML file?");
	});

	test("a file without end", { skip: process.platform === "win32" && "there is no /dev/zero" }, () =>
		refused("/dev/zero", "larger than 1 MiB — is this a configuration?"),
	);

	test("while one that can be read is loaded, byte order mark and all", async () => {
		const path = join(folder, "cam.yaml");
		await writeFile(path, `\ufeff${CAMERA.replace("\n", "\r\n")}`);
		assert.equal(fileOf(await load(path, nowhere)), join(folder, "clip.mp4"));
	});
});
