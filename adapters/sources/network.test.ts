import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createSocketServer } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import type { Camera, CameraError } from "../../operators/types.js";
import { type CameraOptions, openCamera } from "../camera.js";
import { bundledFfmpeg, systemFfmpeg } from "../ffmpeg.js";
import { makeClip, temporaryDirectory } from "../fixtures.js";
import { noRtspServer, openRtspServer } from "../rtspServer.js";

const directory = temporaryDirectory();
const at = (name: string) => join(directory, name);
const small = { width: 16, height: 12, fit: "stretch", stall: 10_000 } as const;

/** An address on which nothing listens. */
const NOBODY = "127.0.0.1:9";

const streamOptions = (url: string, more: Partial<CameraOptions> & { pace?: "realtime"; verify?: false } = {}) => {
	const { pace = "fast", verify = true, ...rest } = more;
	return { ...small, source: { kind: "stream", url, pace, verify }, ...rest } as const;
};

const noTls = spawnSync("openssl", ["version"]).error ? "openssl is not installed" : false;

let web = "";
let secure = "";
before(async () => {
	const scenes = ["-f", "lavfi", "-i", "testsrc2=s=64x48:r=10:d=3"];
	await makeClip(at("clip.ts"), ...scenes, "-c:v", "mpeg4");
	await makeClip(at("clip.mp4"), ...scenes, "-c:v", "libx264", "-bf", "0", "-pix_fmt", "yuv420p");
	await makeClip(at("list.m3u8"), ...scenes, "-c:v", "libx264", "-g", "10", "-hls_time", "1", "-hls_list_size", "0");
	await makeClip(at("one.jpg"), ...scenes, "-frames:v", "1");
	writeFileSync(at("evil.m3u8"), `#EXTM3U\n#EXTINF:3,\nfile://${at("clip.ts")}\n#EXT-X-ENDLIST\n`);
	web = `http://127.0.0.1:${await listening(createServer(answer))}`;
	if (noTls) return;
	execFileSync("openssl", [
		...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"],
		...["-keyout", at("key.pem"), "-out", at("cert.pem")],
	]);
	writeFileSync(at("both.pem"), readFileSync(at("cert.pem"), "utf8") + readFileSync(at("key.pem"), "utf8"));
	const tls = { key: readFileSync(at("key.pem")), cert: readFileSync(at("cert.pem")) };
	secure = `https://127.0.0.1:${await listening(createTlsServer(tls, answer))}`;
});

const servers: ReturnType<typeof createSocketServer>[] = [];
after(() => {
	for (const server of servers) server.close().unref();
});

async function listening(server: ReturnType<typeof createSocketServer>): Promise<number> {
	await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
	servers.push(server);
	return (server.address() as AddressInfo).port;
}

/** A web server with the files of the directory, a camera that sends five JPEGs a second, and some bad habits. */
const answer: RequestListener = ({ url = "", headers }, response) => {
	const name = url.slice(1).split("?")[0];
	if (/^\d+$/.test(name)) return void response.writeHead(Number(name)).end();
	if (name === "silent") return;
	if (name === "locked" && headers.authorization !== `Basic ${btoa("cam:p@ss/#")}`) {
		return void response.writeHead(401, { "WWW-Authenticate": 'Basic realm="camera"' }).end();
	}
	if (name === "elsewhere") return void response.writeHead(302, { Location: `file://${at("clip.ts")}` }).end();
	if (name === "mjpeg") {
		const picture = readFileSync(at("one.jpg"));
		response.writeHead(200, { "Content-Type": "multipart/x-mixed-replace; boundary=next" });
		const timer = setInterval(() => {
			response.write(`--next\r\nContent-Type: image/jpeg\r\nContent-Length: ${picture.length}\r\n\r\n`);
			response.write(picture);
			response.write("\r\n");
		}, 200);
		response.on("close", () => clearInterval(timer));
		return;
	}
	if (!readdirSync(directory).includes(name === "locked" ? "clip.ts" : name)) return void response.writeHead(404).end();
	response.end(readFileSync(at(name === "locked" ? "clip.ts" : name)));
};

for (const [name, ffmpeg] of [
	["the ffmpeg on the PATH", systemFfmpeg()],
	["the ffmpeg that npm installed", bundledFfmpeg()],
] as const) {
	if (ffmpeg === undefined) {
		it(`streams, with ${name}`, { skip: "not on this machine" }, () => {});
		continue;
	}

	const failure = async (options: CameraOptions): Promise<string> => {
		const camera = await openCamera(options, ffmpeg);
		try {
			const frames = await camera.take(1, 0);
			return `no failure but ${frames.length} frames`;
		} catch (error) {
			return `${(error as CameraError).reason}: ${(error as Error).message}`;
		} finally {
			await camera.close();
		}
	};
	const framesOf = async (options: CameraOptions): Promise<number> => {
		const camera = await openCamera(options, ffmpeg);
		let count = 0;
		try {
			for (;;) count += (await camera.take(8, 100)).length;
		} catch (error) {
			assert.equal((error as CameraError).reason, "ended", `${error}`);
			return count;
		} finally {
			await camera.close();
		}
	};

	describe(`over HTTP, with ${name}`, () => {
		it("a recording and a playlist are read to their ends, whole where they may not drop", async () => {
			assert.equal(await framesOf(streamOptions(`${web}/clip.ts`, { drop: "none" })), 30);
			assert.equal(await framesOf(streamOptions(`${web}/list.m3u8`, { drop: "none" })), 30);
		});

		it("a recording is shown at its own pace where that is asked for", async () => {
			const start = performance.now();
			const count = await framesOf(streamOptions(`${web}/clip.ts`, { pace: "realtime" }));
			assert.equal(count, 30);
			assert.ok(performance.now() - start > 2000);
		});

		it("a camera of single JPEGs is live, and fps limits what comes, by the clock", async () => {
			for (const [fps, least, most] of [
				[undefined, 8, 12],
				[5, 7, 12],
				[2, 3, 6],
			] as const) {
				const camera = await openCamera(streamOptions(`${web}/mjpeg`, fps ? { fps } : {}), ffmpeg);
				await camera.take(1, 0);
				const start = performance.now();
				let count = 0;
				while (performance.now() - start < 2000) count += (await camera.take(1, 0)).length;
				assert.equal(camera.live, true);
				assert.ok(count >= least && count <= most, `${count} frames in 2 s at ${fps}`);
				await camera.close();
			}
		});

		it("a user and a password are sent, special characters and all", async () => {
			const address = web.replace("//", "//cam:p%40ss%2F%23@");
			assert.equal(await framesOf(streamOptions(`${address}/locked`, { drop: "none" })), 30);
		});

		it("what goes wrong has its name", async () => {
			assert.match(await failure(streamOptions(`${web.replace("//", "//u:hunter2@")}/401`)), /^auth: http:\/\/\*\*\*@/);
			assert.match(await failure(streamOptions(`${web}/403`)), /^auth: /);
			assert.match(await failure(streamOptions(`${web}/404`)), /^not-found: /);
			assert.match(await failure(streamOptions(`${web}/503`)), /^unreadable: .* its server has failed$/);
			assert.match(await failure(streamOptions(`http://${NOBODY}/`)), /^refused: /);
			assert.match(await failure(streamOptions(`${web.replace("http", "https")}/clip.ts`)), /^tls: /);
			assert.match(await failure(streamOptions(`${web}/silent`, { stall: 1000 })), /^timeout: .* no frame for 1 s$/);
		});

		it("a certificate that nobody vouches for is refused, unless that is allowed", { skip: noTls }, async () => {
			assert.match(await failure(streamOptions(`${secure}/clip.ts`)), /^tls: .*certificate/);
			assert.equal(await framesOf(streamOptions(`${secure}/clip.ts`, { verify: false, drop: "none" })), 30);
		});

		it("neither a playlist nor a redirect can make ffmpeg open a file", async () => {
			assert.match(await failure(streamOptions(`${web}/evil.m3u8`)), /^(unreadable|refused): /);
			assert.match(await failure(streamOptions(`${web}/elsewhere`)), /^(unreadable|refused): /);
		});

		it("a URL that is none, or that begins like an option, is refused", async () => {
			for (const url of ["-f", "file:///etc/passwd", "concat:a|b", "http://a b/", "rtsp://", "udp://127.0.0.1:1"]) {
				await assert.rejects(openCamera(streamOptions(url), ffmpeg), { code: "camera", message: /is not a stream/ });
			}
		});
	});

	describe(`over RTSP, with ${name}`, { skip: noRtspServer }, () => {
		const take = async (options: CameraOptions, count: number) => {
			const camera = await openCamera(options, ffmpeg);
			try {
				return (await camera.take(count, 10_000)).length;
			} finally {
				await camera.close();
			}
		};

		it("frames come live over TCP, of JPEG and of H.264", async () => {
			const ball = await openRtspServer();
			assert.equal(await take(streamOptions(`rtsp://127.0.0.1:${ball.port}/cam`), 20), 20);
			const clip = await openRtspServer("--file", at("clip.mp4"));
			const camera = await openCamera(streamOptions(`rtsp://127.0.0.1:${clip.port}/cam`), ffmpeg);
			const frames = await camera.take(10, 10_000);
			assert.equal(frames.length, 10);
			assert.equal(frames[0].pixels.length, 16 * 12 * 3);
			await camera.close();
		});

		it("a password is sent by digest and by the basic scheme, and a wrong one has its name", async () => {
			for (const scheme of [["--digest"], []]) {
				const server = await openRtspServer("--user", "cam", "--password", "p@ss/#", ...scheme);
				const address = (user: string) => streamOptions(`rtsp://${user}127.0.0.1:${server.port}/cam`);
				assert.equal(await take(address("cam:p%40ss%2F%23@"), 5), 5);
				const sentence = await failure(address("cam:hunter2@"));
				assert.match(sentence, /^auth: rtsp:\/\/\*\*\*@127\.0\.0\.1:\d+\/cam wants a user and a password/);
				assert.match(await failure(address("")), /^auth: /);
				await server.stop();
			}
		});

		it("TLS works, and where the server speaks none it has its name", { skip: noTls }, async () => {
			const server = await openRtspServer("--certificate", at("both.pem"));
			assert.equal(await take(streamOptions(`rtsps://127.0.0.1:${server.port}/cam`), 5), 5);
			const plain = await openRtspServer();
			assert.match(await failure(streamOptions(`rtsps://127.0.0.1:${plain.port}/cam`)), /^tls: /);
		});

		it("what goes wrong has its name", async () => {
			const server = await openRtspServer();
			assert.match(await failure(streamOptions(`rtsp://127.0.0.1:${server.port}/other`)), /^not-found: /);
			assert.match(await failure(streamOptions(`rtsp://${NOBODY}/cam`)), /^refused: /);
			const silent = await listening(createSocketServer(() => {}));
			const sentence = await failure(streamOptions(`rtsp://127.0.0.1:${silent}/cam`, { stall: 1000 }));
			assert.match(sentence, /^timeout: /);
		});

		it("a server that is killed ends the stream, one that is only stopped is found out by the watchdog", async () => {
			const server = await openRtspServer();
			const url = `rtsp://127.0.0.1:${server.port}/cam`;
			const reasonOf = async (camera: Camera) => {
				try {
					for (;;) await camera.take(8, 100);
				} catch (error) {
					return (error as CameraError).reason;
				} finally {
					await camera.close();
				}
			};
			const camera = await openCamera(streamOptions(url, { stall: 2000 }), ffmpeg);
			await camera.take(3, 1000);
			server.pause();
			assert.equal(await reasonOf(camera), "timeout");
			server.resume();
			const again = await openCamera(streamOptions(url), ffmpeg);
			await again.take(3, 1000);
			await server.stop();
			assert.match(await reasonOf(again), /^(ended|refused|timeout)$/);
		});
	});
}

describe("a URL by a host's name", () => {
	const url = "rtsp://no.such.host.invalid/cam";

	it("that nobody knows is unreachable", { skip: !systemFfmpeg() && "no ffmpeg on the PATH" }, async () => {
		const camera = await openCamera(streamOptions(url), systemFfmpeg());
		await assert.rejects(camera.take(1, 0), { reason: "unreachable" });
		await camera.close();
	});

	it("is too much for the ffmpeg that npm installed, which is said", {
		skip: !bundledFfmpeg() && "there is none",
	}, async () => {
		const camera = await openCamera(streamOptions(url), bundledFfmpeg());
		await assert.rejects(camera.take(1, 0), /crashed \(SIG\w+\) — .* install ffmpeg|host's name is not known/);
		await camera.close();
	});
});
